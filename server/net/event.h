#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/time.h>

#include <chrono>
#include <memory>

#include "slab/assert.h"

// libevent's loop and events with owners. A loop and its events belong to one thread, so libevent
// is used without its locks; other threads reach a loop through a descriptor that it watches.

namespace larder {

class EventLoop {
 public:
  EventLoop() : base_(NewBase()) {}

  // False if the system has no descriptors left for it; then nothing else may be called.
  bool ok() const { return base_ != nullptr; }

  // Waits for events, or only looks for them, and runs what is ready: one turn.
  void RunTurn(bool wait) {
    event_base_loop(base_.get(), wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }

  event_base* base() const { return base_.get(); }

 private:
  struct Free {
    void operator()(event_base* base) const { event_base_free(base); }
  };

  static event_base* NewBase() {
    event_config* config = event_config_new();
    LARDER_CHECK(config != nullptr);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    // Turns read their own clock; libevent's is read only where a timer asks for it.
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    event_base* base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
  }

  std::unique_ptr<event_base, Free> base_;
};

// One event of a loop that outlives it: a descriptor, a signal or a timer. Must not move while it
// is in use, as the loop points to it.
class Event {
 public:
  using Callback = void (*)(evutil_socket_t, short, void*);

  Event() = default;
  ~Event() { Remove(); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Calls callback(fd, what, argument) whenever `what` (EV_READ, EV_WRITE, EV_SIGNAL) is so, until
  // removed or watching something else. False if the system refused.
  [[nodiscard]] bool Watch(const EventLoop& loop, int fd, short what, Callback callback,
                           void* argument) {
    Remove();
    event_assign(&event_, loop.base(), fd, static_cast<short>(what | EV_PERSIST), callback,
                 argument);
    return event_add(&event_, nullptr) == 0;
  }

  // Calls callback(-1, EV_TIMEOUT, argument) every `period`, until removed.
  void Repeat(const EventLoop& loop, std::chrono::milliseconds period, Callback callback,
              void* argument) {
    Remove();
    event_assign(&event_, loop.base(), -1, EV_PERSIST, callback, argument);
    const timeval time = {.tv_sec = period.count() / 1000, .tv_usec = period.count() % 1000 * 1000};
    LARDER_CHECK(event_add(&event_, &time) == 0);
  }

  void Remove() {
    if (event_initialized(&event_)) event_del(&event_);
  }

 private:
  event event_ = {};
};

}  // namespace larder
