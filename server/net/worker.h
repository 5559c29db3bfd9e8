#pragma once

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/engine/engine.h"
#include "server/net/address.h"
#include "server/net/clock.h"
#include "server/net/connection.h"
#include "server/net/datagram_endpoint.h"
#include "server/net/event.h"
#include "server/net/listener.h"
#include "server/net/thread.h"
#include "server/net/tls_context.h"
#include "server/net/unique_fd.h"
#include "server/net/wakeup.h"
#include "slab/mutex.h"

// A worker: one thread, one loop, and the connections that were given to it, for their lives.
//
// A turn of the loop waits for sockets, reads the clock once, lets each connection whose socket is
// ready do what it can, and then each that had more to do than -R allows. TLS handshakes, of which
// one costs as much as thousands of requests, are done last and one step a turn, in the order in
// which they became ready: however many clients come at once, the others wait for one step of one
// handshake. A connection's event
// stays with the loop as it is: only one whose client does not read costs a change of it, and only
// idle connections cost a timer, one a worker. What a connection needs while it runs is the
// worker's and lent: an idle one holds a socket and a few hundred bytes.

namespace larder {

struct WorkerOptions {
  // Null: no connection is encrypted, whatever its listener says. Must outlive the worker.
  const TlsContext* tls = nullptr;
  // How long a worker that stops waits for clients to send the rest of their requests and to read
  // their replies.
  std::chrono::milliseconds drain_time{1000};
};

// A socket that was accepted, on its way to its worker.
struct Accepted {
  UniqueFd fd;
  ConnectionTraits traits;
};

class Worker {
 public:
  // `engine_worker` and `clock` must outlive the worker.
  Worker(int index, const WorkerOptions& options, EngineWorker* engine_worker, const Clock* clock);
  // The worker must have been stopped and joined, or not have been started.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before Start: takes datagrams from `fd`, a bound socket that does not block, too.
  void AddDatagramSocket(UniqueFd fd);

  // Starts the thread. Fails with a message for the operator.
  absl::Status Start();

  // Any thread, once started: makes the connection the worker's.
  void Adopt(Accepted accepted) ABSL_LOCKS_EXCLUDED(arrivals_mutex_);

  // Any thread. What has arrived is executed and answered, and each client is closed that has had
  // its answers; one in the middle of a request, slow to read its reply, or that has only just
  // connected is given a moment (drain_time). Then the thread ends. Does nothing if the worker was
  // not started.
  void Stop();
  void Join() { thread_.Join(); }

  // Any thread, once started: asks for a sign that the loop turns. The worker gives it in its next
  // turn, at once if it has nothing to do.
  void Ask();
  // Any thread: whether the sign has been given, or was not asked for.
  bool has_answered() const { return has_answered_.load(std::memory_order_relaxed); }

  // Any thread. Connections adopted, and of these closed, since the start; and what is left.
  int64_t adopted() const { return adopted_.load(std::memory_order_relaxed); }
  int64_t closed() const { return closed_.load(std::memory_order_relaxed); }
  int64_t open() const { return adopted() - closed(); }
  // Any thread: adds the worker's datagram sockets and connections.
  void List(const Now& now, std::vector<ConnectionInfo>* list) const
      ABSL_LOCKS_EXCLUDED(clients_mutex_);
  // Any thread: adds to the read_buffer fields.
  void AddBufferStats(ServerStats* stats) const ABSL_LOCKS_EXCLUDED(clients_mutex_);

 private:
  struct Client;
  struct Datagrams;

  static void OnSocketReady(int, short what, void* argument);
  static void OnDatagramsReady(int, short what, void* argument);

  void Loop();
  void Drain();
  void RunTurn(bool wait);
  LoopTurn* CurrentTurn();
  void OnWakeup() ABSL_LOCKS_EXCLUDED(arrivals_mutex_);
  void Welcome(Accepted accepted) ABSL_LOCKS_EXCLUDED(clients_mutex_);
  bool Encrypts(const Accepted& accepted) const;
  void ResumeYielded();
  void QueueHandshake(Client* client);
  void StepHandshake();
  void ResumeWatchers();
  const char* CloseReason(const Client& client) const;
  void ReportConnection(const Client& client, const char* close_reason);
  bool IsDone(const Client& client) const;
  void Arrange(Client* client, Connection::Wait wait);
  bool Arrange(Datagrams* datagrams, Connection::Wait wait);
  void FollowIdleTimeout();
  void CloseIdle() ABSL_LOCKS_EXCLUDED(clients_mutex_);
  template <typename Condition>
  std::vector<Client*> Select(Condition condition) const ABSL_LOCKS_EXCLUDED(clients_mutex_);
  void Close(Client* client) ABSL_LOCKS_EXCLUDED(clients_mutex_);

  const int index_;
  const WorkerOptions options_;
  EngineWorker* const engine_worker_;
  const Clock* const clock_;

  EventLoop loop_;
  Wakeup wakeup_;
  Event idle_timer_;
  Event drain_timer_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> has_answered_ = true;

  mutable Mutex arrivals_mutex_;
  std::vector<Accepted> arrivals_ ABSL_GUARDED_BY(arrivals_mutex_);

  // Not changed once the thread runs.
  std::vector<std::unique_ptr<Datagrams>> datagrams_;

  // The worker's thread alone changes the list and destroys clients.
  mutable Mutex clients_mutex_;
  std::vector<std::unique_ptr<Client>> clients_ ABSL_GUARDED_BY(clients_mutex_);
  std::atomic<int64_t> adopted_ = 0;
  std::atomic<int64_t> closed_ = 0;

  // The worker's thread only.
  std::vector<Client*> yielded_;
  std::vector<Client*> resumed_;
  std::vector<Client*> watchers_;
  std::deque<Client*> handshakes_;  // not watched meanwhile
  LoopTurn turn_;
  bool turn_has_begun_ = false;
  bool draining_ = false;
  bool drain_time_is_over_ = false;
  int idle_timeout_seconds_ = 0;  // as the engine had it last; 0: the timer is off
  uint32_t idle_check_tick_ = 0;  // no connection can have been idle for too long before
  LentBuffer input_;
  LentBuffer records_;
  iovec pieces_[IOV_MAX];

  Thread thread_;  // last: joined before what it uses is gone
};

}  // namespace larder
