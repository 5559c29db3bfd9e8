#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "slab/saved_store.h"
#include "tests/slab/store_fixture.h"
#include "tests/slab/store_helpers.h"

// A store that goes on where another one on the same file stopped.

namespace larder {
namespace {

constexpr Tick kNow{100};

class StoreRestoreTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeFile(); }
  void TearDown() override {
    tested_.reset();
    close(file_);
  }

  void MakeFile() {
    if (file_ >= 0) close(file_);
    file_ = memfd_create("memory", MFD_CLOEXEC);
    ASSERT_GE(file_, 0);
  }
  void MakeStore(StoreOptions options) {
    options_ = options;
    options_.memory_file = file_;
    tested_ = std::make_unique<StoreUnderTest>(options_);
  }
  // Another store, with another seed, by way of the text; `change` may spoil what was saved.
  template <typename Change>
  bool Restart(Change&& change, Tick now = kNow) {
    SavedStore saved = store().Save(now);
    tested_.reset();
    change(&saved);
    const auto read = SavedStore::FromText(saved.ToText());
    EXPECT_TRUE(read.ok()) << read.status();
    ++options_.hash_seed;
    MakeStore(options_);
    EXPECT_FALSE(store().DifferentSetting(*read));
    const bool restored = store().Restore(*read);
    if (restored) store().CheckInvariants();
    return restored;
  }
  bool Restart() {
    return Restart([](SavedStore*) {});
  }

  Store& store() { return tested_->store(); }
  uint64_t evicted() { return Sum(store(), &ClassStats::evicted); }
  uint64_t FileBytes() const {
    struct stat status;
    EXPECT_EQ(fstat(file_, &status), 0);
    return static_cast<uint64_t>(status.st_blocks) * 512;
  }

  int file_ = -1;
  StoreOptions options_;
  std::unique_ptr<StoreUnderTest> tested_;
};

TEST_F(StoreRestoreTest, AnEmptyStoreComesBackEmpty) {
  MakeStore({.memory_bytes = 8 * kMiB});
  ASSERT_TRUE(Restart());
  EXPECT_EQ(store().Stats().items, 0u);
  EXPECT_EQ(tested_->Put("k", "v", kNow).status, WriteStatus::kStored);
}

TEST_F(StoreRestoreTest, EveryItemIsBackAsItWas) {
  MakeStore({.memory_bytes = 64 * kMiB});
  constexpr uint64_t kItems = 20000;
  const auto bytes_of = [](uint64_t n) {
    return n % 500 == 0 ? 300000 + n : n % 50 == 0 ? 9000 : n % 200;
  };
  std::map<std::string, uint64_t> tokens;
  for (uint64_t n = 0; n < kItems; ++n) {
    const WriteOptions options{
        .client_flags = static_cast<uint32_t>(n % 3),
        .expire = n % 4 == 0 ? kNeverExpires : 1000 + static_cast<uint32_t>(n)};
    tokens[KeyOf(n)] = tested_->Put(KeyOf(n), ValueOf(bytes_of(n), n), kNow, options).cas;
  }
  for (uint64_t n = 0; n < kItems; n += 7) tested_->Delete(KeyOf(n), kNow);
  const uint64_t last_token = tested_->Put("last", "v", kNow).cas;
  const StoreStats before = store().Stats();
  ASSERT_TRUE(Restart());
  EXPECT_EQ(store().Stats().items, before.items);
  EXPECT_EQ(store().Stats().pages, before.pages);
  for (uint64_t n = 0; n < kItems; ++n) {
    const auto found = tested_->Get(KeyOf(n), kNow);
    ASSERT_EQ(found.has_value(), n % 7 != 0) << n;
    if (!found) continue;
    ASSERT_TRUE(found->value == ValueOf(bytes_of(n), n)) << n;
    ASSERT_EQ(found->client_flags, n % 3);
    ASSERT_EQ(found->expire, n % 4 == 0 ? kNeverExpires : 1000 + n);
    ASSERT_EQ(found->cas, tokens[KeyOf(n)]);
  }
  // Tokens go on, and the memory is as good as before.
  EXPECT_GT(tested_->Put("last", "w", kNow).cas, last_token);
  for (uint64_t n = 0; n < kItems; ++n) tested_->Put(KeyOf(n), ValueOf(bytes_of(n + 1)), kNow);
  tested_->MaintainAll(kNow);
  store().CheckInvariants();
}

