#include <gtest/gtest.h>

#include <string>

#include "tests/engine/session_harness.h"

// lru, lru_crawler, slabs, cache_memlimit, shutdown, extstore and stats detail.

namespace larder {
namespace {

class OperatorCommandsTest : public testing::Test {
 protected:
  std::string Setting(const std::string& name) {
    return StatOf(client_.Send("stats settings\r\n"), name);
  }

  EngineHarness harness_;
  Client client_{&harness_};
};

// What goes on in the background is told while it does, and counted.
TEST_F(OperatorCommandsTest, BackgroundWorkIsReported) {
  const auto stat = [this](const std::string& name) {
    return StatOf(client_.Send("stats\r\n"), name);
  };
  const auto maintain = [this] {
    while (harness_.store().Maintain(harness_.now.tick, 10000)) {
    }
  };
  const std::string value(3000, 'x');
  for (int i = 0; i < 2000; ++i) {
    client_.Send("set key" + std::to_string(i) + " 0 0 3000 noreply\r\n" + value + "\r\n");
  }
  const std::string me = client_.Send("me key1\r\n");
  const std::string from = std::to_string(std::stoi(me.substr(me.find(" cls=") + 5)));
  EXPECT_EQ(stat("slab_reassign_running"), "0");
  EXPECT_EQ(client_.Send("slabs reassign " + from + " 1\r\n"), "OK\r\n");
  EXPECT_EQ(stat("slab_reassign_running"), "1");
  maintain();
  EXPECT_EQ(stat("slab_reassign_running"), "0");
  EXPECT_EQ(stat("slabs_moved"), "1");
  EXPECT_EQ(stat("lru_crawler_running"), "0");
  const int starts = std::stoi(stat("lru_crawler_starts"));
  EXPECT_EQ(client_.Send("lru_crawler crawl all\r\n"), "OK\r\n");
  harness_.store().Maintain(harness_.now.tick, 1);
  EXPECT_EQ(stat("lru_crawler_running"), "1");
  maintain();
  EXPECT_EQ(stat("lru_crawler_running"), "0");
  EXPECT_EQ(std::stoi(stat("lru_crawler_starts")), starts + 1);
}

struct Exchange {
  const char* line;
  const char* reply;
};

class RepliesTest : public testing::TestWithParam<Exchange> {};

TEST_P(RepliesTest, AreMemcacheds) {
  EngineHarness harness;
  Client client(&harness);
  EXPECT_EQ(client.Send(std::string(GetParam().line) + "\r\n"),
            std::string(GetParam().reply) + "\r\n");
}

INSTANTIATE_TEST_SUITE_P(
    AsCReadsNumbersAndLists, RepliesTest,
    testing::Values(
        Exchange{"cache_memlimit +64", "OK"}, Exchange{"cache_memlimit +-64", "ERROR"},
        Exchange{"cache_memlimit +", "ERROR"}, Exchange{"lru tune +10 +25 +0.1 +2.0", "OK"},
        Exchange{"lru_crawler crawl 1,,2", "OK"},
        Exchange{"lru_crawler crawl 1,,0", "BADCLASS invalid class id"},
        Exchange{"watch fetchers fetchers fetchers fetchers fetchers fetchers fetchers fetchers "
                 "fetchers fetchers fetchers fetchers mutations",
                 "OK"},
        Exchange{"watch fetchers fetchers fetchers fetchers fetchers fetchers fetchers fetchers "
                 "fetchers fetchers fetchers fetchers nonsense",
                 "ERROR"}));

INSTANTIATE_TEST_SUITE_P(
    Recorded, RepliesTest,
    testing::Values(
        Exchange{"lru_crawler crawl all", "OK"}, Exchange{"lru_crawler crawl 1,2", "OK"},
        Exchange{"lru_crawler crawl 0", "BADCLASS invalid class id"},
        Exchange{"lru_crawler crawl hash", "ERROR an unknown error happened"},
        Exchange{"lru_crawler sleep 100", "OK"},
        Exchange{"lru_crawler sleep 1000001", "CLIENT_ERROR sleep must be one second or less"},
        Exchange{"lru_crawler sleep x", "CLIENT_ERROR bad command line format"},
        Exchange{"lru_crawler tocrawl 10", "OK"},
        Exchange{"lru_crawler tocrawl -1", "CLIENT_ERROR bad command line format"},
        Exchange{"lru_crawler disable", "OK"},
        Exchange{"lru_crawler enable", "ERROR failed to start lru crawler thread"},
        Exchange{"lru_crawler", "ERROR"}, Exchange{"lru_crawler nonsense", "ERROR"},
        Exchange{"lru_crawler crawl", "ERROR"}, Exchange{"lru_crawler crawl 1 2", "ERROR"},
        Exchange{"slabs automove 1", "OK"}, Exchange{"slabs automove 2", "OK"},
        Exchange{"slabs automove", "ERROR"}, Exchange{"slabs automove 3", "ERROR"},
        Exchange{"slabs automove x", "CLIENT_ERROR bad command line format"},
        Exchange{"slabs automove ratio 0.5", "OK"}, Exchange{"slabs automove ratio x", "ERROR"},
        Exchange{"slabs automove window 20", "OK"},
        Exchange{"slabs automove window x", "CLIENT_ERROR bad command line format"},
        Exchange{"slabs reassign 1 999", "BADCLASS invalid src or dst class id"},
        Exchange{"slabs reassign 1 1", "SAME src and dst class are identical"},
        Exchange{"slabs reassign 1 2", "NOSPARE source class has no spare pages"},
        Exchange{"slabs reassign x 1", "CLIENT_ERROR bad command line format"},
        Exchange{"slabs reassign 1", "ERROR"}, Exchange{"slabs", "ERROR"},
        Exchange{"lru tune 10 25 0.1 2.0", "OK"}, Exchange{"lru tune 10 25 0.1", "ERROR"},
        Exchange{"lru tune 10 x 0.1 2.0", "ERROR"},
        Exchange{"lru tune 50 31 0.1 2.0", "ERROR hot and warm pcts must not exceed 80"},
        Exchange{"lru tune 10 20 0 1", "ERROR hot/warm age factors must be greater than 0"},
        Exchange{"lru mode flat", "OK"}, Exchange{"lru mode segmented", "OK"},
        Exchange{"lru mode round", "ERROR"}, Exchange{"lru temp_ttl 100", "OK"},
        Exchange{"lru temp_ttl -1", "OK"}, Exchange{"lru temp_ttl x", "ERROR"},
        Exchange{"lru", "ERROR"},
        Exchange{"cache_memlimit 1", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m"},
        Exchange{"cache_memlimit 1000000001",
                 "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes"},
        Exchange{"cache_memlimit 999999999",
                 "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust"},
        Exchange{"cache_memlimit abc", "ERROR"}, Exchange{"cache_memlimit", "ERROR"},
        Exchange{"shutdown", "SERVER_ERROR: shutdown not enabled"},
        Exchange{"extstore free_memchunks 1 2", "OK"}, Exchange{"extstore", "ERROR"},
        Exchange{"extstore item_size 5", "ERROR"},
        Exchange{"stats detail", "CLIENT_ERROR usage: stats detail on|off|dump"},
        Exchange{"stats detail x", "CLIENT_ERROR usage: stats detail on|off|dump"},
        Exchange{"watch nonsense", "ERROR"}, Exchange{"watch fetchers proxyreqs", "ERROR"},
        Exchange{"slab automove 1", "ERROR"}, Exchange{"lru_crawl enable", "ERROR"}));

TEST_F(OperatorCommandsTest, NoreplySilencesTheReply) {
  EXPECT_EQ(client_.Send("slabs automove 0 noreply\r\nslabs nonsense noreply\r\n"), "");
  EXPECT_EQ(Setting("slab_automove"), "0");
}

TEST_F(OperatorCommandsTest, SettingsFollowCommands) {
  client_.Send("lru tune 33 10 0.1 2.0\r\nslabs automove 0\r\nlru_crawler disable\r\n");
  EXPECT_EQ(Setting("hot_lru_pct"), "33");
  EXPECT_EQ(harness_.store().probation_percent(), 33u);
  EXPECT_EQ(Setting("slab_automove"), "0");
  EXPECT_EQ(Setting("lru_crawler"), "no");
  client_.Send("lru mode flat\r\nlru_crawler enable\r\n");
  EXPECT_EQ(Setting("lru_segmented"), "no");
  EXPECT_EQ(harness_.store().probation_percent(), 0u);
  EXPECT_EQ(Setting("lru_crawler"), "yes");
  client_.Send("lru tune 44 10 0.1 2.0\r\n");
  EXPECT_EQ(harness_.store().probation_percent(), 0u);
  client_.Send("lru mode segmented\r\n");
  EXPECT_EQ(harness_.store().probation_percent(), 44u);
}

TEST_F(OperatorCommandsTest, AShareOfNothingIsStillSegmented) {
  client_.Send("lru tune 0 10 0.1 2.0\r\n");
  EXPECT_EQ(harness_.store().probation_percent(), 0u);
  EXPECT_EQ(Setting("lru_segmented"), "yes");
  client_.Send("lru tune 20 10 0.1 2.0\r\n");
  EXPECT_EQ(harness_.store().probation_percent(), 20u);
}

TEST_F(OperatorCommandsTest, WithoutTheMaintainerItIsFlatUntilACommandSaysOtherwise) {
  Settings settings;
  settings.lru_maintainer = false;
  settings.probation_percent = 33;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(harness.store().probation_percent(), 0u);
  client.Send("lru mode segmented\r\n");
  EXPECT_EQ(harness.store().probation_percent(), 33u);
  const std::string reply = client.Send("stats settings\r\n");
  EXPECT_EQ(StatOf(reply, "lru_maintainer_thread"), "no");
  EXPECT_EQ(StatOf(reply, "lru_segmented"), "yes");
}

TEST_F(OperatorCommandsTest, WithTheCrawlerOffNothingIsCrawled) {
  client_.Send("lru_crawler disable\r\n");
  for (const char* command : {"crawl", "metadump", "mgdump"}) {
    EXPECT_EQ(client_.Send(std::string("lru_crawler ") + command + " all\r\n"),
              "CLIENT_ERROR lru crawler disabled\r\n");
  }
}

TEST_F(OperatorCommandsTest, ReassigningMayBeForbidden) {
  Settings settings;
  settings.slab_reassign = false;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(client.Send("slabs reassign 1 2\r\n"), "CLIENT_ERROR slab reassignment disabled\r\n");
}

TEST_F(OperatorCommandsTest, MemoryLimit) {
  EXPECT_EQ(client_.Send("cache_memlimit 32\r\n"), "OK\r\n");
  EXPECT_EQ(Setting("maxbytes"), std::to_string(32 << 20));
  EXPECT_EQ(StatOf(client_.Send("stats\r\n"), "limit_maxbytes"), std::to_string(32 << 20));
}

TEST_F(OperatorCommandsTest, FlushAllMayBeForbidden) {
  Settings settings;
  settings.flush_command = false;
  EngineHarness harness(settings);
  Client client(&harness);
  client.Send("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(client.Send("flush_all\r\n"), "CLIENT_ERROR flush_all not allowed\r\n");
  EXPECT_EQ(client.Send("flush_all noreply\r\n"), "");
  EXPECT_EQ(client.Send("get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
  EXPECT_EQ(StatOf(client.Send("stats\r\n"), "cmd_flush"), "2");
}

TEST_F(OperatorCommandsTest, ShutdownClosesAndTellsTheServer) {
  Settings settings;
  settings.shutdown_command = true;
  EngineHarness harness(settings);
  Client first(&harness);
  EXPECT_EQ(first.Send("shutdown x\r\n"), "CLIENT_ERROR invalid shutdown mode\r\n");
  EXPECT_FALSE(first.closed());
  EXPECT_EQ(first.Send("version\r\nshutdown\r\nversion\r\n"), "VERSION 1.6.45\r\n");
  EXPECT_TRUE(first.closed());
  Client second(&harness);
  EXPECT_EQ(second.Send("shutdown graceful\r\n"), "");
  EXPECT_TRUE(second.closed());
  EXPECT_EQ(harness.server.shutdowns, (std::vector<bool>{false, true}));
}

TEST_F(OperatorCommandsTest, PrefixesAreCountedWhileThatIsOn) {
  client_.Send("get b:0\r\n");
  EXPECT_EQ(client_.Send("stats detail dump\r\n"), "END\r\n");
  EXPECT_EQ(client_.Send("stats detail on\r\n"), "OK\r\n");
  EXPECT_EQ(Setting("detail_enabled"), "yes");
  client_.Send("set b:1 0 0 1\r\nx\r\nget b:1 b:2 c:1 plain\r\nadd b:1 0 0 1\r\nx\r\n");
  client_.Send("gat 0 b:1\r\ntouch b:1 0\r\ndelete b:1\r\ndelete b:1\r\nincr b:1 1\r\n");
  EXPECT_EQ(client_.Send("stats detail dump\r\n"),
            "PREFIX b get 3 hit 2 set 2 del 2\r\nPREFIX c get 1 hit 0 set 0 del 0\r\nEND\r\n");
  EXPECT_EQ(client_.Send("stats detail off\r\n"), "OK\r\n");
  client_.Send("get b:1\r\n");
  EXPECT_EQ(client_.Send("stats detail dump\r\n"),
            "PREFIX b get 3 hit 2 set 2 del 2\r\nPREFIX c get 1 hit 0 set 0 del 0\r\nEND\r\n");
  client_.Send("stats reset\r\n");
  EXPECT_EQ(client_.Send("stats detail dump\r\n"), "END\r\n");
}

TEST_F(OperatorCommandsTest, ThePrefixEndsWhereTheOptionSays) {
  Settings settings;
  settings.prefix_stats = true;
  settings.prefix_delimiter = '/';
  EngineHarness harness(settings);
  Client client(&harness);
  client.Send("get a:b/c/d\r\n");
  EXPECT_EQ(client.Send("stats detail dump\r\n"), "PREFIX a:b get 1 hit 0 set 0 del 0\r\nEND\r\n");
}

TEST_F(OperatorCommandsTest, ALargeValueIsCountedOnce) {
  client_.Send("stats detail on\r\n");
  client_.Send("set b:1 0 0 100000\r\n");
  client_.Send(std::string(100000, 'x') + "\r\n");
  EXPECT_EQ(client_.Send("stats detail dump\r\n"), "PREFIX b get 0 hit 0 set 1 del 0\r\nEND\r\n");
}

}  // namespace
}  // namespace larder
