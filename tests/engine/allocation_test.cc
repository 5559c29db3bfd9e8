#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

// The way of a request allocates nothing. A program of its own, for it counts what all of it
// allocates.

namespace {

size_t allocations = 0;

}  // namespace

void* operator new(size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace larder {
namespace {

class AllocationTest : public testing::Test {
 protected:
  // Allocations while `requests` are executed and their replies sent, once all is warm.
  size_t AllocationsOf(const std::string& requests) {
    size_t before = 0;
    for (int round = 0; round < 3; ++round) {
      before = allocations;
      const Session::Result result = session_.Run(requests, harness_.now, &out_);
      EXPECT_EQ(result.consumed, requests.size());
      out_.Sent(out_.bytes());
    }
    return allocations - before;
  }
  static std::string Repeat(int times, const std::string& request) {
    std::string requests;
    for (int i = 0; i < times; ++i) requests += request;
    return requests;
  }

  EngineHarness harness_;
  Output out_{&harness_.worker()->output_blocks()};
  Session session_{harness_.worker()};
};

TEST_F(AllocationTest, CountsAtAll) {
  const size_t before = allocations;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(*memory, 1);
  EXPECT_EQ(allocations, before + 1);
}

TEST_F(AllocationTest, NoneForPipelinedRequests) {
  const std::string value(1000, 'v');
  (void)session_.Run("set k 0 0 1000\r\n" + value + "\r\nset n 0 0 1\r\n1\r\n", harness_.now,
                     &out_);
  EXPECT_EQ(AllocationsOf(Repeat(16, "get k\r\n")), 0u);
  EXPECT_EQ(AllocationsOf(Repeat(16, "gets k nope k\r\n")), 0u);
  EXPECT_EQ(AllocationsOf(Repeat(16, "set k 0 0 1000\r\n" + value + "\r\n")), 0u);
  EXPECT_EQ(AllocationsOf(Repeat(6, "incr n 1\r\ntouch k 0\r\ndelete nope\r\n")), 0u);
}

TEST_F(AllocationTest, NoneForMetaCommands) {
  const std::string value(1000, 'v');
  const std::string set = "ms Zm9v 1000 b c k Oq E7 F3 T60\r\n" + value + "\r\n";
  (void)session_.Run(set + "ms n 1\r\n1\r\n", harness_.now, &out_);
  EXPECT_EQ(AllocationsOf(Repeat(16, "mg foo v\r\n")), 0u);
  EXPECT_EQ(AllocationsOf(Repeat(8, "mg Zm9v b k s t c f l h Oq v T60 R9\r\nmg nope k\r\n")), 0u);
  EXPECT_EQ(AllocationsOf(Repeat(16, set)), 0u);
  EXPECT_EQ(AllocationsOf(Repeat(4, "ma n v c\r\nmd foo I\r\nmd nope\r\nme foo\r\n")), 0u);
}

TEST_F(AllocationTest, NoneForGetsOfManyKeys) {
  (void)session_.Run("set k 0 0 1\r\n1\r\n", harness_.now, &out_);
  EXPECT_EQ(AllocationsOf("get" + Repeat(100, " k") + "\r\n"), 0u);
}

}  // namespace
}  // namespace larder
