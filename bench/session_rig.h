#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/engine/engine.h"
#include "server/engine/server_view.h"
#include "server/engine/session.h"
#include "slab/assert.h"

// What the benchmarks of the engine stand on: a session over a store that is filled, without a
// socket. All that is random elsewhere is fixed here, so that every run does the same.

namespace larder {

inline constexpr Now kBenchNow = {.tick = {1000}, .wall_seconds = 1'700'000'000};

// Keys of 24 bytes, as they are named in the wild.
inline std::string KeyOf(uint32_t number) {
  const std::string digits = std::to_string(number);
  return "session:object:" + std::string(9 - digits.size(), '0') + digits;
}

inline std::string SetOf(const std::string& key, const std::string& value) {
  return "set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

// An engine and its store; a session for every thread that asks for one.
class EngineRig {
 public:
  explicit EngineRig(const Settings& settings) {
    auto store = Store::Create(StoreOptionsFrom(settings, /*hash_seed=*/42));
    LARDER_CHECK(store.ok());
    store_ = *std::move(store);
    engine_ = std::make_unique<Engine>(settings, store_.get(), &server_, kBenchNow);
  }

  Store& store() { return *store_; }
  Engine& engine() { return *engine_; }

  // All that is due.
  void Maintain() {
    while (store_->Maintain(kBenchNow.tick, 10'000)) {
    }
  }

 private:
  class NoServer final : public ServerView {
   public:
    ServerStats Stats() const override { return {}; }
    std::vector<ConnectionInfo> Connections(const Now&) const override { return {}; }
    void Shutdown(bool) const override {}
  };

  NoServer server_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
};

// A client's dialogue with the rig's engine; one thread's.
class SessionRig {
 public:
  explicit SessionRig(EngineRig* rig)
      : worker_(rig->engine().AddWorker()), session_(worker_), out_(&worker_->output_blocks()) {}

  // Answers `requests`, which must be whole, as if each answer were sent at once and all of it.
  void Run(std::string_view requests) {
    while (!requests.empty()) {
      requests.remove_prefix(Turn(requests));
      out_.Sent(out_.bytes());
    }
  }

  // The same, and what was answered.
  std::string Ask(std::string_view requests) {
    std::string reply;
    while (!requests.empty()) {
      requests.remove_prefix(Turn(requests));
      while (!out_.empty()) {
        std::array<iovec, 64> pieces;
        size_t bytes = 0;
        for (size_t i = 0, count = out_.Gather(pieces); i < count; ++i) {
          reply.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
          bytes += pieces[i].iov_len;
        }
        out_.Sent(bytes);
      }
    }
    return reply;
  }

 private:
  size_t Turn(std::string_view requests) {
    const size_t consumed = session_.Run(requests, kBenchNow, &out_).consumed;
    LARDER_CHECK(consumed > 0);
    return consumed;
  }

  EngineWorker* const worker_;
  Session session_;
  Output out_;
};

}  // namespace larder
