#include "server/engine/stats.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"
#include "tests/engine/stat_names.h"

namespace larder {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::Pair;

class StatsTest : public testing::Test {
 protected:
  std::vector<std::string> Names(const std::string& command) {
    std::vector<std::string> names;
    for (const auto& [name, value] : ParseStats(client_.Send(command))) {
      if (name.find("larder_") == std::string::npos) names.push_back(name);
    }
    return names;
  }
  std::string Stat(const std::string& name) { return StatOf(client_.Send("stats\r\n"), name); }

  EngineHarness harness_;
  Client client_{&harness_};
};

TEST_F(StatsTest, GeneralNames) {
  EXPECT_THAT(Names("stats\r\n"), ElementsAreArray(kGeneralStatNames));
}

TEST_F(StatsTest, SettingNames) {
  EXPECT_THAT(Names("stats settings\r\n"), ElementsAreArray(kSettingNames));
}

TEST_F(StatsTest, NamesOfTwoClasses) {
  client_.Send("set a 0 0 1\r\nx\r\nset b 0 0 5000\r\n" + std::string(5000, 'x') + "\r\n");
  std::vector<std::string> classes;
  for (const ClassStats& of_class : harness_.store().Stats().classes) {
    if (of_class.items > 0) classes.push_back(std::to_string(of_class.class_id));
  }
  ASSERT_EQ(classes.size(), 2u);

  std::vector<std::string> items, slabs;
  for (const std::string& number : classes) {
    for (const std::string_view name : kItemStatNames) {
      items.push_back("items:" + number + ":" + std::string(name));
    }
    for (const std::string_view name : kSlabStatNames) {
      slabs.push_back(number + ":" + std::string(name));
    }
  }
  slabs.insert(slabs.end(), {"active_slabs", "total_malloced"});
  EXPECT_THAT(Names("stats items\r\n"), ElementsAreArray(items));
  EXPECT_THAT(Names("stats slabs\r\n"), ElementsAreArray(slabs));
}

TEST_F(StatsTest, NothingStoredYet) {
  EXPECT_EQ(client_.Send("stats items\r\n"), "END\r\n");
  EXPECT_EQ(client_.Send("stats slabs\r\n"),
            "STAT active_slabs 0\r\nSTAT total_malloced 0\r\nEND\r\n");
}

TEST_F(StatsTest, Sizes) {
  EXPECT_EQ(client_.Send("stats sizes\r\n"), "STAT sizes_status disabled\r\nEND\r\n");
}

TEST_F(StatsTest, SizesOnRequest) {
  Settings settings;
  settings.track_sizes = true;
  EngineHarness harness(settings);
  Client client(&harness);
  client.Send("set a 0 0 1\r\nx\r\nset b 0 0 1\r\nx\r\nset c 0 0 500\r\n" + std::string(500, 'x') +
              "\r\n");
  const auto sizes = ParseStats(client.Send("stats sizes\r\n"));
  ASSERT_EQ(sizes.size(), 2u);
  EXPECT_EQ(sizes[0].second, "2");
  EXPECT_EQ(sizes[1].second, "1");
}

TEST_F(StatsTest, RejectedConnectionsAreToldWhereTheyAreRejected) {
  EXPECT_EQ(Stat("rejected_connections"), "0");
  Settings settings;
  settings.maxconns_fast = false;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(client.Send("stats\r\n").find("rejected_connections"), std::string::npos);
}

TEST_F(StatsTest, Connections) {
  harness_.server.connections = {
      {.id = 27, .address = "tcp:127.0.0.1:11211", .state = "conn_listening"},
      {.id = 28,
       .address = "tcp:127.0.0.1:50314",
       .listen_address = "tcp:127.0.0.1:11211",
       .state = "conn_parse_cmd",
       .idle_seconds = 3}};
  EXPECT_EQ(client_.Send("stats conns\r\n"),
            "STAT 27:addr tcp:127.0.0.1:11211\r\n"
            "STAT 27:state conn_listening\r\n"
            "STAT 27:secs_since_last_cmd 0\r\n"
            "STAT 28:addr tcp:127.0.0.1:50314\r\n"
            "STAT 28:listen_addr tcp:127.0.0.1:11211\r\n"
            "STAT 28:state conn_parse_cmd\r\n"
            "STAT 28:secs_since_last_cmd 3\r\n"
            "END\r\n");
}

TEST_F(StatsTest, DumpsMayBeForbidden) {
  Settings settings;
  settings.dump_commands = false;
  EngineHarness harness(settings);
  Client client(&harness);
  EXPECT_EQ(client.Send("lru_crawler metadump all\r\n"), "ERROR metadump not allowed\r\n");
  EXPECT_EQ(client.Send("lru_crawler mgdump all\r\n"), "ERROR key dump not allowed\r\n");
  EXPECT_EQ(client.Send("stats detail on\r\n"), "CLIENT_ERROR stats detail not allowed\r\n");
  EXPECT_EQ(client.Send("stats cachedump 1 10\r\n"),
            "CLIENT_ERROR stats cachedump not allowed\r\n");
}

TEST_F(StatsTest, SettingsAreThoseObeyed) {
  Settings settings;
  settings.udp_port = 11213;
  settings.unix_socket = "/run/socket";
  settings.unix_mask = 0750;
  settings.shutdown_command = true;
  settings.prefix_delimiter = '/';
  settings.prefix_stats = true;
  settings.protocol = ProtocolChoice::kBinary;
  settings.sasl = true;
  settings.auth_file = "users";
  settings.slab_reassign = false;
  settings.automove = 0;
  settings.sweep_seconds = 7;
  settings.sweeper = false;
  settings.flush_command = false;
  settings.watch_command = false;
  settings.lru_maintainer = false;
  settings.watcher_buffer_bytes = 4096;
  settings.worker_log_buffer_bytes = 8192;
  settings.memory_file = "items";
  settings.tls = {.enabled = true,
                  .chain_cert = "chain",
                  .key = "key",
                  .key_format = TlsKeyFormat::kDer,
                  .verify = TlsVerify::kOnce,
                  .ciphers = "A:B",
                  .ca_cert = "ca",
                  .write_buffer_bytes = 8192,
                  .session_cache = true,
                  .kernel_offload = true,
                  .version_min = TlsVersion::k1_3};
  settings.without_effect = {"hashpower", "modern"};
  EngineHarness harness(settings);
  Client client(&harness);
  const std::string reply = client.Send("stats settings\r\n");
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"udpport", "11213"},
           {"domain_socket", "/run/socket"},
           {"umask", "750"},
           {"shutdown_command", "yes"},
           {"stat_key_prefix", "/"},
           {"detail_enabled", "yes"},
           {"binding_protocol", "binary"},
           {"auth_enabled_sasl", "yes"},
           {"auth_enabled_ascii", "yes"},
           {"slab_reassign", "no"},
           {"slab_automove", "0"},
           {"lru_crawler", "no"},
           {"flush_enabled", "no"},
           {"dump_enabled", "yes"},
           {"lru_maintainer_thread", "no"},
           {"lru_segmented", "no"},
           {"watcher_logbuf_size", "4096"},
           {"worker_logbuf_size", "8192"},
           {"ssl_enabled", "yes"},
           {"ssl_chain_cert", "chain"},
           {"ssl_key", "key"},
           {"ssl_verify_mode", "7"},
           {"ssl_keyformat", "2"},
           {"ssl_ciphers", "A:B"},
           {"ssl_ca_cert", "ca"},
           {"ssl_wbuf_size", "8192"},
           {"ssl_session_cache", "yes"},
           {"ssl_kernel_tls", "yes"},
           {"ssl_min_version", "tlsv1.3"},
           {"memory_file", "items"},
           {"larder_sweep_interval", "7"},
           {"larder_watch_enabled", "no"},
           {"larder_without_effect", "hashpower,modern"}}) {
    EXPECT_EQ(StatOf(reply, name), value) << name;
  }
}

