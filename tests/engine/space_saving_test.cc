#include "server/engine/space_saving.h"

#include <cmath>
#include <map>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder {
namespace {

using testing::Field;

// The keys' hashes need only differ.
void Add(SpaceSaving* sketch, const std::string& key, uint64_t weight = 1) {
  sketch->Add({key, std::hash<std::string>()(key)}, weight, static_cast<uint32_t>(key.size()));
}

TEST(SpaceSavingTest, FewKeysAreCountedExactly) {
  SpaceSaving sketch;
  for (int i = 0; i < 3; ++i) Add(&sketch, "often");
  Add(&sketch, "once");
  Add(&sketch, "", 2);
  const std::vector<SpaceSaving::Entry> entries = sketch.Heaviest(10);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].key, "often");
  EXPECT_EQ(entries[0].weight, 3u);
  EXPECT_EQ(entries[0].error, 0u);
  EXPECT_EQ(entries[0].value_bytes, 5u);
  EXPECT_EQ(entries[1].key, "");
  EXPECT_EQ(entries[2].key, "once");
  EXPECT_EQ(sketch.total(), 6u);
  EXPECT_EQ(sketch.Heaviest(1).size(), 1u);
}

TEST(SpaceSavingTest, TheLongestKeyIsKeptWhole) {
  SpaceSaving sketch;
  const std::string key(kKeyBytesMax, 'k');
  Add(&sketch, key);
  EXPECT_EQ(sketch.Heaviest(1).at(0).key, key);
}

// Keys that share a tag are still told apart.
TEST(SpaceSavingTest, EqualHashesAreNotEqualKeys) {
  SpaceSaving sketch;
  sketch.Add({"a", 7}, 2, 0);
  sketch.Add({"b", 7}, 1, 0);
  EXPECT_THAT(sketch.Heaviest(2), testing::ElementsAre(Field(&SpaceSaving::Entry::key, "a"),
                                                       Field(&SpaceSaving::Entry::key, "b")));
}

// What the paper promises, for several kinds of load.
void ExpectGuarantees(const std::map<std::string, uint64_t>& exact, const SpaceSaving& sketch) {
  uint64_t total = 0;
  for (const auto& [key, weight] : exact) total += weight;
  EXPECT_EQ(sketch.total(), total);
  const uint64_t bound = total / SpaceSaving::kCounters;
  std::map<std::string, SpaceSaving::Entry> counted;
  uint64_t sum = 0;
  for (const SpaceSaving::Entry& entry : sketch.Heaviest(SpaceSaving::kCounters)) {
    sum += entry.weight;
    EXPECT_LE(entry.error, bound);
    EXPECT_GE(entry.weight, exact.at(entry.key));
    EXPECT_LE(entry.weight - entry.error, exact.at(entry.key));
    counted[entry.key] = entry;
  }
  EXPECT_EQ(sum, total);
  for (const auto& [key, weight] : exact) {
    if (weight <= bound) continue;
    EXPECT_TRUE(counted.contains(key)) << key << " came " << weight << " times";
  }
}

TEST(SpaceSavingTest, WhatIsHeavyHasACounter) {
  for (const double skew : {0.2, 1.0, 3.0}) {
    for (const bool weighted : {false, true}) {
      std::mt19937 random(4);
      SpaceSaving sketch;
      std::map<std::string, uint64_t> exact;
      for (int i = 0; i < 50'000; ++i) {
        // From nearly even to a few keys that are most of the load.
        const double u = std::uniform_real_distribution<>(0, 1)(random);
        const std::string key = std::to_string(static_cast<int>(2000 * std::pow(u, skew)));
        const uint64_t weight = weighted ? random() % 1000 : 1;
        Add(&sketch, key, weight);
        exact[key] += weight;
      }
      ExpectGuarantees(exact, sketch);
    }
  }
}

// A key that comes late must not stay behind what was heavy once.
TEST(SpaceSavingTest, HalvingLetsNewKeysRise) {
  SpaceSaving sketch;
  Add(&sketch, "old", 1000);
  for (int i = 0; i < 5; ++i) sketch.Halve();
  EXPECT_EQ(sketch.total(), 31u);
  Add(&sketch, "new", 100);
  EXPECT_EQ(sketch.Heaviest(1).at(0).key, "new");
  EXPECT_EQ(sketch.Heaviest(2).at(1).weight, 31u);
}

TEST(SpaceSavingTest, HalvingKeepsTheLightestRight) {
  SpaceSaving sketch;
  std::mt19937 random(9);
  for (int i = 0; i < 20'000; ++i) {
    Add(&sketch, std::to_string(random() % 500), 1 + random() % 9);
    if (i % 1000 == 0) sketch.Halve();
  }
  Add(&sketch, "heavy", sketch.total());
  EXPECT_EQ(sketch.Heaviest(1).at(0).key, "heavy");
  EXPECT_LE(sketch.Heaviest(1).at(0).error, sketch.total() / SpaceSaving::kCounters);
}

TEST(SpaceSavingTest, ClearForgetsAll) {
  SpaceSaving sketch;
  Add(&sketch, "a");
  sketch.Clear();
  EXPECT_TRUE(sketch.Heaviest(1).empty());
  EXPECT_EQ(sketch.total(), 0u);
}

}  // namespace
}  // namespace larder
