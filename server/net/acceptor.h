#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/engine/engine.h"
#include "server/engine/server_view.h"
#include "server/net/event.h"
#include "server/net/listener.h"
#include "server/net/worker.h"
#include "slab/lane.h"
#include "slab/mutex.h"

// Accepts connections and gives each to the worker that has the fewest.
//
// At the limit (the engine's connections_max) a new client is told so and closed at once, or, if so
// chosen, nobody is accepted until a connection has ended: then the kernel's queue, cut down to its
// smallest, takes or refuses clients. The second is also what happens when the process or the
// system has no descriptors left.

namespace larder {

struct AcceptorOptions {
  bool refuse_over_limit = true;  // maxconns_fast; false: stop accepting
  int backlog = 1024;             // -b
};

class Acceptor {
 public:
  // `workers` must outlive the acceptor; not empty.
  Acceptor(const AcceptorOptions& options, std::vector<Listener> listeners,
           const std::vector<std::unique_ptr<Worker>>* workers);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Accepts from the loop's next turn on. The loop's thread calls this and Stop; the loop and the
  // engine must be there from the one to the other.
  absl::Status Start(const EventLoop* loop, const Engine* engine) ABSL_LOCKS_EXCLUDED(mutex_);
  // Closes the listeners.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // Any thread: fills in what is known of connections and of accepting them.
  void AddStats(ServerStats* stats) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Any thread: adds the listeners.
  void List(std::vector<ConnectionInfo>* list) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Watched;

  void OnConnecting(const Listener& listener) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnAcceptFailed(int error) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t ClosedConnections() const;
  int64_t OpenConnections() const;
  Worker& LeastLoaded() const;
  bool Watch(Watched* watched);
  void Pause() ABSL_LOCKS_EXCLUDED(mutex_);
  void ResumeIfPossible() ABSL_LOCKS_EXCLUDED(mutex_);

  const AcceptorOptions options_;
  const std::vector<std::unique_ptr<Worker>>* const workers_;
  const EventLoop* loop_ = nullptr;
  const Engine* engine_ = nullptr;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Watched>> listeners_ ABSL_GUARDED_BY(mutex_);

  // The loop's thread only.
  Event pause_timer_;
  int64_t closed_at_pause_ = 0;
  std::chrono::steady_clock::time_point paused_at_;

  // Written by the loop's thread.
  std::atomic<bool> accepting_ = true;
  Counter rejected_;
  Counter pauses_;
  Counter paused_microseconds_;
};

}  // namespace larder
