#include <string>

#include "gtest/gtest.h"
#include "tests/engine/binary_client.h"
#include "tests/engine/session_harness.h"

// Which protocol a session speaks.

namespace larder {
namespace {

Client::Options Speaking(ProtocolChoice protocol) { return {.session = {.protocol = protocol}}; }

TEST(Dialect, TheFirstByteChoosesText) {
  EngineHarness harness;
  Client client(&harness, Speaking(ProtocolChoice::kNegotiate));
  EXPECT_EQ(client.Send("mn\r\n"), "MN\r\n");
}

TEST(Dialect, TheFirstByteChoosesBinary) {
  EngineHarness harness;
  Client client(&harness, Speaking(ProtocolChoice::kNegotiate));
  EXPECT_EQ(binary::Summary(client.Send(binary::Plain(0x0a))), "0a 00");
  // Once and for all.
  EXPECT_EQ(client.Send("get a_key_of_some_length\r\n"), "");
  EXPECT_TRUE(client.closed());
}

TEST(Dialect, TextOnlyTakesAnyByteForText) {
  EngineHarness harness;
  Client client(&harness, Speaking(ProtocolChoice::kText));
  EXPECT_EQ(client.Send("\x80get k\r\n"), "ERROR\r\n");
  EXPECT_FALSE(client.closed());
}

TEST(Dialect, BinaryOnlyClosesOnText) {
  EngineHarness harness;
  Client client(&harness, Speaking(ProtocolChoice::kBinary));
  EXPECT_EQ(client.Send("get a_key_of_some_length\r\n"), "");
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace larder
