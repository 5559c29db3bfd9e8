#include "server/config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sysexits.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/config/command_line.h"

namespace larder {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Options ParseGood(const std::vector<std::string>& arguments) {
  const CommandLine line = Parse(arguments);
  EXPECT_EQ(line.exit_code, std::nullopt) << line.errors;
  EXPECT_EQ(line.errors, "");
  EXPECT_EQ(line.output, "");
  return line.options;
}

TEST(OptionsTest, DefaultsAreMemcacheds) {
  const Options options = ParseGood({});
  EXPECT_EQ(options.settings.tcp_port, 11211);
  EXPECT_EQ(options.settings.memory_bytes, uint64_t{64} << 20);
  EXPECT_EQ(options.settings.threads, 4);
  EXPECT_EQ(options.settings.connections_max, 1024);
  EXPECT_EQ(options.settings.requests_per_event, 20);
  EXPECT_EQ(options.settings.item_bytes_max, uint32_t{1} << 20);
  EXPECT_EQ(options.settings.idle_timeout_seconds, 0);
  EXPECT_EQ(options.settings.listen, "");
  EXPECT_TRUE(options.settings.evict);
  EXPECT_TRUE(options.settings.cas);
  EXPECT_FALSE(options.settings.lock_memory);
  EXPECT_TRUE(options.settings.maxconns_fast);
  EXPECT_FALSE(options.daemonize);
  EXPECT_FALSE(options.core_files);
  EXPECT_FALSE(options.large_pages);
  EXPECT_EQ(options.user, "");
  EXPECT_EQ(options.pid_file, "");
}

TEST(OptionsTest, ReadsShortOptions) {
  const Options options =
      ParseGood({"-p",        "11311", "-m100", "-t", "8",      "-c",  "2000",
                 "-R",        "7",     "-b",    "0",  "-f",     "1.5", "-n",
                 "48",        "-I",    "2m",    "-u", "nobody", "-P",  "/run/larder.pid",
                 "-dkrLMCvv", "-v",    "-U",    "0",  "-B",     "auto"});
  EXPECT_EQ(options.settings.tcp_port, 11311);
  EXPECT_EQ(options.settings.memory_bytes, uint64_t{100} << 20);
  EXPECT_EQ(options.settings.threads, 8);
  EXPECT_EQ(options.settings.connections_max, 2000);
  EXPECT_EQ(options.settings.requests_per_event, 7);
  EXPECT_EQ(options.settings.backlog, 0);
  EXPECT_DOUBLE_EQ(options.settings.growth_factor, 1.5);
  EXPECT_EQ(options.settings.value_bytes_min, 48u);
  EXPECT_EQ(options.settings.item_bytes_max, 2u << 20);
  EXPECT_EQ(options.settings.verbosity, 3);
  EXPECT_FALSE(options.settings.evict);
  EXPECT_FALSE(options.settings.cas);
  EXPECT_TRUE(options.settings.lock_memory);
  EXPECT_TRUE(options.daemonize);
  EXPECT_TRUE(options.core_files);
  EXPECT_TRUE(options.large_pages);
  EXPECT_EQ(options.user, "nobody");
  EXPECT_EQ(options.pid_file, "/run/larder.pid");
}

TEST(OptionsTest, ReadsLongOptions) {
  const Options options = ParseGood({"--port=11311",
                                     "--memory-limit",
                                     "100",
                                     "--threads=8",
                                     "--conn-limit=2000",
                                     "--max-reqs-per-event=7",
                                     "--listen-backlog=5",
                                     "--slab-growth-factor=1.5",
                                     "--slab-min-size=48",
                                     "--max-item-size=4k",
                                     "--user=nobody",
                                     "--pidfile=/run/larder.pid",
                                     "--daemon",
                                     "--lock-memory",
                                     "--enable-coredumps",
                                     "--enable-largepages",
                                     "--disable-evictions",
                                     "--disable-cas",
                                     "--verbose",
                                     "--listen=127.0.0.1",
                                     "--udp-port=0",
                                     "--protocol=ascii",
                                     "--extended=idle_timeout=60"});
  EXPECT_EQ(options.settings.tcp_port, 11311);
  EXPECT_EQ(options.settings.memory_bytes, uint64_t{100} << 20);
  EXPECT_EQ(options.settings.threads, 8);
  EXPECT_EQ(options.settings.connections_max, 2000);
  EXPECT_EQ(options.settings.requests_per_event, 7);
  EXPECT_EQ(options.settings.backlog, 5);
  EXPECT_DOUBLE_EQ(options.settings.growth_factor, 1.5);
  EXPECT_EQ(options.settings.value_bytes_min, 48u);
  EXPECT_EQ(options.settings.item_bytes_max, 4096u);
  EXPECT_EQ(options.settings.verbosity, 1);
  EXPECT_EQ(options.settings.listen, "127.0.0.1");
  EXPECT_EQ(options.settings.idle_timeout_seconds, 60);
  EXPECT_FALSE(options.settings.evict);
  EXPECT_FALSE(options.settings.cas);
  EXPECT_TRUE(options.settings.lock_memory);
  EXPECT_TRUE(options.daemonize);
  EXPECT_TRUE(options.core_files);
  EXPECT_TRUE(options.large_pages);
  EXPECT_EQ(options.user, "nobody");
  EXPECT_EQ(options.pid_file, "/run/larder.pid");
}

TEST(OptionsTest, WhatIsSampled) {
  EXPECT_GT(ParseGood({}).settings.hot_keys_sample, 0u);
  EXPECT_TRUE(ParseGood({}).settings.miss_ratio_curve);
  EXPECT_EQ(ParseGood({"--hotkeys-sample=50"}).settings.hot_keys_sample, 50u);
  EXPECT_EQ(ParseGood({"--hotkeys-sample", "0"}).settings.hot_keys_sample, 0u);
  EXPECT_FALSE(ParseGood({"--mrc=no"}).settings.miss_ratio_curve);
  EXPECT_EQ(Parse({"--hotkeys-sample=-1"}).exit_code, EXIT_FAILURE);
}

TEST(OptionsTest, TheLongFormMayBeCutWhileItIsClear) {
  EXPECT_EQ(ParseGood({"--thr=8"}).settings.threads, 8);
}

TEST(OptionsTest, SpacesBeforeANumberAreDropped) {
  EXPECT_EQ(ParseGood({"-t", "  8"}).settings.threads, 8);
  EXPECT_EQ(ParseGood({"-p", " 80"}).settings.tcp_port, 80);
  EXPECT_EQ(ParseGood({"-I", " 2k"}).settings.item_bytes_max, 2048u);
  EXPECT_EQ(ParseGood({"-a", " 777"}).settings.unix_mask, 0777u);
  EXPECT_EQ(ParseGood({"-D", " "}).settings.prefix_delimiter, ' ');
  EXPECT_EQ(ParseGood({"-s", " socket"}).settings.unix_socket, " socket");
}

// What memcached starts with it starts with, too, and says how it was understood.
TEST(OptionsTest, OfANumberWithARestTheNumberIsTaken) {
  const auto settings = [](const char* option, const char* value, const std::string& taken) {
    const CommandLine line = Parse({option, value});
    EXPECT_EQ(line.exit_code, std::nullopt) << line.errors;
    EXPECT_EQ(line.errors, std::string("WARNING: ") + option + ": \"" + value + "\" is taken as " +
                               taken + "\n");
    return line.options.settings;
  };
  EXPECT_EQ(settings("-m", "64m", "64").memory_bytes, uint64_t{64} << 20);
  EXPECT_EQ(settings("-m", "100abc", "100").memory_bytes, uint64_t{100} << 20);
  EXPECT_EQ(settings("-c", "10x", "10").connections_max, 10);
  EXPECT_EQ(settings("-R", "5x", "5").requests_per_event, 5);
  EXPECT_EQ(settings("-t", "2x", "2").threads, 2);
  EXPECT_EQ(settings("-n", "48x", "48").value_bytes_min, 48u);
  EXPECT_DOUBLE_EQ(settings("-f", "1.1x", "1.1").growth_factor, 1.1);
  EXPECT_EQ(settings("-b", "x", "0").backlog, 0);
  EXPECT_EQ(settings("-p", "5x", "5").tcp_port, 5);
  EXPECT_EQ(settings("-a", "79", "7").unix_mask, 7u);
  EXPECT_EQ(settings("-a", "9", "0").unix_mask, 0u);
  EXPECT_EQ(ParseGood({"-b", "-1"}).settings.backlog, -1);
  EXPECT_EQ(ParseGood({"-m", "+64"}).settings.memory_bytes, uint64_t{64} << 20);

  const CommandLine line = Parse({"-o", "idle_timeout=x"});
  EXPECT_EQ(line.exit_code, std::nullopt);
  EXPECT_EQ(line.errors, "WARNING: idle_timeout: \"x\" is taken as 0\n");
  EXPECT_EQ(line.options.settings.idle_timeout_seconds, 0);
}

TEST(OptionsTest, StrayWordsAreIgnored) {
  const CommandLine line = Parse({"extra", "-t", "2", "words"});
  EXPECT_EQ(line.exit_code, std::nullopt);
  EXPECT_EQ(line.errors,
            "WARNING: the argument \"extra\" is ignored\n"
            "WARNING: the argument \"words\" is ignored\n");
  EXPECT_EQ(line.options.settings.threads, 2);
}

TEST(OptionsTest, ItemSizesHaveUnits) {
  EXPECT_EQ(ParseGood({"-I", "2048"}).settings.item_bytes_max, 2048u);
  EXPECT_EQ(ParseGood({"-I", "2k"}).settings.item_bytes_max, 2048u);
  EXPECT_EQ(ParseGood({"-I", "2K"}).settings.item_bytes_max, 2048u);
  EXPECT_EQ(ParseGood({"-I", "3M"}).settings.item_bytes_max, 3u << 20);
  EXPECT_EQ(ParseGood({"-m", "2048", "-I", "1024m"}).settings.item_bytes_max, 1u << 30);
}

TEST(OptionsTest, ListenersAddUp) {
  EXPECT_EQ(ParseGood({"-l", "127.0.0.1,[::1]:80", "-l", "10.0.0.1"}).settings.listen,
            "127.0.0.1,[::1]:80,10.0.0.1");
}

TEST(OptionsTest, AFreePortIsAskedForInTwoWays) {
  EXPECT_EQ(ParseGood({"-p", "0"}).settings.tcp_port, 0);
  EXPECT_EQ(ParseGood({"-p", "-1"}).settings.tcp_port, -1);
}

TEST(OptionsTest, ReadsSuboptions) {
  const Options options = ParseGood({"-o", "no_maxconns_fast,idle_timeout=5"});
  EXPECT_FALSE(options.settings.maxconns_fast);
  EXPECT_EQ(options.settings.idle_timeout_seconds, 5);
  EXPECT_TRUE(ParseGood({"-o", "no_maxconns_fast", "-o", "maxconns_fast"}).settings.maxconns_fast);
}

struct Refused {
  std::vector<std::string> arguments;
  int exit_code;
  std::string errors;
};

class RefusedOptionsTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedOptionsTest, SaysWhy) {
  const CommandLine line = Parse(GetParam().arguments);
  EXPECT_EQ(line.exit_code, GetParam().exit_code);
  EXPECT_EQ(line.errors, GetParam().errors + "\n");
  EXPECT_EQ(line.output, "");
}

