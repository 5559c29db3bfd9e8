#pragma once

#include <memory>
#include <vector>

#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/engine/server_view.h"
#include "server/engine/settings.h"
#include "slab/store.h"

namespace larder {

// A store and an engine without a server around them.
class TestEngine {
 public:
  TestEngine(const Settings& settings, const Now& start);

  Engine& engine() { return engine_; }

 private:
  class NoServer : public ServerView {
   public:
    ServerStats Stats() const override { return {}; }
    std::vector<ConnectionInfo> Connections(const Now&) const override { return {}; }
    void Shutdown(bool) const override {}
  };

  const NoServer server_view_;
  const std::unique_ptr<Store> store_;
  Engine engine_;
};

// The settings must make a store.
std::unique_ptr<Store> CreateTestStore(const Settings& settings);

}  // namespace larder
