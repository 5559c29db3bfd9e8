#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/engine/binary_client.h"
#include "tests/engine/session_harness.h"

// What a watching session is told of what others do.

namespace larder {
namespace {

using testing::HasSubstr;

class WatchTest : public testing::Test {
 protected:
  // What the watcher has been sent since the last call, without times and numbers.
  std::string Told() {
    harness_.engine().watch_hub().Deliver(harness_.now);
    watcher_.Wake();
    std::istringstream received(watcher_.Receive());
    std::string told;
    for (std::string line; std::getline(received, line);) {
      EXPECT_THAT(line, testing::ContainsRegex("^ts=[0-9]+[.][0-9]{6} gid=[0-9]+ "));
      told += line.substr(line.find(' ', line.find(' ') + 1) + 1) + "\n";
    }
    return told;
  }
  std::string ClassOf(const std::string& key) {
    int class_id = 0;
    harness_.store().Peek(harness_.store().MakeKey(key), harness_.now.tick,
                          [&](const ItemView& item) { class_id = item.class_id(); });
    return std::to_string(class_id);
  }

  EngineHarness harness_;
  Client client_{&harness_, {.session = {.connection_id = 28}}};
  Client watcher_{&harness_};
};

// `lines` with `class_id` in the place of every @.
std::string OfClass(const std::string& class_id, std::string lines) {
  for (size_t at; (at = lines.find('@')) != std::string::npos;) lines.replace(at, 1, class_id);
  return lines;
}

TEST_F(WatchTest, TheRecordedConversation) {
  EXPECT_EQ(watcher_.Send("watch fetchers mutations evictions connevents deletions\r\n"), "OK\r\n");
  EXPECT_TRUE(watcher_.session().watching());
  client_.Send("set w 0 0 1\r\nx\r\n");
  const std::string cls = ClassOf("w");
  client_.Send("get w\r\ndelete w\r\nget w\r\nset w 0 100 1\r\nx\r\n");
  EXPECT_EQ(Told(),
            OfClass(cls,
                    "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n"
                    "type=item_store key=w status=stored cmd=set ttl=0 clsid=@ cfd=28 size=1\n"
                    "type=item_get key=w status=found clsid=@ cfd=28 size=1\n"
                    "type=item_get key=w status=found clsid=@ cfd=28 size=1\n"
                    "type=deleted key=w cmd=delete clsid=@ size=1\n"
                    "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n"
                    "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n"
                    "type=item_store key=w status=stored cmd=set ttl=100 clsid=@ cfd=28 size=1\n"));
}

TEST_F(WatchTest, MetaCommands) {
  watcher_.Send("watch fetchers mutations deletions\r\n");
  client_.Send("ms w 1 T100\r\nx\r\n");
  const std::string cls = ClassOf("w");
  client_.Send("mg w v\r\nmd w\r\n");
  EXPECT_EQ(Told(),
            OfClass(cls,
                    "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n"
                    "type=item_store key=w status=stored cmd=set ttl=100 clsid=@ cfd=28 size=1\n"
                    "type=item_get key=w status=found clsid=@ cfd=28 size=1\n"
                    "type=item_get key=w status=found clsid=@ cfd=28 size=1\n"
                    "type=deleted key=w cmd=md clsid=@ size=1\n"));
}

TEST_F(WatchTest, BinaryCommands) {
  watcher_.Send("watch fetchers mutations deletions\r\n");
  client_.Send(binary::Store("w", "x", 0x01, 0, 0, /*expiry=*/100));
  const std::string cls = ClassOf("w");
  client_.Send(binary::Get("w") + binary::Delete("w") + binary::Get("w", /*opcode=*/0x09));
  EXPECT_EQ(Told(),
            OfClass(cls,
                    "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n"
                    "type=item_store key=w status=stored cmd=set ttl=100 clsid=@ cfd=28 size=1\n"
                    "type=item_get key=w status=found clsid=@ cfd=28 size=1\n"
                    "type=item_get key=w status=found clsid=@ cfd=28 size=1\n"
                    "type=deleted key=w cmd=delete clsid=@ size=1\n"
                    "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n"));
}

TEST_F(WatchTest, WithoutWordsFetchersAreWatched) {
  watcher_.Send("watch\r\n");
  client_.Send("set w 0 0 1\r\nx\r\n");
  EXPECT_EQ(Told(), "type=item_get key=w status=not_found clsid=0 cfd=28 size=0\n");
}

TEST_F(WatchTest, EveryOutcomeOfAStore) {
  watcher_.Send("watch mutations\r\n");
  client_.Send("add a 0 0 1\r\nx\r\nadd a 0 0 1\r\nx\r\nreplace b 0 0 1\r\nx\r\n");
  const std::string cls = ClassOf("a");
  client_.Send("cas a 0 0 1 1000000\r\nx\r\ncas b 0 0 1 1\r\nx\r\nappend a 0 0 1\r\ny\r\n");
  client_.Send("prepend a 0 0 1\r\ny\r\n");
  client_.Send("set c 0 0 2000000\r\n" + std::string(2000000, 'x') + "\r\n");
  EXPECT_EQ(
      Told(),
      OfClass(cls,
              "type=item_store key=a status=stored cmd=add ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=a status=not_stored cmd=add ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=b status=not_stored cmd=replace ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=a status=exists cmd=cas ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=b status=not_found cmd=cas ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=a status=stored cmd=append ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=a status=stored cmd=prepend ttl=0 clsid=@ cfd=28 size=1\n"
              "type=item_store key=c status=too_large cmd=set ttl=0 clsid=0 cfd=28 size=0\n"));
}

TEST_F(WatchTest, AValueThatArrivesInPieces) {
  watcher_.Send("watch fetchers mutations\r\n");
  client_.Send("set big 0 0 100000\r\n");
  client_.Send(std::string(100000, 'x') + "\r\n");
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("type=item_get key=big status=not_found"));
  EXPECT_THAT(told, HasSubstr("type=item_store key=big status=stored cmd=set"));
  EXPECT_THAT(told, HasSubstr(" size=100000\n"));
}

TEST_F(WatchTest, ExpiredAndFlushedReads) {
  client_.Send("set a 0 1 1\r\nx\r\nset b 0 0 1\r\nx\r\n");
  watcher_.Send("watch fetchers\r\n");
  harness_.Advance(5);
  client_.Send("get a\r\nflush_all\r\n");
  client_.Send("get b\r\n");
  EXPECT_EQ(Told(),
            "type=item_get key=a status=expired clsid=0 cfd=28 size=0\n"
            "type=item_get key=b status=flushed clsid=0 cfd=28 size=0\n");
}

TEST_F(WatchTest, LookingOnLeavesNoTrace) {
  client_.Send("set a 0 0 1\r\nx\r\n");
  watcher_.Send("watch fetchers deletions mutations\r\n");
  client_.Send("add a 0 0 1\r\ny\r\ncas a 0 0 1 99999\r\nz\r\n");
  harness_.store().Peek(harness_.store().MakeKey("a"), harness_.now.tick,
                        [](const ItemView& item) { EXPECT_FALSE(item.fetched()); });
}

TEST_F(WatchTest, RawCommandsOnceALine) {
  watcher_.Send("watch rawcmds\r\n");
  client_.Send("get a b c\r\nset a 0 0 1\r\nx\r\nnonsense\r\n");
  EXPECT_EQ(Told(), "<28 get a b c\n<28 set a 0 0 1\n<28 nonsense\n");
}

TEST_F(WatchTest, RawCommandsAreOfTextAlone) {
  watcher_.Send("watch rawcmds\r\n");
  Client binary(&harness_);
  // A noop.
  binary.Send(std::string("\x80\x0a", 2) + std::string(22, '\0'));
  client_.Send("get a\r\n");
  EXPECT_EQ(Told(), "<28 get a\n");
}

TEST_F(WatchTest, Evictions) {
  Settings settings;
  settings.memory_bytes = 16 << 20;
  EngineHarness harness(settings);
  Client watcher(&harness);
  Client client(&harness);
  watcher.Send("watch evictions\r\n");
  const std::string value(1000, 'x');
  for (int i = 0; i < 30000; ++i) {
    client.Send("set key" + std::to_string(i) + " 0 500 1000 noreply\r\n" + value + "\r\n");
  }
  harness.engine().watch_hub().Deliver(harness.now);
  watcher.Wake();
  EXPECT_THAT(watcher.Receive(),
              testing::ContainsRegex("type=eviction key=key[0-9]+ fetch=no ttl=500 la=0 "
                                     "clsid=[0-9]+ size=1000\n"));
}

TEST_F(WatchTest, WhatAWatcherSendsIsDropped) {
  watcher_.Send("watch fetchers\r\nversion\r\n");
  EXPECT_EQ(watcher_.Send("version\r\nquit\r\n"), "");
  EXPECT_FALSE(watcher_.closed());
  client_.Send("get a\r\n");
  EXPECT_THAT(Told(), HasSubstr("key=a"));
}

TEST_F(WatchTest, ManyWatchers) {
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < WatchHub::kWatchersMax; ++i) {
    clients.push_back(std::make_unique<Client>(&harness_));
    EXPECT_EQ(clients.back()->Send("watch\r\n"), "OK\r\n");
  }
  EXPECT_EQ(watcher_.Send("watch\r\n"), "WATCHER_TOO_MANY log watcher limit reached\r\n");
  EXPECT_EQ(StatOf(watcher_.Send("stats\r\n"), "log_watchers"), "20");
  clients.clear();
  EXPECT_EQ(StatOf(watcher_.Send("stats\r\n"), "log_watchers"), "0");
  EXPECT_EQ(harness_.engine().observed(), 0u);
}

TEST_F(WatchTest, MayBeForbidden) {
  Settings settings;
  settings.watch_command = false;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(client.Send("watch fetchers\r\n"), "CLIENT_ERROR watch commands not allowed\r\n");
}

TEST_F(WatchTest, WhatIsLoggedIsCounted) {
  watcher_.Send("watch fetchers\r\n");
  client_.Send("get a\r\nget b\r\n");
  Told();
  const std::string stats = client_.Send("stats\r\n");
  EXPECT_EQ(StatOf(stats, "log_worker_written"), "2");
  EXPECT_EQ(StatOf(stats, "log_watcher_sent"), "2");
  EXPECT_EQ(StatOf(stats, "log_worker_dropped"), "0");
  EXPECT_EQ(StatOf(stats, "log_watcher_skipped"), "0");
  EXPECT_EQ(StatOf(stats, "log_watchers"), "1");
  client_.Send("stats reset\r\n");
  EXPECT_EQ(StatOf(client_.Send("stats\r\n"), "log_worker_written"), "0");
  EXPECT_EQ(StatOf(client_.Send("stats\r\n"), "log_watchers"), "1");
}

}  // namespace
}  // namespace larder
