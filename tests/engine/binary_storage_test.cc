#include <string>

#include "gtest/gtest.h"
#include "tests/engine/binary_client.h"
#include "tests/engine/session_harness.h"

// What changes items, told in the binary protocol: one packet in, one out.

namespace larder {
namespace {

namespace bin = binary;

class BinaryStorage : public testing::Test {
 protected:
  // The only packet of the reply.
  bin::BinaryReplyPacket One(const std::string& request) {
    const auto packets = bin::ParseBinaryReplies(client_.Send(request));
    EXPECT_EQ(packets.size(), 1u);
    return packets.empty() ? bin::BinaryReplyPacket() : packets.front();
  }
  std::string Said(const std::string& request) { return bin::Summary(client_.Send(request)); }
  std::string Value(const std::string& key) { return One(bin::Get(key)).value; }
  uint64_t Cas(const std::string& key) { return One(bin::Get(key)).cas; }
  std::string Stat(const std::string& name) {
    return StatOf(Client(&harness_).Send("stats\r\n"), name);
  }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(BinaryStorage, SetTellsTheTokenAndEchoesOpaque) {
  const auto stored = One(bin::Store("k", "value", 0x01, 0, /*flags=*/0xdeadbeef));
  EXPECT_EQ(stored.status, 0);
  EXPECT_EQ(stored.opaque, "OPAQ");
  EXPECT_NE(stored.cas, 0u);
  EXPECT_EQ(stored.value, "");
  const auto got = One(bin::Get("k"));
  EXPECT_EQ(got.value, "value");
  EXPECT_EQ(got.extras, "\xde\xad\xbe\xef");
  EXPECT_EQ(got.cas, stored.cas);
  EXPECT_EQ(got.key, "");
}

TEST_F(BinaryStorage, AddAndReplace) {
  EXPECT_EQ(Said(bin::Store("k", "1", 0x03)), "03 01 Not found");
  EXPECT_EQ(Said(bin::Store("k", "2", 0x02)), "02 00");
  EXPECT_EQ(Said(bin::Store("k", "3", 0x02)), "02 02 Data exists for key.");
  EXPECT_EQ(Said(bin::Store("k", "4", 0x03)), "03 00");
  EXPECT_EQ(Value("k"), "4");
}

TEST_F(BinaryStorage, ATokenMakesAnyStoreACompare) {
  for (const uint8_t opcode : {0x01, 0x02, 0x03}) {
    SCOPED_TRACE(int{opcode});
    EXPECT_EQ(bin::ParseBinaryReplies(client_.Send(bin::Store("none", "x", opcode, 1)))[0].value,
              "Not found");
    client_.Send(bin::Store("k", "old"));
    const uint64_t cas = Cas("k");
    EXPECT_EQ(One(bin::Store("k", "new", opcode, cas + 1)).value, "Data exists for key.");
    EXPECT_EQ(Value("k"), "old");
    const auto stored = One(bin::Store("k", "new", opcode, cas));
    EXPECT_EQ(stored.status, 0);
    EXPECT_GT(stored.cas, cas);
    EXPECT_EQ(Value("k"), "new");
  }
  EXPECT_EQ(Stat("cas_misses"), "3");
  EXPECT_EQ(Stat("cas_badval"), "3");
  EXPECT_EQ(Stat("cas_hits"), "3");
}

TEST_F(BinaryStorage, AppendAndPrepend) {
  EXPECT_EQ(Said(bin::Extend("k", "x")), "0e 05 Not stored.");
  EXPECT_EQ(Said(bin::Extend("k", "x", 0x0f)), "0f 05 Not stored.");
  client_.Send(bin::Store("k", "b"));
  EXPECT_EQ(Said(bin::Extend("k", "c")), "0e 00");
  EXPECT_EQ(Said(bin::Extend("k", "a", 0x0f)), "0f 00");
  EXPECT_EQ(Value("k"), "abc");
  const uint64_t cas = Cas("k");
  EXPECT_EQ(Said(bin::Extend("k", "d", 0x0e, cas + 1)), "0e 02 Data exists for key.");
  EXPECT_EQ(One(bin::Extend("k", "d", 0x0e, cas)).status, 0);
  EXPECT_EQ(Value("k"), "abcd");
  EXPECT_EQ(Said(bin::Extend("none", "d", 0x0e, cas)), "0e 05 Not stored.");
}

TEST_F(BinaryStorage, QuietCommandsAnswerErrorsOnly) {
  EXPECT_EQ(
      Said(bin::Store("k", "1", 0x11) + bin::Store("k", "2", 0x13) + bin::Extend("k", "3", 0x19) +
           bin::Extend("k", "1", 0x1a) + bin::Increment("k", 1, 0, 0, 0x15) +
           bin::Increment("k", 1, 0, 0, 0x16) + bin::Plain(0x18) + bin::Delete("k", 0x14) +
           bin::Store("k", "4", 0x12) + bin::Store("k", "4", 0x12) + bin::Plain(0x0a)),
      "14 01 Not found; 12 02 Data exists for key.; 0a 00");
  EXPECT_EQ(Said(bin::Store("none", "1", 0x13) + bin::Extend("none", "1", 0x19) +
                 bin::Increment("none", 1, 0, 0xffffffff, 0x15)),
            "13 01 Not found; 19 05 Not stored.; 15 01 Not found");
}

TEST_F(BinaryStorage, DeleteComparesToo) {
  EXPECT_EQ(Said(bin::Delete("k")), "04 01 Not found");
  client_.Send(bin::Store("k", "v"));
  const uint64_t cas = Cas("k");
  EXPECT_EQ(Said(bin::Delete("k", 0x04, cas + 1)), "04 02 Data exists for key.");
  const auto deleted = One(bin::Delete("k", 0x04, cas));
  EXPECT_EQ(deleted.status, 0);
  EXPECT_EQ(deleted.cas, 0u);
  EXPECT_EQ(Stat("delete_hits"), "1");
  EXPECT_EQ(Stat("delete_misses"), "1");
}

TEST_F(BinaryStorage, IncrementAndDecrement) {
  EXPECT_EQ(Said(bin::Increment("n", 5)), "05 01 Not found");
  // The initial value, not with the delta added.
  const auto created = One(bin::Increment("n", 5, 10, /*expiry=*/0));
  EXPECT_EQ(created.value, bin::BigEndian(10, 8));
  EXPECT_EQ(created.cas, Cas("n"));
  EXPECT_EQ(Value("n"), "10");
  const auto incremented = One(bin::Increment("n", 5));
  EXPECT_EQ(incremented.value, bin::BigEndian(15, 8));
  EXPECT_EQ(incremented.cas, Cas("n"));
  EXPECT_EQ(One(bin::Increment("n", 100, 0, 0, 0x06)).value, bin::BigEndian(0, 8));
  EXPECT_EQ(Value("n"), "0 ");
  EXPECT_EQ(One(bin::Increment("n", UINT64_MAX)).value, bin::BigEndian(UINT64_MAX, 8));
  EXPECT_EQ(Said(bin::Increment("n", 1, 0, 0, 0x05, Cas("n") + 1)), "05 02 Data exists for key.");
  client_.Send(bin::Store("n", "x"));
  EXPECT_EQ(Said(bin::Increment("n", 1)), "05 06 Non-numeric server-side value for incr or decr");
  EXPECT_EQ(Stat("incr_misses"), "1");
  EXPECT_EQ(Stat("incr_hits"), "2");
  EXPECT_EQ(Stat("decr_hits"), "1");
}

TEST_F(BinaryStorage, ANumberThatIsMadeExpires) {
  client_.Send(bin::Increment("n", 5, 10, /*expiry=*/100));
  harness_.Advance(99);
  EXPECT_EQ(Value("n"), "10");
  harness_.Advance(2);
  EXPECT_EQ(Value("n"), "Not found");
}

TEST_F(BinaryStorage, ExpiriesAreUnsigned) {
  client_.Send(bin::Store("k", "v", 0x01, 0, 0, /*expiry=*/0xffffffff));
  EXPECT_EQ(Value("k"), "v");
  client_.Send(bin::Store("k", "v", 0x01, 0, 0, /*expiry=*/1));
  harness_.Advance(2);
  EXPECT_EQ(Value("k"), "Not found");
}

TEST_F(BinaryStorage, WhatIsTooLargeIsDroppedFromTheStream) {
  client_.Send(bin::Store("k", "old"));
  const std::string large(2 << 20, 'x');
  EXPECT_EQ(Said(bin::Store("k", large, 0x02) + bin::Plain(0x0a)), "02 03 Too large.; 0a 00");
  EXPECT_EQ(Value("k"), "old");
  EXPECT_EQ(Said(bin::Extend("k", large) + bin::Plain(0x0a)), "0e 03 Too large.; 0a 00");
  EXPECT_EQ(Value("k"), "old");
  // What a set meant to replace must not be read as if it were current.
  EXPECT_EQ(Said(bin::Store("k", large) + bin::Plain(0x0a)), "01 03 Too large.; 0a 00");
  EXPECT_EQ(Value("k"), "Not found");
}

TEST_F(BinaryStorage, LargeValuesAreReceivedIntoTheirItems) {
  const std::string large(500'000, 'x');
  EXPECT_EQ(Said(bin::Store("k", large)), "01 00");
  EXPECT_EQ(Said(bin::Extend("k", large) + bin::Plain(0x0a)), "0e 00; 0a 00");
  EXPECT_EQ(Value("k"), large + large);
}

// Under -C all tokens are 0: stores do not compare, deletes and numbers never match.
TEST(BinaryStorageWithoutCas, TokensAreZero) {
  Settings settings;
  settings.cas = false;
  EngineHarness harness(settings);
  Client client(&harness);
  const auto say = [&](const std::string& request) {
    return bin::ParseBinaryReplies(client.Send(request)).at(0);
  };
  EXPECT_EQ(say(bin::Store("n", "1")).cas, 0u);
  EXPECT_EQ(say(bin::Store("n", "2", 0x01, 77)).status, 0);
  EXPECT_EQ(say(bin::Store("n", "3", 0x02, 77)).status, 0x02);
  EXPECT_EQ(say(bin::Get("n")).cas, 0u);
  EXPECT_EQ(say(bin::Get("n")).value, "2");
  EXPECT_EQ(say(bin::Increment("n", 1)).cas, 0u);
  EXPECT_EQ(say(bin::Increment("n", 1, 0, 0, 0x05, 77)).status, 0x02);
  EXPECT_EQ(say(bin::Delete("n", 0x04, 77)).status, 0x02);
  EXPECT_EQ(say(bin::Delete("n")).status, 0);
}

}  // namespace
}  // namespace larder
