#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/slab/store_fixture.h"

// Random operations on a store and on a plain map with the same rules. The store may forget what it
// evicts, but what it returns is what the map holds; without memory pressure it forgets nothing.

namespace larder {
namespace {

struct Remembered {
  std::string value;
  uint32_t client_flags = 0;
  uint64_t cas = 0;
  uint32_t expire = kNeverExpires;
};

struct Load {
  std::string name;
  StoreOptions options;
  size_t keys = 1000;
  size_t value_bytes_usual = 100;
  size_t value_bytes_rare = 3000;  // one value in eight is of up to so many bytes
  int operations = 60000;
  bool fits = false;  // nothing is ever evicted
  bool limit_changes = false;
  uint32_t seed = 1;
};

class Player {
 public:
  explicit Player(const Load& load) : load_(load), random_(load.seed), tested_(load.options) {}

  void Play() {
    for (int i = 0; i < load_.operations && !::testing::Test::HasFatalFailure(); ++i) {
      Step();
      if (i % 2000 == 0) tested_.store().CheckInvariants();
    }
    pins_.clear();
    tested_.MaintainAll(now_);
    tested_.store().CheckInvariants();
  }

  int hits() const { return hits_; }
  Store& store() { return tested_.store(); }

 private:
  uint64_t Random(uint64_t end) { return random_() % end; }

  std::string RandomKey() {
    const uint64_t n = Random(load_.keys);
    // Some keys are long, one as long as can be.
    std::string key = "key" + std::to_string(n);
    if (n % 17 == 0) key.resize(250, 'k');
    if (n % 17 == 0) key.replace(0, 8, std::to_string(10000000 + n));
    return key;
  }

  std::string RandomValue() {
    const size_t most = Random(8) == 0 ? load_.value_bytes_rare : load_.value_bytes_usual;
    std::string value(Random(most + 1), '\0');
    for (char& c : value) c = static_cast<char>('a' + Random(26));
    return value;
  }

  uint32_t RandomExpire() {
    switch (Random(4)) {
      case 0:
        return now_.seconds + 1 + static_cast<uint32_t>(Random(30));
      case 1:
        return std::max<uint32_t>(now_.seconds - 1, 1);  // at once
      default:
        return kNeverExpires;
    }
  }

  // The model's item, if it is alive.
  Remembered* Model(const std::string& key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return nullptr;
    if (HasPassed(found->second.expire, now_)) {
      model_.erase(found);
      return nullptr;
    }
    return &found->second;
  }

  void Step() {
    if (Random(50) == 0) now_.seconds += static_cast<uint32_t>(Random(4));
    if (Random(20) == 0) tested_.store().Maintain(now_, Random(300));
    if (Random(3000) == 0) {
      tested_.store().Flush(now_, now_);
      model_.clear();
    }
    if (load_.limit_changes && Random(2000) == 0) {
      // Half to one and a half of what it was at first.
      tested_.store().SetMemoryLimit(load_.options.memory_bytes * (5 + Random(11)) / 10);
    }
    if (Random(100) == 0 && !pins_.empty()) pins_.erase(pins_.begin());
    switch (Random(10)) {
      case 0:
      case 1:
      case 2:
        return StepRead();
      case 3:
        return StepDelete();
      case 4:
        return StepArithmetic();
      case 5:
        return StepPin();
      default:
        return StepWrite();
    }
  }

  // What the store says of the key must be the model's; if the store has forgotten the item, the
  // model forgets it too.
  Remembered* Reconcile(const std::string& key) {
    Remembered* expected = Model(key);
    const auto found = tested_.Get(key, now_);
    if (!found) {
      EXPECT_TRUE(expected == nullptr || !load_.fits) << "lost " << key;
      model_.erase(key);
      return nullptr;
    }
    ++hits_;
    if (expected == nullptr) {
      ADD_FAILURE() << "came back: " << key;
      return nullptr;
    }
    EXPECT_EQ(found->value, expected->value);
    EXPECT_EQ(found->client_flags, expected->client_flags);
    EXPECT_EQ(found->cas, expected->cas);
    EXPECT_EQ(found->expire, expected->expire);
    return expected;
  }