TEST_F(StatsTest, TheProcess) {
  harness_.server.stats = {.pid = 4711,
                           .libevent_version = "2.1.12-stable",
                           .user_cpu_microseconds = 12'345'678,
                           .system_cpu_microseconds = 9,
                           .connections = 5,
                           .connections_accepted = 6,
                           .connections_rejected = 7,
                           .connection_structures = 8,
                           .reserved_descriptors = 20,
                           .accepting = false,
                           .accepting_stopped = 2,
                           .accepting_stopped_microseconds = 3,
                           .read_buffers = 10,
                           .read_buffer_bytes = 11,
                           .read_buffer_bytes_free = 12};
  harness_.Advance(42);
  const std::string reply = client_.Send("stats\r\n");
  const std::pair<const char*, const char*> expected[] = {
      {"pid", "4711"},
      {"uptime", "42"},
      {"time", "1700000042"},
      {"version", "1.6.45"},
      {"libevent", "2.1.12-stable"},
      {"pointer_size", "64"},
      {"rusage_user", "12.345678"},
      {"rusage_system", "0.000009"},
      {"max_connections", "1024"},
      {"curr_connections", "5"},
      {"total_connections", "6"},
      {"rejected_connections", "7"},
      {"connection_structures", "8"},
      {"reserved_fds", "20"},
      {"accepting_conns", "0"},
      {"listen_disabled_num", "2"},
      {"time_in_listen_disabled_us", "3"},
      {"read_buf_count", "10"},
      {"read_buf_bytes", "11"},
      {"read_buf_bytes_free", "12"},
      {"threads", "4"},
      {"limit_maxbytes", "67108864"},
  };
  for (const auto& [name, value] : expected) EXPECT_EQ(StatOf(reply, name), value) << name;
}

