#include "server/net/acceptor.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "server/net/errno_text.h"

namespace larder {

namespace {

constexpr std::string_view kRefusal = "ERROR Too many open connections\r\n";

// How many connections are accepted before signals and the other listeners have a turn.
constexpr int kAcceptsPerTurn = 64;

constexpr std::chrono::milliseconds kPauseCheckPeriod(10);

// The descriptors that are missing may be held by other processes, so it is tried again even if no
// connection of ours has ended.
constexpr std::chrono::seconds kPauseMax(1);

}  // namespace

struct Acceptor::Watched {
  Acceptor* acceptor;
  Listener listener;
  Event event;  // after the listener: removed before the socket is closed
};

Acceptor::Acceptor(const AcceptorOptions& options, std::vector<Listener> listeners,
                   const std::vector<std::unique_ptr<Worker>>* workers)
    : options_(options), workers_(workers) {
  for (Listener& listener : listeners) {
    auto watched = std::make_unique<Watched>();
    watched->acceptor = this;
    watched->listener = std::move(listener);
    listeners_.push_back(std::move(watched));
  }
}

Acceptor::~Acceptor() = default;

absl::Status Acceptor::Start(const EventLoop* loop, const Engine* engine) {
  loop_ = loop;
  engine_ = engine;
  const MutexLock lock(&mutex_);
  for (const std::unique_ptr<Watched>& watched : listeners_) {
    if (!Watch(watched.get())) {
      return absl::ResourceExhaustedError("failed to create listening connection");
    }
    if (engine_->verbosity() > 1) {
      fprintf(stderr, "<%d server listening (%s)\n", watched->listener.fd.get(),
              ProtocolName(watched->listener.protocol));
    }
  }
  return absl::OkStatus();
}

void Acceptor::Stop() {
  pause_timer_.Remove();
  const MutexLock lock(&mutex_);
  // A listener that others have open too goes on queueing clients, for whoever accepts next.
  for (const std::unique_ptr<Watched>& watched : listeners_) {
    listen(watched->listener.fd.get(), options_.backlog);
  }
  listeners_.clear();
}

bool Acceptor::Watch(Watched* watched) {
  return watched->event.Watch(
      *loop_, watched->listener.fd.get(), EV_READ,
      [](int, short, void* argument) {
        Watched* const connecting = static_cast<Watched*>(argument);
        connecting->acceptor->OnConnecting(connecting->listener);
      },
      watched);
}

void Acceptor::OnConnecting(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const bool at_limit = OpenConnections() >= engine_->connections_max();
    if (at_limit && !options_.refuse_over_limit) {
      // After the last that was allowed, it is for the next one to find the limit reached.
      if (i == 0) Pause();
      return;
    }
    SocketAddress peer = {};
    socklen_t bytes = sizeof(peer);
    UniqueFd fd(accept4(listener.fd.get(), &peer.any, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return OnAcceptFailed(errno);
    if (at_limit) {
      rejected_.Add(1);
      // If it does not fit the empty buffer of a new socket, nothing does.
      [[maybe_unused]] const ssize_t sent =
          send(fd.get(), kRefusal.data(), kRefusal.size(), MSG_NOSIGNAL);
    } else {
      LeastLoaded().Adopt(
          {.fd = std::move(fd),
           .traits = {.peer = peer, .protocol = listener.protocol, .tls = listener.tls}});
    }
  }
}

void Acceptor::OnAcceptFailed(int error) {
  switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:  // the client has left already
      return;
    case EMFILE:
    case ENFILE:
      if (engine_->verbosity() > 0) fprintf(stderr, "Too many open connections\n");
      break;
    default:
      fprintf(stderr, "accept4(): %s\n", ErrnoText(error).c_str());
  }
  // The connection still waits, so that trying on would only make the loop turn in vain.
  Pause();
}

int64_t Acceptor::ClosedConnections() const {
  int64_t closed = 0;
  for (const std::unique_ptr<Worker>& worker : *workers_) closed += worker->closed();
  return closed;
}

int64_t Acceptor::OpenConnections() const {
  int64_t open = 0;
  for (const std::unique_ptr<Worker>& worker : *workers_) open += worker->open();
  return open;
}

Worker& Acceptor::LeastLoaded() const {
  return **std::ranges::min_element(
      *workers_, {}, [](const std::unique_ptr<Worker>& worker) { return worker->open(); });
}

void Acceptor::Pause() {
  accepting_.store(false, std::memory_order_relaxed);
  pauses_.Add(1);
  closed_at_pause_ = ClosedConnections();
  paused_at_ = std::chrono::steady_clock::now();
  {
    const MutexLock lock(&mutex_);
    for (const std::unique_ptr<Watched>& watched : listeners_) {
      watched->event.Remove();
      listen(watched->listener.fd.get(), 0);
    }
  }
  pause_timer_.Repeat(
      *loop_, kPauseCheckPeriod,
      [](int, short, void* self) { static_cast<Acceptor*>(self)->ResumeIfPossible(); }, this);
}

void Acceptor::ResumeIfPossible() {
  const auto paused = std::chrono::steady_clock::now() - paused_at_;
  const bool changed = ClosedConnections() > closed_at_pause_ || paused > kPauseMax;
  if (!changed || OpenConnections() >= engine_->connections_max()) return;
  {
    const MutexLock lock(&mutex_);
    for (const std::unique_ptr<Watched>& watched : listeners_) {
      // Without memory for it, the next check tries again.
      if (!Watch(watched.get())) return;
      listen(watched->listener.fd.get(), options_.backlog);
    }
  }
  pause_timer_.Remove();
  accepting_.store(true, std::memory_order_relaxed);
  paused_microseconds_.Add(std::chrono::duration_cast<std::chrono::microseconds>(paused).count());
}

void Acceptor::AddStats(ServerStats* stats) const {
  int64_t accepted = 0;
  for (const std::unique_ptr<Worker>& worker : *workers_) accepted += worker->adopted();
  stats->connections = OpenConnections();
  stats->connections_accepted = accepted;
  stats->connections_rejected = rejected_.value();
  stats->accepting = accepting_.load(std::memory_order_relaxed);
  stats->accepting_stopped = pauses_.value();
  stats->accepting_stopped_microseconds = paused_microseconds_.value();
  const MutexLock lock(&mutex_);
  stats->connection_structures = stats->connections + static_cast<int64_t>(listeners_.size());
}

void Acceptor::List(std::vector<ConnectionInfo>* list) const {
  const MutexLock lock(&mutex_);
  for (const std::unique_ptr<Watched>& watched : listeners_) {
    list->push_back({.id = watched->listener.fd.get(),
                     .address = AddressText(watched->listener.address),
                     .state = "conn_listening"});
  }
}

}  // namespace larder