  void StepRead() {
    const std::string key = RandomKey();
    Remembered* expected = Reconcile(key);
    if (expected != nullptr && Random(4) == 0) {
      const uint32_t expire = RandomExpire();
      if (tested_.Get(key, now_, {.touch = true, .expire = expire})) expected->expire = expire;
    }
  }

  void StepDelete() {
    const std::string key = RandomKey();
    const Remembered* expected = Reconcile(key);
    EXPECT_EQ(tested_.Delete(key, now_),
              expected != nullptr ? DeleteStatus::kDeleted : DeleteStatus::kNotFound);
    model_.erase(key);
  }

  void StepArithmetic() {
    const std::string key = RandomKey();
    Remembered* expected = Reconcile(key);
    if (expected == nullptr || expected->value.size() > 20 || Random(2) == 0) {
      const std::string digits = std::to_string(random_());
      StoreBoth(key, digits, {});
      return;
    }
    const uint64_t delta = random_();
    const ArithmeticOutcome outcome = tested_.Add(key, delta, now_, Random(2) == 0);
    if (outcome.status == ArithmeticStatus::kDone) {
      std::string digits = std::to_string(outcome.value);
      digits.resize(std::max(digits.size(), expected->value.size()), ' ');
      expected->value = digits;
      expected->cas = outcome.cas;
    } else if (outcome.status == ArithmeticStatus::kNoMemory) {
      EXPECT_FALSE(load_.options.evict && load_.fits);
    }
  }

  // Holds a large value while the store goes on, and checks it at the end.
  void StepPin() {
    const std::string key = RandomKey();
    const Remembered* expected = Reconcile(key);
    if (expected == nullptr || pins_.size() > 3) return;
    Pinned pinned(expected->value, {});
    tested_.store().Read(tested_.lane(), tested_.store().MakeKey(key), {}, now_,
                         [&](const ItemView& item) {
                           if (item.large()) pinned.pin = item.Pin();
                         });
    if (pinned.pin) pins_.push_back(std::move(pinned));
  }

  void StoreBoth(const std::string& key, const std::string& value, const WriteOptions& options) {
    const WriteOutcome outcome =
        Random(3) == 0 ? tested_.PutInSteps(key, value, 1 + Random(5000), now_, options)
                       : tested_.Put(key, value, now_, options);
    if (outcome.status == WriteStatus::kStored) {
      model_[key] = {.value = value,
                     .client_flags = options.client_flags,
                     .cas = outcome.cas,
                     .expire = options.expire};
    } else if (outcome.status == WriteStatus::kNoMemory) {
      EXPECT_FALSE(load_.options.evict) << "no memory for " << value.size();
    }
  }

  void StepWrite() {
    const std::string key = RandomKey();
    const std::string value = RandomValue();
    Remembered* expected = Reconcile(key);
    WriteOptions options{.client_flags = static_cast<uint32_t>(Random(3) == 0 ? random_() : 0),
                         .expire = RandomExpire()};
    switch (Random(6)) {
      case 0:
        options.mode = WriteMode::kAdd;
        break;
      case 1:
        options.mode = WriteMode::kReplace;
        break;
      case 2:
        options.compare = true;
        options.compare_cas = expected != nullptr ? expected->cas - Random(2) : 77;
        break;
      case 3:
        return StepExtend(key, value, expected);
      default:
        break;
    }
    const bool allowed = options.compare
                             ? expected != nullptr && options.compare_cas == expected->cas
                         : options.mode == WriteMode::kAdd     ? expected == nullptr
                         : options.mode == WriteMode::kReplace ? expected != nullptr
                                                               : true;
    if (allowed) {
      StoreBoth(key, value, options);
      return;
    }
    const WriteOutcome outcome = tested_.Put(key, value, now_, options);
    EXPECT_NE(outcome.status, WriteStatus::kStored);
  }

