#include "server/config/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sysexits.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/options.h"

// Each place that options are read from, and which of them wins.

namespace larder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class SourcesTest : public testing::Test {
 protected:
  SourcesTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("larder-sources-test-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~SourcesTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  Configuration ReadFile(const std::string& text) const {
    return ReadConfiguration({.arguments = {"--config", Write("larder.conf", text)}});
  }
  Configuration ReadMemcached(const std::string& text) const {
    return ReadConfiguration({.arguments = {"--memcached-conf", Write("memcached.conf", text)}});
  }
  static Configuration ReadEnvironment(std::vector<std::string> environment) {
    return ReadConfiguration({.environment = std::move(environment)});
  }

  // Without the folder.
  std::vector<std::string> Texts(const std::vector<Problem>& problems) const {
    std::vector<std::string> texts;
    for (const Problem& problem : problems) {
      std::string text = problem.Text();
      const std::string folder = folder_.string() + "/";
      for (size_t at; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
      texts.push_back(text);
    }
    return texts;
  }

  const std::filesystem::path folder_;
};

TEST_F(SourcesTest, AFileHasNamesAndValues) {
  const Configuration read = ReadFile(
      "# a comment\n"
      "\n"
      "memory-limit = 128\n"
      "  threads=2   # another\r\n"
      "\tidle_timeout\t=\t30\n"
      "unix-socket = \"/run/a # \\\"b\\\" \\\\\"  # quoted\n"
      "pidfile = /run/a#b\n"
      "lock-memory\n"
      "no_maxconns_fast = yes\n"
      "listen = 127.0.0.1\n"
      "listen = ::1\n"
      "verbose = 2");
  EXPECT_THAT(Texts(read.problems), IsEmpty());
  EXPECT_THAT(read.warnings, IsEmpty());
  const Settings& settings = read.options.settings;
  EXPECT_EQ(settings.memory_bytes, uint64_t{128} << 20);
  EXPECT_EQ(settings.threads, 2);
  EXPECT_EQ(settings.idle_timeout_seconds, 30);
  EXPECT_EQ(settings.unix_socket, "/run/a # \"b\" \\");
  EXPECT_EQ(read.options.pid_file, "/run/a#b");
  EXPECT_TRUE(settings.lock_memory);
  EXPECT_FALSE(settings.maxconns_fast);
  EXPECT_EQ(settings.listen, "127.0.0.1,::1");
  EXPECT_EQ(settings.verbosity, 2);
  EXPECT_EQ(read.OriginOf("threads"), folder_.string() + "/larder.conf:4");
  EXPECT_EQ(read.OriginOf("maxconns_fast"), folder_.string() + "/larder.conf:9");
  EXPECT_EQ(read.OriginOf("port"), "default");
}

TEST_F(SourcesTest, EveryWrongLineIsSaid) {
  const Configuration read = ReadFile(
      "conn-limt = 5\n"
      "port 5\n"
      "= 5\n"
      "pidfile = \"/run/x\n"
      "user = \"x\" y\n"
      "memory-limit = 64m\n"
      "lock-memory = maybe\n"
      "threads\n"
      "verbose = 4\n"
      "max-item-size = 100m\n"
      "memory-file = # a value is missing, and an empty one is none\n"
      "help\n"
      "extended = idle_timeout=5\n"
      "config = other\n"
      "ext_path = /x\n"
      "quite-another = 1\n"
      "slab_chunk_max = 3\n");
  EXPECT_THAT(
      Texts(read.problems),
      ElementsAre(
          "larder.conf:1: there is no option conn-limt; is it conn-limit?",
          "larder.conf:2: a line is <name> = <value>: '=' is missing behind port",
          "larder.conf:3: a name is missing before '='",
          "larder.conf:4: the closing quote is missing",
          "larder.conf:5: nothing but a comment may follow the closing quote",
          "larder.conf:6: memory-limit is no number: 64m",
          "larder.conf:7: lock-memory is yes or no: maybe", "larder.conf:8: threads needs a value",
          "larder.conf:9: verbose is a level from 0 to 3: 4",
          "larder.conf:12: help is for the command line, not for a file",
          "larder.conf:13: extended is for the command line, not for a file",
          "larder.conf:14: config is for the command line, not for a file",
          "larder.conf:15: larder keeps everything in memory and has no external storage: ext_path",
          "larder.conf:16: there is no option quite-another",
          "larder.conf:17, larder.conf:10: -I (item_size_max: 104857600) must be evenly divisible "
          "by slab_chunk_max (bytes: 3072)"));
  EXPECT_EQ(read.exit_code(), EX_CONFIG);
}

TEST_F(SourcesTest, WhatDoesNotGoTogetherIsSaidWithItsPlaces) {
  const std::string file = Write("larder.conf", "\nmax-item-size = 100m\n");
  const Configuration read = ReadConfiguration({.arguments = {"--config", file, "-m", "128"}});
  EXPECT_THAT(Texts(read.problems),
              ElementsAre("larder.conf:2, command line: Cannot set item size limit higher than 1/2 "
                          "of memory max."));
}

TEST_F(SourcesTest, WhatIsRefusedChangesNothing) {
  const Configuration read = ReadFile("threads = 7\nthreads = 0\nidle_timeout = 5\n");
  EXPECT_EQ(read.options.settings.threads, 7);
  EXPECT_EQ(read.options.settings.idle_timeout_seconds, 5);
}

TEST_F(SourcesTest, AnOptionGivenTwiceIsWarnedOf) {
  const Configuration read = ReadFile("threads = 1\nthreads = 2\n");
  EXPECT_EQ(read.options.settings.threads, 2);
  EXPECT_THAT(read.warnings,
              ElementsAre(HasSubstr(":2: WARNING: threads is given twice; the last counts")));
}

TEST_F(SourcesTest, AFileThatCannotBeReadIsSaid) {
  const Configuration missing = ReadConfiguration({.arguments = {"--config", "/nonexistent/x"}});
  EXPECT_THAT(Texts(missing.problems),
              ElementsAre("/nonexistent/x: cannot be read: No such file or directory"));
  EXPECT_EQ(missing.exit_code(), EX_NOINPUT);
  const Configuration folder = ReadConfiguration({.arguments = {"--config", folder_}});
  EXPECT_THAT(Texts(folder.problems), ElementsAre(HasSubstr("cannot be read: Is a directory")));
  const Configuration large = ReadFile(std::string((1 << 20) + 1, '#'));
  EXPECT_THAT(Texts(large.problems), ElementsAre("larder.conf: is larger than a megabyte"));
  EXPECT_THAT(ReadFile(std::string(1 << 20, '#')).problems, IsEmpty());
}

TEST_F(SourcesTest, FilesAreNamedFromTheFolderOfTheStart) {
  Write("here.conf", "threads = 3\n");
  EXPECT_EQ(ReadConfiguration({.arguments = {"--config", "here.conf"}, .folder = folder_})
                .options.settings.threads,
            3);
}

TEST_F(SourcesTest, TheEnvironmentHasEveryOptionThatIsOne) {
  const Configuration read = ReadEnvironment({"LARDER_MEMORY_LIMIT=128", "LARDER_IDLE_TIMEOUT=30",
                                              "LARDER_LOCK_MEMORY=yes", "LARDER_VERBOSE=1",
                                              "LARDER_THREADS=", "PATH=/bin"});
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(read.warnings, IsEmpty());
  EXPECT_EQ(read.options.settings.memory_bytes, uint64_t{128} << 20);
  EXPECT_EQ(read.options.settings.idle_timeout_seconds, 30);
  EXPECT_TRUE(read.options.settings.lock_memory);
  EXPECT_EQ(read.options.settings.verbosity, 1);
  EXPECT_EQ(read.options.settings.threads, 4);
  EXPECT_EQ(read.OriginOf("memory-limit"), "environment LARDER_MEMORY_LIMIT");
}

TEST_F(SourcesTest, TheEnvironmentsMistakesAreSaid) {
  const Configuration read = ReadEnvironment(
      {"LARDER_THREADS=0", "LARDER_PORT=tcp://10.0.0.1:11211", "LARDER_SERVICE_HOST=10.0.0.1"});
  EXPECT_THAT(
      Texts(read.problems),
      ElementsAre("environment LARDER_PORT: ERROR: Invalid port number tcp://10.0.0.1:11211.",
                  "environment LARDER_THREADS: Number of threads must be greater than 0"));
  EXPECT_THAT(
      read.warnings,
      ElementsAre("WARNING: LARDER_SERVICE_HOST in the environment is no option of larder's"));
}

TEST_F(SourcesTest, TheCommandLineWinsOverTheEnvironmentAndThatOverFiles) {
  const Configuration read =
      ReadConfiguration({.arguments = {"--config",
                                       Write("a",
                                             "threads = 1\nconn-limit = 1\n"
                                             "listen-backlog = 1\nuser = one\n"),
                                       "--config", Write("b", "user = two\n"), "-t", "3"},
                         .environment = {"LARDER_THREADS=2", "LARDER_CONN_LIMIT=2"}});
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.options.settings.threads, 3);
  EXPECT_EQ(read.options.settings.connections_max, 2);
  EXPECT_EQ(read.options.settings.backlog, 1);
  EXPECT_EQ(read.options.user, "two");
  EXPECT_EQ(read.OriginOf("threads"), "command line");
  EXPECT_EQ(read.OriginOf("conn-limit"), "environment LARDER_CONN_LIMIT");
  EXPECT_THAT(read.OriginOf("user"), HasSubstr("/b:1"));
}

