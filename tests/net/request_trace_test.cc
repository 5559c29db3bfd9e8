#include "server/net/request_trace.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace larder {
namespace {

// What is traced of a stream that is consumed in these pieces.
std::string Trace(const std::vector<std::string_view>& pieces) {
  RequestTrace trace;
  testing::internal::CaptureStderr();
  for (const std::string_view piece : pieces) trace.Consumed(27, piece);
  return testing::internal::GetCapturedStderr();
}

TEST(RequestTraceTest, PrintsEachCommandLine) {
  EXPECT_EQ(Trace({"get foo\r\nversion\r\n"}), "<27 get foo\n<27 version\n");
  EXPECT_EQ(Trace({"get foo\r\n", "quit\n"}), "<27 get foo\n<27 quit\n");
}

TEST(RequestTraceTest, LeavesValuesOut) {
  EXPECT_EQ(Trace({"set a 0 0 5\r\nget b\r\nget c\r\n"}), "<27 set a 0 0 5\n<27 get c\n");
  EXPECT_EQ(Trace({"cas a 0  0 5 7 noreply\r\nge", "t b", "\r\nget c\r\n"}),
            "<27 cas a 0  0 5 7 noreply\n<27 get c\n");
}

TEST(RequestTraceTest, LeavesValuesOutThatDidNotPassTheInput) {
  RequestTrace trace;
  testing::internal::CaptureStderr();
  trace.Consumed(27, "set a 0 0 100\r\nabc");
  trace.Received(97);
  trace.Consumed(27, "\r\nget b\r\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<27 set a 0 0 100\n<27 get b\n");
}

TEST(RequestTraceTest, GoesOnAfterALineThatIsNoCommand) {
  EXPECT_EQ(Trace({"set a b c d\r\nset a\r\n\r\nget b\r\n"}),
            "<27 set a b c d\n<27 set a\n<27 \n<27 get b\n");
}

TEST(RequestTraceTest, PrintsBinaryHeaders) {
  using std::string_literals::operator""s;
  const std::string noop = "\x80\x0a\0\0\0\0\0\0\0\0\0\0OPAQ\0\0\0\0\0\0\0\0"s;
  const std::string get = "\x80\0\0\x03\0\0\0\0\0\0\0\x03OPAQ\0\0\0\0\0\0\0\0key"s;
  const std::string traced_noop =
      "<27 Read binary protocol data:\n"
      "<27    0x80 0x0a 0x00 0x00\n"
      "<27    0x00 0x00 0x00 0x00\n"
      "<27    0x00 0x00 0x00 0x00\n"
      "<27    0x4f 0x50 0x41 0x51\n"
      "<27    0x00 0x00 0x00 0x00\n"
      "<27    0x00 0x00 0x00 0x00\n";
  EXPECT_EQ(Trace({noop}), traced_noop);
  EXPECT_TRUE(Trace({get + noop}).ends_with(traced_noop));
  EXPECT_EQ(Trace({get + noop}), Trace({get.substr(0, 25), get.substr(25) + noop}));
  EXPECT_EQ(Trace({noop + "get k\r\n"}), traced_noop);
}

}  // namespace
}  // namespace larder
