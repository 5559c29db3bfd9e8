#include "server/engine/request_sampler.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/binary_client.h"
#include "tests/engine/session_harness.h"

// What operators see of the samples, through sessions.

namespace larder {
namespace {

using testing::HasSubstr;
using testing::Not;

Settings EveryRequest() {
  Settings settings;
  settings.hot_keys_sample = 1;
  return settings;
}

class RequestSamplerTest : public testing::Test {
 protected:
  std::string HotKeys() { return client_.Send("stats hotkeys\r\n"); }
  void Set(const std::string& key, size_t bytes) {
    client_.Send("set " + key + " 0 0 " + std::to_string(bytes) + "\r\n" + std::string(bytes, 'v') +
                 "\r\n");
  }

  EngineHarness harness_{EveryRequest()};
  Client client_{&harness_};
};

TEST_F(RequestSamplerTest, NothingYet) {
  EXPECT_EQ(HotKeys(),
            "STAT hotkeys_sample 1\r\nSTAT hotkeys_sampled 0\r\nSTAT hotkeys_seconds 0\r\nEND\r\n");
  const std::string mrc = client_.Send("stats mrc\r\n");
  EXPECT_EQ(StatOf(mrc, "mrc_sampled_reads"), "0");
  EXPECT_EQ(StatOf(mrc, "mrc_sampled_keys"), "0");
  EXPECT_THAT(mrc, Not(HasSubstr("mrc:")));
}

TEST_F(RequestSamplerTest, KeysByRequestsAndByBytes) {
  Set("small", 10);
  Set("large", 4000);
  for (int i = 0; i < 97; ++i) client_.Send("get small\r\n");
  client_.Send("get large\r\n");
  harness_.Advance(10);
  const std::string reply = HotKeys();
  EXPECT_EQ(StatOf(reply, "hotkeys_sampled"), "100");
  EXPECT_EQ(StatOf(reply, "hotkeys_seconds"), "10");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:key"), "small");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:requests_per_second"), "9.8");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:percent"), "98.00");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:percent_error"), "0.00");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:value_bytes"), "10");
  EXPECT_EQ(StatOf(reply, "hotkeys:2:key"), "large");
  EXPECT_EQ(StatOf(reply, "hotbytes:1:key"), "large");
  EXPECT_EQ(StatOf(reply, "hotbytes:1:bytes_per_second"), "800.0");
  EXPECT_EQ(StatOf(reply, "hotbytes:1:value_bytes"), "4000");
  EXPECT_EQ(StatOf(reply, "hotbytes:2:key"), "small");
}

// Every way to name a key is one.
TEST_F(RequestSamplerTest, AllCommands) {
  client_.Send("get k k\r\nset k 0 0 1\r\n1\r\nincr k 1\r\ntouch k 0\r\ngat 0 k\r\ndelete k\r\n");
  client_.Send("mg k\r\nms k 1\r\n1\r\nma k\r\nmd k\r\n");
  EXPECT_EQ(StatOf(HotKeys(), "hotkeys_sampled"), "11");
  // What has no key is none.
  client_.Send("version\r\nmn\r\nfoo\r\n");
  EXPECT_EQ(StatOf(HotKeys(), "hotkeys_sampled"), "11");
}

TEST_F(RequestSamplerTest, LongPipelinesAndGetsOfManyKeys) {
  std::string get = "get";
  for (int i = 0; i < 100; ++i) get.append(" ").append(i % 4 == 0 ? "often" : std::to_string(i));
  client_.Send(get + "\r\n" + get + "\r\n");
  const std::string reply = HotKeys();
  EXPECT_EQ(StatOf(reply, "hotkeys_sampled"), "200");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:key"), "often");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:percent"), "25.00");
}

// A value that is received into its item is known before it is there.
TEST_F(RequestSamplerTest, LargeValues) {
  Set("large", 300'000);
  EXPECT_EQ(StatOf(HotKeys(), "hotbytes:1:value_bytes"), "300000");
}

// What is executed again after the output was full is counted once.
TEST_F(RequestSamplerTest, WhatWaitsForTheOutputIsCountedOnce) {
  Set("k", 4000);
  client_.Send("stats reset\r\n");
  Client slow(&harness_, {.send_bytes = 1000});
  std::string gets;
  for (int i = 0; i < 1000; ++i) gets += "get k\r\n";
  slow.Send(gets);
  ASSERT_GT(slow.flushes(), 0);
  EXPECT_EQ(StatOf(HotKeys(), "hotkeys_sampled"), "1000");
}

TEST_F(RequestSamplerTest, KeysOfAnyBytes) {
  using binary::BinaryRequestPacket;
  Client binary_client(&harness_);
  const std::string key("a b\0\r\n%", 7);
  binary_client.Send(BinaryRequestPacket{
      .opcode = 0x01, .extras = std::string(8, '\0'), .key = key, .value = "secret"}
                         .Bytes());
  const std::string reply = HotKeys();
  EXPECT_EQ(StatOf(reply, "hotkeys:1:key"), "a%20b%00%0D%0A%25");
  EXPECT_EQ(StatOf(reply, "hotkeys:1:value_bytes"), "6");
  EXPECT_THAT(reply, Not(HasSubstr("secret")));
}

TEST_F(RequestSamplerTest, BinaryClientsAskToo) {
  using binary::BinaryReplyPacket;
  using binary::BinaryRequestPacket;
  Set("k", 5);
  Client client(&harness_);
  std::vector<std::string> names;
  for (const char* what : {"hotkeys", "mrc"}) {
    const std::string reply = client.Send(BinaryRequestPacket{.opcode = 0x10, .key = what}.Bytes());
    for (const BinaryReplyPacket& packet : binary::ParseBinaryReplies(reply)) {
      names.push_back(packet.key);
    }
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"hotkeys:1:key", "mrc_sampled_keys"}));
}