TEST_F(StoreRestoreTest, TheStoreIsFullAgainAndEvicts) {
  MakeStore({.memory_bytes = 4 * kMiB});
  uint64_t n = 0;
  for (; n < 100000; ++n) tested_->Put(KeyOf(n), ValueOf(100 + n % 3000), kNow);
  tested_->MaintainAll(kNow);
  const uint64_t items = store().Stats().items;
  ASSERT_TRUE(Restart());
  EXPECT_EQ(store().Stats().items, items);
  for (const uint64_t end = n + 20000; n < end; ++n) {
    ASSERT_EQ(tested_->Put(KeyOf(n), ValueOf(100 + n % 3000), kNow).status, WriteStatus::kStored);
  }
  EXPECT_GT(evicted(), 1000u);
  tested_->MaintainAll(kNow);
  EXPECT_LE(store().Stats().memory_bytes, 4 * kMiB);
  store().CheckInvariants();
}

// New items before the restart are still on probation after it, and go before what was read.
TEST_F(StoreRestoreTest, TheOrderOfEvictionIsKept) {
  MakeStore({.memory_bytes = 4 * kMiB});
  for (uint64_t n = 0; n < 1000; ++n) {
    tested_->Put(KeyOf(n), ValueOf(100), kNow);
    tested_->Get(KeyOf(n), kNow);
  }
  uint64_t n = 1000;
  while (evicted() == 0) tested_->Put(KeyOf(n++), ValueOf(100), kNow);
  ASSERT_TRUE(Restart());
  for (const uint64_t end = n + 3000; n < end; ++n) {
    for (uint64_t hot = 0; hot < 1000; hot += 100) tested_->Get(KeyOf(hot), kNow);
    tested_->Put(KeyOf(n), ValueOf(100), kNow);
  }
  EXPECT_GE(evicted(), 3000u);
  for (uint64_t hot = 0; hot < 1000; hot += 100) EXPECT_TRUE(tested_->Get(KeyOf(hot), kNow));
  EXPECT_TRUE(tested_->Get(KeyOf(n - 1), kNow));
}

TEST_F(StoreRestoreTest, WhatExpiresMeanwhileIsGone) {
  MakeStore({.memory_bytes = 8 * kMiB});
  tested_->Put("soon", "v", kNow, {.expire = 150});
  tested_->Put("later", "v", kNow, {.expire = 250});
  ASSERT_TRUE(Restart());
  const Tick later{200};
  EXPECT_FALSE(tested_->Get("soon", later));
  EXPECT_TRUE(tested_->Get("later", later));
  tested_->MaintainAll(Tick{250});
  EXPECT_EQ(store().Stats().items, 0u);
}

TEST_F(StoreRestoreTest, AFlushThatIsDueOrPendingGoesOn) {
  MakeStore({.memory_bytes = 8 * kMiB});
  tested_->Put("old", "v", kNow);
  store().Flush(kNow, kNow);
  tested_->Put("new", "v", kNow);
  store().Flush(Tick{200}, kNow);
  ASSERT_TRUE(Restart());
  EXPECT_FALSE(tested_->Get("old", kNow));
  EXPECT_TRUE(tested_->Get("new", Tick{199}));
  EXPECT_FALSE(tested_->Get("new", Tick{200}));
}

TEST_F(StoreRestoreTest, WhatWasEmptiedTakesNoRoomInTheFile) {
  MakeStore({.memory_bytes = 16 * kMiB});
  for (uint64_t n = 0; n < 3000; ++n) tested_->Put(KeyOf(n), ValueOf(4000), kNow);
  EXPECT_GT(FileBytes(), 11 * kMiB);
  ASSERT_TRUE(store().SetMemoryLimit(4 * kMiB));
  tested_->MaintainAll(kNow);
  EXPECT_LT(FileBytes(), 4 * kMiB);
  ASSERT_TRUE(Restart());
  EXPECT_LT(FileBytes(), 4 * kMiB);
  EXPECT_GT(store().Stats().items, 500u);
  // With -m again, and the pages that were closed opened anew.
  for (uint64_t n = 0; n < 3000; ++n) tested_->Put(KeyOf(n), ValueOf(4000), kNow);
  EXPECT_EQ(store().Stats().items, 3000u);
  EXPECT_EQ(evicted(), 0u);
}

TEST_F(StoreRestoreTest, OtherSettingsAreTold) {
  MakeStore({.memory_bytes = 8 * kMiB});
  const SavedStore saved = store().Save(kNow);
  const auto difference = [&](const StoreOptions& options) {
    MakeFile();
    MakeStore(options);
    const auto different = store().DifferentSetting(saved);
    return different ? different->first + "=" + different->second : "";
  };
  EXPECT_EQ(difference({.memory_bytes = 8 * kMiB}), "");
  EXPECT_EQ(difference({.memory_bytes = 9 * kMiB}), "mem_limit=8388608");
  EXPECT_EQ(difference({.memory_bytes = 8 * kMiB, .item_limit = {.item_bytes_max = 5000}}),
            "item_size_max=1048576");
  EXPECT_EQ(difference({.memory_bytes = 8 * kMiB, .growth_factor = 1.5}).substr(0, 11),
            "slab_sizes=");
}

