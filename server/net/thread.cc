#include "server/net/thread.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/net/errno_text.h"
#include "slab/assert.h"

namespace larder {

namespace {

constexpr size_t kThreadNameBytesMax = 15;

}  // namespace

absl::Status Thread::Start(const std::string& name, std::function<void()> body) {
  LARDER_CHECK(!thread_);
  body_ = std::move(body);
  // A new thread starts with its creator's mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(
      &thread, nullptr,
      [](void* self) -> void* {
        static_cast<Thread*>(self)->body_();
        return nullptr;
      },
      this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("failed to start thread ", name, ": ", ErrnoText(error)));
  }
  thread_ = thread;
  pthread_setname_np(thread, name.substr(0, kThreadNameBytesMax).c_str());
  return absl::OkStatus();
}

void Thread::Join() {
  if (!thread_) return;
  pthread_join(*thread_, nullptr);
  thread_.reset();
}

}  // namespace larder