TEST_F(StatsTest, IdleKicksAreToldWhereThereIsATimeout) {
  Settings settings;
  settings.idle_timeout_seconds = 10;
  EngineHarness harness(settings);
  harness.worker()->counters().idle_kicks.Add(3);
  Client client(&harness);
  EXPECT_EQ(StatOf(client.Send("stats\r\n"), "idle_kicks"), "3");
}

TEST_F(StatsTest, ValuesOfSettings) {
  Settings settings;
  settings.memory_bytes = 128 << 20;
  settings.connections_max = 100;
  settings.tcp_port = 22122;
  settings.listen = "127.0.0.1,::1";
  settings.evict = false;
  settings.growth_factor = 1.25;
  settings.value_bytes_min = 48;
  settings.requests_per_event = 7;
  settings.cas = false;
  settings.item_bytes_max = 2 << 20;
  EngineHarness harness(settings);
  Client client(&harness);
  client.Send("verbosity 2\r\n");
  const std::string reply = client.Send("stats settings\r\n");
  const std::pair<const char*, const char*> expected[] = {
      {"maxbytes", "134217728"},  {"maxconns", "100"},         {"tcpport", "22122"},
      {"inter", "127.0.0.1,::1"}, {"verbosity", "2"},          {"evictions", "off"},
      {"growth_factor", "1.25"},  {"chunk_size", "48"},        {"reqs_per_event", "7"},
      {"cas_enabled", "no"},      {"item_size_max", "2097152"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(StatOf(reply, name), value) << name;
  EXPECT_EQ(StatOf(client_.Send("stats settings\r\n"), "inter"), "NULL");
  EXPECT_EQ(StatOf(client_.Send("stats settings\r\n"), "growth_factor"), "1.09");
}

TEST_F(StatsTest, CountsByClass) {
  client_.Send("set a 0 0 1\r\n5\r\nget a nope\r\nget a\r\ngat 0 a\r\nincr a 1\r\ndecr a 1\r\n");
  client_.Send("cas a 0 0 1 1\r\nx\r\ndelete a\r\nset a 0 0 1\r\nx\r\n");
  const std::string slabs = client_.Send("stats slabs\r\n");
  const std::string number = slabs.substr(5, slabs.find(':') - 5);
  const std::pair<const char*, const char*> expected[] = {
      {"used_chunks", "1"}, {"get_hits", "2"},  {"cmd_set", "3"},    {"delete_hits", "1"},
      {"incr_hits", "1"},   {"decr_hits", "1"}, {"cas_badval", "1"}, {"touch_hits", "1"}};
  for (const auto& [name, value] : expected) {
    EXPECT_EQ(StatOf(slabs, number + ":" + name), value) << name;
  }
  const std::string items = client_.Send("stats items\r\n");
  EXPECT_EQ(StatOf(items, "items:" + number + ":number"), "1");
  // The first read promotes, and the others find the item promoted.
  EXPECT_EQ(StatOf(items, "items:" + number + ":hits_to_hot"), "1");
  EXPECT_EQ(StatOf(items, "items:" + number + ":hits_to_cold"), "1");
}

TEST_F(StatsTest, AgesAreOfWhatIsToGoNext) {
  client_.Send("set a 0 0 1\r\n5\r\nset b 0 0 1\r\n5\r\n");
  harness_.Advance(4);
  const std::string number = std::to_string(harness_.store().Stats().classes.at(0).class_id);
  const auto age = [&](const char* name) {
    return StatOf(client_.Send("stats items\r\n"), "items:" + number + ":" + name);
  };
  EXPECT_EQ(age("age_hot"), "4");
  EXPECT_EQ(age("age"), "4");
  EXPECT_EQ(age("evicted_time"), "0");
  client_.Send("get a\r\n");
  harness_.Advance(6);
  EXPECT_EQ(age("age_hot"), "10");
  EXPECT_EQ(age("age"), "6");
}

TEST_F(StatsTest, ASetCountsInTheClassOfWhatWasSent) {
  client_.Send("set a 0 0 5000\r\n" + std::string(5000, 'x') + "\r\n");
  const std::string slabs = client_.Send("stats slabs\r\n");
  const std::string number = slabs.substr(5, slabs.find(':') - 5);
  const std::string large = "0 0 5000\r\n" + std::string(5000, 'x');
  client_.Send("add a " + large + "\r\nreplace no " + large + "\r\nset a " + large + "??");
  client_.Send("append a 0 0 1\r\nx\r\n");
  EXPECT_EQ(StatOf(client_.Send("stats slabs\r\n"), number + ":cmd_set"), "4");
  EXPECT_EQ(Stat("cmd_set"), "5");
}

TEST_F(StatsTest, WorkersAreAddedUp) {
  EngineWorker* other = harness_.engine().AddWorker();
  client_.Send("get nope\r\n");
  Output out(&other->output_blocks());
  Session session(other);
  (void)session.Run("get nope nope\r\n", harness_.now, &out);
  EXPECT_EQ(Stat("get_misses"), "3");
}

TEST_F(StatsTest, ResetClearsWhatWasCountedAndKeepsWhatIs) {
  harness_.server.stats.connections = 1;
  harness_.server.stats.connections_accepted = 4;
  harness_.worker()->counters().bytes_read.Add(1000);
  client_.Send("set a 0 0 1\r\nx\r\nget a nope\r\n");
  EXPECT_EQ(client_.Send("stats reset\r\n"), "RESET\r\n");
  const std::string reply = client_.Send("stats\r\n");
  const std::pair<const char*, const char*> expected[] = {
      {"cmd_get", "0"},           {"cmd_set", "0"},         {"get_misses", "0"},
      {"bytes_read", "0"},        {"curr_items", "1"},      {"total_items", "0"},
      {"total_connections", "0"}, {"curr_connections", "1"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(StatOf(reply, name), value) << name;

  client_.Send("get a\r\nset b 0 0 1\r\nx\r\n");
  harness_.server.stats.connections_accepted = 6;
  EXPECT_EQ(Stat("cmd_get"), "1");
  EXPECT_EQ(Stat("total_items"), "1");
  EXPECT_EQ(Stat("total_connections"), "2");
  client_.Send("stats reset\r\n");
  EXPECT_EQ(Stat("cmd_get"), "0");
}

// Nothing has been evicted since, so there is no last one either.
TEST_F(StatsTest, ResetForgetsWhatWasEvicted) {
  Settings settings;
  settings.memory_bytes = uint64_t{2} << 20;
  EngineHarness harness(settings);
  Client client(&harness);
  uint64_t stored = 0;
  const auto evict_later = [&] {
    const std::string before = StatOf(client.Send("stats\r\n"), "evictions");
    harness.Advance(30);
    while (StatOf(client.Send("stats\r\n"), "evictions") == before) {
      std::string sets;
      for (int n = 0; n < 100; ++n) {
        sets += "set " + std::to_string(100'000 + stored++) + " 0 0 100\r\n" +
                std::string(100, 'v') + "\r\n";
      }
      client.Send(sets);
    }
  };
  // The same for all: there is one class.
  const auto of_class = [&](const std::string& name) {
    for (const auto& [full, value] : ParseStats(client.Send("stats items\r\n"))) {
      if (full.ends_with(":" + name)) return value;
    }
    return std::string("none");
  };
  evict_later();
  evict_later();
  client.Send("get 0\r\n");
  EXPECT_NE(of_class("evicted_time"), "0");
  EXPECT_EQ(of_class("larder_probation_percent"), "20");
  client.Send("stats reset\r\n");
  EXPECT_EQ(of_class("evicted"), "0");
  EXPECT_EQ(of_class("evicted_time"), "0");
  EXPECT_EQ(of_class("larder_ghost_hits"), "0");
  evict_later();
  EXPECT_NE(of_class("evicted_time"), "0");
}

TEST_F(StatsTest, HashPowerIsThatOfMemcachedsTable) {
  EXPECT_EQ(HashPowerLevel(16, 0), 16);
  EXPECT_EQ(HashPowerLevel(16, 98'304), 16);
  EXPECT_EQ(HashPowerLevel(16, 98'305), 17);
  // As memcached 1.6.18 was seen to show.
  EXPECT_EQ(HashPowerLevel(16, 110'000), 17);
  EXPECT_EQ(HashPowerLevel(16, 500'000), 19);
  EXPECT_EQ(HashPowerLevel(20, 500'000), 20);
  EXPECT_EQ(HashPowerLevel(12, 6'145), 13);
  EXPECT_EQ(HashPowerLevel(16, UINT64_MAX), 32);

  EXPECT_EQ(Stat("hash_power_level"), "16");
  EXPECT_EQ(Stat("hash_bytes"), Stat("larder_index_bytes"));
  Settings settings;
  settings.hash_power = 12;
  EngineHarness harness(settings);
  Client client(&harness);
  for (int i = 0; i < 6'145; ++i) {
    client.Send("set " + std::to_string(i) + " 0 0 1\r\nx\r\n");
  }
  EXPECT_EQ(StatOf(client.Send("stats\r\n"), "hash_power_level"), "13");
}

TEST_F(StatsTest, RoomNeverTakenIsNoPooledPage) {
  EXPECT_EQ(Stat("slab_global_page_pool"), "0");
  client_.Send("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Stat("slab_global_page_pool"), "0");
  EXPECT_NE(Stat("larder_pages_free"), "0");
}

TEST_F(StatsTest, LardersOwn) {
  client_.Send("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Stat("larder_version"), LARDER_VERSION);
  EXPECT_NE(Stat("larder_memory_bytes"), "0");
  EXPECT_NE(Stat("larder_index_bytes"), "0");
  EXPECT_NE(Stat("larder_ghost_bytes"), "0");
  EXPECT_NE(Stat("larder_pages"), "0");
}

}  // namespace
}  // namespace larder
