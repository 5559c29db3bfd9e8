#include "tests/net/test_server.h"

#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "server/net/listener.h"
#include "slab/assert.h"
#include "tests/net/test_engine.h"

namespace larder {

TestServer::TestServer(const TestServerOptions& options) {
  const Settings& settings = options.settings;
  store_ = CreateTestStore(settings);
  std::vector<Listener> listeners;
  for (const std::string& entry : options.listen) {
    absl::StatusOr<std::vector<Listener>> opened = OpenListeners({.listen = entry,
                                                                  .port = 0,
                                                                  .backlog = settings.backlog,
                                                                  .protocol = settings.protocol,
                                                                  .tls = settings.tls.enabled});
    LARDER_CHECK(opened.ok() && opened->size() == 1);
    ports_.push_back(AddressPort(opened->front().address));
    listeners.push_back(std::move(opened->front()));
  }
  if (settings.tls.enabled) {
    signal(SIGPIPE, SIG_IGN);
    absl::StatusOr<std::unique_ptr<TlsContext>> tls =
        TlsContext::Create(settings.tls, clock_.Read().tick);
    LARDER_CHECK(tls.ok());
    tls_ = *std::move(tls);
  }
  server_ = std::make_unique<Server>(
      ServerOptions{
          .threads = settings.threads,
          .acceptor = {.refuse_over_limit = settings.maxconns_fast, .backlog = settings.backlog},
          .worker = {.drain_time = options.drain_time},
          .tls = tls_.get()},
      std::move(listeners), &clock_);
  absl::StatusOr<std::vector<DatagramPort>> datagram_ports =
      OpenDatagramPorts({.listen = "127.0.0.1"}, settings.threads);
  LARDER_CHECK(datagram_ports.ok());
  udp_port_ = AddressPort(datagram_ports->front().address);
  server_->AddDatagramPorts(*std::move(datagram_ports));
  engine_ = std::make_unique<Engine>(settings, store_.get(), server_.get(), clock_.Read());
  LARDER_CHECK(server_->Start(engine_.get(), {}).ok());
  thread_ = std::thread([this] {
    server_->Run();
    server_->Drain();
  });
}

TestServer::~TestServer() {
  Stop();
  Join();
  engine_.reset();
}

void TestServer::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace larder
