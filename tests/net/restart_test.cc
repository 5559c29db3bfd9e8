#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sysexits.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "slab/saved_store.h"
#include "tests/net/client.h"
#include "tests/net/process.h"

// -e: stopped with USR1 and started again on the same file, the cache has what it had.

namespace larder {
namespace {

using testing::HasSubstr;

class RestartTest : public ProcessTest {
 protected:
  // Starts on the memory file; what ran before must have ended.
  void Start(std::vector<std::string> options = {"-m", "32"}, const ProcessStart& start = {}) {
    std::filesystem::remove(port_file_);
    options.insert(options.end(), {"-e", file_.string()});
    larder_.emplace(With(std::move(options)), start);
  }
  Client Connect() const { return Client(WaitForPort()); }
  // What it said in the end.
  std::string End(int signal = SIGUSR1) {
    larder_->Signal(signal);
    EXPECT_EQ(larder_->Wait(), EXIT_SUCCESS);
    return larder_->errors();
  }
  // Of a process that does not start.
  std::string FailToStart(int exit_code) {
    EXPECT_EQ(larder_->Wait(), exit_code);
    return larder_->errors();
  }

  static void Set(Client& client, const std::string& key, const std::string& value,
                  const std::string& flags_and_exptime = "0 0") {
    EXPECT_EQ(client.Ask("set " + key + " " + flags_and_exptime + " " +
                         std::to_string(value.size()) + "\r\n" + value + "\r\n"),
              "STORED\r\n");
  }
  static std::string Gets(Client& client, const std::string& key) {
    return client.Ask("gets " + key + "\r\n", "END\r\n");
  }
  std::filesystem::path Metadata() const { return file_.string() + ".meta"; }

