#include "tests/net/test_engine.h"

#include <utility>

#include "slab/assert.h"

namespace larder {

namespace {

constexpr uint64_t kHashSeed = 7;

}  // namespace

TestEngine::TestEngine(const Settings& settings, const Now& start)
    : store_(CreateTestStore(settings)), engine_(settings, store_.get(), &server_view_, start) {}

std::unique_ptr<Store> CreateTestStore(const Settings& settings) {
  absl::StatusOr<std::unique_ptr<Store>> store =
      Store::Create(StoreOptionsFrom(settings, kHashSeed));
  LARDER_CHECK(store.ok());
  return *std::move(store);
}

}  // namespace larder
