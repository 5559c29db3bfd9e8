#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sysexits.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/config/command_line.h"

// What -o takes.

namespace larder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Settings ParseGood(const std::string& list) {
  const CommandLine line = Parse({"-o", list});
  EXPECT_EQ(line.exit_code, std::nullopt) << line.errors;
  EXPECT_EQ(line.errors, "");
  return line.options.settings;
}

TEST(SuboptionsTest, ThoseWithAnEffectHaveIt) {
  EXPECT_FALSE(ParseGood("no_slab_reassign").slab_reassign);
  EXPECT_TRUE(ParseGood("no_slab_reassign,slab_reassign").slab_reassign);
  EXPECT_EQ(ParseGood("slab_automove").automove, 1);
  EXPECT_EQ(ParseGood("slab_automove=2").automove, 2);
  EXPECT_EQ(ParseGood("lru_crawler").sweep_seconds, 10u);
  EXPECT_EQ(ParseGood("sweep_interval=3").sweep_seconds, 3u);
  EXPECT_FALSE(ParseGood("no_lru_crawler").sweeper);
  EXPECT_TRUE(ParseGood("no_lru_crawler,lru_crawler").sweeper);
  EXPECT_EQ(ParseGood("hot_lru_pct=30").probation_percent, 30u);
  EXPECT_TRUE(ParseGood("hot_lru_pct=30").lru_maintainer);
  EXPECT_FALSE(ParseGood("no_lru_maintainer").lru_maintainer);
  EXPECT_TRUE(ParseGood("no_lru_maintainer,lru_maintainer").lru_maintainer);
  EXPECT_EQ(ParseGood("no_lru_maintainer,hot_lru_pct=33").probation_percent, 33u);
  EXPECT_EQ(ParseGood("watcher_logbuf_size=4").watcher_buffer_bytes, 4096u);
  EXPECT_EQ(ParseGood("worker_logbuf_size=8").worker_log_buffer_bytes, 8192u);
  EXPECT_TRUE(ParseGood("track_sizes").track_sizes);
  EXPECT_TRUE(ParseGood("track_turn_times").track_turn_times);
  EXPECT_FALSE(ParseGood("track_sizes,no_track_sizes").track_sizes);
  EXPECT_THAT(ParseGood("slab_sizes=100-200-4096").slab_sizes, ElementsAre(100, 200, 4096));
  EXPECT_EQ(Parse({"-o", "sock_cookie_id=77"}).options.socket_mark, 77u);
}

TEST(SuboptionsTest, TlsOptionsAreRead) {
  const TlsSettings tls =
      ParseGood(
          "ssl_chain_cert=chain,ssl_key=key,ssl_keyformat=DER,ssl_verify_mode=2,ssl_ciphers=A:B,"
          "ssl_ca_cert=ca,ssl_wbuf_size=32,ssl_session_cache,ssl_kernel_tls,ssl_min_version=3")
          .tls;
  EXPECT_FALSE(tls.enabled);
  EXPECT_EQ(tls.chain_cert, "chain");
  EXPECT_EQ(tls.key, "key");
  EXPECT_EQ(tls.key_format, TlsKeyFormat::kDer);
  EXPECT_EQ(tls.verify, TlsVerify::kRequire);
  EXPECT_EQ(tls.ciphers, "A:B");
  EXPECT_EQ(tls.ca_cert, "ca");
  EXPECT_EQ(tls.write_buffer_bytes, 32768u);
  EXPECT_TRUE(tls.session_cache);
  EXPECT_TRUE(tls.kernel_offload);
  EXPECT_EQ(tls.version_min, TlsVersion::k1_3);
  EXPECT_EQ(ParseGood("ssl_keyformat=1").tls.key_format, TlsKeyFormat::kPem);
  EXPECT_EQ(ParseGood("ssl_keyformat=ENGINE").tls.key_format, TlsKeyFormat::kEngine);
}

TEST(SuboptionsTest, NoModernIsWhatMemcached14Had) {
  const Settings settings = ParseGood("no_modern");
  EXPECT_FALSE(settings.slab_reassign);
  EXPECT_EQ(settings.automove, 0);
  EXPECT_FALSE(settings.maxconns_fast);
  EXPECT_FALSE(settings.sweeper);
  EXPECT_FALSE(settings.lru_maintainer);
  EXPECT_THAT(ParseGood("modern").without_effect, IsEmpty());
  EXPECT_TRUE(ParseGood("modern").maxconns_fast);
}

