#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/engine/binary_client.h"
#include "tests/engine/session_harness.h"

// Who may do what on a server that wants to know its clients, with a library that knows one
// password, and a mechanism that asks for it in two steps.

namespace larder {
namespace {

namespace bin = binary;

class FakeDialogue final : public AuthDialogue {
 public:
  bool ListMechanisms(std::string* mechanisms) override {
    *mechanisms = "PLAIN STEPS";
    return true;
  }
  AuthResult Start(const std::string& mechanism, std::string_view data,
                   std::string* answer) override {
    if (mechanism == "STEPS") {
      *answer = "password?";
      return AuthResult::kContinue;
    }
    return mechanism == "PLAIN" ? Step(data, answer) : AuthResult::kRefused;
  }
  AuthResult Step(std::string_view data, std::string* /*answer*/) override {
    return data == "secret" ? AuthResult::kAuthenticated : AuthResult::kRefused;
  }
};

class FakeAuthenticator final : public Authenticator {
 public:
  std::unique_ptr<AuthDialogue> NewDialogue() override {
    return works ? std::make_unique<FakeDialogue>() : nullptr;
  }
  bool works = true;
};

std::string Auth(const std::string& mechanism, const std::string& data, uint8_t opcode = 0x21) {
  return bin::BinaryRequestPacket{.opcode = opcode, .key = mechanism, .value = data}.Bytes();
}

class SaslSessionTest : public testing::Test {
 protected:
  static constexpr char kAuthenticated[] = "21 00 Authenticated";

  std::string Said(const std::string& request) { return bin::Summary(client_.Send(request)); }

  FakeAuthenticator authenticator_;
  EngineHarness harness_{Settings(), &authenticator_};
  Client client_{&harness_};
};

TEST_F(SaslSessionTest, NothingButVersionBefore) {
  for (const std::string& request :
       {bin::Get("k"), bin::Get("k", 0x09), bin::Store("k", "v"), bin::Delete("k"),
        bin::Increment("k", 1), bin::Plain(0x0a), bin::Plain(0x07), bin::Plain(0x08),
        bin::Plain(0x10), bin::Plain(0x1b), bin::Plain(0x17),
        bin::Store("k", std::string(100'000, 'x')), bin::Get(std::string(251, 'k'))}) {
    Client client(&harness_);
    EXPECT_EQ(bin::Summary(client.Send(bin::Plain(0x0b))), "0b 00 1.6.45");
    const auto packets = bin::ParseBinaryReplies(client.Send(request + bin::Plain(0x0b)));
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_EQ(packets[0].status, 0x20);
    EXPECT_EQ(packets[0].value, "Auth failure.");
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(SaslSessionTest, EverythingAfter) {
  EXPECT_EQ(Said(bin::Plain(0x20)), "20 00 PLAIN STEPS");
  EXPECT_EQ(Said(Auth("PLAIN", "secret") + bin::Store("k", "v") + bin::Get("k")),
            std::string(kAuthenticated) + "; 01 00; 00 00 v");
}

TEST_F(SaslSessionTest, InSteps) {
  EXPECT_EQ(Said(Auth("STEPS", "")), "21 21 password?");
  EXPECT_EQ(Said(Auth("STEPS", "secret", 0x22)), "22 00 Authenticated");
  EXPECT_EQ(Said(bin::Plain(0x0a)), "0a 00");
}

TEST_F(SaslSessionTest, RefusalsAreAnsweredAndCounted) {
  EXPECT_EQ(Said(Auth("PLAIN", "wrong")), "21 20 Auth failure.");
  EXPECT_EQ(Said(Auth("NONE", "secret")), "21 20 Auth failure.");
  // A step of nothing.
  EXPECT_EQ(Said(Auth("PLAIN", "secret", 0x22)), "22 20 Auth failure.");
  EXPECT_EQ(Said(Auth("PLAIN", "secret")), kAuthenticated);
  const auto packets = bin::ParseBinaryReplies(client_.Send(bin::Plain(0x10)));
  const auto stat = [&](const std::string& name) {
    for (const auto& packet : packets) {
      if (packet.key == name) return packet.value;
    }
    return std::string("none");
  };
  EXPECT_EQ(stat("auth_cmds"), "4");
  EXPECT_EQ(stat("auth_errors"), "3");
}

TEST_F(SaslSessionTest, WhoBeginsAnewIsNobody) {
  EXPECT_EQ(Said(Auth("PLAIN", "secret")), kAuthenticated);
  EXPECT_EQ(Said(bin::Plain(0x20) + bin::Get("k") + bin::Plain(0x0b)),
            "20 00 PLAIN STEPS; 00 20 Auth failure.");
  EXPECT_TRUE(client_.closed());
}

TEST_F(SaslSessionTest, WhatIsTooLongIsDropped) {
  EXPECT_EQ(Said(Auth(std::string(33, 'M'), "secret") + bin::Plain(0x0b)),
            "21 04 Invalid arguments; 0b 00 1.6.45");
  EXPECT_EQ(Said(Auth("PLAIN", std::string(100'000, 'x')) + bin::Plain(0x0b)),
            "21 82 Out of memory; 0b 00 1.6.45");
  // The longest that there may be is waited for.
  EXPECT_EQ(Said(Auth("PLAIN", std::string(kSaslDataBytesMax, 'x'))), "21 20 Auth failure.");
}

TEST_F(SaslSessionTest, WithoutADialogueNobodyGetsIn) {
  authenticator_.works = false;
  EXPECT_EQ(Said(bin::Plain(0x20)), "20 20 Auth failure.");
  EXPECT_EQ(Said(Auth("PLAIN", "secret")), "21 20 Auth failure.");
}

TEST_F(SaslSessionTest, TextIsNoWayAround) {
  EXPECT_EQ(client_.Send("get a_key_of_some_length\r\n"), "");
  EXPECT_TRUE(client_.closed());
}

TEST_F(SaslSessionTest, CutsDoNotMatter) {
  for (const size_t cut : {1, 5, 25, 60}) {
    Client client(&harness_, {.cut_bytes = cut});
    EXPECT_EQ(bin::Summary(client.Send(Auth("STEPS", "hello") + Auth("STEPS", "secret", 0x22) +
                                       bin::Plain(0x0a) + bin::Plain(0x20) + bin::Get("k"))),
              "21 21 password?; 22 00 Authenticated; 0a 00; 20 00 PLAIN STEPS; "
              "00 20 Auth failure.");
  }
}

}  // namespace
}  // namespace larder
