#pragma once

#include <pthread.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace larder {

// A named thread that is joined by its owner. Signals are left to the main thread.
class Thread {
 public:
  Thread() = default;
  ~Thread() { Join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Runs `body` on a new thread, which tools show as `name` (its first 15 bytes). Fails if the
  // system has no thread left.
  absl::Status Start(const std::string& name, std::function<void()> body);

  // Waits until the body has returned. Does nothing if the thread was not started.
  void Join();

 private:
  std::function<void()> body_;
  std::optional<pthread_t> thread_;
};

}  // namespace larder
