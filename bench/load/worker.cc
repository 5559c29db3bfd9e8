// The loop of one generator thread
//
// Closed loop. Each connection sends a batch of `pipeline` requests, waits until all are answered
// and sends the next: what a client library with a pipeline does. The batch is kept whole on
// purpose. If single replies were replaced by single requests, a server that answers each request
// with a packet of its own would soon receive them one by one, and a pipeline of 16 would be 16
// only in name. A request's latency runs from the sending of its batch.
//
// Open loop. Requests fall due at times that the server has no influence on, and go to the next
// connection in turn that has room. When none has, they wait, and a request's latency runs from
// the time at which it fell due and not from its sending: if a server stalls for 100 ms, all who
// wanted something in these 100 ms are counted with what they had to wait, where a closed loop
// would count one slow request and forget that it sent nothing meanwhile ("coordinated omission").
// What fell due but was never sent until the end is counted and reported as such.
//
// Polling. A thread that waits sleeps in epoll, unless it is told to poll: then it asks again and
// again. That costs its core and helps the server, which pays for waking a sleeping client on the
// same machine with each reply, as it does not for a client on another machine.
//
// Nothing in the loop allocates. One clock reading serves all replies that one read brought.
#include "bench/load/worker.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

#include "bench/load/request_writer.h"

namespace larder::bench {
namespace {

constexpr size_t kInputBytes = 256 << 10;
constexpr size_t kEventsMax = 256;
// How soon a stop and a silent server are noticed.
constexpr uint64_t kWaitMaxNs = 100'000'000;
// A sleeping thread wakes some tens of microseconds late, which would count as the server's
// latency: shorter waits of an open loop are spent polling.
constexpr uint64_t kPollBelowNs = 50'000;

absl::Status WatchSocket(const Socket& epoll, int operation, const Socket& socket,
                         epoll_event event) {
  if (epoll_ctl(epoll.fd(), operation, socket.fd(), &event) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "epoll_ctl");
}

}  // namespace

uint64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

Worker::Connection::Connection(const Workload& workload, Socket its_socket, size_t pipeline_max)
    : socket(std::move(its_socket)),
      out(CapacityFor(workload, pipeline_max)),
      replies(workload, pipeline_max) {}

Worker::Worker(const Workload& workload, const Options& options)
    : workload_(workload),
      seed_(options.seed),
      polls_(options.polls),
      reply_timeout_ns_(options.reply_timeout_ns),
      random_(options.seed),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      input_(kInputBytes),
      ids_(workload.spec.keys_per_get) {}

absl::StatusOr<std::unique_ptr<Worker>> Worker::Make(const Workload& workload,
                                                     std::vector<Socket> sockets,
                                                     const Options& options) {
  std::unique_ptr<Worker> worker(new Worker(workload, options));
  if (worker->epoll_.fd() < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
  for (Socket& socket : sockets) {
    absl::Status status = worker->Watch(std::move(socket), options.pipeline_max);
    if (!status.ok()) return status;
  }
  worker->events_.resize(std::min(worker->connections_.size(), kEventsMax));
  worker->due_.reserve(worker->connections_.size());
  return worker;
}

absl::Status Worker::Watch(Socket socket, size_t pipeline_max) {
  socket.StopBlocking();
  auto connection = std::make_unique<Connection>(workload_, std::move(socket), pipeline_max);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = connection.get()}};
  connections_.push_back(std::move(connection));
  return WatchSocket(epoll_, EPOLL_CTL_ADD, connections_.back()->socket, event);
}