// Bytes that were spoilt in the file lose items, and never more than that.
TEST_F(StoreRestoreTest, SpoiltItemsAreLeftOut) {
  MakeStore({.memory_bytes = 8 * kMiB});
  constexpr uint64_t kItems = 200;
  for (uint64_t n = 0; n < kItems; ++n) {
    tested_->Put(KeyOf(n), ValueOf(n % 2 == 0 ? 100 : 30000, n), kNow);
  }
  uint64_t random = 1;
  const uint32_t page_bytes = static_cast<uint32_t>(store().Stats().page_bytes);
  const bool restored = Restart([&](SavedStore* saved) {
    for (const SavedPage& page : saved->pages) {
      for (int i = 0; i < 200; ++i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const auto junk = static_cast<uint32_t>(random >> 20);
        const uint64_t at =
            uint64_t{page.page} * page_bytes + (random >> 33) % (page_bytes / 4) * 4;
        ASSERT_EQ(pwrite(file_, &junk, sizeof(junk), static_cast<off_t>(at)), 4);
      }
    }
  });
  // CheckInvariants would not like two items of one key, nor does it find any.
  ASSERT_TRUE(restored);
  EXPECT_LT(store().Stats().items, kItems);
  tested_->MaintainAll(kNow);
}

TEST_F(StoreRestoreTest, PagesThatCannotBeAreRefused) {
  const auto refused = [&](auto change) {
    MakeFile();
    MakeStore({.memory_bytes = 8 * kMiB});
    tested_->Put("k", "v", kNow);
    return !Restart(change);
  };
  EXPECT_FALSE(refused([](SavedStore*) {}));
  EXPECT_TRUE(refused([](SavedStore* saved) { saved->pages[0].class_id = 0; }));
  EXPECT_TRUE(refused([](SavedStore* saved) { saved->pages[0].class_id = 255; }));
  EXPECT_TRUE(refused([](SavedStore* saved) { saved->pages[0].cut = 1 << 30; }));
  EXPECT_TRUE(refused([](SavedStore* saved) { saved->pages[0].page = saved->pages_end; }));
  EXPECT_TRUE(refused([](SavedStore* saved) { saved->pages.push_back(saved->pages[0]); }));
  EXPECT_TRUE(refused([](SavedStore* saved) { saved->pages_end = 1 << 30; }));
}

TEST(SavedStoreTest, TheTextGivesBackTheValue) {
  const SavedStore saved{.token = ~uint64_t{0},
                         .file_bytes = 6,
                         .wall_seconds = -5,
                         .tick = 7,
                         .items = 8,
                         .order = 9,
                         .flush_due = 10,
                         .flush_active = true,
                         .flush_order = 11,
                         .settings = {{"a", "1"}, {"b", "2,3"}},
                         .pages_end = 12,
                         .pages = {{.page = 3, .class_id = 4, .cut = 5}}};
  const auto read = SavedStore::FromText(saved.ToText());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->token, saved.token);
  EXPECT_EQ(read->file_bytes, 6u);
  EXPECT_EQ(read->wall_seconds, -5);
  EXPECT_EQ(read->tick, 7u);
  EXPECT_EQ(read->items, 8u);
  EXPECT_EQ(read->order, 9u);
  EXPECT_EQ(read->flush_due, 10u);
  EXPECT_TRUE(read->flush_active);
  EXPECT_EQ(read->flush_order, 11u);
  EXPECT_EQ(read->settings, saved.settings);
  EXPECT_EQ(read->pages_end, 12u);
  ASSERT_EQ(read->pages.size(), 1u);
  EXPECT_EQ(read->pages[0].page, 3u);
  EXPECT_EQ(read->pages[0].class_id, 4u);
  EXPECT_EQ(read->pages[0].cut, 5u);
  EXPECT_EQ(read->ToText(), saved.ToText());
}

TEST(SavedStoreTest, ATextThatIsNotWholeIsRefused) {
  const std::string text = SavedStore{.token = 1, .pages = {{.page = 3}, {.page = 4}}}.ToText();
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(SavedStore::FromText(text.substr(0, length)).ok()) << length;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_FALSE(SavedStore::FromText(changed).ok()) << i;
  }
  EXPECT_FALSE(SavedStore::FromText(text + text).ok());
}

}  // namespace
}  // namespace larder