TEST_F(RequestSamplerTest, ResetForgetsBoth) {
  client_.Send("get k\r\n");
  client_.Send("stats reset\r\n");
  EXPECT_EQ(StatOf(HotKeys(), "hotkeys_sampled"), "0");
}

// One of so many, and no rhythm of the load hides a key or favours it.
TEST_F(RequestSamplerTest, SamplesFairly) {
  Settings settings;
  settings.hot_keys_sample = 10;
  EngineHarness harness(settings);
  Client client(&harness);
  std::string gets;
  for (int i = 0; i < 1000; ++i) gets += i % 10 == 0 ? "get tenth\r\n" : "get other\r\n";
  for (int i = 0; i < 100; ++i) client.Send(gets);
  const std::string reply = client.Send("stats hotkeys\r\n");
  EXPECT_NEAR(std::stod(StatOf(reply, "hotkeys_sampled")), 10'000, 300);
  EXPECT_EQ(StatOf(reply, "hotkeys:2:key"), "tenth");
  EXPECT_NEAR(std::stod(StatOf(reply, "hotkeys:2:percent")), 10, 1.5);
}

// Reads of which some keys have more than others, by a client that stores what it misses.
TEST_F(RequestSamplerTest, MissRatios) {
  Settings settings;
  settings.memory_bytes = 8 << 20;
  EngineHarness harness(settings);
  Client client(&harness);
  std::mt19937 random(1);
  std::uniform_real_distribution<> any(0, 1);
  for (int i = 0; i < 400'000; ++i) {
    const std::string key = std::to_string(static_cast<int>(60'000 * std::pow(any(random), 2)));
    if (client.Send("get " + key + "\r\n") == "END\r\n") {
      client.Send("set " + key + " 0 0 300\r\n" + std::string(300, 'v') + "\r\n");
    }
    if (i % 1000 == 0) harness.store().Maintain(harness.now.tick, 1000);
    if (i == 100'000) client.Send("stats reset\r\n");
  }
  const std::string reply = client.Send("stats mrc\r\n");
  const std::string general = client.Send("stats\r\n");
  const double gets = std::stod(StatOf(general, "cmd_get"));
  const double hits = std::stod(StatOf(general, "get_hits"));
  const auto hit_ratio = [&](const std::string& multiple) {
    return std::stod(StatOf(reply, "mrc:" + multiple + ":hit_ratio"));
  };
  EXPECT_NEAR(std::stod(StatOf(reply, "mrc_sampled_reads")), gets / 200, gets / 200 / 3);
  EXPECT_NEAR(std::stod(StatOf(reply, "mrc_measured_hit_ratio")), hits / gets, 0.0001);
  EXPECT_NEAR(hit_ratio("1"), hits / gets, 0.0001);
  EXPECT_EQ(StatOf(reply, "mrc:0.5:memory_bytes"), std::to_string(4 << 20));
  EXPECT_EQ(StatOf(reply, "mrc:1.5:memory_bytes"), std::to_string(12 << 20));
  EXPECT_LT(hit_ratio("0.5"), hit_ratio("1") - 0.05);
  EXPECT_GT(hit_ratio("1.5"), hit_ratio("1") + 0.02);
  EXPECT_GT(hit_ratio("2"), hit_ratio("1.5") + 0.02);
  EXPECT_GE(hit_ratio("4"), hit_ratio("2"));
}

TEST_F(RequestSamplerTest, BothCanBeOff) {
  Settings settings;
  settings.hot_keys_sample = 0;
  settings.miss_ratio_curve = false;
  EngineHarness harness(settings);
  Client client(&harness);
  std::string gets;
  for (int i = 0; i < 10'000; ++i) gets.append("get k").append(std::to_string(i)).append("\r\n");
  client.Send(gets + "flush_all\r\nstats reset\r\n");
  EXPECT_EQ(client.Send("stats hotkeys\r\n"), "STAT hotkeys_status disabled\r\nEND\r\n");
  EXPECT_EQ(client.Send("stats mrc\r\n"), "STAT mrc_status disabled\r\nEND\r\n");
}

}  // namespace
}  // namespace larder