TEST_F(SourcesTest, WhatAddsUpDoesSoWithinOnePlace) {
  const std::string file =
      Write("larder.conf", "listen = 10.0.0.1\nlisten = 10.0.0.2\nverbose = 2\n");
  const Configuration read =
      ReadConfiguration({.arguments = {"--config", file, "-l", "127.0.0.1", "-l", "::1", "-v"}});
  EXPECT_EQ(read.options.settings.listen, "127.0.0.1,::1");
  EXPECT_EQ(read.options.settings.verbosity, 1);
}

TEST_F(SourcesTest, ASwitchIsTurnedOffByALaterPlace) {
  const std::string file = Write("larder.conf", "lock-memory\ndisable-evictions\nno_lru_crawler\n");
  const Configuration read = ReadConfiguration(
      {.arguments = {"--config", file, "--disable-evictions=no", "-o", "lru_crawler"},
       .environment = {"LARDER_LOCK_MEMORY=no"}});
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_FALSE(read.options.settings.lock_memory);
  EXPECT_TRUE(read.options.settings.evict);
  EXPECT_TRUE(read.options.settings.sweeper);
}

TEST_F(SourcesTest, TheEnvironmentNamesAFileUnlessTheCommandLineDoes) {
  const std::string one = Write("one", "threads = 1\n");
  const std::string two = Write("two", "user = two\n");
  const std::vector<std::string> environment = {absl::StrCat("LARDER_CONFIG=", one)};
  EXPECT_EQ(ReadConfiguration({.environment = environment}).options.settings.threads, 1);
  EXPECT_EQ(ReadConfiguration({.arguments = {"--config", two}, .environment = environment})
                .options.settings.threads,
            4);
}