// Every one that changes nothing, with a value that is good where it takes one.
const std::vector<std::string>& WithoutEffect() {
  static const std::vector<std::string> list = {
      "slab_automove_ratio=0.5", "slab_automove_window=30",     "hashpower=20",
      "no_hashexpand",           "slab_automove_freeratio=0.1", "tail_repair_time=10",
      "hash_algorithm=xxh3",     "lru_crawler_sleep=0",         "lru_crawler_tocrawl=5",
      "warm_lru_pct=10",         "hot_max_factor=0.3",          "warm_max_factor=3",
      "temporary_ttl=100",       "slab_chunk_max=512",          "no_chunked_items",
      "inline_ascii_resp",       "no_inline_ascii_resp",        "read_buf_mem_limit=5",
      "drop_privileges",         "no_drop_privileges",          "relaxed_privileges"};
  return list;
}

TEST(SuboptionsTest, ThoseWithoutEffectAreTakenAndListed) {
  for (const std::string& option : WithoutEffect()) {
    EXPECT_THAT(ParseGood(option).without_effect, ElementsAre(option.substr(0, option.find('='))));
  }
  EXPECT_EQ(ParseGood("hashpower=20").hash_power, 20);
  EXPECT_THAT(ParseGood("hashpower=20,no_hashexpand,hashpower=21").without_effect,
              ElementsAre("hashpower", "no_hashexpand"));
}

TEST(SuboptionsTest, ThoseWithoutEffectAreSaidToBeWithV) {
  for (const std::string& option : WithoutEffect()) {
    const CommandLine line = Parse({"-v", "-o", option});
    EXPECT_THAT(line.errors, HasSubstr(option.substr(0, option.find('=')) + " has no effect: "));
    EXPECT_EQ(line.errors.find('\n'), line.errors.size() - 1);
  }
}

TEST(SuboptionsTest, WhatIsDeprecatedIsSaidToBe) {
  const CommandLine line = Parse({"-o", "resp_obj_mem_limit=5"});
  EXPECT_EQ(line.exit_code, std::nullopt);
  EXPECT_EQ(line.errors,
            "DEPRECATED: resp_obj_mem_limit no longer used. See read_buf_mem_limit,\n");
  EXPECT_THAT(line.options.settings.without_effect, ElementsAre("resp_obj_mem_limit"));
}

TEST(SuboptionsTest, HelpNamesEveryOne) {
  const std::string help = Parse({"-h"}).output;
  for (const std::string& option : WithoutEffect()) {
    if (option.starts_with("no_inline") || option.starts_with("no_drop")) continue;
    EXPECT_THAT(help, HasSubstr(option.substr(0, option.find('='))));
  }
}

struct Refused {
  std::string list;
  std::string errors;
  int exit_code = EXIT_FAILURE;
};

class RefusedSuboptionsTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedSuboptionsTest, SaysWhy) {
  const CommandLine line = Parse({"-o", GetParam().list});
  EXPECT_EQ(line.errors, GetParam().errors + "\n");
  EXPECT_EQ(line.exit_code, GetParam().exit_code);
}

INSTANTIATE_TEST_SUITE_P(
    MemcachedsWords, RefusedSuboptionsTest,
    testing::Values(
        Refused{"hashpower", "Missing numeric argument for hashpower"},
        Refused{"hashpower=11", "Initial hashtable multiplier of 11 is too low"},
        Refused{"hashpower=99",
                "Initial hashtable multiplier of 99 is too high\n"
                "Choose a value based on \"STAT hash_power_level\" from a running instance"},
        Refused{"sweep_interval", "Missing numeric argument for sweep_interval"},
        Refused{"sweep_interval=0", "sweep_interval must be 1 to 86400 seconds: 0"},
        Refused{"sweep_interval=86401", "sweep_interval must be 1 to 86400 seconds: 86401"},
        Refused{"slab_automove=3", "slab_automove must be between 0 and 2"},
        Refused{"slab_automove=x", "slab_automove must be between 0 and 2"},
        Refused{"slab_automove_ratio", "Missing slab_automove_ratio argument"},
        Refused{"slab_automove_ratio=0", "slab_automove_ratio must be > 0 and < 1"},
        Refused{"slab_automove_ratio=1.5", "slab_automove_ratio must be > 0 and < 1"},
        Refused{"slab_automove_window", "Missing slab_automove_window argument"},
        Refused{"slab_automove_window=2", "slab_automove_window must be > 2"},
        Refused{"tail_repair_time", "Missing numeric argument for tail_repair_time"},
        Refused{"tail_repair_time=9", "Cannot set tail_repair_time to less than 10 seconds"},
        Refused{"hash_algorithm", "Missing hash_algorithm argument"},
        Refused{"hash_algorithm=nope", "Unknown hash_algorithm option (jenkins, murmur3, xxh3)"},
        Refused{"lru_crawler_sleep", "Missing lru_crawler_sleep value"},
        Refused{"lru_crawler_sleep=1000001", "LRU crawler sleep must be between 0 and 1 second"},
        Refused{"lru_crawler_tocrawl", "Missing lru_crawler_tocrawl value"},
        Refused{"lru_crawler_tocrawl=x", "lru_crawler_tocrawl takes a numeric 32bit value"},
        Refused{"hot_lru_pct", "Missing hot_lru_pct argument"},
        Refused{"hot_lru_pct=0", "hot_lru_pct must be > 1 and < 80"},
        Refused{"hot_lru_pct=80", "hot_lru_pct must be > 1 and < 80"},
        Refused{"warm_lru_pct", "Missing warm_lru_pct argument"},
        Refused{"warm_lru_pct=80", "warm_lru_pct must be > 1 and < 80"},
        Refused{"hot_lru_pct=50", "hot_lru_pct + warm_lru_pct cannot be more than 80% combined",
                EX_USAGE},
        Refused{"hot_max_factor", "Missing hot_max_factor argument"},
        Refused{"hot_max_factor=0", "hot_max_factor must be > 0"},
        Refused{"warm_max_factor=x", "warm_max_factor must be > 0"},
        Refused{"temporary_ttl", "Missing temporary_ttl argument"},
        Refused{"temporary_ttl=61,no_lru_maintainer",
                "temporary_ttl requires lru_maintainer to be enabled", EX_USAGE},
        Refused{"watcher_logbuf_size", "Missing watcher_logbuf_size argument"},
        Refused{"watcher_logbuf_size=x", "could not parse argument to watcher_logbuf_size"},
        Refused{"worker_logbuf_size", "Missing worker_logbuf_size argument"},
        Refused{"worker_logbuf_size=-1", "could not parse argument to worker_logbuf_size"},
        Refused{"read_buf_mem_limit", "Missing read_buf_mem_limit argument"},
        Refused{"read_buf_mem_limit=x", "could not parse argument to read_buf_mem_limit"}));

