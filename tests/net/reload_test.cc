#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sysexits.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/net/unique_fd.h"
#include "tests/net/client.h"
#include "tests/net/process.h"

// The daemon and its configuration file: what a start makes of it, what --check-config says of it,
// and what SIGHUP changes.

namespace larder {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class ReloadTest : public ProcessTest {
 protected:
  void Write(const std::string& text) const { std::ofstream(file_) << text; }

  std::vector<std::string> WithFile(std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--config", file_});
    return With(std::move(more));
  }

  const std::string file_ = folder_ / "larder.conf";
};

// Tells when a file was read to its end.
class FileWatch {
 public:
  explicit FileWatch(const std::string& path) : fd_(inotify_init1(IN_CLOEXEC)) {
    EXPECT_GE(inotify_add_watch(fd_.get(), path.c_str(), IN_CLOSE_NOWRITE), 0);
  }
  // If it never is, the test runs out of time.
  void Wait() const {
    inotify_event event;
    EXPECT_EQ(read(fd_.get(), &event, sizeof(event)), static_cast<ssize_t>(sizeof(event)));
  }

 private:
  UniqueFd fd_;
};

std::string Setting(Client* client, const std::string& name) {
  const std::string stats = client->Ask("stats settings\r\n", "END\r\n");
  const std::string start = absl::StrCat("STAT ", name, " ");
  const size_t at = stats.find(start);
  if (at == std::string::npos) return "";
  const size_t value = at + start.size();
  return stats.substr(value, stats.find('\r', value) - value);
}

// If it never is, the test runs out of time.
void WaitFor(Client* client, const std::string& name, const std::string& value) {
  while (Setting(client, name) != value) std::this_thread::yield();
}

size_t OpenFiles(pid_t pid) {
  const auto folder = std::filesystem::path("/proc") / std::to_string(pid) / "fd";
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

int64_t ResidentKilobytes(pid_t pid) {
  const std::string status = ReadFile(absl::StrCat("/proc/", pid, "/status"));
  return std::stoll(status.substr(status.find("VmRSS:") + 6));
}

constexpr int64_t kMegabyte = 1 << 20;

std::string Megabytes(int64_t number) { return std::to_string(number * kMegabyte); }

TEST_F(ReloadTest, AStartHasWhatFileEnvironmentAndCommandLineSay) {
  Write("memory-limit = 100\nconn-limit = 100\nlisten-backlog = 100\n");
  setenv("LARDER_CONN_LIMIT", "101", 1);
  Process larder(WithFile({"-b", "102"}));
  Client client(WaitForPort());
  EXPECT_EQ(Setting(&client, "maxbytes"), Megabytes(100));
  EXPECT_EQ(Setting(&client, "maxconns"), "101");
  EXPECT_EQ(Setting(&client, "tcp_backlog"), "102");
  unsetenv("LARDER_CONN_LIMIT");
}

// What the program prints on stdout with `options`, for a shell.
std::string Printed(const std::string& options) {
  const std::string command = absl::StrCat(LARDER_PROGRAM, " ", options);
  FILE* const output = popen(command.c_str(), "re");
  const std::string text = ReadAll(fileno(output));
  EXPECT_EQ(pclose(output), 0);
  return text;
}

TEST_F(ReloadTest, WhatAStartWouldDoIsPrinted) {
  Write("memory-limit = 100\n");
  EXPECT_EQ(Printed(absl::StrCat("--check-config --config ", file_)),
            "The configuration is good.\n");
  EXPECT_THAT(
      Printed(absl::StrCat("--print-config -t 3 --config ", file_)),
      AllOf(MatchesRegex(absl::StrCat("(.|\n)*\nmemory-limit = 100 +# ", file_, ":1\n(.|\n)*")),
            MatchesRegex("(.|\n)*\nthreads = 3 +# command line\n(.|\n)*")));
  const std::string defaults = folder_ / "defaults.conf";
  std::ofstream(defaults) << Printed("--help-format=config");
  EXPECT_EQ(Printed(absl::StrCat("--check-config --config ", defaults)),
            "The configuration is good.\n");
}

TEST_F(ReloadTest, ABrokenFileEndsAStart) {
  Write("memory-limit = 100\nconn-limt = 100\nthreads = many\n");
  Process larder(WithFile());
  EXPECT_EQ(larder.Wait(), EX_CONFIG);
  EXPECT_EQ(larder.errors(), file_ + ":2: there is no option conn-limt; is it conn-limit?\n" +
                                 file_ + ":3: threads is no number: many\n");
}

TEST_F(ReloadTest, ACheckSaysWhatAStartWouldFail) {
  const auto check = [this](const std::string& text, int exit_code, const std::string& errors) {
    Write(text);
    Process larder({"--check-config", "--config", file_});
    EXPECT_EQ(larder.Wait(), exit_code);
    EXPECT_THAT(larder.errors(), HasSubstr(errors));
    EXPECT_EQ(larder.errors().empty(), errors.empty()) << text;
  };
  const std::string passwords = folder_ / "passwords";
  std::ofstream(passwords) << "user:password\n";
  check(absl::StrCat("memory-limit = 100\nauth-file = ", passwords, "\n"), EXIT_SUCCESS, "");
  check("\nmemory-limit = much\n", EXIT_FAILURE, file_ + ":2: memory-limit is no number: much\n");
  check("auth-file = /nonexistent/x\n", EXIT_FAILURE,
        file_ + ":1: Could not open authfile [/nonexistent/x] for reading");
  check("enable-ssl\nssl_chain_cert = /nonexistent/x\n", EX_USAGE,
        file_ + ":2: Error loading the certificate chain: /nonexistent/x");
  check("user = larder-has-no-such-user\n", EX_NOUSER,
        file_ + ":1: can't find the user larder-has-no-such-user to switch to\n");
  check("listen = notls:127.0.0.1:port\n", EX_OSERR, file_ + ":1: ");
}

TEST_F(ReloadTest, HangupAppliesWhatMayChange) {
  Write("memory-limit = 100\n");
  Process larder(WithFile());
  const int port = WaitForPort();
  Client client(port);
  ASSERT_EQ(Setting(&client, "verbosity"), "0");

  Write(
      "conn-limit = 2\nidle_timeout = 1000\nverbose = 1\nlisten-backlog = 5\nmemory-limit = 128\n");
  larder.Signal(SIGHUP);
  WaitFor(&client, "maxbytes", Megabytes(128));
  WaitFor(&client, "idle_timeout", "1000");
  EXPECT_EQ(Setting(&client, "maxconns"), "2");
  EXPECT_EQ(Setting(&client, "verbosity"), "1");
  EXPECT_EQ(Setting(&client, "tcp_backlog"), "1024");
  EXPECT_THAT(client.Ask("stats\r\n", "END\r\n"), HasSubstr("STAT max_connections 2\r\n"));
  Client second(port);
  EXPECT_EQ(second.Ask("version\r\n").substr(0, 7), "VERSION");
  EXPECT_EQ(Client(port).ReceiveAll(), "ERROR Too many open connections\r\n");

  Write("conn-limit = 3\nmemory-limit = 64\n");
  larder.Signal(SIGHUP);
  WaitFor(&client, "maxbytes", Megabytes(64));
  WaitFor(&client, "idle_timeout", "0");
  EXPECT_EQ(Client(port).Ask("version\r\n").substr(0, 7), "VERSION");

  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr(absl::StrCat("reload: listen-backlog from 1024 to 5 (",
                                                      file_, ":4) needs a restart\n")));
  EXPECT_THAT(larder.errors(),
              HasSubstr(absl::StrCat("reload: verbose from 0 to 1 (", file_, ":3)\n")));
}

TEST_F(ReloadTest, AnIdleTimeoutIsObeyedFromTheReloadOn) {
  Write("");
  Process larder(WithFile());
  const int port = WaitForPort();
  Client idle(port);
  EXPECT_EQ(idle.Ask("version\r\n").substr(0, 7), "VERSION");
  Write("idle_timeout = 1\n");
  larder.Signal(SIGHUP);
  EXPECT_EQ(idle.ReceiveAll(), "");
  EXPECT_THAT(Client(port).Ask("stats\r\n", "END\r\n"), HasSubstr("STAT idle_kicks 1\r\n"));
}

TEST_F(ReloadTest, WhatACommandHasSetStaysUntilTheFileSaysSomethingElse) {
  Write("memory-limit = 100\n");
  Process larder(WithFile());
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("cache_memlimit 80\r\n"), "OK\r\n");
  Write("memory-limit = 100\nconn-limit = 50\n");
  larder.Signal(SIGHUP);
  WaitFor(&client, "maxconns", "50");
  EXPECT_EQ(Setting(&client, "maxbytes"), Megabytes(80));
  Write("memory-limit = 101\n");
  larder.Signal(SIGHUP);
  WaitFor(&client, "maxbytes", Megabytes(101));
}

