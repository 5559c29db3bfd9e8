#include "server/net/server.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace larder {

namespace {

int64_t Microseconds(const timeval& time) {
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

}  // namespace

Server::Server(const ServerOptions& options, std::vector<Listener> listeners, const Clock* clock)
    : options_(options),
      clock_(clock),
      acceptor_(options.acceptor, std::move(listeners), &workers_) {}

Server::~Server() { StopThreads(); }

void Server::AddReload(std::function<void(const Now&)> reload) {
  reloads_.push_back(std::move(reload));
}

void Server::Every(std::chrono::milliseconds period, std::function<void(const Now&)> function) {
  auto task = std::make_unique<Task>();
  task->server = this;
  task->period = period;
  task->function = std::move(function);
  tasks_.push_back(std::move(task));
}

absl::Status Server::Start(Engine* engine, std::span<const int> stop_signals) {
  absl::Status status = StartAll(engine, stop_signals);
  if (!status.ok()) StopThreads();
  return status;
}

absl::Status Server::StartAll(Engine* engine, std::span<const int> stop_signals) {
  if (!loop_.ok() || !stop_wakeup_.Start(
                         loop_, [](void* self) { static_cast<Server*>(self)->OnStop(); }, this)) {
    return absl::ResourceExhaustedError("failed to create the main event loop");
  }
  bool watched = reloads_.empty() || Watch(SIGHUP, &OnHangup);
  for (const int signal : stop_signals) watched &= Watch(signal, &OnSignal);
  if (!watched) return absl::ResourceExhaustedError("failed to watch for signals");
  for (const std::unique_ptr<Task>& task : tasks_) {
    task->timer.Repeat(
        loop_, task->period,
        [](int, short, void* argument) {
          const Task* const due = static_cast<Task*>(argument);
          due->function(due->server->clock_->Read());
        },
        task.get());
  }
  // All are there before the first serves: a client of its may ask about them at once, by UDP.
  AddWorkers(engine);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (absl::Status status = worker->Start(); !status.ok()) return status;
  }
  maintenance_ = std::make_unique<Maintenance>(&engine->store(), &engine->watch_hub(), clock_);
  if (absl::Status status = maintenance_->Start(); !status.ok()) return status;
  return acceptor_.Start(&loop_, engine);
}

void Server::AddWorkers(Engine* engine) {
  WorkerOptions worker_options = options_.worker;
  worker_options.tls = options_.tls;
  for (int i = 0; i < options_.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, worker_options, engine->AddWorker(), clock_));
    for (DatagramPort& port : datagram_ports_) {
      workers_.back()->AddDatagramSocket(std::move(port.fds[static_cast<size_t>(i)]));
    }
  }
}

StopReason Server::Run() {
  while (!stopping_) loop_.RunTurn(/*wait=*/true);
  return stop_reason_;
}

void Server::Drain() {
  acceptor_.Stop();
  StopThreads();
}

void Server::Stop() { stop_wakeup_.Signal(); }

void Server::Shutdown(bool graceful) const {
  commanded_signal_.store(graceful ? SIGUSR1 : SIGINT, std::memory_order_relaxed);
  stop_wakeup_.Signal();
}

void Server::OnStop() {
  const int signal = commanded_signal_.load(std::memory_order_relaxed);
  stop_reason_ = {.signal = signal, .commanded = signal != 0};
  stopping_ = true;
}

void Server::OnSignal(int signal, short, void* argument) {
  Server* const self = static_cast<Server*>(argument);
  self->stop_reason_ = {.signal = signal};
  self->stopping_ = true;
}

void Server::OnHangup(int, short, void* argument) {
  const Server* const self = static_cast<Server*>(argument);
  const Now now = self->clock_->Read();
  for (const auto& reload : self->reloads_) reload(now);
}

bool Server::Watch(int signal, Event::Callback callback) {
  signals_.push_back(std::make_unique<Event>());
  return signals_.back()->Watch(loop_, signal, EV_SIGNAL, callback, this);
}

// All workers are told before any is waited for, so that they drain at the same time.
void Server::StopThreads() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Stop();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Join();
  if (maintenance_) maintenance_->Stop();
}

void Server::AskWorkers() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Ask();
}

std::vector<int> Server::SilentWorkers() const {
  std::vector<int> silent;
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i]->has_answered()) silent.push_back(static_cast<int>(i));
  }
  return silent;
}

std::vector<int64_t> Server::ConnectionsOfWorkers() const {
  std::vector<int64_t> connections;
  for (const std::unique_ptr<Worker>& worker : workers_) connections.push_back(worker->open());
  return connections;
}

ServerStats Server::Stats() const {
  ServerStats stats;
  stats.pid = getpid();
  stats.libevent_version = event_get_version();
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  stats.user_cpu_microseconds = Microseconds(usage.ru_utime);
  stats.system_cpu_microseconds = Microseconds(usage.ru_stime);
  acceptor_.AddStats(&stats);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->AddBufferStats(&stats);
  const auto datagram_sockets = static_cast<int64_t>(datagram_ports_.size() * workers_.size());
  stats.connection_structures += datagram_sockets;
  stats.reserved_descriptors = kDescriptorsOfProcess + stats.connection_structures -
                               stats.connections +
                               kDescriptorsOfWorker * static_cast<int64_t>(workers_.size());
  if (options_.tls != nullptr) {
    stats.tls_new_sessions = options_.tls->new_sessions();
    stats.tls_certificates_tick = options_.tls->loaded_at().seconds;
  }
  return stats;
}

std::string Server::RefreshCertificates(const Now& now) const {
  if (options_.tls == nullptr) return ServerView::RefreshCertificates(now);
  return std::string(options_.tls->Reload(now.tick).message());
}

std::vector<ConnectionInfo> Server::Connections(const Now& now) const {
  std::vector<ConnectionInfo> connections;
  acceptor_.List(&connections);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->List(now, &connections);
  return connections;
}

}  // namespace larder