INSTANTIATE_TEST_SUITE_P(
    SizesOfChunks, RefusedSuboptionsTest,
    testing::Values(
        Refused{"slab_chunk_max", "Missing slab_chunk_max argument"},
        Refused{"slab_chunk_max=x", "could not parse argument to slab_chunk_max"},
        Refused{"slab_chunk_max=-1", "slab_chunk_max must be >= 0"},
        Refused{"slab_chunk_max=524288", "slab_chunk_max must be specified in kilobytes."},
        Refused{"slab_chunk_max=300",
                "-I (item_size_max: 1048576) must be evenly divisible by slab_chunk_max (bytes: "
                "307200)",
                EX_USAGE},
        Refused{"slab_sizes=4-100", "slab size 4 is out of valid range", EX_USAGE},
        Refused{"slab_sizes=x", "slab size 0 is out of valid range", EX_USAGE},
        Refused{"slab_sizes=100-600000", "slab size 600000 is out of valid range", EX_USAGE},
        Refused{"slab_sizes=200-100",
                "slab size 100 cannot be lower than or equal to a previous class size", EX_USAGE},
        Refused{"slab_sizes=100-108",
                "slab size 108 must be at least 8 bytes larger than previous class", EX_USAGE}));

INSTANTIATE_TEST_SUITE_P(
    Tls, RefusedSuboptionsTest,
    testing::Values(
        Refused{"ssl_chain_cert", "Missing ssl_chain_cert argument"},
        Refused{"ssl_key", "Missing ssl_key argument"},
        Refused{"ssl_keyformat", "Missing ssl_keyformat argument"},
        Refused{"ssl_keyformat=x", "could not parse argument to ssl_keyformat"},
        Refused{"ssl_verify_mode", "Missing ssl_verify_mode argument"},
        Refused{"ssl_verify_mode=x", "could not parse argument to ssl_verify_mode"},
        Refused{"ssl_verify_mode=4", "Invalid ssl_verify_mode. Use help to see valid options."},
        Refused{"ssl_ciphers", "Missing ssl_ciphers argument"},
        Refused{"ssl_ca_cert", "Missing ssl_ca_cert argument"},
        Refused{"ssl_wbuf_size", "Missing ssl_wbuf_size argument"},
        Refused{"ssl_wbuf_size=x", "could not parse argument to ssl_wbuf_size"},
        Refused{"ssl_min_version", "Missing ssl_min_version argument"},
        Refused{"ssl_min_version=4", "Invalid ssl_min_version. Use help to see valid options."}));

INSTANTIATE_TEST_SUITE_P(
    WhatLarderIsNot, RefusedSuboptionsTest,
    testing::Values(
        Refused{"ext_path=/tmp/x:1G",
                "larder keeps everything in memory and has no external storage: ext_path"},
        Refused{"ext_item_size=512",
                "larder keeps everything in memory and has no external storage: ext_item_size"},
        Refused{"proxy_config=routes", "larder is no proxy: proxy_config"}));

}  // namespace
}  // namespace larder