  void StepExtend(const std::string& key, const std::string& value, Remembered* expected) {
    const WriteOptions options{.mode = Random(2) == 0 ? WriteMode::kAppend : WriteMode::kPrepend};
    const WriteOutcome outcome =
        Random(2) == 0 ? tested_.PutInSteps(key, value, 1 + Random(5000), now_, options)
                       : tested_.Put(key, value, now_, options);
    if (outcome.status == WriteStatus::kStored) {
      ASSERT_NE(expected, nullptr);
      expected->value =
          options.mode == WriteMode::kAppend ? expected->value + value : value + expected->value;
      expected->cas = outcome.cas;
    } else if (expected != nullptr) {
      // Too large, or what it was to extend went to make room for it.
      EXPECT_TRUE(outcome.status == WriteStatus::kTooLarge || !load_.fits);
    } else {
      EXPECT_NE(outcome.status, WriteStatus::kTooLarge);
    }
  }

  struct Pinned {
    std::string value;
    ItemRef pin;
    Pinned(std::string v, ItemRef p) : value(std::move(v)), pin(std::move(p)) {}
    Pinned(Pinned&&) = default;
    Pinned& operator=(Pinned&&) = default;
    ~Pinned() {
      if (!pin) return;
      EXPECT_TRUE(ReadAll(pin.Pieces()) == value) << "a pinned value changed";
    }
  };

  const Load load_;
  std::mt19937_64 random_;
  StoreUnderTest tested_;
  std::map<std::string, Remembered> model_;
  std::vector<Pinned> pins_;
  Tick now_{100};
  int hits_ = 0;
};

class StorePropertyTest : public ::testing::TestWithParam<Load> {};

TEST_P(StorePropertyTest, BehavesLikeAMap) {
  Load load = GetParam();
  if (const char* seed = std::getenv("LARDER_SEED")) {
    load.seed = static_cast<uint32_t>(std::strtoul(seed, nullptr, 10));
  }
  SCOPED_TRACE("LARDER_SEED=" + std::to_string(load.seed));
  Player player(load);
  player.Play();
  EXPECT_GT(player.hits(), load.operations / 50);
  const StoreStats stats = player.store().Stats();
  uint64_t evicted = 0;
  for (const ClassStats& of_class : stats.classes) evicted += of_class.evicted;
  if (load.fits || !load.options.evict) {
    EXPECT_EQ(evicted, 0u);
  } else {
    EXPECT_GT(evicted, 0u);
  }
}

constexpr uint64_t kMiB = uint64_t{1} << 20;

INSTANTIATE_TEST_SUITE_P(
    Loads, StorePropertyTest,
    ::testing::Values(
        Load{.name = "Roomy", .options = {.memory_bytes = 64 * kMiB}, .fits = true},
        Load{.name = "TinySmallValues",
             .options = {.memory_bytes = 2 * kMiB},
             .keys = 20000,
             .value_bytes_rare = 300,
             .operations = 200000},
        Load{.name = "TinyMixedSizes",
             .options = {.memory_bytes = 2 * kMiB},
             .keys = 1000,
             .value_bytes_usual = 600,
             .value_bytes_rare = 60000},
        Load{.name = "TinyChains",
             .options = {.memory_bytes = 3 * kMiB},
             .keys = 200,
             .value_bytes_usual = 9000,
             .value_bytes_rare = 300000,
             .operations = 20000},
        Load{.name = "LimitUpAndDown",
             .options = {.memory_bytes = 4 * kMiB},
             .keys = 2000,
             .value_bytes_usual = 600,
             .value_bytes_rare = 60000,
             .limit_changes = true},
        Load{.name = "RefusesInsteadOfEvicting",
             .options = {.memory_bytes = kMiB, .evict = false},
             .keys = 5000},
        Load{.name = "NoProbation",
             .options = {.memory_bytes = 2 * kMiB, .probation_percent = 0},
             .keys = 12000,
             .value_bytes_rare = 300,
             .operations = 100000},
        Load{.name = "MostlyProbation",
             .options = {.memory_bytes = 2 * kMiB, .probation_percent = 90},
             .keys = 12000,
             .value_bytes_rare = 300,
             .operations = 100000},
        Load{.name = "ClassesOfTheUsers",
             .options = {.memory_bytes = kMiB, .growth_factor = 2.0, .value_bytes_min = 48},
             .keys = 3000,
             .value_bytes_rare = 20000}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace larder