  const std::filesystem::path file_ = folder_ / "memory";
  std::optional<Process> larder_;
};

TEST_F(RestartTest, EverythingIsBack) {
  Start();
  std::map<std::string, std::string> replies;
  {
    Client client = Connect();
    for (int n = 0; n < 2000; ++n) {
      const size_t bytes = n % 100 == 0 ? 400000 : static_cast<size_t>(n % 300);
      Set(client, "key" + std::to_string(n), std::string(bytes, static_cast<char>('a' + n % 26)),
          std::to_string(n % 3) + (n % 2 == 0 ? " 0" : " 5000"));
    }
    EXPECT_EQ(client.Ask("delete key7\r\n"), "DELETED\r\n");
    for (int n = 0; n < 2000; ++n) {
      const std::string key = "key" + std::to_string(n);
      replies[key] = Gets(client, key);
    }
    EXPECT_EQ(replies["key7"], "END\r\n");
  }
  EXPECT_EQ(End(), "Gracefully stopping\n");
  EXPECT_TRUE(std::filesystem::exists(Metadata()));

  Start();
  {
    Client client = Connect();
    EXPECT_FALSE(std::filesystem::exists(Metadata()));
    EXPECT_THAT(client.Ask("stats\r\n", "END\r\n"), HasSubstr("STAT curr_items 1999\r\n"));
    for (const auto& [key, reply] : replies) ASSERT_TRUE(Gets(client, key) == reply) << key;
    Set(client, "key7", "anew");
  }
  EXPECT_EQ(End(), "Gracefully stopping\n");
  Start();
  Client client = Connect();
  EXPECT_THAT(Gets(client, "key7"), HasSubstr("anew"));
}

// What passed while nothing ran counts against an item's time to live: ten minutes, says the
// metadata.
TEST_F(RestartTest, TimeGoesOnMeanwhile) {
  Start();
  {
    Client client = Connect();
    Set(client, "short", "v", "0 590");
    Set(client, "long", "v", "0 1000");
    Set(client, "ever", "v", "0 0");
  }
  End();
  absl::StatusOr<SavedStore> saved = SavedStore::FromText(ReadFile(Metadata()));
  ASSERT_TRUE(saved.ok());
  saved->wall_seconds -= 600;
  std::ofstream(Metadata()) << saved->ToText();
  Start();
  {
    Client client = Connect();
    EXPECT_EQ(Gets(client, "short"), "END\r\n");
    EXPECT_THAT(Gets(client, "long"), HasSubstr("VALUE long"));
    EXPECT_THAT(Gets(client, "ever"), HasSubstr("VALUE ever"));
  }
  // A wall clock that was set back prolongs nothing.
  End();
  saved = SavedStore::FromText(ReadFile(Metadata()));
  ASSERT_TRUE(saved.ok());
  const uint32_t tick = saved->tick;
  saved->wall_seconds += 100000;
  std::ofstream(Metadata()) << saved->ToText();
  Start();
  Connect();
  End();
  saved = SavedStore::FromText(ReadFile(Metadata()));
  ASSERT_TRUE(saved.ok());
  EXPECT_GE(saved->tick, tick);
}

TEST_F(RestartTest, AfterACrashNothingIsTakenOver) {
  Start();
  {
    Client client = Connect();
    Set(client, "k", "v");
  }
  larder_->Signal(SIGKILL);
  larder_.reset();
  Start();
  {
    Client client = Connect();
    EXPECT_EQ(Gets(client, "k"), "END\r\n");
    Set(client, "k", "v");
  }
  EXPECT_EQ(End(), "[restart] " + file_.string() +
                       " was not closed by a graceful stop (SIGUSR1): the cache starts empty\n"
                       "Gracefully stopping\n");

  // Nor after one of a process that had taken it over, with the metadata put back.
  const std::string metadata = ReadFile(Metadata());
  Start();
  Connect();
  larder_->Signal(SIGKILL);
  larder_.reset();
  std::ofstream(Metadata()) << metadata;
  Start();
  {
    Client client = Connect();
    EXPECT_EQ(Gets(client, "k"), "END\r\n");
  }
  EXPECT_THAT(End(), HasSubstr("as it is now: the cache starts empty\n"));
}

// TERM is no graceful stop, as with memcached.
TEST_F(RestartTest, OnlyUsr1Saves) {
  Start();
  Connect();
  EXPECT_EQ(End(SIGTERM), "");
  EXPECT_FALSE(std::filesystem::exists(Metadata()));
}

// A signal during the start, even one that comes before everything, is taken after it.
TEST_F(RestartTest, StoppedWhileItStartsItSaves) {
  Start();
  {
    Client client = Connect();
    Set(client, "k", "v");
  }
  End();
  Start({"-m", "32"}, {.pending_signal = SIGUSR1});
  EXPECT_EQ(larder_->Wait(), EXIT_SUCCESS);
  EXPECT_EQ(larder_->errors(), "Gracefully stopping\n");
  Start();
  Client client = Connect();
  EXPECT_THAT(Gets(client, "k"), HasSubstr("VALUE k"));
}

// Another start has the limit of its options again, and says what that costs. While it waits to be
// heard the file is its own and the server does not run: stopped there it saves, too.
TEST_F(RestartTest, MoreThanTheLimitIsSaid) {
  Start();
  {
    Client client = Connect();
    EXPECT_EQ(client.Ask("cache_memlimit 64\r\n"), "OK\r\n");
    for (int n = 0; n < 80; ++n) Set(client, "key" + std::to_string(n), std::string(500000, 'v'));
  }
  End();
  Start({"-m", "32"}, {.errors_wait = true});
  while (std::filesystem::exists(Metadata())) usleep(1000);
  EXPECT_THAT(
      End(), testing::ContainsRegex("\\[restart\\] the items saved take [34][0-9] MB and the limit "
                                    "\\(-m\\) is 32 MB: what is too much is evicted\n"
                                    "Gracefully stopping\n$"));
  EXPECT_TRUE(std::filesystem::exists(Metadata()));
  Start();
  {
    Client client = Connect();
    while (client.Ask("stats\r\n", "END\r\n").find("STAT curr_items 80\r\n") != std::string::npos) {
    }
    int kept = 0;
    for (int n = 0; n < 80; ++n) {
      const std::string key = "key" + std::to_string(n);
      if (Gets(client, key).starts_with("VALUE " + key + " ")) ++kept;
    }
    EXPECT_GT(kept, 0);
    EXPECT_LT(kept, 80);
  }
}

TEST_F(RestartTest, WithOtherSettingsItStartsEmptyAndSaysWhy) {
  Start();
  {
    Client client = Connect();
    Set(client, "k", std::string(100000, 'v'));
  }
  End();
  Start({"-m", "48"});
  {
    Client client = Connect();
    EXPECT_EQ(Gets(client, "k"), "END\r\n");
    Set(client, "k", "new");
  }
  EXPECT_EQ(
      End(),
      "[restart] restart incompatible due to setting for [mem_limit (-m)] [old value: 33554432]: "
      "the cache starts empty\nGracefully stopping\n");
  Start({"-m", "48", "-I", "2m"});
  Connect();
  EXPECT_THAT(End(), HasSubstr("for [item_size_max (-I)] [old value: 1048576]: "));
  Start({"-m", "48", "-I", "2m", "-C"});
  Connect();
  EXPECT_THAT(End(), HasSubstr("for [use_cas (-C)] [old value: true]: "));
  Start({"-m", "48", "-I", "2m", "-f", "1.5"});
  Connect();
  EXPECT_THAT(End(), HasSubstr("for [use_cas (-C)] [old value: false]: "));
  Start({"-m", "48", "-I", "2m"});
  Connect();
  EXPECT_THAT(End(), HasSubstr("for [slab_config (-f, -n, -o slab_sizes)] [old value: "));
}

TEST_F(RestartTest, MetadataThatIsTornOrUnreadableEndsTheStart) {
  Start();
  Connect();
  End();
  const std::string whole = ReadFile(Metadata());
  for (const std::string& torn :
       {std::string(), whole.substr(0, whole.size() / 2), whole.substr(1), whole + "x"}) {
    std::ofstream(Metadata()) << torn;
    Start();
    EXPECT_EQ(FailToStart(EX_OSERR), "[restart] corrupt metadata file " + Metadata().string() +
                                         ": it is not whole (without it the cache starts empty)\n");
  }
  std::filesystem::remove(Metadata());
  std::filesystem::create_directory(Metadata());
  Start();
  EXPECT_EQ(FailToStart(EX_OSERR),
            "[restart] failed to read metadata file " + Metadata().string() + ": Is a directory\n");
  std::filesystem::remove(Metadata());
  std::ofstream(Metadata()) << "Tmain\nKmem_limit 1\n";
  Start();
  Connect();
  EXPECT_THAT(End(), HasSubstr("was written by memcached: the cache starts empty\n"));
}

TEST_F(RestartTest, AMemoryFileThatCannotBeHadEndsTheStart) {
  std::filesystem::remove(port_file_);
  larder_.emplace(With({"-e", "/nonexistent/x"}));
  EXPECT_EQ(FailToStart(EX_OSERR), "failed to open file for mmap: No such file or directory\n");

  Start();
  Connect();
  Process second(With({"-e", file_.string()}));
  EXPECT_EQ(second.Wait(), EX_OSERR);
  EXPECT_EQ(second.errors(), "memory file " + file_.string() + " is in use by another process\n");
}

TEST_F(RestartTest, AFileThatIsCutShortIsNotTakenOver) {
  Start();
  {
    Client client = Connect();
    Set(client, "k", "v");
  }
  End();
  std::filesystem::resize_file(file_, 1 << 20);
  Start();
  Client client = Connect();
  EXPECT_EQ(Gets(client, "k"), "END\r\n");
  EXPECT_THAT(End(), HasSubstr("as it is now: the cache starts empty\n"));
}

}  // namespace
}  // namespace larder
