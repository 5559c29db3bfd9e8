#include "server/net/worker.h"

#include <stdio.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "slab/assert.h"

namespace larder {

namespace {

// How often to look whether it is time to look for idle connections.
constexpr std::chrono::seconds kIdleCheckPeriod(1);

void LogNewClient(int fd, ProtocolChoice protocol) {
  switch (protocol) {
    case ProtocolChoice::kText:
      fprintf(stderr, "<%d new ascii client connection.\n", fd);
      return;
    case ProtocolChoice::kBinary:
      fprintf(stderr, "<%d new binary client connection.\n", fd);
      return;
    case ProtocolChoice::kNegotiate:
      break;
  }
  fprintf(stderr, "<%d new auto-negotiating client connection\n", fd);
}

}  // namespace

struct Worker::Client {
  Client(Worker* owner, Stream stream, const ConnectionTraits& traits, const Now& now)
      : worker(owner), connection(std::move(stream), traits, owner->engine_worker_, now) {}

  Worker* const worker;
  Connection connection;
  Connection::Wait wait = Connection::Wait::kInput;
  short watched = 0;      // EV_READ or EV_WRITE
  size_t index = 0;       // in clients_
  bool watching = false;  // is in watchers_
  bool idle = false;      // is closed because of that
  Event event;            // after the connection: removed before the socket is closed
};

struct Worker::Datagrams {
  Datagrams(Worker* owner, UniqueFd fd)
      : worker(owner), endpoint(std::move(fd), owner->engine_worker_) {}

