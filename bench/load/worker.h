#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "bench/load/arrivals.h"
#include "bench/load/random.h"
#include "bench/load/reply_reader.h"
#include "bench/load/send_buffer.h"
#include "bench/load/socket.h"
#include "bench/load/tally.h"
#include "bench/load/workload.h"

namespace larder::bench {

uint64_t MonotonicNs();

// One stretch of load: what a worker sends, and until when.
struct Phase {
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  // Stores the ids first, first + step, ... instead of drawing from the workload.
  struct IdsInOrder {
    uint32_t first;
    uint32_t step;
  };

  std::optional<IdsInOrder> store;
  // Open loop if set, else closed: see worker.cc.
  std::optional<ArrivalSchedule::Spec> arrivals;
  size_t pipeline = 1;  // requests in flight on a connection; at most what the worker was made for
  uint64_t requests = kUnlimited;
  uint64_t duration_ns = kUnlimited;  // no request begins later
};

// Some connections and the one thread at a time that drives them: sends requests, takes replies.
// Only requests_done() and keys_done() may be called by others.
class Worker {
 public:
  struct Options {
    size_t pipeline_max = 1;
    uint64_t seed = 1;
    bool polls = false;                          // never sleeps: see worker.cc
    uint64_t reply_timeout_ns = 10'000'000'000;  // silence that ends the run
  };

  // Takes over connected sockets. `workload` must outlive the worker.
  static absl::StatusOr<std::unique_ptr<Worker>> Make(const Workload& workload,
                                                      std::vector<Socket> sockets,
                                                      const Options& options);

  // Runs a phase to its end, all replies taken, and adds to `tally`. Returns early, with replies
  // still to come and the worker of no further use, when `stop` is set or on an error: a broken
  // protocol, a lost connection, or no reply within the timeout.
  absl::Status Run(const Phase& phase, Tally& tally, const std::atomic<bool>& stop);

  // Over all phases so far.
  uint64_t requests_done() const { return requests_done_.load(std::memory_order_relaxed); }
  uint64_t keys_done() const { return keys_done_.load(std::memory_order_relaxed); }

 private:
  struct Connection {
    Connection(const Workload& workload, Socket its_socket, size_t pipeline_max);

    Socket socket;
    SendBuffer out;
    ReplyReader replies;
    bool awaits_room = false;  // the socket was full: the rest of `out` waits for EPOLLOUT
    bool is_due = false;       // open loop: in due_, has requests in `out` that were never flushed
    size_t held_bytes = 0;     // the beginning of a reply's line
    char held[ReplyReader::kLineBytesMax];
  };

  Worker(const Workload& workload, const Options& options);
  absl::Status Watch(Socket socket, size_t pipeline_max);

  void Begin(const Phase& phase, uint64_t now_ns);
  bool MayStart(uint64_t start_ns) const;
  void AppendNext(Connection& connection, uint64_t start_ns);
  absl::Status StartBatch(Connection& connection, uint64_t now_ns);
  absl::Status StartDue(uint64_t now_ns);
  Connection* FreeConnection();
  uint64_t CountUnsent();
  absl::Status Flush(Connection& connection);
  absl::Status Turn(uint64_t now_ns);
  uint64_t WaitNs(uint64_t now_ns) const;
  absl::Status Serve(const epoll_event& event);
  absl::Status Receive(Connection& connection);

  const Workload& workload_;
  const uint64_t seed_;
  const bool polls_;
  const uint64_t reply_timeout_ns_;
  Random random_;
  Socket epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<epoll_event> events_;
  std::vector<char> input_;    // of whichever connection is read
  std::vector<uint32_t> ids_;  // of the get being written
  std::vector<Connection*> due_;
  size_t next_connection_ = 0;  // where the search for a free one begins

  // Of the phase that runs.
  Phase phase_;
  Tally* tally_ = nullptr;
  std::optional<ArrivalSchedule> arrivals_;
  uint64_t end_ns_ = 0;
  uint64_t requests_left_ = 0;
  uint32_t next_id_ = 0;
  size_t in_flight_ = 0;
  uint64_t last_reply_ns_ = 0;
  uint64_t requests_before_ = 0;  // the phase; with the tally's they are requests_done()
  uint64_t keys_before_ = 0;

  std::atomic<uint64_t> requests_done_{0};
  std::atomic<uint64_t> keys_done_{0};
};

}  // namespace larder::bench