constexpr char kItemTooLarge[] = "Cannot set item size limit higher than 1/2 of memory max.";
constexpr char kItemTooSmall[] = "Item max size cannot be less than 1024 bytes.";
constexpr char kNoThreads[] = "Number of threads must be greater than 0";
constexpr char kNoConnections[] = "Maximum connections must be greater than 0";
constexpr char kNoRequests[] = "Number of requests per event must be greater than 0";
constexpr char kBadFactor[] = "Factor must be greater than 1";
constexpr char kBadChunk[] = "Chunk size must be greater than 0";

INSTANTIATE_TEST_SUITE_P(
    MemcachedsWords, RefusedOptionsTest,
    testing::Values(
        Refused{{"-m", "0"}, EX_USAGE, kItemTooLarge},
        Refused{{"-m", "abc"}, EX_USAGE, kItemTooLarge},
        Refused{{"-m", "1"}, EX_USAGE, kItemTooLarge},
        Refused{{"-I", "33m"}, EX_USAGE, kItemTooLarge},
        Refused{{"-I", "99999m"}, EX_USAGE, kItemTooLarge},
        Refused{{"-m", "4096", "-I", "1025m"},
                EX_USAGE,
                "Cannot set item size limit higher than a gigabyte."},
        Refused{{"-I", "1"}, EX_USAGE, kItemTooSmall},
        Refused{{"-I", "1023"}, EX_USAGE, kItemTooSmall},
        Refused{{"-I", "2g"}, EX_USAGE, kItemTooSmall},
        Refused{{"-I", "m"}, EX_USAGE, kItemTooSmall},
        Refused{{"-I", "-1k"}, EX_USAGE, kItemTooSmall},
        Refused{{"-t", "0"}, EXIT_FAILURE, kNoThreads},
        Refused{{"-t", "-4"}, EXIT_FAILURE, kNoThreads},
        Refused{{"-t", "four"}, EXIT_FAILURE, kNoThreads},
        Refused{{"-c", "0"}, EXIT_FAILURE, kNoConnections},
        Refused{{"-c", "k1"}, EXIT_FAILURE, kNoConnections},
        Refused{{"-c", "99999999999"}, EXIT_FAILURE, kNoConnections},
        Refused{{"-R", "0"}, EXIT_FAILURE, kNoRequests},
        Refused{{"-f", "1"}, EXIT_FAILURE, kBadFactor},
        Refused{{"-f", "nan"}, EXIT_FAILURE, kBadFactor},
        Refused{{"-f", "inf"}, EXIT_FAILURE, kBadFactor},
        Refused{{"-f", ""}, EXIT_FAILURE, kBadFactor},
        Refused{{"-n", "0"}, EXIT_FAILURE, kBadChunk},
        Refused{{"-n", "-1"}, EXIT_FAILURE, kBadChunk},
        Refused{{"-p", "99999999"}, EX_USAGE, "ERROR: Invalid port number 99999999."},
        Refused{{"-p", "65536"}, EX_USAGE, "ERROR: Invalid port number 65536."},
        Refused{{"-p", "-2"}, EX_USAGE, "ERROR: Invalid port number -2."},
        Refused{{"-p", "http"}, EX_USAGE, "ERROR: Invalid port number http."},
        Refused{{"-B", "nonsense"},
                EX_USAGE,
                "Invalid value for binding protocol: nonsense\n"
                " -- should be one of auto, binary, or ascii"},
        Refused{{"-o", "nonsense"}, EXIT_FAILURE, "Illegal suboption \"nonsense\""},
        Refused{{"-o", "idle_timeout=5,a=b,c"}, EXIT_FAILURE, "Illegal suboption \"a=b\""},
        Refused{
            {"-o", "idle_timeout"}, EXIT_FAILURE, "Missing numeric argument for idle_timeout"}));