  Worker* const worker;
  DatagramEndpoint endpoint;
  short watched = 0;  // EV_READ or EV_WRITE
  Event event;        // after the endpoint: removed before the socket is closed
};

Worker::Worker(int index, const WorkerOptions& options, EngineWorker* engine_worker,
               const Clock* clock)
    : index_(index), options_(options), engine_worker_(engine_worker), clock_(clock) {
  turn_.input = &input_;
  turn_.records = &records_;
  turn_.pieces = pieces_;
}

Worker::~Worker() = default;

void Worker::AddDatagramSocket(UniqueFd fd) {
  datagrams_.push_back(std::make_unique<Datagrams>(this, std::move(fd)));
}

absl::Status Worker::Start() {
  if (!loop_.ok() || !wakeup_.Start(
                         loop_, [](void* self) { static_cast<Worker*>(self)->OnWakeup(); }, this)) {
    return absl::ResourceExhaustedError("failed to create a worker's event loop");
  }
  FollowIdleTimeout();
  for (const std::unique_ptr<Datagrams>& datagrams : datagrams_) {
    if (!Arrange(datagrams.get(), Connection::Wait::kInput)) {
      return absl::ResourceExhaustedError("failed to watch a UDP socket");
    }
  }
  engine_worker_->SetWake([this] { wakeup_.Signal(); });
  return thread_.Start(absl::StrCat("larder-worker", index_), [this] { Loop(); });
}

void Worker::Adopt(Accepted accepted) {
  adopted_.fetch_add(1, std::memory_order_relaxed);
  {
    const MutexLock lock(&arrivals_mutex_);
    arrivals_.push_back(std::move(accepted));
  }
  wakeup_.Signal();
}

void Worker::Stop() {
  stopping_.store(true, std::memory_order_relaxed);
  wakeup_.Signal();
}

void Worker::Ask() {
  has_answered_.store(false, std::memory_order_relaxed);
  wakeup_.Signal();
}

void Worker::Loop() {
  while (!stopping_.load(std::memory_order_relaxed)) RunTurn(/*wait=*/true);
  Drain();
}

void Worker::Drain() {
  drain_timer_.Repeat(
      loop_, options_.drain_time,
      [](int, short, void* self) { static_cast<Worker*>(self)->drain_time_is_over_ = true; }, this);
  // Datagrams may come without end, and what comes of them is allowed to get lost.
  RunTurn(/*wait=*/false);
  for (const std::unique_ptr<Datagrams>& datagrams : datagrams_) datagrams->event.Remove();
  // Until nobody is ready: a connection that came last of all is read in the turn after.
  do {
    RunTurn(/*wait=*/false);
  } while (turn_has_begun_ && !drain_time_is_over_);
  draining_ = true;
  for (Client* client : Select([this](const Client& client) { return IsDone(client); })) {
    Close(client);
  }
  const auto any = [](const Client&) { return true; };
  while (!drain_time_is_over_ && !Select(any).empty()) RunTurn(/*wait=*/true);
  for (Client* client : Select(any)) Close(client);
}

void Worker::RunTurn(bool wait) {
  turn_has_begun_ = false;
  loop_.RunTurn(wait && yielded_.empty() && handshakes_.empty());
  ResumeYielded();
  StepHandshake();
}

// The clock is read by the first connection of the turn, after the wait.
LoopTurn* Worker::CurrentTurn() {
  if (!turn_has_begun_) {
    turn_.now = clock_->Read();
    turn_has_begun_ = true;
  }
  return &turn_;
}

void Worker::OnSocketReady(int, short what, void* argument) {
  Client* const client = static_cast<Client*>(argument);
  // Its turn comes at the end of this one, and the socket will still be ready after that.
  if (client->wait == Connection::Wait::kTurn) return;
  Worker* const worker = client->worker;
  if (client->connection.handshaking()) [[unlikely]] {
    worker->QueueHandshake(client);
    return;
  }
  LoopTurn* const turn = worker->CurrentTurn();
  worker->Arrange(client, (what & EV_WRITE) != 0 ? client->connection.OnWritable(turn)
                                                 : client->connection.OnReadable(turn));
}

void Worker::OnDatagramsReady(int, short what, void* argument) {
  Datagrams* const datagrams = static_cast<Datagrams*>(argument);
  LoopTurn* const turn = datagrams->worker->CurrentTurn();
  const Connection::Wait wait = (what & EV_WRITE) != 0 ? datagrams->endpoint.OnWritable(turn)
                                                       : datagrams->endpoint.OnReadable(turn);
  // Memory for watching is that of the event, which is there already.
  LARDER_CHECK(datagrams->worker->Arrange(datagrams, wait));
}

void Worker::OnWakeup() {
  has_answered_.store(true, std::memory_order_relaxed);
  std::vector<Accepted> arrivals;
  {
    const MutexLock lock(&arrivals_mutex_);
    arrivals.swap(arrivals_);
  }
  for (Accepted& accepted : arrivals) Welcome(std::move(accepted));
  FollowIdleTimeout();
  ResumeWatchers();
}

// Without a timeout nothing costs a timer.
void Worker::FollowIdleTimeout() {
  const int seconds = engine_worker_->engine().idle_timeout_seconds();
  if (seconds == idle_timeout_seconds_) return;
  idle_timeout_seconds_ = seconds;
  idle_check_tick_ = 0;
  if (seconds == 0) {
    idle_timer_.Remove();
    return;
  }
  idle_timer_.Repeat(
      loop_, kIdleCheckPeriod,
      [](int, short, void* self) { static_cast<Worker*>(self)->CloseIdle(); }, this);
}

// Those that wait for their sockets to take what they have been told already are resumed then.
void Worker::ResumeWatchers() {
  for (Client* client : std::vector<Client*>(watchers_)) {
    if (client->wait != Connection::Wait::kInput) continue;
    Arrange(client, client->connection.Resume(CurrentTurn()));
  }
}

bool Worker::Encrypts(const Accepted& accepted) const {
  return options_.tls != nullptr && accepted.traits.tls != ListenerTls::kNone;
}

void Worker::Welcome(Accepted accepted) {
  std::unique_ptr<TlsStream> tls;
  if (Encrypts(accepted)) {
    SslHandle ssl = options_.tls->NewConnection(accepted.fd.get(), accepted.traits.tls);
    if (ssl == nullptr) {
      if (engine_worker_->engine().verbosity() > 0) fprintf(stderr, "No memory for TLS\n");
      closed_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    tls = std::make_unique<TlsStream>(std::move(ssl), options_.tls->record_bytes(),
                                      &engine_worker_->counters());
  }
  auto owned = std::make_unique<Client>(this, Stream(std::move(accepted.fd), std::move(tls)),
                                        accepted.traits, CurrentTurn()->now);
  Client* const client = owned.get();
  if (engine_worker_->engine().verbosity() > 1) {
    LogNewClient(client->connection.fd(), accepted.traits.protocol);
  }
  {
    const MutexLock lock(&clients_mutex_);
    client->index = clients_.size();
    clients_.push_back(std::move(owned));
  }
  ReportConnection(*client, nullptr);
  Arrange(client, Connection::Wait::kInput);
}

void Worker::ResumeYielded() {
  resumed_.swap(yielded_);
  for (Client* client : resumed_) Arrange(client, client->connection.Resume(CurrentTurn()));
  resumed_.clear();
}

// Its event is removed: a level that nobody acts on would wake the loop for each in each turn.
void Worker::QueueHandshake(Client* client) {
  client->event.Remove();
  client->watched = 0;
  client->wait = Connection::Wait::kTurn;
  handshakes_.push_back(client);
}

// Whether it waited for input or for room, a handshake goes on by reading.
void Worker::StepHandshake() {
  if (handshakes_.empty()) return;
  Client* const client = handshakes_.front();
  handshakes_.pop_front();
  Arrange(client, client->connection.OnReadable(CurrentTurn()));
}

// While the worker drains: whether it owes the client nothing. A client that has just come is about
// to ask, and has asked nobody else.
bool Worker::IsDone(const Client& client) const {
  return draining_ && client.wait == Connection::Wait::kInput &&
         client.connection.between_requests();
}

// Sees to it that the client is called when what it waits for has come.
void Worker::Arrange(Client* client, Connection::Wait wait) {
  client->wait = wait;
  if (client->connection.watching() && !client->watching) [[unlikely]] {
    client->watching = true;  // for good
    watchers_.push_back(client);
  }
  if (wait == Connection::Wait::kTurn) {
    yielded_.push_back(client);
    return;
  }
  if (wait == Connection::Wait::kClosed || IsDone(*client)) {
    Close(client);
    return;
  }
  const short what = wait == Connection::Wait::kRoom ? EV_WRITE : EV_READ;
  if (what == client->watched) return;
  client->watched = what;
  if (!client->event.Watch(loop_, client->connection.fd(), what, &OnSocketReady, client)) {
    Close(client);
  }
}

// False if the system refuses.
bool Worker::Arrange(Datagrams* datagrams, Connection::Wait wait) {
  const short what = wait == Connection::Wait::kRoom ? EV_WRITE : EV_READ;
  if (what == datagrams->watched) return true;
  datagrams->watched = what;
  return datagrams->event.Watch(loop_, datagrams->endpoint.fd(), what, &OnDatagramsReady,
                                datagrams);
}

// A connection is idle if neither side has sent anything, whatever it waits for: a client that
// stopped in the middle of a value or that reads no replies holds memory, too.
void Worker::CloseIdle() {
  const Now& now = CurrentTurn()->now;
  if (now.tick.seconds < idle_check_tick_) return;
  uint32_t oldest = now.tick.seconds;
  const std::vector<Client*> idle = Select([&](const Client& client) {
    if (client.watching) return false;
    if (client.connection.IsIdle(now, idle_timeout_seconds_)) return true;
    oldest = std::min(oldest, client.connection.active_tick());
    return false;
  });
  for (Client* client : idle) {
    if (engine_worker_->engine().verbosity() > 1) {
      fprintf(stderr, "Closing idle fd %d\n", client->connection.fd());
    }
    engine_worker_->counters().idle_kicks.Add(1);
    client->idle = true;
    Close(client);
  }
  idle_check_tick_ = oldest + static_cast<uint32_t>(idle_timeout_seconds_) + 1;
}

template <typename Condition>
std::vector<Worker::Client*> Worker::Select(Condition condition) const {
  std::vector<Client*> selected;
  const MutexLock lock(&clients_mutex_);
  for (const std::unique_ptr<Client>& client : clients_) {
    if (condition(std::as_const(*client))) selected.push_back(client.get());
  }
  return selected;
}

const char* Worker::CloseReason(const Client& client) const {
  if (client.idle) return "idle_timeout";
  if (client.connection.failed()) return "error";
  return draining_ ? "shutdown" : "normal";
}

// Tells watchers that a client has come, or, with a reason, gone.
void Worker::ReportConnection(const Client& client, const char* close_reason) {
  if ((engine_worker_->engine().observed() & kWatchConnections) == 0) return;
  const std::string host = HostText(client.connection.peer());
  const bool is_local = client.connection.peer().any.sa_family == AF_UNIX;
  WatchEvent event = {.kind = WatchEvent::Kind::kConnectionNew,
                      .text = host,
                      .command = is_local ? "local" : "tcp",
                      .connection = client.connection.fd(),
                      .port = static_cast<uint16_t>(AddressPort(client.connection.peer()))};
  if (close_reason != nullptr) {
    event.kind = WatchEvent::Kind::kConnectionClosed;
    event.status = close_reason;
  }
  engine_worker_->watch_log().Append(event, CurrentTurn()->now);
}

void Worker::Close(Client* client) {
  if (client->wait == Connection::Wait::kTurn) {
    std::erase(yielded_, client);
    std::erase(handshakes_, client);
  }
  if (client->watching) std::erase(watchers_, client);
  ReportConnection(*client, CloseReason(*client));
  if (engine_worker_->engine().verbosity() > 1) {
    fprintf(stderr, "<%d connection closed.\n", client->connection.fd());
  }
  std::unique_ptr<Client> owned;
  {
    const MutexLock lock(&clients_mutex_);
    std::swap(clients_[client->index], clients_.back());
    clients_[client->index]->index = client->index;
    owned = std::move(clients_.back());
    clients_.pop_back();
  }
  LARDER_CHECK(owned.get() == client);
  owned.reset();
  closed_.fetch_add(1, std::memory_order_relaxed);
}

void Worker::List(const Now& now, std::vector<ConnectionInfo>* list) const {
  for (const std::unique_ptr<Datagrams>& datagrams : datagrams_) {
    list->push_back(datagrams->endpoint.Info());
  }
  const MutexLock lock(&clients_mutex_);
  for (const std::unique_ptr<Client>& client : clients_) {
    list->push_back(client->connection.Info(now));
  }
}

void Worker::AddBufferStats(ServerStats* stats) const {
  ++stats->read_buffers;
  stats->read_buffer_bytes += static_cast<int64_t>(input_.size());
  const MutexLock lock(&clients_mutex_);
  for (const std::unique_ptr<Client>& client : clients_) {
    const size_t held = client->connection.held_bytes();
    stats->read_buffers += held > 0 ? 1 : 0;
    stats->read_buffer_bytes += static_cast<int64_t>(held);
  }
}

}  // namespace larder
