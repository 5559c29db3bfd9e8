#include "bench/replay/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/replay/trace_file.h"

namespace larder::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TraceTest : public testing::Test {
 protected:
  TraceTest() : folder_(testing::TempDir() + "trace_test." + Name()) {
    std::filesystem::create_directories(folder_);
  }
  ~TraceTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  absl::StatusOr<Trace> ReadCsv(std::string_view text) const {
    return ReadTrace(Write("a.csv", text), UINT64_MAX);
  }
  std::string WhyNot(std::string_view text) const {
    return std::string(ReadCsv(text).status().message());
  }

 private:
  static std::string Name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  const std::filesystem::path folder_;
};

std::string Compressed(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

std::string Record(uint32_t time, uint64_t object, uint32_t size) {
  std::string record(24, '\xff');
  std::memcpy(record.data(), &time, sizeof(time));
  std::memcpy(record.data() + 4, &object, sizeof(object));
  std::memcpy(record.data() + 12, &size, sizeof(size));
  return record;
}

// "second:key:value_bytes", and what is unusual.
std::string Said(const Request& request) {
  std::string text = std::to_string(request.second) + ":" + std::to_string(request.key) + ":" +
                     std::to_string(request.value_bytes);
  if (request.op == Op::kSet) text += " set";
  if (request.op == Op::kDelete) text += " delete";
  if (request.ttl_seconds > 0) text += " ttl " + std::to_string(request.ttl_seconds);
  return text;
}

std::vector<std::string> Said(const std::vector<Request>& requests) {
  std::vector<std::string> all;
  for (const Request& request : requests) all.push_back(Said(request));
  return all;
}

std::vector<std::string> All(Load& load) {
  std::vector<std::string> all;
  for (uint64_t i = 0; i < load.requests(); ++i) all.push_back(Said(load.Next()));
  return all;
}

TEST_F(TraceTest, ReadsOracleGeneral) {
  const std::string bytes =
      Record(1000, 1ULL << 40, 10) + Record(1001, 7, 20) + Record(1003, 1ULL << 40, 10);
  for (const std::string& file : {Write("plain", bytes), Write("packed", Compressed(bytes))}) {
    const auto trace = ReadTrace(file, UINT64_MAX);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_THAT(Said(trace->requests), ElementsAre("0:0:10", "1:1:20", "3:0:10"));
    EXPECT_EQ(trace->key_count, 2u);
    EXPECT_TRUE(trace->sizes_known);
    EXPECT_FALSE(trace->has_ttls);
  }
}

TEST_F(TraceTest, ReadsNoMoreThanItIsAskedFor) {
  const std::string file = Write("t", Record(0, 1, 1) + Record(0, 2, 1) + Record(0, 3, 1));
  const auto trace = ReadTrace(file, 2);
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(trace->requests.size(), 2u);
  EXPECT_EQ(trace->key_count, 2u);
  EXPECT_FALSE(trace->sizes_known);
}

// Longer than every buffer on the way.
TEST_F(TraceTest, ReadsManyRecords) {
  std::string bytes;
  for (uint32_t i = 0; i < 100'000; ++i) bytes += Record(i, i % 1000, 5);
  const auto trace = ReadTrace(Write("many", Compressed(bytes)), UINT64_MAX);
  ASSERT_TRUE(trace.ok()) << trace.status();
  ASSERT_EQ(trace->requests.size(), 100'000u);
  EXPECT_EQ(trace->key_count, 1000u);
  for (uint32_t i = 0; i < 100'000; ++i) {
    ASSERT_EQ(trace->requests[i].second, i);
    ASSERT_EQ(trace->requests[i].key, i % 1000);
  }
}

TEST_F(TraceTest, SaysWhatIsWrongWithAFile) {
  const std::string record = Record(0, 1, 1);
  const auto why = [](const std::string& file) {
    return std::string(ReadTrace(file, UINT64_MAX).status().message());
  };
  EXPECT_THAT(why("/nonexistent"), HasSubstr("cannot open /nonexistent"));
  EXPECT_THAT(why(Write("empty", "")), HasSubstr("no request"));
  EXPECT_THAT(why(Write("cut", record + record.substr(0, 23))), HasSubstr("cut off"));
  const std::string packed = Compressed(record + record);
  EXPECT_THAT(why(Write("packed", packed.substr(0, packed.size() - 3))), HasSubstr("cut off"));
  EXPECT_THAT(why(Write("back", Record(5, 1, 1) + Record(4, 1, 1))), HasSubstr("time goes back"));
}

TEST_F(TraceTest, ReadsCsv) {
  const auto trace = ReadCsv(
      "time,key,size,op,ttl\r\n"
      "100.5,apple,10\r\n"
      "# nobody asks for pears\n"
      "\n"
      "101,fig,20,get\n"
      "102.4,apple,11,set,60\n"
      "200,fig,0,delete");
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_THAT(Said(trace->requests),
              ElementsAre("0:0:10", "0:1:20", "1:0:11 set ttl 60", "99:1:0 delete"));
  EXPECT_EQ(trace->key_count, 2u);
  EXPECT_TRUE(trace->sizes_known);
  EXPECT_TRUE(trace->has_ttls);
}

TEST_F(TraceTest, SaysWhichLineIsWrong) {
  EXPECT_THAT(WhyNot("0,a,1\n0,b\n"), HasSubstr("line 2 is not time,key,size"));
  EXPECT_THAT(WhyNot("x,a,1\n"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("0,,1\n"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("0,a,-1\n"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("0,a,1,eat\n"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("0,a,1,get,x\n"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("0,a,1,get,1,2\n"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("9,a,1\n8,a,1\n"), HasSubstr("line 2 is of no time"));
  EXPECT_THAT(WhyNot("# nothing\n"), HasSubstr("no request"));
}

TEST(TraceLoad, CopiesHaveKeysOfTheirOwn) {
  const Trace trace = {.requests = {{.second = 0, .key = 0, .value_bytes = 5},
                                    {.second = 1, .key = 1, .value_bytes = 6}},
                       .key_count = 2};
  TraceLoad load(trace, {.copies = 3});
  EXPECT_THAT(All(load), ElementsAre("0:0:5", "0:2:5", "0:4:5", "1:1:6", "1:3:6", "1:5:6"));
}

TEST(TraceLoad, StaggeredCopiesBeginElsewhere) {
  Trace trace{.key_count = 4};
  for (uint32_t i = 0; i < 4; ++i) trace.requests.push_back({.second = i, .key = i});
  TraceLoad load(trace, {.copies = 2, .staggered = true});
  EXPECT_THAT(All(load), ElementsAre("0:0:0", "0:6:0", "1:1:0", "1:7:0",  //
                                     "2:2:0", "2:4:0", "3:3:0", "3:5:0"));
}

TEST(TraceLoad, SizesGivenGoBeforeTheTraces) {
  const Trace trace = {.requests = {{.value_bytes = 5}}, .key_count = 1};
  const ValueSource sizes(*ParseValueSizes("77"));
  TraceLoad load(trace, {.value_sizes = &sizes});
  EXPECT_EQ(load.Next().value_bytes, 77u);
}

}  // namespace
}  // namespace larder::bench
