#include "slab/page_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "slab/poison.h"

namespace larder {
namespace {

constexpr uint32_t kPageBytes = 64 << 10;
// One frame: its page 0 is not used.
constexpr uint32_t kPages = AddressRange::kFrameBytes / kPageBytes - 1;

class PagePoolTest : public ::testing::Test {
 protected:
  void MakePool(uint64_t limit_pages, uint64_t frames = 1) {
    auto arena = Arena::Create(frames * AddressRange::kFrameBytes, kPageBytes, false);
    ASSERT_TRUE(arena.ok()) << arena.status();
    arena_ = *std::move(arena);
    pool_ = std::make_unique<PagePool>(arena_.get(), limit_pages * kPageBytes);
  }

  std::vector<uint32_t> TakeAll() {
    std::vector<uint32_t> pages;
    for (uint32_t page = pool_->Take(); page != 0; page = pool_->Take()) pages.push_back(page);
    return pages;
  }

  char* Start(uint32_t page) {
    return reinterpret_cast<char*>(arena_->ItemAt(arena_->LocationIn(page, 0)));
  }

  uint64_t charged_pages() const { return pool_->charged_bytes() / kPageBytes; }

  std::unique_ptr<Arena> arena_;
  std::unique_ptr<PagePool> pool_;
};

TEST_F(PagePoolTest, GivesUsablePagesUpToTheLimit) {
  MakePool(/*limit_pages=*/10);
  EXPECT_EQ(pool_->limit_bytes(), 10 * kPageBytes);
  EXPECT_EQ(pool_->FreePages(), 10u);
  EXPECT_EQ(pool_->charged_bytes(), 0u);
  const std::vector<uint32_t> pages = TakeAll();
  const std::set<uint32_t> different(pages.begin(), pages.end());
  EXPECT_EQ(different.size(), 10u);
  for (const uint32_t page : pages) {
    EXPECT_GE(page, 1u);
    EXPECT_LT(page, pool_->pages_end());
    UnpoisonMemory(Start(page), kPageBytes);
    std::memset(Start(page), 'x', kPageBytes);
  }
  EXPECT_EQ(pool_->FreePages(), 0u);
  EXPECT_EQ(charged_pages(), 10u);
}

TEST_F(PagePoolTest, EndsWithTheAddresses) {
  MakePool(/*limit_pages=*/1000);
  EXPECT_EQ(TakeAll().size(), kPages);
  EXPECT_EQ(pool_->pages_end(), kPages + 1);
}

TEST_F(PagePoolTest, KnowsWhatWasGivenBack) {
  MakePool(/*limit_pages=*/5);
  EXPECT_TRUE(pool_->OpenAhead(1));
  EXPECT_EQ(pool_->PagesGivenBack(), 0u);
  const std::vector<uint32_t> pages = TakeAll();
  for (const uint32_t page : pages) pool_->Give(page);
  EXPECT_EQ(pool_->PagesGivenBack(), 5u);
  EXPECT_NE(pool_->Take(), 0u);
  EXPECT_EQ(pool_->PagesGivenBack(), 4u);
  pool_->SetLimit(3 * kPageBytes);
  EXPECT_EQ(pool_->PagesGivenBack(), 2u);
}

TEST_F(PagePoolTest, AGivenPageStaysOpenForTheNext) {
  MakePool(/*limit_pages=*/5);
  const std::vector<uint32_t> pages = TakeAll();
  UnpoisonMemory(Start(pages[2]), kPageBytes);
  std::memset(Start(pages[2]), 'x', kPageBytes);
  pool_->Give(pages[2]);
  EXPECT_EQ(charged_pages(), 5u);
  EXPECT_EQ(pool_->FreePages(), 1u);
  EXPECT_EQ(pool_->Take(), pages[2]);
  EXPECT_EQ(*Start(pages[2]), 'x');
  EXPECT_EQ(pool_->Take(), 0u);
}

TEST_F(PagePoolTest, WhatIsChargedLeavesFewerPages) {
  MakePool(/*limit_pages=*/10);
  pool_->Charge(3 * kPageBytes - 1);
  EXPECT_EQ(pool_->FreePages(), 7u);
  EXPECT_EQ(TakeAll().size(), 7u);
}

TEST_F(PagePoolTest, AChargeMayPassTheLimitUntilPagesComeBack) {
  MakePool(/*limit_pages=*/4);
  const std::vector<uint32_t> pages = TakeAll();
  pool_->Charge(2 * kPageBytes);
  EXPECT_EQ(charged_pages(), 6u);
  EXPECT_EQ(pool_->FreePages(), 0u);
  pool_->Give(pages[0]);
  EXPECT_EQ(charged_pages(), 5u);
  pool_->Give(pages[1]);
  EXPECT_EQ(charged_pages(), 4u);
  EXPECT_EQ(pool_->Take(), 0u);
  pool_->Give(pages[2]);
  EXPECT_EQ(pool_->Take(), pages[2]);
}

TEST_F(PagePoolTest, MakesRoomByClosingFreePagesOnly) {
  MakePool(/*limit_pages=*/8);
  const std::vector<uint32_t> pages = TakeAll();
  EXPECT_FALSE(pool_->MakeRoom(1));
  pool_->Give(pages[0]);
  pool_->Give(pages[1]);
  pool_->Give(pages[2]);
  EXPECT_TRUE(pool_->MakeRoom(kPageBytes + 1));
  EXPECT_EQ(charged_pages(), 6u);
  // One is open still, and two could be opened.
  EXPECT_EQ(pool_->FreePages(), 3u);
  EXPECT_TRUE(pool_->MakeRoom(3 * kPageBytes));
  EXPECT_EQ(charged_pages(), 5u);
  EXPECT_FALSE(pool_->MakeRoom(3 * kPageBytes + 1));
}

TEST_F(PagePoolTest, ClosedPagesOpenAgainAndAreEmpty) {
  MakePool(/*limit_pages=*/kPages);
  const std::vector<uint32_t> pages = TakeAll();
  ASSERT_EQ(pages.size(), kPages);
  for (const uint32_t page : {pages[3], pages[7]}) {
    UnpoisonMemory(Start(page), kPageBytes);
    std::memset(Start(page), 'x', kPageBytes);
    pool_->Give(page);
  }
  ASSERT_TRUE(pool_->MakeRoom(2 * kPageBytes));
  const std::vector<uint32_t> again = TakeAll();
  EXPECT_EQ(std::set<uint32_t>(again.begin(), again.end()),
            (std::set<uint32_t>{pages[3], pages[7]}));
  for (const uint32_t page : again) {
    UnpoisonMemory(Start(page), kPageBytes);
    for (uint32_t i = 0; i < kPageBytes; i += 4096) ASSERT_EQ(Start(page)[i], 0);
  }
}

TEST_F(PagePoolTest, WhoeverFindsNoneOpenOpensOne) {
  MakePool(/*limit_pages=*/100, /*frames=*/2);
  EXPECT_NE(pool_->Take(), 0u);
  EXPECT_EQ(charged_pages(), 1u);
  EXPECT_EQ(pool_->FreePages(), 99u);
  EXPECT_EQ(pool_->taken(), 1u);
}

TEST_F(PagePoolTest, PagesOfOneFrameAreOpenedTogetherAhead) {
  MakePool(/*limit_pages=*/100, /*frames=*/2);
  EXPECT_TRUE(pool_->OpenAhead(1));
  EXPECT_EQ(charged_pages(), kPages);
  EXPECT_EQ(pool_->pages_end(), kPages + 1);
  EXPECT_EQ(pool_->FreePages(), 100u);
  EXPECT_FALSE(pool_->OpenAhead(kPages));
  // They come in the order of their addresses, and nothing more is opened for them.
  const uint32_t first = pool_->Take();
  EXPECT_EQ(pool_->Take(), first + 1);
  EXPECT_EQ(charged_pages(), kPages);
  EXPECT_EQ(pool_->taken(), 2u);
  EXPECT_TRUE(pool_->OpenAhead(kPages));
}

TEST_F(PagePoolTest, OpensAheadWithinTheLimit) {
  MakePool(/*limit_pages=*/5);
  EXPECT_TRUE(pool_->OpenAhead(20));
  EXPECT_EQ(charged_pages(), 5u);
  EXPECT_FALSE(pool_->OpenAhead(20));
  EXPECT_EQ(TakeAll().size(), 5u);
}

TEST_F(PagePoolTest, RoomThatCannotBeMadeClosesNothing) {
  MakePool(/*limit_pages=*/4);
  const std::vector<uint32_t> pages = TakeAll();
  pool_->Give(pages[0]);
  EXPECT_FALSE(pool_->MakeRoom(2 * kPageBytes));
  EXPECT_EQ(charged_pages(), 4u);
  EXPECT_EQ(pool_->Take(), pages[0]);
}

TEST_F(PagePoolTest, ALowerLimitClosesFreePagesAtOnceAndOthersAsTheyComeBack) {
  MakePool(/*limit_pages=*/10);
  const std::vector<uint32_t> pages = TakeAll();
  for (size_t i = 0; i < 4; ++i) pool_->Give(pages[i]);
  pool_->SetLimit(5 * kPageBytes);
  EXPECT_EQ(charged_pages(), 6u);
  EXPECT_EQ(pool_->FreePages(), 0u);
  EXPECT_EQ(pool_->Take(), 0u);
  pool_->Give(pages[4]);
  EXPECT_EQ(charged_pages(), 5u);
  EXPECT_EQ(pool_->Take(), 0u);
  pool_->Give(pages[5]);
  EXPECT_EQ(pool_->FreePages(), 1u);
  EXPECT_NE(pool_->Take(), 0u);
}

TEST_F(PagePoolTest, AHigherLimitIsUsed) {
  MakePool(/*limit_pages=*/3);
  EXPECT_EQ(TakeAll().size(), 3u);
  pool_->SetLimit(7 * kPageBytes);
  EXPECT_EQ(pool_->FreePages(), 4u);
  EXPECT_EQ(TakeAll().size(), 4u);
}

TEST_F(PagePoolTest, WhatIsDischargedMayBeUsed) {
  MakePool(/*limit_pages=*/3);
  pool_->Charge(2 * kPageBytes);
  EXPECT_EQ(pool_->FreePages(), 1u);
  pool_->Discharge(kPageBytes);
  EXPECT_EQ(TakeAll().size(), 2u);
}

TEST_F(PagePoolTest, PagesOfAFileAreAdopted) {
  const int file = memfd_create("memory", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  const auto make = [&] {
    auto arena = Arena::Create(AddressRange::kFrameBytes, kPageBytes, false, file);
    ASSERT_TRUE(arena.ok()) << arena.status();
    arena_ = *std::move(arena);
    pool_ = std::make_unique<PagePool>(arena_.get(), 10 * kPageBytes);
  };
  make();
  const std::vector<uint32_t> pages = TakeAll();
  for (const uint32_t page : pages) {
    UnpoisonMemory(Start(page), kPageBytes);
    std::memset(Start(page), static_cast<int>(page), kPageBytes);
  }
  const uint32_t end = pool_->pages_end();
  pool_.reset();
  arena_.reset();

  make();
  const std::vector<uint32_t> kept = {2, 3, 7};
  ASSERT_TRUE(pool_->Adopt(end, kept));
  EXPECT_EQ(pool_->pages_end(), end);
  EXPECT_EQ(charged_pages(), 3u);
  for (const uint32_t page : kept) EXPECT_EQ(*Start(page), static_cast<char>(page));
  const std::vector<uint32_t> taken = TakeAll();
  EXPECT_EQ(taken.size(), 7u);
  for (const uint32_t page : taken) {
    EXPECT_TRUE(page != 2 && page != 3 && page != 7) << page;
    EXPECT_LT(page, arena_->pages());
  }
  pool_.reset();
  arena_.reset();
  close(file);
}

}  // namespace
}  // namespace larder
