#include <array>
#include <atomic>
#include <charconv>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/slab/store_fixture.h"

// Several threads on one small store, with the maintaining thread beside them. What a value holds
// says whose key it is and that it was written whole; counters lose no increment.

namespace larder {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int kThreads = 4;

std::string KeyOf(uint64_t n) { return "key:" + std::to_string(n); }

// The key, then one letter as often as the length asks for.
std::string ValueOf(uint64_t n, char letter, size_t bytes) {
  std::string value = KeyOf(n) + "=";
  value.append(bytes, letter);
  return value;
}

void ExpectWhole(uint64_t n, std::string_view value) {
  const std::string start = KeyOf(n) + "=";
  ASSERT_EQ(value.substr(0, start.size()), start);
  const std::string_view letters = value.substr(start.size());
  ASSERT_EQ(letters.find_first_not_of(letters.empty() ? 'x' : letters.front()),
            std::string_view::npos);
}

class ThreadsTest : public ::testing::Test {
 protected:
  // Calls work(thread number, lane, random) on each thread until all return, with Maintain going
  // on meanwhile and the time passing by a second every so often.
  template <typename Work>
  void Run(const StoreOptions& options, Work&& work) {
    auto created = Store::Create(options);
    ASSERT_TRUE(created.ok());
    store_ = *std::move(created);
    std::atomic<int> running{kThreads};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i, lane = &store_->AddLane()] {
        std::mt19937_64 random(static_cast<uint64_t>(i) + 1);
        work(i, *lane, random);
        running.fetch_sub(1);
      });
    }
    for (int turn = 0; running.load() > 0; ++turn) {
      store_->Maintain(now(), 500);
      if (turn % 64 == 0) seconds_.fetch_add(1);
      std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    while (store_->Maintain(now(), 10000)) {
    }
    store_->CheckInvariants();
  }

  Tick now() const { return {seconds_.load(std::memory_order_relaxed)}; }

  std::unique_ptr<Store> store_;
  std::atomic<uint32_t> seconds_{10};
};

class Mixed {
 public:
  Mixed(Store* store, Lane* lane, std::mt19937_64* random, uint64_t keys, size_t bytes_max)
      : store_(*store), lane_(*lane), random_(*random), keys_(keys), bytes_max_(bytes_max) {}

  void Step(Tick now) {
    const uint64_t n = random_() % keys_;
    const std::string text = KeyOf(n);
    const Key key = store_.MakeKey(text);
    switch (random_() % 10) {
      case 0:
      case 1:
      case 2:
        return Read(n, key, {}, now);
      case 3:
        store_.Delete(lane_, key, {}, now);
        return;
      case 8:
        return Read(n, key,
                    {.bump = random_() % 2 == 0,
                     .claim = true,
                     .recache_below = now.seconds + 2,
                     .create = random_() % 4 == 0,
                     .chosen_cas = RandomCas()},
                    now);
      case 9:
        store_.Delete(lane_, key,
                      {.invalidate = random_() % 4 != 0,
                       .remove_value = random_() % 4 == 0,
                       .chosen_cas = RandomCas()},
                      now);
        return;
      case 4:
        return Extend(key, now);
      case 5:
        return Receive(n, key, now);
      default:
        return Write(n, key, now);
    }
  }

 private:
  uint64_t RandomCas() { return random_() % 2 == 0 ? random_() : 0; }

  void Read(uint64_t n, const Key& key, const ReadOptions& options, Tick now) {
    std::string value;
    ItemRef pin;
    const ReadOutcome outcome =
        store_.ReadOrCreate(lane_, key, options, now, [&](const ItemView& item) {
          if (item.large()) {
            pin = item.Pin();
          } else {
            value = item.value();
          }
        });
    if (outcome.status != ReadStatus::kHit) return;
    if (!pin && value.empty()) return;  // it was removed, or is to be brought
    if (!pin) return ExpectWhole(n, value);
    // A few stay pinned for a while.
    pins_[random_() % pins_.size()] = {n, std::move(pin)};
    const auto& [number, kept] = pins_[random_() % pins_.size()];
    if (kept) ExpectWhole(number, ReadAll(kept.Pieces()));
  }

  size_t RandomBytes() { return random_() % (random_() % 8 == 0 ? bytes_max_ : 200); }
  WriteOptions RandomOptions(Tick now) {
    return {.client_flags = static_cast<uint32_t>(random_() % 2),
            .expire = random_() % 3 == 0 ? now.seconds + static_cast<uint32_t>(random_() % 3)
                                         : kNeverExpires,
            .chosen_cas = random_() % 4 == 0 ? random_() : 0};
  }

  void Write(uint64_t n, const Key& key, Tick now) {
    const char letter = static_cast<char>('a' + random_() % 26);
    store_.Write(lane_, key, ValueOf(n, letter, RandomBytes()), RandomOptions(now), now);
  }

  void Extend(const Key& key, Tick now) {
    WriteOptions options{.mode = WriteMode::kAppend};
    store_.Write(lane_, key, {}, options, now);
  }