TEST_F(ReloadTest, ABrokenFileChangesNothingAndIsSaid) {
  Write("memory-limit = 100\n");
  Process larder(WithFile({"-v"}));
  Client client(WaitForPort());
  const FileWatch watch(file_);
  Write("memory-limit = 200\nconn-limit = none\n");
  larder.Signal(SIGHUP);
  watch.Wait();
  Write("memory-limit = 100\nconn-limit = 50\n");
  larder.Signal(SIGHUP);
  WaitFor(&client, "maxconns", "50");
  EXPECT_EQ(Setting(&client, "maxbytes"), Megabytes(100));
  std::filesystem::remove(file_);
  larder.Signal(SIGHUP);
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr(file_ + ":2: conn-limit is no number: none\n"));
  EXPECT_THAT(larder.errors(), HasSubstr("nothing has changed\n"));
  EXPECT_THAT(larder.errors(), Not(HasSubstr("memory-limit from")));
}

// Clients notice nothing, and what a reload takes it gives back.
TEST_F(ReloadTest, AHundredReloadsUnderLoad) {
  constexpr int kReloads = 100;
  constexpr int kClients = 4;
  constexpr int64_t kGrowthKilobytesMax = 8 << 10;
  Write("memory-limit = 100\n");
  // Address sanitizer, where the program has it, would keep what is freed, and that would grow.
  const char* const before = getenv("ASAN_OPTIONS");
  const std::string options = before == nullptr ? "" : before;
  setenv("ASAN_OPTIONS",
         absl::StrCat(options, ":quarantine_size_mb=1:thread_local_quarantine_size_kb=16").c_str(),
         1);
  Process larder(WithFile());
  setenv("ASAN_OPTIONS", options.c_str(), 1);
  const int port = WaitForPort();
  Client observer(port);
  EXPECT_EQ(Setting(&observer, "maxbytes"), Megabytes(100));

  std::atomic<bool> stop = false;
  std::atomic<int64_t> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&stop, &answered, port, i] {
      Client client(port);
      const std::string key = absl::StrCat("key", i);
      while (!stop) {
        if (client.Ask(absl::StrCat("set ", key, " 0 0 1\r\nx\r\n")) != "STORED\r\n") break;
        if (client.Ask(absl::StrCat("get ", key, "\r\n"), "END\r\n").size() != key.size() + 20)
          break;
        ++answered;
      }
      EXPECT_TRUE(stop) << "a connection was dropped";
    });
  }
  while (answered < kClients) std::this_thread::yield();

  const FileWatch watch(file_);
  size_t open_files = 0;
  int64_t resident = 0;
  std::string limit = Megabytes(100);
  for (int i = 0; i < kReloads; ++i) {
    const bool good = i % 3 != 2;
    Write(absl::StrCat("memory-limit = ", 64 + i, "\nconn-limit = ", 100 + i,
                       good ? "\n" : "\nthreads = many\n"));
    larder.Signal(SIGHUP);
    watch.Wait();
    if (good) {
      limit = Megabytes(64 + i);
      WaitFor(&observer, "maxbytes", limit);
      WaitFor(&observer, "maxconns", std::to_string(100 + i));
    }
    EXPECT_EQ(Setting(&observer, "maxbytes"), limit);
    if (i == kReloads / 10) {
      open_files = OpenFiles(larder.pid());
      resident = ResidentKilobytes(larder.pid());
    }
  }
  EXPECT_EQ(OpenFiles(larder.pid()), open_files);
  EXPECT_LT(ResidentKilobytes(larder.pid()), resident + kGrowthKilobytesMax);
  stop = true;
  for (std::thread& client : clients) client.join();
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
}

}  // namespace
}  // namespace larder
