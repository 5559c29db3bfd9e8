#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
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
  bool journal = false;      // stderr is said to be the journal
  // As a service manager starts it: "NAME=value", and sockets to inherit with their names.
  std::vector<std::string> environment;
  std::vector<int> sockets;
  std::string socket_names;  // parted by ':'
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
    std::vector<std::string> variables = Environment(start, writer.get());
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    for (char** inherited = environ; *inherited != nullptr; ++inherited) {
      environment.push_back(*inherited);  // counts only where there is none above
    }
    environment.push_back(nullptr);
    pid_ = fork();
    EXPECT_GE(pid_, 0);
    if (pid_ == 0) {
      Become(argv.data(), environment.data(), variables.back().data(), writer.get(), start);
    }
  }

  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  pid_t pid() const { return pid_; }
  void Signal(int number) const { kill(pid_, number); }

  // Waits until `text` has been written to stderr. If it never is, the test runs out of time.
  void WaitForError(std::string_view text) {
    while (errors_text_.find(text) == std::string::npos) {
      char buffer[4096];
      const ssize_t bytes = read(errors_.get(), buffer, sizeof(buffer));
      ASSERT_GT(bytes, 0) << "it ended with: " << errors_text_;
      errors_text_.append(buffer, static_cast<size_t>(bytes));
    }
  }

  // Waits for the end: the exit code, and what was written to stderr.
  int Wait() {
    errors_text_ += ReadAll(errors_.get());
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

  static constexpr char kPidVariable[] = "LISTEN_PID=";

  // The last has room for the child's process id, which nobody knows before.
  static std::vector<std::string> Environment(const ProcessStart& start, int errors) {
    std::vector<std::string> variables = start.environment;
    if (start.journal) {
      struct stat status = {};
      EXPECT_EQ(fstat(errors, &status), 0);
      variables.push_back("JOURNAL_STREAM=" + std::to_string(status.st_dev) + ":" +
                          std::to_string(status.st_ino));
    }
    if (!start.sockets.empty()) {
      variables.push_back("LISTEN_FDS=" + std::to_string(start.sockets.size()));
      variables.push_back("LISTEN_FDNAMES=" + start.socket_names);
    }
    variables.push_back(kPidVariable + std::string(20, '\0'));
    return variables;
  }

  // In the child, which must not allocate: other threads of the test may have held the heap's lock.
  // A mask and what is pending outlive the exec.
  [[noreturn]] static void Become(char* const* argv, char* const* environment, char* pid_variable,
                                  int errors, const ProcessStart& start) {
    if (start.pending_signal != 0) {
      sigset_t blocked;
      sigemptyset(&blocked);
      sigaddset(&blocked, start.pending_signal);
      sigprocmask(SIG_BLOCK, &blocked, nullptr);
      kill(getpid(), start.pending_signal);
    }
    dup2(errors, STDERR_FILENO);
    // First out of the way of one another: a socket may have another's place.
    constexpr int kSocketsMax = 16;
    int sockets[kSocketsMax];
    int count = 0;
    for (const int socket : start.sockets) sockets[count++] = fcntl(socket, F_DUPFD_CLOEXEC, 100);
    for (int i = 0; i < count; ++i) dup2(sockets[i], 3 + i);
    char* const digits = pid_variable + sizeof(kPidVariable) - 1;
    std::to_chars(digits, digits + 20, getpid());
    execve(LARDER_PROGRAM, argv, environment);
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