INSTANTIATE_TEST_SUITE_P(
    WhereMemcachedHasNoClearWords, RefusedOptionsTest,
    testing::Values(
        Refused{{"-m", "-1"},
                EX_USAGE,
                "Memory limit must be 0 or more megabytes, at most 16777216: -1"},
        Refused{{"-m", "99999999999"},
                EX_USAGE,
                "Memory limit must be 0 or more megabytes, at most 16777216: 99999999999"},
        Refused{{"-b", "99999999999"}, EXIT_FAILURE, "Listen backlog is out of range: 99999999999"},
        Refused{
            {"-o", "idle_timeout=-5"}, EXIT_FAILURE, "idle_timeout must be 0 or more seconds: -5"},
        Refused{{"--nonsense"}, EXIT_FAILURE, "larder: unrecognized option '--nonsense'"},
        Refused{{"--nonsense=1"}, EXIT_FAILURE, "larder: unrecognized option '--nonsense=1'"},
        Refused{{"--help=1"}, EXIT_FAILURE, "larder: option '--help=1' takes no argument"},
        Refused{{"--daemon=maybe"}, EXIT_FAILURE, "-d is yes or no: maybe"},
        Refused{{"--port"}, EXIT_FAILURE, "larder: option '--port' requires an argument"},
        Refused{{"-D"}, EXIT_FAILURE, "larder: option requires an argument -- 'D'"},
        Refused{{"-q"}, EXIT_FAILURE, "larder: invalid option -- 'q'"},
        Refused{{"--daemon", "-qv"}, EXIT_FAILURE, "larder: invalid option -- 'q'"}));