TEST_F(SourcesTest, AStartSaysTheFirstProblemOfTheCommandLineOnly) {
  const std::string file = Write("larder.conf", "threads = 0\nconn-limit = 0\n");
  const Configuration read =
      ReadConfiguration({.arguments = {"--config", file, "-R", "0", "-n", "0"}});
  EXPECT_EQ(read.problems.size(), 4u);
  EXPECT_EQ(read.Complaints(), file + ":1: Number of threads must be greater than 0\n" + file +
                                   ":2: Maximum connections must be greater than 0\n"
                                   "Number of requests per event must be greater than 0\n");
}

// The file that Debian's package has, with what it has commented out.
TEST_F(SourcesTest, DebiansFileIsReadAsItIs) {
  const Configuration read = ReadMemcached(
      "# memcached default config file\n"
      "-d\n"
      "\n"
      "logfile /var/log/memcached.log\n"
      "# -v\n"
      "-m 64 # megabytes\n"
      "-p 11212\n"
      "-u memcache\n"
      "-l 127.0.0.1\n"
      "-l ::1\n"
      "  -c 2048  \n"
      "-k\n"
      "-U 0 -t 2\n"
      "-o idle_timeout=30,no_lru_crawler\n"
      "--listen-backlog=5\n"
      "-D \\#\n"
      "-P '/run/a b/memcached.pid'\n");
  EXPECT_THAT(Texts(read.problems), IsEmpty());
  EXPECT_THAT(read.warnings, IsEmpty());
  const Settings& settings = read.options.settings;
  EXPECT_EQ(settings.tcp_port, 11212);
  EXPECT_EQ(settings.listen, "127.0.0.1,::1");
  EXPECT_EQ(settings.connections_max, 2048);
  EXPECT_TRUE(settings.lock_memory);
  EXPECT_EQ(settings.threads, 2);
  EXPECT_EQ(settings.idle_timeout_seconds, 30);
  EXPECT_FALSE(settings.sweeper);
  EXPECT_EQ(settings.backlog, 5);
  EXPECT_EQ(settings.prefix_delimiter, '#');
  EXPECT_EQ(read.options.user, "memcache");
  EXPECT_EQ(read.options.pid_file, "/run/a b/memcached.pid");
  EXPECT_FALSE(read.options.daemonize);
  EXPECT_THAT(read.OriginOf("idle_timeout"), HasSubstr("/memcached.conf:14"));
}