  void Receive(uint64_t n, const Key& key, Tick now) {
    const char letter = static_cast<char>('a' + random_() % 26);
    const std::string value = ValueOf(n, letter, RandomBytes());
    const WriteOptions options = RandomOptions(now);
    Reservation reservation;
    const WriteStatus status = store_.Reserve(lane_, key,
                                              {.value_bytes = value.size(),
                                               .client_flags = options.client_flags,
                                               .expire = options.expire,
                                               .chosen_cas = options.chosen_cas},
                                              now, &reservation);
    if (status != WriteStatus::kStored || random_() % 16 == 0) return;
    for (size_t at = 0; reservation.missing_bytes() > 0;) {
      const std::span<char> room = reservation.Room();
      std::copy_n(value.data() + at, room.size(), room.data());
      at += room.size();
      reservation.Filled(room.size());
    }
    store_.Commit(std::move(reservation), options, now);
  }

  Store& store_;
  Lane& lane_;
  std::mt19937_64& random_;
  const uint64_t keys_;
  const size_t bytes_max_;
  std::array<std::pair<uint64_t, ItemRef>, 3> pins_;
};

TEST_F(ThreadsTest, ValuesAreWholeUnderEvictionAndExpiry) {
  Run({.memory_bytes = 4 * kMiB}, [this](int, Lane& lane, std::mt19937_64& random) {
    Mixed mixed(store_.get(), &lane, &random, 20000, 1000);
    for (int i = 0; i < 30000; ++i) mixed.Step(now());
  });
}

TEST_F(ThreadsTest, ChainsAreWholeWhilePagesMove) {
  Run({.memory_bytes = 8 * kMiB}, [this](int, Lane& lane, std::mt19937_64& random) {
    Mixed mixed(store_.get(), &lane, &random, 300, 200000);
    for (int i = 0; i < 4000; ++i) mixed.Step(now());
  });
}

// Small pages, so that most values are chains, of chunks that held items on probation before.
TEST_F(ThreadsTest, ChunksOfItemsBecomePartsOfChains) {
  Run({.memory_bytes = 8 * kMiB}, [this](int, Lane& lane, std::mt19937_64& random) {
    Mixed mixed(store_.get(), &lane, &random, 2000, 60000);
    for (int i = 0; i < 20000; ++i) mixed.Step(now());
  });
}

// All threads' values together are half of the memory: whatever the others are at, there is room.
TEST_F(ThreadsTest, NoStoreIsRefusedWhileSomethingCanBeEvicted) {
  Run({.memory_bytes = 16 * kMiB, .item_limit = {.item_bytes_max = 8 * kMiB}},
      [this](int, Lane& lane, std::mt19937_64& random) {
        for (int i = 0; i < 1500; ++i) {
          const std::string text = KeyOf(random() % 1000);
          const size_t bytes = random() % (1 << (4 + random() % 18));  // up to 2 MiB
          const WriteOutcome outcome =
              store_->Write(lane, store_->MakeKey(text), std::string(bytes, 'x'), {}, now());
          ASSERT_EQ(outcome.status, WriteStatus::kStored) << bytes;
        }
      });
  for (const ClassStats& of_class : store_->Stats().classes) {
    EXPECT_EQ(of_class.out_of_memory, 0u) << of_class.class_id;
  }
}

TEST_F(ThreadsTest, TheLimitChangesAndPagesAreReassigned) {
  Run({.memory_bytes = 8 * kMiB}, [this](int thread, Lane& lane, std::mt19937_64& random) {
    Mixed mixed(store_.get(), &lane, &random, 5000, 20000);
    for (int i = 0; i < 20000; ++i) {
      mixed.Step(now());
      if (thread != 0 || i % 200 != 0) continue;
      store_->SetMemoryLimit((4 + random() % 12) * kMiB);
      store_->Reassign(-1, 1 + static_cast<int>(random() % 20));
      store_->Crawl(ClassSet().set());
      store_->SetProbationPercent(static_cast<uint32_t>(random() % 91));
    }
  });
}

TEST_F(ThreadsTest, FewKeysManyThreads) {
  Run({.memory_bytes = 4 * kMiB}, [this](int, Lane& lane, std::mt19937_64& random) {
    Mixed mixed(store_.get(), &lane, &random, 5, 20000);
    for (int i = 0; i < 10000; ++i) mixed.Step(now());
  });
}

