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
  bool stale = false;
  bool win_sent = false;
  bool binary_key = false;
  bool fetched = false;
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

  uint64_t RandomCas() { return Random(4) == 0 ? (uint64_t{1} << 50) + Random(1000) : 0; }

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
    switch (Random(11)) {
      case 0:
      case 1:
        return StepRead();
      case 2:
      case 10:
        return StepClaim();
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
    EXPECT_EQ(found->stale, expected->stale);
    EXPECT_EQ(found->win_sent, expected->win_sent);
    EXPECT_EQ(found->binary_key, expected->binary_key);
    EXPECT_EQ(found->fetched, expected->fetched);
    expected->fetched = true;
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

  void StepClaim() {
    const std::string key = RandomKey();
    const ReadOptions options{.touch = Random(3) == 0,
                              .expire = RandomExpire(),
                              .bump = Random(2) == 0,
                              .claim = true,
                              .recache_below = Random(2) == 0 ? RandomExpire() : 0,
                              .recache_after_touch = Random(2) == 0,
                              .create = Random(2) == 0,
                              .create_expire = RandomExpire(),
                              .chosen_cas = RandomCas()};
    Remembered* expected = Reconcile(key);
    const auto found = tested_.Get(key, now_, options);
    if (expected == nullptr) {
      // A flush or an expiry found late counts as a miss too.
      EXPECT_EQ(found.has_value(), tested_.last_read.created);
      EXPECT_TRUE(found || !options.create || !load_.options.evict);
      if (!found) return;
      EXPECT_TRUE(found->won && found->created && !found->win_sent && !found->fetched);
      model_[key] = {.cas = found->cas,
                     .expire = options.create_expire,
                     .win_sent = true,
                     .fetched = options.bump};
      return;
    }
    ASSERT_TRUE(found);
    const uint32_t before = expected->expire;
    if (options.touch) expected->expire = options.expire;
    const uint32_t compared = options.recache_after_touch ? expected->expire : before;
    const bool recache = compared != kNeverExpires && compared < options.recache_below;
    const bool wins = !expected->win_sent && (expected->stale || recache);
    EXPECT_EQ(found->won, wins);
    EXPECT_EQ(found->win_sent, expected->win_sent);
    EXPECT_EQ(found->expire_before, before);
    EXPECT_FALSE(found->created);
    expected->win_sent = expected->win_sent || wins;
  }

  void StepDelete() {
    const std::string key = RandomKey();
    Remembered* expected = Reconcile(key);
    DeleteOptions options{.compare = Random(3) == 0,
                          .invalidate = Random(3) == 0,
                          .remove_value = Random(4) == 0,
                          .touch = Random(2) == 0,
                          .compare_cas = expected != nullptr ? expected->cas + Random(2) : 77,
                          .expire = RandomExpire(),
                          .client_flags = static_cast<uint32_t>(Random(2)),
                          .chosen_cas = RandomCas()};
    const DeleteStatus status = tested_.Delete(key, now_, options);
    if (expected == nullptr) {
      EXPECT_EQ(status, DeleteStatus::kNotFound);
      return;
    }
    if (options.compare && options.compare_cas != expected->cas) {
      EXPECT_EQ(status, DeleteStatus::kExists);
      return;
    }
    if (status != DeleteStatus::kDeleted) {
      // There was no room to leave something in, or it was made by evicting the item itself.
      EXPECT_TRUE(options.invalidate || options.remove_value);
      EXPECT_TRUE(status == DeleteStatus::kNoMemory ? !load_.options.evict
                                                    : status == DeleteStatus::kNotFound);
      EXPECT_FALSE(load_.fits);
      if (status == DeleteStatus::kNotFound) model_.erase(key);
      return;
    }
    if (!options.invalidate && !options.remove_value) {
      model_.erase(key);
      return;
    }
    LearnWhatIsLeft(key, options, expected);
  }

  // Deletes do not tell the CAS of what they leave.
  void LearnWhatIsLeft(const std::string& key, const DeleteOptions& options, Remembered* expected) {
    const uint64_t cas = expected->cas;
    if (options.remove_value) {
      *expected = {.client_flags = options.client_flags, .cas = cas};
    }
    if (options.touch) expected->expire = options.expire;
    if (options.invalidate) {
      expected->stale = true;
      expected->win_sent = false;
    }
    if (options.chosen_cas != 0) {
      expected->cas = options.chosen_cas;
    } else if (options.invalidate) {
      const auto found = tested_.Get(key, now_, {.bump = false, .claim = true});
      if (!found) return;  // it has just expired
      EXPECT_NE(found->cas, cas);
      EXPECT_TRUE(found->won);
      expected->win_sent = true;
      expected->cas = found->cas;
    }
  }

  void StepArithmetic() {
    const std::string key = RandomKey();
    Remembered* expected = Reconcile(key);
    ArithmeticOptions options{.decrement = Random(2) == 0,
                              .delta = Random(2) == 0 ? random_() : Random(100),
                              .compare = Random(4) == 0,
                              .touch = Random(3) == 0,
                              .compare_cas = expected != nullptr ? expected->cas + Random(2) : 77,
                              .initial = random_(),
                              .create_expire = RandomExpire(),
                              .expire = RandomExpire(),
                              .chosen_cas = RandomCas()};
    // What is evicted by the very operation must not come back as another number.
    options.create = (expected == nullptr || load_.fits) && Random(2) == 0;
    if (expected != nullptr && (expected->value.size() > 20 || Random(4) == 0)) {
      return StoreBoth(key, std::to_string(Random(2) == 0 ? random_() : Random(200)), {});
    }
    const ArithmeticOutcome outcome = tested_.Count(key, now_, options);
    if (expected == nullptr) {
      if (!options.create) {
        EXPECT_EQ(outcome.status, ArithmeticStatus::kNotFound);
      } else if (outcome.status == ArithmeticStatus::kDone) {
        EXPECT_TRUE(outcome.created);
        EXPECT_EQ(outcome.value, options.initial);
        model_[key] = {.value = std::to_string(options.initial),
                       .cas = outcome.cas,
                       .expire = options.create_expire};
      } else {
        EXPECT_EQ(outcome.status, ArithmeticStatus::kNoMemory);
        EXPECT_FALSE(load_.options.evict);
      }
      return;
    }
    if (outcome.status == ArithmeticStatus::kDone) {
      RememberCounted(options, outcome, expected);
    } else if (outcome.status == ArithmeticStatus::kNoMemory) {
      EXPECT_FALSE(load_.options.evict && load_.fits);
    } else if (outcome.status == ArithmeticStatus::kExists) {
      EXPECT_TRUE(options.compare && options.compare_cas != expected->cas);
    }
  }

  void RememberCounted(const ArithmeticOptions& options, const ArithmeticOutcome& outcome,
                       Remembered* expected) {
    EXPECT_TRUE(!options.compare || options.compare_cas == expected->cas);
    EXPECT_TRUE(options.chosen_cas == 0 || outcome.cas == options.chosen_cas);
    EXPECT_EQ(outcome.expire_before, expected->expire);
    if (options.touch) expected->expire = options.expire;
    EXPECT_EQ(outcome.expire, expected->expire);
    std::string digits = std::to_string(outcome.value);
    if (digits.size() > expected->value.size()) {
      expected->stale = expected->win_sent = expected->binary_key = expected->fetched = false;
    }
    digits.resize(std::max(digits.size(), expected->value.size()), ' ');
    expected->value = digits;
    expected->cas = outcome.cas;
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
      EXPECT_TRUE(options.chosen_cas == 0 || outcome.cas == options.chosen_cas);
      EXPECT_EQ(outcome.value_bytes, value.size());
      const Remembered old = model_[key];
      model_[key] = {.value = value,
                     .client_flags = options.client_flags,
                     .cas = outcome.cas,
                     .expire = options.expire,
                     .binary_key = options.binary_key};
      if (options.compare && options.compare_cas < old.cas) {
        model_[key].stale = true;
        model_[key].win_sent = old.win_sent;
        model_[key].expire = old.expire;
      }
    } else if (outcome.status == WriteStatus::kNoMemory) {
      EXPECT_FALSE(load_.options.evict) << "no memory for " << value.size();
    }
  }

  void StepWrite() {
    const std::string key = RandomKey();
    const std::string value = RandomValue();
    Remembered* expected = Reconcile(key);
    WriteOptions options{.binary_key = Random(4) == 0,
                         .client_flags = static_cast<uint32_t>(Random(3) == 0 ? random_() : 0),
                         .expire = RandomExpire(),
                         .chosen_cas = RandomCas()};
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
        options.invalidate = Random(2) == 0;
        break;
      case 3:
        return StepExtend(key, value, options, expected);
      default:
        break;
    }
    const auto matches = [&] {
      return options.compare_cas == expected->cas ||
             (options.invalidate && options.compare_cas != 0 &&
              options.compare_cas < expected->cas);
    };
    const bool allowed = options.compare                       ? expected != nullptr && matches()
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

  void StepExtend(const std::string& key, const std::string& value, WriteOptions options,
                  Remembered* expected) {
    options.mode = Random(2) == 0 ? WriteMode::kAppend : WriteMode::kPrepend;
    // What is evicted by the very operation must not come back without its old value.
    options.create = (expected == nullptr || load_.fits) && Random(2) == 0;
    options.compare = Random(4) == 0;
    options.compare_cas = expected != nullptr ? expected->cas - Random(2) : 77;
    const WriteOutcome outcome =
        Random(2) == 0 ? tested_.PutInSteps(key, value, 1 + Random(5000), now_, options)
                       : tested_.Put(key, value, now_, options);
    if (outcome.status == WriteStatus::kStored && expected == nullptr) {
      ASSERT_TRUE(options.create);
      model_[key] = {.value = value,
                     .client_flags = options.client_flags,
                     .cas = outcome.cas,
                     .expire = options.expire,
                     .binary_key = options.binary_key};
    } else if (outcome.status == WriteStatus::kStored) {
      EXPECT_TRUE(!options.compare || options.compare_cas == expected->cas);
      EXPECT_TRUE(options.chosen_cas == 0 || outcome.cas == options.chosen_cas);
      *expected = {.value = options.mode == WriteMode::kAppend ? expected->value + value
                                                               : value + expected->value,
                   .client_flags = expected->client_flags,
                   .cas = outcome.cas,
                   .expire = expected->expire};
      EXPECT_EQ(outcome.value_bytes, expected->value.size());
    } else if (outcome.status == WriteStatus::kExists) {
      ASSERT_NE(expected, nullptr);
      EXPECT_TRUE(options.compare && options.compare_cas != expected->cas);
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