TEST_F(SourcesTest, DebiansFilesMistakesAreSaidWithTheirLines) {
  const Configuration read = ReadMemcached(
      "-m 64m\n"
      "-c 0\n"
      "--nonsense\n"
      "-o nonsense\n"
      "-P $HOME/x\n"
      "-P \"/run\n"
      "-V\n"
      "-p\n"
      "stray\n"
      "other directive\n");
  EXPECT_THAT(Texts(read.problems),
              ElementsAre("memcached.conf:2: Maximum connections must be greater than 0",
                          "memcached.conf:3: larder: unrecognized option '--nonsense'",
                          "memcached.conf:4: Illegal suboption \"nonsense\"",
                          "memcached.conf:5: '$' is for shells, which larder is none of",
                          "memcached.conf:6: the closing quote is missing",
                          "memcached.conf:7: -V is for the command line, not for a file",
                          "memcached.conf:8: larder: option requires an argument -- 'p'"));
  EXPECT_THAT(read.warnings,
              ElementsAre(HasSubstr(":1: WARNING: -m: \"64m\" is taken as 64"),
                          HasSubstr(":9: WARNING: the argument \"stray\" is ignored"),
                          HasSubstr(":10: WARNING: \"other directive\" is ignored")));
}

TEST_F(SourcesTest, MemcachedConfTakesItsFileInTwoWays) {
  const std::string file = Write("memcached.conf", "-t 3\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--memcached-conf", file},
        {absl::StrCat("--memcached-conf=", file)}}) {
    EXPECT_EQ(ReadConfiguration({.arguments = arguments}).options.settings.threads, 3);
  }
  // The file is Debian's own, whether it is there or not.
  const Configuration read = ReadConfiguration({.arguments = {"--memcached-conf", "-t", "5"}});
  EXPECT_EQ(read.options.settings.threads, 5);
  for (const Problem& problem : read.problems) {
    EXPECT_THAT(problem.where, StartsWith("/etc/memcached.conf"));
  }
}

}  // namespace
}  // namespace larder