INSTANTIATE_TEST_SUITE_P(
    OfOptionsThatTheyLimit, RefusedOptionsTest,
    testing::Values(
        Refused{{"-U", "99999"}, EX_USAGE, "ERROR: Invalid port number 99999."},
        Refused{{"-a", "77777"},
                EX_USAGE,
                "The access mask (-a) must be an octal number, at most 7777: 77777"},
        Refused{{"-D", ""}, EXIT_FAILURE, "No delimiter specified"},
        Refused{{"-N", "0"}, EXIT_FAILURE, "Maximum number of NAPI IDs must be greater than 0"},
        Refused{{"-N", "5"},
                EX_USAGE,
                "Number of napi_ids(5) cannot be greater than number of threads(4)"},
        Refused{{"-S", "-B", "ascii"},
                EX_USAGE,
                "ERROR: You cannot allow the ASCII protocol while using SASL."},
        Refused{{"-B", "auto", "-S"},
                EX_USAGE,
                "ERROR: You cannot allow the ASCII protocol while using SASL."},
        Refused{{"-S", "-U", "11211"},
                EX_USAGE,
                "ERROR: Cannot enable UDP while using binary SASL authentication."},
        Refused{{"-Y", "file", "-B", "binary"},
                EX_USAGE,
                "ERROR: You cannot allow the BINARY protocol while using ascii authentication "
                "tokens."},
        Refused{{"-Y", "file", "-S"},
                EX_USAGE,
                "ERROR: You cannot allow the BINARY protocol while using ascii authentication "
                "tokens."},
        Refused{{"-Y", "file", "-U", "11211"},
                EX_USAGE,
                "Cannot use UDP with ascii authentication enabled (-U 0 to disable)"}));

