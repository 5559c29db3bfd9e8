#include "server/engine/miss_ratio_curve.h"

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/store.h"

namespace larder {
namespace {

using testing::Each;

constexpr uint64_t kMiB = 1 << 20;

// A real store with a client that stores what it misses, and the curve that looks on, at every key
// as long as its table has room for them: in a test there are few.
class Load {
 public:
  explicit Load(uint64_t memory_bytes) {
    auto store = Store::Create({.memory_bytes = memory_bytes, .hash_seed = 42});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    lane_ = &store_->AddLane();
    curve_.Update(store_->Stats(), store_->probation_percent(), {}, now);
  }

  void Get(const std::string& name, uint32_t value_bytes) {
    const Key key = store_->MakeKey(name);
    uint64_t bytes = 0;
    const ReadOutcome outcome = store_->Read(
        *lane_, key, {}, now, [&](const ItemView& item) { bytes = item.total_bytes(); });
    ++counts_.reads;
    Tell(key, bytes, /*reads=*/1);
    if (outcome.status == ReadStatus::kHit) return;
    ++counts_.misses;
    (void)store_->Write(*lane_, key, std::string(value_bytes, 'v'), {}, now);
    store_->Peek(key, now, [&](const ItemView& item) { bytes = item.total_bytes(); });
    Tell(key, bytes, /*reads=*/0);
    while (store_->Maintain(now, 100)) {
    }
  }

  void Reset() {
    counts_ = {};
    curve_.Reset(counts_, now);
  }
  MissRatios Estimate() {
    curve_.Update(store_->Stats(), store_->probation_percent(), counts_, now);
    return curve_.Estimate();
  }
  double MissRatio() const {
    return static_cast<double>(counts_.misses) / static_cast<double>(counts_.reads);
  }
  MissRatioCurve& curve() { return curve_; }

  Tick now{1000};

 private:
  void Tell(const Key& key, uint64_t bytes, uint32_t reads) {
    if (key.hash >= threshold_) return;
    if (bytes > 0) bytes += MissRatioCurve::kIndexBytes;
    const SampledAccess access = {
        .hash = key.hash, .bytes = static_cast<uint32_t>(bytes), .reads = reads};
    const MissRatioCurve::Taken taken = curve_.TryTake({&access, 1}, now);
    ASSERT_TRUE(taken.taken);
    threshold_ = taken.threshold;
    if (taken.wants_update) {
      curve_.Update(store_->Stats(), store_->probation_percent(), counts_, now);
    }
  }

  std::unique_ptr<Store> store_;
  Lane* lane_;
  MissRatioCurve curve_{UINT64_MAX};
  uint64_t threshold_ = UINT64_MAX;
  ReadCounts counts_;
};

// A skewed load, with some keys in between that nobody asks for twice.
void RunSkewed(Load* load) {
  constexpr uint32_t kKeys = 60'000;
  std::vector<double> shares(kKeys);
  double sum = 0;
  for (uint32_t i = 0; i < kKeys; ++i) shares[i] = sum += std::pow(i + 1, -0.9);
  std::mt19937 random(5);
  std::uniform_real_distribution<> any(0, sum);
  int once = 0;
  for (int i = 0; i < 400'000; ++i) {
    if (random() % 10 == 0) {
      load->Get(std::to_string(++once) + " once", 100);
    } else {
      const auto key = std::ranges::lower_bound(shares, any(random)) - shares.begin();
      load->Get(std::to_string(key) + " key", 50 + static_cast<uint32_t>(key * 37 % 400));
    }
    if (i == 100'000) load->Reset();
  }
}

TEST(MissRatioCurveTest, IsWhatOtherSizesMiss) {
  Load load(4 * kMiB), half(2 * kMiB), twice(8 * kMiB), more(6 * kMiB);
  for (Load* each : {&load, &half, &twice, &more}) RunSkewed(each);
  const MissRatios ratios = load.Estimate();
  EXPECT_NEAR(ratios.measured, load.MissRatio(), 1e-9);
  EXPECT_NEAR(ratios.misses[0], half.MissRatio(), 0.02);
  EXPECT_NEAR(ratios.misses[1], load.MissRatio(), 1e-9);
  EXPECT_NEAR(ratios.misses[2], more.MissRatio(), 0.02);
  EXPECT_NEAR(ratios.misses[3], twice.MissRatio(), 0.02);
  // The sizes are so far apart that the above says something.
  EXPECT_GT(half.MissRatio() - load.MissRatio(), 0.05);
  EXPECT_GT(load.MissRatio() - twice.MissRatio(), 0.05);
  EXPECT_LE(ratios.keys, MiniatureCaches::kKeysMax);
  EXPECT_LT(ratios.sample_rate, 1);
}

TEST(MissRatioCurveTest, ResetStartsTheCountsAgain) {
  Load load(2 * kMiB);
  for (int i = 0; i < 100; ++i) load.Get("key", 100);
  load.Reset();
  EXPECT_EQ(load.Estimate().reads, 0);
  for (int i = 0; i < 50; ++i) load.Get("key", 100);
  // It is known from before: no miss.
  EXPECT_EQ(load.Estimate().reads, 50);
  EXPECT_EQ(load.Estimate().measured, 0);
  EXPECT_THAT(load.Estimate().misses, Each(0));
}

TEST(MissRatioCurveTest, WhatWasLongAgoCountsLess) {
  Load load(2 * kMiB);
  for (int i = 0; i < 100; ++i) load.Get(std::to_string(i) + "a", 100);
  EXPECT_EQ(load.Estimate().reads, 100);
  load.now.seconds += MissRatioCurve::kHalfLifeSeconds;
  EXPECT_EQ(load.Estimate().reads, 50);
  for (int i = 0; i < 50; ++i) load.Get("0a", 100);
  EXPECT_EQ(load.Estimate().measured, 0.5);
  EXPECT_EQ(load.Estimate().misses[MiniatureCaches::kSame], 0.5);
}

TEST(MissRatioCurveTest, AFlushEmptiesTheMiniatures) {
  Load load(2 * kMiB);
  for (int i = 0; i < 100; ++i) load.Get(std::to_string(i) + "a", 100);
  load.curve().Flush(Tick{load.now.seconds + 5});
  load.Get("1a", 100);
  EXPECT_EQ(load.Estimate().keys, 100u);
  load.now.seconds += 5;
  load.Get("b", 100);
  EXPECT_EQ(load.Estimate().keys, 1u);
}

}  // namespace
}  // namespace larder
