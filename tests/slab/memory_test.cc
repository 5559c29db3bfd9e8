#include "slab/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>

#include "gtest/gtest.h"
#include "slab/poison.h"

namespace larder {
namespace {

constexpr uint64_t kFrameBytes = AddressRange::kFrameBytes;

std::unique_ptr<AddressRange> ReserveRange(uint64_t bytes) {
  auto range = AddressRange::Reserve(bytes, /*lock=*/false);
  EXPECT_TRUE(range.ok()) << range.status();
  return *std::move(range);
}

TEST(AddressRangeTest, IsWholeFramesAtAFramesBoundary) {
  const auto range = ReserveRange(kFrameBytes + 1);
  EXPECT_EQ(range->bytes(), 2 * kFrameBytes);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(range->base()) % kFrameBytes, 0u);
}

TEST(AddressRangeTest, RefusesWhatTheMachineCannotAddress) {
  const auto range = AddressRange::Reserve(uint64_t{1} << 60, /*lock=*/false);
  ASSERT_FALSE(range.ok());
  EXPECT_EQ(range.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(AddressRangeTest, WhatIsOpenIsZeroAndWritable) {
  const auto range = ReserveRange(kFrameBytes);
  ASSERT_TRUE(range->Open(65536, 65536));
  char* start = range->base() + 65536;
  for (int i = 0; i < 65536; i += 512) ASSERT_EQ(start[i], 0);
  std::memset(start, 'x', 65536);
}

TEST(AddressRangeTest, WhatWasClosedIsZeroWhenItOpensAgain) {
  const auto range = ReserveRange(kFrameBytes);
  ASSERT_TRUE(range->Open(0, kFrameBytes));
  std::memset(range->base(), 'x', kFrameBytes);
  range->Close(65536, 65536);
  ASSERT_TRUE(range->Open(65536, 65536));
  EXPECT_EQ(range->base()[65535], 'x');
  for (int i = 0; i < 65536; i += 512) ASSERT_EQ(range->base()[65536 + i], 0);
  EXPECT_EQ(range->base()[131072], 'x');
}

TEST(AddressRangeTest, WhatWasDiscardedReadsAsZeroes) {
  const auto range = ReserveRange(kFrameBytes);
  ASSERT_TRUE(range->Open(0, 131072));
  std::memset(range->base(), 'x', 131072);
  range->Discard(65536, 65536);
  EXPECT_EQ(range->base()[65535], 'x');
  for (int i = 0; i < 65536; i += 512) ASSERT_EQ(range->base()[65536 + i], 0);
  range->base()[65536] = 'y';
  // Opening it again leaves alone what somebody has written meanwhile.
  ASSERT_TRUE(range->Open(65536, 65536));
  EXPECT_EQ(range->base()[65536], 'y');
}

class FileRangeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = memfd_create("memory", MFD_CLOEXEC);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override { close(file_); }

  std::unique_ptr<AddressRange> ReserveInFile() {
    auto range = AddressRange::Reserve(2 * kFrameBytes, /*lock=*/false, file_);
    EXPECT_TRUE(range.ok()) << range.status();
    return *std::move(range);
  }
  struct stat Status() const {
    struct stat status = {};
    EXPECT_EQ(fstat(file_, &status), 0);
    return status;
  }

  int file_ = -1;
};

TEST_F(FileRangeTest, WhatIsWrittenIsThereForTheNextOne) {
  {
    const auto range = ReserveInFile();
    EXPECT_EQ(static_cast<uint64_t>(Status().st_size), 2 * kFrameBytes);
    EXPECT_EQ(Status().st_blocks, 0);
    ASSERT_TRUE(range->Open(65536, 65536));
    std::memset(range->base() + 65536, 'x', 65536);
  }
  const auto range = ReserveInFile();
  ASSERT_TRUE(range->Reopen(65536, 65536));
  for (int i = 0; i < 65536; ++i) ASSERT_EQ(range->base()[65536 + i], 'x');
}

TEST_F(FileRangeTest, WhatIsClosedTakesNoRoom) {
  const auto range = ReserveInFile();
  ASSERT_TRUE(range->Open(0, kFrameBytes));
  const auto blocks = Status().st_blocks;
  EXPECT_EQ(static_cast<uint64_t>(blocks) * 512, kFrameBytes);
  range->Close(65536, 65536);
  EXPECT_EQ(static_cast<uint64_t>(blocks - Status().st_blocks) * 512, 65536u);
  EXPECT_EQ(static_cast<uint64_t>(Status().st_size), 2 * kFrameBytes);
}

// Touching what the file has no room for would end the process: opening refuses before.
TEST_F(FileRangeTest, AFileThatCannotGrowIsNoReasonToDie) {
  close(file_);
  file_ = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const auto range = ReserveInFile();
  ASSERT_EQ(ftruncate(file_, kFrameBytes), 0);
  ASSERT_EQ(fcntl(file_, F_ADD_SEALS, F_SEAL_GROW), 0);
  EXPECT_TRUE(range->Open(0, kFrameBytes));
  EXPECT_FALSE(range->Open(kFrameBytes, kFrameBytes));
}

TEST_F(FileRangeTest, AFileThatCannotBeMappedIsRefused) {
  const auto range = AddressRange::Reserve(kFrameBytes, /*lock=*/false, /*file=*/1000000);
  ASSERT_FALSE(range.ok());
  EXPECT_EQ(range.status().message(), "failed to mmap the memory file: Bad file descriptor");
}

TEST(AddressRangeDeathTest, OnlyWhatIsOpenCanBeTouched) {
  const auto range = ReserveRange(kFrameBytes);
  ASSERT_TRUE(range->Open(0, 65536));
  range->base()[65535] = 'x';
  EXPECT_DEATH(range->base()[65536] = 'x', "");
  range->Close(0, 65536);
  EXPECT_DEATH(range->base()[0] = 'x', "");
  EXPECT_DEATH(range->Open(kFrameBytes, 65536), "check failed");
}

TEST(ArenaTest, LocationsNameChunksByPageAndOffset) {
  const auto arena = *Arena::Create(8 * kFrameBytes, 256 << 10, false);
  EXPECT_EQ(arena->page_bytes(), 256u << 10);
  EXPECT_EQ(arena->pages(), 64u);
  EXPECT_EQ(arena->PagesPerFrame(), 8u);
  for (const uint32_t page : {0u, 1u, 63u}) {
    for (const uint32_t offset : {0u, 8u, 4096u, (256u << 10) - 8}) {
      const Location location = arena->LocationIn(page, offset);
      EXPECT_EQ(arena->PageOf(location), page);
      EXPECT_EQ(arena->OffsetInPage(location), offset);
      EXPECT_EQ(arena->LocationOf(arena->ItemAt(location)), location);
      EXPECT_EQ(arena->LocationOf(arena->PartAt(location)), location);
    }
  }
}

TEST(ArenaTest, UnitsGrowSoThatALocationFits) {
  const auto small = *Arena::Create(kFrameBytes, 64 << 10, false);
  EXPECT_EQ(small->unit_bytes(), kPoisons ? 8u : 4u);
  const auto huge = *Arena::Create(uint64_t{1} << 40, 1 << 20, false);
  EXPECT_EQ(huge->unit_bytes(), 16u);
  const Location last = huge->LocationIn(huge->pages() - 1, huge->page_bytes() - 16);
  EXPECT_EQ(last >> kLocationBits, 0u);
  EXPECT_EQ(huge->PageOf(last), huge->pages() - 1);
}

TEST(ArenaTest, OpensAndClosesPages) {
  const auto arena = *Arena::Create(kFrameBytes, 64 << 10, false);
  ASSERT_TRUE(arena->OpenPages(2, 3));
  char* start = reinterpret_cast<char*>(arena->ItemAt(arena->LocationIn(3, 0)));
  UnpoisonMemory(start, arena->page_bytes());
  std::memset(start, 'x', arena->page_bytes());
  arena->ClosePage(3);
  ASSERT_TRUE(arena->OpenPages(3, 1));
  UnpoisonMemory(start, arena->page_bytes());
  EXPECT_EQ(*start, 0);
}

// What a range leaves behind is no obstacle for whoever gets its addresses next.
TEST(ArenaTest, LeavesItsAddressesAsItFoundThem) {
  for (int round = 0; round < 4; ++round) {
    {
      const auto arena = *Arena::Create(4 * kFrameBytes, 64 << 10, false);
      ASSERT_TRUE(arena->OpenPages(0, arena->pages()));
    }
    char* plain = static_cast<char*>(MapZeroed(5 * kFrameBytes));
    ASSERT_NE(plain, nullptr);
    std::memset(plain, 'x', 5 * kFrameBytes);
    UnmapZeroed(plain, 5 * kFrameBytes);
  }
}

TEST(LazyArrayTest, StartsAsZeroes) {
  struct Record {
    uint64_t number;
    uint32_t other;
  };
  auto records = LazyArray<Record>::Create(1 << 20);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ((*records)[0].number, 0u);
  EXPECT_EQ((*records)[(1 << 20) - 1].other, 0u);
  (*records)[12345].number = 7;
  EXPECT_EQ((*records)[12345].number, 7u);
  EXPECT_EQ((*records)[12344].number, 0u);
}

TEST(LazyArrayTest, RefusesWhatTheMachineCannotAddress) {
  EXPECT_FALSE(LazyArray<uint64_t>::Create(uint64_t{1} << 57).ok());
}

TEST(PhysicalMemoryTest, IsKnown) { EXPECT_GT(PhysicalMemoryBytes(), uint64_t{64} << 20); }

}  // namespace
}  // namespace larder
