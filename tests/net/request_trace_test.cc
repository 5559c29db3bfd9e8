#include "server/net/request_trace.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "server/engine/output.h"
#include "server/engine/session.h"
#include "tests/net/test_engine.h"

namespace larder {
namespace {

// What -vv prints of a stream that arrives in these pieces.
std::string Trace(const std::vector<std::string_view>& pieces, int verbosity = 2) {
  const Now now = {.tick = Tick{100}, .wall_seconds = 1'700'000'000};
  Settings settings;
  settings.verbosity = verbosity;
  TestEngine engine(settings, now);
  EngineWorker* const worker = engine.engine().AddWorker();
  Session session(worker, {.connection_id = 27, .trace = &PrintRequest});
  Output output(&worker->output_blocks());
  testing::internal::CaptureStderr();
  std::string input;
  for (const std::string_view piece : pieces) {
    input += piece;
    input.erase(0, session.Run(input, now, &output).consumed);
    output.Clear();
  }
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

TEST(RequestTraceTest, LeavesValuesOutHoweverTheirLengthIsSaid) {
  EXPECT_EQ(Trace({"ms a 5 T0\r\nget b\r\nmg a\r\n"}), "<27 ms a 5 T0\n<27 mg a\n");
  // Too large to be kept, and larger than what is read at once.
  const std::string lines(40'000, '\n');
  EXPECT_EQ(Trace({"set a 0 0 2000000\r\nget b\r\n" + std::string(1'999'993, '\n') + "\r\nmn\r\n"}),
            "<27 set a 0 0 2000000\n<27 mn\n");
  EXPECT_EQ(Trace({"set a 0 0 40000\r\n", lines, "\r\nmn\r\n"}), "<27 set a 0 0 40000\n<27 mn\n");
}

TEST(RequestTraceTest, PrintsALineOnceForAllItsKeys) {
  EXPECT_EQ(Trace({"get a b c\r\n"}), "<27 get a b c\n");
}

TEST(RequestTraceTest, GoesOnAfterALineThatIsNoCommand) {
  EXPECT_EQ(Trace({"set a b c d\r\nset a\r\n\r\nget b\r\n"}),
            "<27 set a b c d\n<27 set a\n<27 \n<27 get b\n");
}

TEST(RequestTraceTest, PrintsNothingUnlessAsked) { EXPECT_EQ(Trace({"get foo\r\n"}, 1), ""); }

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
