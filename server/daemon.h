#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/net/unique_fd.h"

// What a process does to become a service: limits, user, background, pid file. Linux.

namespace larder {

// -r: raises the limit on core files as far as the system lets it. Fails if there would be none.
absl::Status EnableCoreFiles();

// Sees to it that `wanted` descriptors can be open at once, or, if the system does not allow so
// many, `needed`. Fails if it does not allow those either. Never lowers the limit.
absl::Status RaiseDescriptorLimit(uint64_t needed, uint64_t wanted);

// -L: fails if the system has no transparent huge pages, or has them turned off.
absl::Status CheckLargePages();

// Marks a listening socket, and so what it accepts, for the packet filter (SO_MARK). Needs rights
// that root has.
absl::Status MarkSocket(int fd, uint32_t mark);

// An account of the system.
struct User {
  std::string name;
  unsigned uid = 0;
  unsigned gid = 0;
};

bool IsRoot();

// The account named `name`. Fails if there is none.
absl::StatusOr<User> FindUser(const std::string& name);

// Takes on the identity of `user` for good, without supplementary groups.
absl::Status BecomeUser(const User& user);

// Putting a process into the background, in two steps, so that whoever starts it sees its errors
// and its exit code: the starter waits until the service is ready or has ended.
class Background {
 public:
  // Forks. In the child, returns; the parent waits and ends with exit code 0 once the child has
  // called Ready, and with the child's own exit code if it ends before. No threads may run yet.
  static absl::StatusOr<Background> Enter();

  // In the child: leaves the terminal and lets the parent end. With `keep_streams` what is written
  // to stdout and stderr still goes where it went; with `keep_folder` the process stays where it
  // is, else it moves to the root.
  void Ready(bool keep_streams, bool keep_folder);

 private:
  explicit Background(UniqueFd ready) : ready_(std::move(ready)) {}

  UniqueFd ready_;
};

// A file that holds the process's id for as long as the object lives.
class PidFile {
 public:
  // Writes it, whole from the moment it has its name. What cannot be done is said on stderr and
  // nothing more; so is it if the file names another process that is running.
  explicit PidFile(const std::string& path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  const std::string path_;
  bool written_ = false;
};

}  // namespace larder
