#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/engine/engine.h"
#include "server/engine/server_view.h"
#include "server/net/acceptor.h"
#include "server/net/clock.h"
#include "server/net/event.h"
#include "server/net/listener.h"
#include "server/net/maintenance.h"
#include "server/net/tls_context.h"
#include "server/net/wakeup.h"
#include "server/net/worker.h"

// The server around an engine: listeners, workers and maintenance.
//
// The engine asks the server for statistics, and the server runs the engine's sessions, so that
// they are made in this order, and go in the reverse of it:
//
//   Server server(options, listeners, &clock);
//   Engine engine(settings, store, &server, clock.Read());
//   server.Start(&engine);
//   server.Run();    // until it is to stop
//   server.Drain();  // afterwards nothing of it uses the engine
//
// The thread that calls Run accepts the connections and takes the signals; each worker has a thread
// of its own, and so has maintenance.

namespace larder {

// What a process has open besides its listeners and clients: the standard streams, the main loop's
// epoll, signal pair and wake-up, and maintenance's; and the same of each worker.
inline constexpr int kDescriptorsOfProcess = 8;
inline constexpr int kDescriptorsOfWorker = 4;

// What ended Server::Run.
struct StopReason {
  int signal = 0;          // that the operator sent, or a client's command stands for; 0: Stop
  bool commanded = false;  // a client's command it was
};

struct ServerOptions {
  int threads = 4;  // -t
  AcceptorOptions acceptor;
  WorkerOptions worker;
  // Null: no TLS. Must outlive the server.
  TlsContext* tls = nullptr;
};

class Server : public ServerView {
 public:
  // `clock` must outlive the server.
  Server(const ServerOptions& options, std::vector<Listener> listeners, const Clock* clock);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before Start: has SIGHUP call `reload`, after what was added before; by the thread that is in
  // Run.
  void AddReload(std::function<void(const Now&)> reload);

  // Before Start: has `function` called every `period`, by the thread that is in Run.
  void Every(std::chrono::milliseconds period, std::function<void(const Now&)> function);

  // Before Start: serves UDP, too. Each port must have a socket for each thread.
  void AddDatagramPorts(std::vector<DatagramPort> ports) { datagram_ports_ = std::move(ports); }

  // Starts the workers and maintenance, and takes `stop_signals` from now on: they make Run
  // return. Clients wait until Run is called. Fails with a message for the operator.
  absl::Status Start(Engine* engine, std::span<const int> stop_signals);

  // Serves until it is to stop. Nobody is accepted any more then; who is connected is still served.
  StopReason Run();

  // After Run, by the same thread: closes the listeners; answers what has arrived, and what clients
  // are in the middle of asking (see Worker::Stop); closes all connections.
  void Drain();

  // Any thread, once started.
  void Stop();

  // Any thread, once started: asks each worker for a sign that its loop turns, and tells which have
  // not given it since they were asked last, by their numbers from 0.
  void AskWorkers();
  std::vector<int> SilentWorkers() const;

  // Any thread, once started: how many connections each worker has.
  std::vector<int64_t> ConnectionsOfWorkers() const;

  ServerStats Stats() const override;
  std::vector<ConnectionInfo> Connections(const Now& now) const override;
  std::string RefreshCertificates(const Now& now) const override;
  void Shutdown(bool graceful) const override;

 private:
  void OnStop();
  static void OnSignal(int signal, short, void* argument);
  static void OnHangup(int, short, void* argument);

  // What Every asked for.
  struct Task {
    Server* server = nullptr;
    std::chrono::milliseconds period{};
    std::function<void(const Now&)> function;
    Event timer;
  };

  bool Watch(int signal, Event::Callback callback);
  absl::Status StartAll(Engine* engine, std::span<const int> stop_signals);
  void AddWorkers(Engine* engine);
  void StopThreads();

  const ServerOptions options_;
  const Clock* const clock_;
  std::vector<DatagramPort> datagram_ports_;      // their sockets go to the workers
  std::vector<std::unique_ptr<Worker>> workers_;  // not changed once one of them runs
  EventLoop loop_;
  Acceptor acceptor_;
  std::unique_ptr<Maintenance> maintenance_;
  Wakeup stop_wakeup_;
  std::vector<std::function<void(const Now&)>> reloads_;
  std::vector<std::unique_ptr<Event>> signals_;
  std::vector<std::unique_ptr<Task>> tasks_;
  bool stopping_ = false;  // the loop's thread only
  StopReason stop_reason_;
  mutable std::atomic<int> commanded_signal_ = 0;
};

}  // namespace larder
