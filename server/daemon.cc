#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/net/errno_text.h"

namespace larder {

namespace {

constexpr char kHugePagesSwitch[] = "/sys/kernel/mm/transparent_hugepage/enabled";

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool SetLimit(int resource, const rlimit& limit) {
  return setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

bool SetDescriptorLimit(uint64_t descriptors) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  if (limit.rlim_cur >= descriptors) return true;
  limit.rlim_cur = descriptors;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, descriptors);
  return SetLimit(RLIMIT_NOFILE, limit);
}

// Names the process that `path` says is running; 0 if none is.
pid_t RunningProcess(const std::string& path) {
  const std::string line = FirstLine(path);
  pid_t pid = 0;
  std::from_chars(line.data(), line.data() + line.size(), pid);
  return pid > 0 && pid != getpid() && kill(pid, 0) == 0 ? pid : 0;
}

void Complain(std::string_view what, const std::string& path, std::string_view then = "") {
  fprintf(stderr, "%.*s %s%.*s: %s\n", static_cast<int>(what.size()), what.data(), path.c_str(),
          static_cast<int>(then.size()), then.data(), ErrnoText(errno).c_str());
}

}  // namespace

absl::Status EnableCoreFiles() {
  rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) == 0 &&
      !SetLimit(RLIMIT_CORE, {RLIM_INFINITY, RLIM_INFINITY})) {
    SetLimit(RLIMIT_CORE, {limit.rlim_max, limit.rlim_max});
  }
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur == 0) {
    return absl::FailedPreconditionError("failed to ensure corefile creation");
  }
  return absl::OkStatus();
}

absl::Status RaiseDescriptorLimit(uint64_t needed, uint64_t wanted) {
  if (SetDescriptorLimit(wanted) || SetDescriptorLimit(needed)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "failed to set rlimit for open files. Try starting as root or requesting smaller maxconns "
      "value.");
}

absl::Status CheckLargePages() {
  const std::string state = FirstLine(kHugePagesSwitch);
  if (state.empty()) {
    return absl::FailedPreconditionError("Transparent huge pages support not detected.");
  }
  if (state.find("[never]") != std::string::npos) {
    return absl::FailedPreconditionError("Transparent huge pages support disabled.");
  }
  return absl::OkStatus();
}

absl::Status MarkSocket(int fd, uint32_t mark) {
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("sock_cookie_id: cannot mark a listening socket: ", ErrnoText(errno)));
}

bool IsRoot() { return getuid() == 0 || geteuid() == 0; }

absl::StatusOr<User> FindUser(const std::string& name) {
  const passwd* const entry = getpwnam(name.c_str());
  if (entry == nullptr) {
    return absl::NotFoundError(absl::StrCat("can't find the user ", name, " to switch to"));
  }
  return User{.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
}

absl::Status BecomeUser(const User& user) {
  // Without the privilege for it there are no groups to lose.
  if (setgroups(0, nullptr) != 0 && errno != EPERM) {
    return absl::PermissionDeniedError(
        absl::StrCat("failed to drop supplementary groups: ", ErrnoText(errno)));
  }
  if (setgid(user.gid) != 0 || setuid(user.uid) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("failed to assume identity of user ", user.name));
  }
  return absl::OkStatus();
}

absl::StatusOr<Background> Background::Enter() {
  int ends[2];
  const pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
  if (pid < 0) {
    return absl::UnavailableError(
        absl::StrCat("failed to daemon() in order to daemonize: ", ErrnoText(errno)));
  }
  if (pid == 0) {
    close(ends[0]);
    setsid();
    return Background(UniqueFd(ends[1]));
  }
  close(ends[1]);
  char ready = 0;
  if (read(ends[0], &ready, 1) == 1) _exit(EXIT_SUCCESS);
  int status = 0;
  waitpid(pid, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

void Background::Ready(bool keep_streams, bool keep_folder) {
  if (!keep_folder && chdir("/") != 0) fprintf(stderr, "chdir: %s\n", ErrnoText(errno).c_str());
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(null.get(), STDIN_FILENO);
  if (!keep_streams) {
    dup2(null.get(), STDOUT_FILENO);
    dup2(null.get(), STDERR_FILENO);
  }
  const char ready = 1;
  [[maybe_unused]] const ssize_t written = write(ready_.get(), &ready, 1);
  ready_.Reset();
}

// A daemon changes its folder later on.
PidFile::PidFile(const std::string& path) : path_(std::filesystem::absolute(path)) {
  if (const pid_t pid = RunningProcess(path_); pid != 0) {
    fprintf(stderr, "WARNING: The pid file contained the following (running) pid: %d\n", pid);
  }
  const std::string temporary = path_ + ".tmp";
  FILE* const file = fopen(temporary.c_str(), "w");
  if (file == nullptr) {
    Complain("Could not open the pid file", temporary, " for writing");
    return;
  }
  fprintf(file, "%d\n", getpid());
  if (fclose(file) != 0) Complain("Could not close the pid file", temporary);
  written_ = rename(temporary.c_str(), path_.c_str()) == 0;
  if (!written_) Complain("Could not rename the pid file from", temporary, " to " + path_);
}

PidFile::~PidFile() {
  if (written_ && unlink(path_.c_str()) != 0) Complain("Could not remove the pid file", path_);
}

}  // namespace larder
