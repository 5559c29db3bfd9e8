#include "tests/net/test_server.h"

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
  absl::StatusOr<std::vector<Listener>> listeners =
      OpenListeners({.listen = "127.0.0.1", .port = 0, .backlog = settings.backlog});
  LARDER_CHECK(listeners.ok());
  port_ = AddressPort(listeners->front().address);
  server_ = std::make_unique<Server>(
      ServerOptions{.threads = settings.threads,
                    .acceptor = {.connections_max = settings.connections_max,
                                 .refuse_over_limit = settings.maxconns_fast,
                                 .backlog = settings.backlog},
                    .worker = {.idle_timeout_seconds = settings.idle_timeout_seconds,
                               .drain_time = options.drain_time}},
      *std::move(listeners), &clock_);
  engine_ = std::make_unique<Engine>(settings, store_.get(), server_.get(), clock_.Read());
  LARDER_CHECK(server_->Start(engine_.get(), {}).ok());
  thread_ = std::thread([this] { server_->Run(); });
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
