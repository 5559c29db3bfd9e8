#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "slab/mutex.h"

namespace larder {

// Who may use the text protocol (-Y): a file of lines "user:password". A password is all that
// follows the first ':' of its line. The file has as many lines as memcached takes of one, eight;
// what follows them is not looked at.
class AuthFile {
 public:
  // A line, its end included, is at most so long.
  static constexpr size_t kLineBytesMax = 255;
  static constexpr size_t kEntriesMax = 8;

  explicit AuthFile(std::string path) : path_(std::move(path)) {}
  AuthFile(const AuthFile&) = delete;
  AuthFile& operator=(const AuthFile&) = delete;

  // Reads the file, now or once more. Any thread. If it cannot be read, or a line is no entry, what
  // was read before stays in force, and the message says what is wrong. Before the first that
  // succeeds, nobody may do anything.
  absl::Status Load() ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether there is such an entry. Any thread. How long it takes does not depend on how much of a
  // password was guessed.
  bool Allows(std::string_view user, std::string_view password) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string user;
    std::string password;
  };

  absl::Status Parse(std::string_view text, std::vector<Entry>* entries) const;

  const std::string path_;
  mutable Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace larder
