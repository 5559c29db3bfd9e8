#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "server/net/unique_fd.h"

// The daemon as a process of a test's: LARDER_PROGRAM is where it is.

namespace larder {

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

inline std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t bytes; (bytes = read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(bytes));
  }
  return text;
}

struct ProcessStart {
  int pending_signal = 0;    // starts with this signal blocked, and sent already
  bool errors_wait = false;  // a line to stderr waits until Wait reads what is there
};

// A larder process; killed if the test does not end it.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, const ProcessStart& start = {}) {
    arguments.insert(arguments.begin(), LARDER_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    errors_.Reset(ends[0]);
    const UniqueFd writer(ends[1]);
    if (start.errors_wait) Fill(writer.get());
    pid_ = fork();
    EXPECT_GE(pid_, 0);
    if (pid_ == 0) Become(argv.data(), writer.get(), start.pending_signal);
  }

  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  pid_t pid() const { return pid_; }
  void Signal(int number) const { kill(pid_, number); }

  // Waits for the end: the exit code, and what was written to stderr.
  int Wait() {
    errors_text_ = ReadAll(errors_.get());
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    return WEXITSTATUS(status);
  }
  const std::string& errors() const { return errors_text_; }

 private:
  static void Fill(int pipe) {
    const int bytes = fcntl(pipe, F_SETPIPE_SZ, 4096);
    EXPECT_EQ(write(pipe, std::string(static_cast<size_t>(bytes), '.').data(),
                    static_cast<size_t>(bytes)),
              bytes);
  }

  // In the child: a mask and what is pending outlive the exec.
  [[noreturn]] static void Become(char* const* argv, int errors, int pending_signal) {
    if (pending_signal != 0) {
      sigset_t blocked;
      sigemptyset(&blocked);
      sigaddset(&blocked, pending_signal);
      sigprocmask(SIG_BLOCK, &blocked, nullptr);
      kill(getpid(), pending_signal);
    }
    dup2(errors, STDERR_FILENO);
    execv(LARDER_PROGRAM, argv);
    _exit(127);
  }

  pid_t pid_ = 0;
  UniqueFd errors_;
  std::string errors_text_;
};

class ProcessTest : public testing::Test {
 protected:
  ProcessTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("larder-process-test-" + std::to_string(getpid()))),
        port_file_(folder_ / "port") {
    std::filesystem::create_directories(folder_);
    setenv("MEMCACHED_PORT_FILENAME", port_file_.c_str(), 1);
  }
  ~ProcessTest() override {
    unsetenv("MEMCACHED_PORT_FILENAME");
    std::filesystem::remove_all(folder_);
  }

  // Options that every start has, with `more`.
  static std::vector<std::string> With(std::vector<std::string> more) {
    std::vector<std::string> options = {"-l", "127.0.0.1", "-t", "2"};
    if (getuid() == 0) options.insert(options.end(), {"-u", "root"});
    if (std::ranges::find(more, "-p") == more.end()) {
      options.insert(options.end(), {"-p", "0"});
    }
    options.insert(options.end(), more.begin(), more.end());
    return options;
  }

  // The port, once the server has written it. If it never does, the test runs out of time.
  int WaitForPort() const {
    while (!std::filesystem::exists(port_file_)) usleep(1000);
    const std::string line = ReadFile(port_file_);
    int port = 0;
    std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), port);
    return port;
  }

  const std::filesystem::path folder_;
  const std::filesystem::path port_file_;
};

}  // namespace larder
