#pragma once

#include <sys/eventfd.h>

#include <cstdint>

#include "server/net/event.h"
#include "server/net/unique_fd.h"

namespace larder {

// Lets any thread call a function on a loop's thread.
class Wakeup {
 public:
  // From the next turn on, Signal makes the loop call function(argument). False if the system has
  // no descriptors left.
  [[nodiscard]] bool Start(const EventLoop& loop, void (*function)(void*), void* argument) {
    fd_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    function_ = function;
    argument_ = argument;
    return fd_ && event_.Watch(loop, fd_.get(), EV_READ, &OnSignal, this);
  }

  // Any thread, once started; before, it does nothing. Signals that come before the function is
  // called make one call.
  void Signal() const {
    if (fd_) eventfd_write(fd_.get(), 1);
  }

 private:
  static void OnSignal(int fd, short, void* self) {
    eventfd_t count;
    eventfd_read(fd, &count);
    const Wakeup* const wakeup = static_cast<Wakeup*>(self);
    wakeup->function_(wakeup->argument_);
  }

  UniqueFd fd_;
  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
  Event event_;  // after fd_: removed before the descriptor is closed
};

}  // namespace larder