absl::Status Worker::Run(const Phase& phase, Tally& tally, const std::atomic<bool>& stop) {
  tally_ = &tally;
  Begin(phase, MonotonicNs());
  if (!arrivals_) {
    for (const auto& connection : connections_) {
      if (absl::Status status = StartBatch(*connection, MonotonicNs()); !status.ok()) return status;
    }
  }
  while ((in_flight_ > 0 || arrivals_) && !stop.load(std::memory_order_relaxed)) {
    const uint64_t now_ns = MonotonicNs();
    absl::Status status = arrivals_ ? StartDue(now_ns) : absl::OkStatus();
    if (status.ok()) status = Turn(now_ns);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void Worker::Begin(const Phase& phase, uint64_t now_ns) {
  phase_ = phase;
  requests_left_ = phase.requests;
  end_ns_ = phase.duration_ns == Phase::kUnlimited ? Phase::kUnlimited : now_ns + phase.duration_ns;
  if (phase.store) next_id_ = phase.store->first;
  arrivals_.reset();
  if (phase.arrivals) arrivals_.emplace(*phase.arrivals, now_ns, seed_);
  requests_before_ = requests_done() - tally_->requests();
  keys_before_ = keys_done() - tally_->keys();
}

bool Worker::MayStart(uint64_t start_ns) const { return requests_left_ > 0 && start_ns < end_ns_; }

// Appends a request to a connection that has room for it.
void Worker::AppendNext(Connection& connection, uint64_t start_ns) {
  const WorkloadSpec& spec = workload_.spec;
  if (phase_.store) {
    AppendSet(workload_, next_id_, connection.out);
    next_id_ += phase_.store->step;
    connection.replies.ExpectSet(start_ns);
  } else if (spec.set_weight == 0 ||
             random_.Below(spec.get_weight + spec.set_weight) < spec.get_weight) {
    for (uint32_t& id : ids_) id = workload_.sampler.Sample(random_);
    AppendGet(workload_, ids_, connection.out);
    connection.replies.ExpectGet(ids_, start_ns);
  } else {
    AppendSet(workload_, workload_.sampler.Sample(random_), connection.out);
    connection.replies.ExpectSet(start_ns);
  }
  if (in_flight_++ == 0) last_reply_ns_ = start_ns;
  --requests_left_;
}

absl::Status Worker::StartBatch(Connection& connection, uint64_t now_ns) {
  for (size_t i = 0; i < phase_.pipeline && MayStart(now_ns); ++i) AppendNext(connection, now_ns);
  return Flush(connection);
}

absl::Status Worker::StartDue(uint64_t now_ns) {
  while (arrivals_->next_ns() <= now_ns && MayStart(arrivals_->next_ns())) {
    Connection* connection = FreeConnection();
    if (connection == nullptr) break;
    AppendNext(*connection, arrivals_->next_ns());
    arrivals_->Take();
    if (!std::exchange(connection->is_due, true)) due_.push_back(connection);
  }
  for (Connection* connection : due_) {
    connection->is_due = false;
    if (absl::Status status = Flush(*connection); !status.ok()) return status;
  }
  due_.clear();
  if (now_ns >= end_ns_) tally_->unsent += CountUnsent();
  if (!MayStart(arrivals_->next_ns())) arrivals_.reset();
  return absl::OkStatus();
}

// One that may take another request, the next in turn. One whose socket is full may not: its buffer
// is emptied only as a whole.
Worker::Connection* Worker::FreeConnection() {
  if (in_flight_ == connections_.size() * phase_.pipeline) return nullptr;
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[next_connection_];
    next_connection_ = next_connection_ + 1 == connections_.size() ? 0 : next_connection_ + 1;
    if (!connection.awaits_room && connection.replies.pending() < phase_.pipeline) {
      return &connection;
    }
  }
  return nullptr;
}

uint64_t Worker::CountUnsent() {
  uint64_t unsent = 0;
  for (; MayStart(arrivals_->next_ns()); arrivals_->Take()) {
    ++unsent;
    --requests_left_;
  }
  return unsent;
}

absl::Status Worker::Flush(Connection& connection) {
  absl::Status status = connection.out.Flush(connection.socket, tally_->sent_bytes);
  if (!status.ok()) return status;
  const bool awaits_room = !connection.out.empty();
  if (awaits_room == connection.awaits_room) return absl::OkStatus();
  connection.awaits_room = awaits_room;
  const uint32_t events = awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  return WatchSocket(epoll_, EPOLL_CTL_MOD, connection.socket,
                     {.events = events, .data = {.ptr = &connection}});
}

absl::Status Worker::Turn(uint64_t now_ns) {
  const uint64_t wait_ns = WaitNs(now_ns);
  const timespec timeout{.tv_sec = 0, .tv_nsec = static_cast<long>(wait_ns)};
  const int count = epoll_pwait2(epoll_.fd(), events_.data(), static_cast<int>(events_.size()),
                                 &timeout, nullptr);
  if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "epoll_pwait2");
  if (count <= 0 && in_flight_ > 0 && MonotonicNs() > last_reply_ns_ + reply_timeout_ns_) {
    return absl::DeadlineExceededError(absl::StrCat("no reply within ",
                                                    reply_timeout_ns_ / 1'000'000, " ms, ",
                                                    in_flight_, " requests in flight"));
  }
  for (int i = 0; i < count; ++i) {
    if (absl::Status status = Serve(events_[i]); !status.ok()) return status;
  }
  return absl::OkStatus();
}

uint64_t Worker::WaitNs(uint64_t now_ns) const {
  if (polls_) return 0;
  // A request that was due by `now_ns` found no connection free, and waits for a reply.
  if (!arrivals_ || arrivals_->next_ns() <= now_ns) return kWaitMaxNs;
  const uint64_t gap_ns = arrivals_->next_ns() - now_ns;
  return gap_ns <= kPollBelowNs ? 0 : std::min(gap_ns - kPollBelowNs, kWaitMaxNs);
}

absl::Status Worker::Serve(const epoll_event& event) {
  auto& connection = *static_cast<Connection*>(event.data.ptr);
  if ((event.events & EPOLLOUT) != 0) {
    if (absl::Status status = Flush(connection); !status.ok()) return status;
  }
  if ((event.events & ~uint32_t{EPOLLOUT}) == 0) return absl::OkStatus();
  absl::Status status = Receive(connection);
  while (status.ok() && connection.socket.has_unread()) status = Receive(connection);
  return status;
}

absl::Status Worker::Receive(Connection& connection) {
  std::memcpy(input_.data(), connection.held, connection.held_bytes);
  const ssize_t received = connection.socket.Receive(input_.data() + connection.held_bytes,
                                                     input_.size() - connection.held_bytes);
  if (received == 0) return absl::UnavailableError("the server closed a connection");
  if (received < 0) {
    if (errno == EAGAIN || errno == EINTR) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "cannot receive from the server");
  }
  last_reply_ns_ = MonotonicNs();
  tally_->received_bytes += static_cast<uint64_t>(received);

  const std::string_view input(input_.data(),
                               connection.held_bytes + static_cast<size_t>(received));
  const size_t pending_before = connection.replies.pending();
  const auto taken = connection.replies.Consume(input, last_reply_ns_, *tally_);
  if (!taken.ok()) return taken.status();
  connection.held_bytes = input.size() - *taken;
  std::memcpy(connection.held, input.data() + *taken, connection.held_bytes);

  in_flight_ -= pending_before - connection.replies.pending();
  requests_done_.store(requests_before_ + tally_->requests(), std::memory_order_relaxed);
  keys_done_.store(keys_before_ + tally_->keys(), std::memory_order_relaxed);
  if (phase_.arrivals || connection.replies.pending() > 0) return absl::OkStatus();
  return StartBatch(connection, MonotonicNs());
}

}  // namespace larder::bench