TEST_F(ThreadsTest, NoIncrementIsLost) {
  constexpr uint64_t kCounters = 3;
  constexpr int kIncrements = 20000;
  Run({.memory_bytes = 4 * kMiB}, [this](int, Lane& lane, std::mt19937_64& random) {
    for (int i = 0; i < kIncrements; ++i) {
      const std::string text = KeyOf(random() % kCounters);
      const Key key = store_->MakeKey(text);
      const uint64_t cas = random() % 4 == 0 ? random() : 0;
      store_->Arithmetic(lane, key, {.delta = 1, .create = true, .initial = 1, .chosen_cas = cas},
                         now());
      if (random() % 8 == 0) {
        store_->Delete(lane, key, {.invalidate = true, .chosen_cas = random()}, now());
      }
    }
  });
  Lane& lane = store_->AddLane();
  uint64_t total = 0;
  for (uint64_t n = 0; n < kCounters; ++n) {
    const std::string text = KeyOf(n);
    total += store_->Arithmetic(lane, store_->MakeKey(text), {.delta = 0}, now()).value;
  }
  EXPECT_EQ(total, uint64_t{kThreads} * kIncrements);
}

TEST_F(ThreadsTest, TheIndexGrowsUnderReaders) {
  constexpr uint64_t kKeysEach = 40000;
  Run({.memory_bytes = 64 * kMiB}, [this](int thread, Lane& lane, std::mt19937_64& random) {
    const uint64_t first = static_cast<uint64_t>(thread) * kKeysEach;
    for (uint64_t i = 0; i < kKeysEach; ++i) {
      const std::string text = KeyOf(first + i);
      store_->Write(lane, store_->MakeKey(text), text, {}, now());
      // What this thread stored before is there.
      const std::string earlier = KeyOf(first + random() % (i + 1));
      bool hit = false;
      store_->Read(lane, store_->MakeKey(earlier), {}, now(),
                   [&](const ItemView& item) { hit = item.value() == earlier; });
      ASSERT_TRUE(hit) << earlier;
    }
  });
  EXPECT_EQ(store_->Stats().items, kThreads * kKeysEach);
}

// A full store whose index grows and shrinks with the limit: keys come and go as ghosts in buckets
// that are split and merged meanwhile.
TEST_F(ThreadsTest, GhostsWhileTheIndexGrowsAndShrinks) {
  constexpr uint64_t kSteps = 60'000;
  constexpr uint64_t kKeys = 120'000;  // twice as many as there is room for
  const auto ask = [this](Lane& lane, std::mt19937_64& random) {
    const std::string text = KeyOf(random() % kKeys);
    const Key key = store_->MakeKey(text);
    bool hit = false;
    store_->Read(lane, key, {}, now(), [&](const ItemView& item) { hit = item.value() == text; });
    if (!hit) store_->Write(lane, key, text, {}, now());
  };
  Run({.memory_bytes = 4 * kMiB}, [&](int thread, Lane& lane, std::mt19937_64& random) {
    for (uint64_t i = 0; i < kSteps; ++i) {
      ask(lane, random);
      if (thread == 0 && i % 5000 == 0) store_->SetMemoryLimit((3 + i / 5000 % 3) * kMiB);
    }
  });
  // How many ghosts there are by now is a matter of how the threads ran, but not that they are
  // made and found as ever.
  Lane& lane = store_->AddLane();
  std::mt19937_64 random(1);
  for (uint64_t i = 0; i < kSteps; ++i) {
    ask(lane, random);
    if (i % 100 == 0) store_->Maintain(now(), 10000);
  }
  uint64_t hits = 0;
  for (const ClassStats& of_class : store_->Stats().classes) {
    hits += of_class.ghost_hits;
    EXPECT_LE(of_class.ghost_hits_on_probation, of_class.ghost_hits);
    EXPECT_GE(of_class.probation_percent, 10);
    EXPECT_LE(of_class.probation_percent, 50);
  }
  EXPECT_GT(hits, 100u);
  EXPECT_LT(hits, store_->Stats().items_stored);
}

// The first keys are written anew, larger and smaller, while others push the index to grow and
// pages to move: each walk shows each of the first exactly once.
TEST_F(ThreadsTest, AWalkMissesNothingThatStays) {
  constexpr uint64_t kStay = 500;
  Run({.memory_bytes = 64 * kMiB}, [this](int thread, Lane& lane, std::mt19937_64& random) {
    const auto write = [&](uint64_t n) {
      const std::string text = KeyOf(n);
      store_->Write(lane, store_->MakeKey(text), ValueOf(n, 'x', random() % 5000), {}, now());
    };
    for (uint64_t n = 0; n < kStay; ++n) write(n);
    if (thread != 0) {
      for (int i = 0; i < 20000; ++i)
        write(random() % 2 == 0 ? random() % kStay : random() % 30000);
      return;
    }
    for (int walk = 0; walk < 30; ++walk) {
      std::array<int, kStay> seen{};
      WalkCursor cursor;
      const auto visit = [&](const ItemView& item) {
        const std::string_view number = item.key().substr(4);
        uint64_t n = 0;
        std::from_chars(number.data(), number.data() + number.size(), n);
        if (n < kStay) ++seen[n];
      };
      while (store_->Walk(&cursor, 64, now(), visit)) {
      }
      for (uint64_t n = 0; n < kStay; ++n) ASSERT_EQ(seen[n], 1) << n;
    }
  });
}

}  // namespace
}  // namespace larder