TEST(OptionsTest, ReadsWhoMayDoWhat) {
  const Settings defaults = ParseGood({}).settings;
  EXPECT_FALSE(defaults.shutdown_command);
  EXPECT_TRUE(defaults.flush_command);
  EXPECT_TRUE(defaults.dump_commands);
  EXPECT_TRUE(defaults.watch_command);
  EXPECT_FALSE(defaults.prefix_stats);
  EXPECT_EQ(defaults.protocol, ProtocolChoice::kNegotiate);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"-AFXWD/"},
        {"--enable-shutdown", "--disable-flush-all", "--disable-dumping", "--disable-watch", "-D",
         "/-"}}) {
    const Settings settings = ParseGood(arguments).settings;
    EXPECT_TRUE(settings.shutdown_command);
    EXPECT_FALSE(settings.flush_command);
    EXPECT_FALSE(settings.dump_commands);
    EXPECT_FALSE(settings.watch_command);
    EXPECT_TRUE(settings.prefix_stats);
    EXPECT_EQ(settings.prefix_delimiter, '/');
  }
}

TEST(OptionsTest, ReadsTransports) {
  EXPECT_EQ(ParseGood({"-p", "1", "-U", "11311"}).settings.udp_port, 11311);
  EXPECT_EQ(ParseGood({"-p", "1", "-U", "-1"}).settings.udp_port, -1);
  EXPECT_EQ(ParseGood({"-s", "/run/socket"}).settings.unix_socket, "/run/socket");
  EXPECT_EQ(ParseGood({"--unix-socket=/run/socket"}).settings.unix_socket, "/run/socket");
  EXPECT_EQ(ParseGood({}).settings.unix_mask, 0700u);
  EXPECT_EQ(ParseGood({"-a", "0766"}).settings.unix_mask, 0766u);
  EXPECT_EQ(ParseGood({"--unix-mask=777"}).settings.unix_mask, 0777u);
  EXPECT_TRUE(ParseGood({"-Z"}).settings.tls.enabled);
  EXPECT_TRUE(ParseGood({"--enable-ssl"}).settings.tls.enabled);
  EXPECT_EQ(ParseGood({"-e", "/dev/shm/items"}).settings.memory_file, "/dev/shm/items");
  EXPECT_EQ(ParseGood({"--memory-file=/dev/shm/items"}).settings.memory_file, "/dev/shm/items");
}

TEST(OptionsTest, WithoutATcpPortTheUdpPortIsTheTcpPortToo) {
  EXPECT_EQ(ParseGood({"-U", "11311"}).settings.tcp_port, 11311);
  EXPECT_EQ(ParseGood({"-U", "11311", "-p", "11312"}).settings.tcp_port, 11312);
  EXPECT_EQ(ParseGood({"-U", "0"}).settings.tcp_port, 11211);
}

TEST(OptionsTest, TlsNeedsATcpPort) {
  for (const std::vector<std::string>& transport :
       {std::vector<std::string>{"-U", "11311"}, std::vector<std::string>{"-U", "-1"},
        std::vector<std::string>{"-s", "/run/socket"}}) {
    std::vector<std::string> options = {"-Z", "-p", "0"};
    options.insert(options.end(), transport.begin(), transport.end());
    const CommandLine line = Parse(options);
    EXPECT_EQ(line.exit_code, EX_USAGE);
    EXPECT_EQ(line.errors, "ERROR: You cannot enable SSL without a TCP port.\n");
  }
  EXPECT_EQ(ParseGood({"-Z", "-p", "0"}).settings.tcp_port, 0);
  EXPECT_EQ(ParseGood({"-Z", "-U", "11311"}).settings.tcp_port, 11311);
  EXPECT_EQ(ParseGood({"-Z", "-p", "-1", "-U", "11311"}).settings.tcp_port, -1);
}

TEST(OptionsTest, AuthenticationChoosesTheProtocol) {
  EXPECT_EQ(ParseGood({"-B", "binary"}).settings.protocol, ProtocolChoice::kBinary);
  EXPECT_EQ(ParseGood({"-B", "ascii"}).settings.protocol, ProtocolChoice::kText);
  EXPECT_EQ(ParseGood({"-S"}).settings.protocol, ProtocolChoice::kBinary);
  EXPECT_TRUE(ParseGood({"--enable-sasl", "-B", "binary"}).settings.sasl);
  EXPECT_EQ(ParseGood({"-Y", "file"}).settings.protocol, ProtocolChoice::kText);
  EXPECT_EQ(ParseGood({"--auth-file=file", "-B", "ascii"}).settings.auth_file, "file");
}

TEST(OptionsTest, LicenseNamesWhatIsLinked) {
  for (const char* option : {"-i", "--license"}) {
    const CommandLine line = Parse({option});
    EXPECT_EQ(line.exit_code, EXIT_SUCCESS);
    for (const char* library : {"libevent", "xxHash", "Cyrus SASL", "OpenSSL", "Abseil"}) {
      EXPECT_THAT(line.output, HasSubstr(library));
    }
  }
}

TEST(OptionsTest, ManyThreadsAreWarnedOf) {
  const CommandLine line = Parse({"-t", "65"});
  EXPECT_EQ(line.exit_code, std::nullopt);
  EXPECT_THAT(line.errors, StartsWith("WARNING: Setting a high number of worker threads"));
  EXPECT_EQ(Parse({"-t", "64"}).errors, "");
}

TEST(OptionsTest, VersionIsLardersOwnAndNamesMemcacheds) {
  for (const char* option : {"-V", "--version"}) {
    const CommandLine line = Parse({option});
    EXPECT_EQ(line.exit_code, EXIT_SUCCESS);
    EXPECT_EQ(line.output, "larder " LARDER_VERSION " (behaves as memcached 1.6.45)\n");
  }
}

TEST(OptionsTest, HelpNamesEveryOptionWithItsDefault) {
  const CommandLine line = Parse({"-h", "extra"});
  EXPECT_EQ(line.exit_code, EXIT_SUCCESS);
  EXPECT_EQ(line.errors, "");
  EXPECT_THAT(line.output, StartsWith("larder " LARDER_VERSION));
  for (const char letter : std::string("pUsaAldrumMckvhiVPfnLDtRCbBISFXWYeZoN")) {
    EXPECT_THAT(line.output, HasSubstr(std::string("\n-") + letter + ", --"));
  }
  for (const char* text :
       {"listen on (default: 11211)", "megabytes (default: 64)", "time (default: 1024)",
        "clients (default: 4)", "turn (default: 20)", "accepted (default: 1024)",
        "from 1k to 1024m (default: 1m)", "idle_timeout:", "no_maxconns_fast:"}) {
    EXPECT_THAT(line.output, HasSubstr(text));
  }
}

TEST(OptionsTest, TheFirstThatEndsTheProcessDoes) {
  EXPECT_EQ(Parse({"-V", "-t", "0"}).exit_code, EXIT_SUCCESS);
  EXPECT_EQ(Parse({"-t", "0", "-V"}).exit_code, EXIT_FAILURE);
}

}  // namespace
}  // namespace larder
