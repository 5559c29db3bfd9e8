#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzzer/FuzzedDataProvider.h"
#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

// Any bytes, cut anywhere, sent by a client to two engines that differ in nothing: cutting must not
// change what comes out. The store under them has its own checks, and the sanitizers watch.
//
// The engines live through all runs, for making them costs more than running them; each run starts
// with the caches flushed.

namespace larder {
namespace {

struct Engines {
  static Settings SmallItems() {
    Settings settings;
    // Values that are received into their items, and some that are refused, within a short input.
    settings.item_bytes_max = 64 << 10;
    return settings;
  }
  EngineHarness whole{SmallItems()};
  EngineHarness cut{SmallItems()};
};

constexpr char kFlush[] = "flush_all\r\n";

std::string ReplyTo(EngineHarness* harness, const Client::Options& options,
                    std::string_view stream) {
  Client(harness).Send(kFlush);
  Client client(harness, options);
  return client.Send(stream);
}

// The fuzzer writes short inputs; large values come of a byte that stands for many.
std::string Unfold(const std::string& folded) {
  constexpr char kMany = '\x01';
  std::string stream;
  for (const char byte : folded) {
    if (byte == kMany) {
      stream.append(5000, 'x');
    } else {
      stream += byte;
    }
  }
  return stream;
}

}  // namespace
}  // namespace larder

// Address sanitizer holds back 256 MiB of freed memory by default, in each run of other sizes: with
// replies of all sizes that grows past the fuzzer's limit on resident memory, though nothing leaks.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=16"; }

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  testing::GTEST_FLAG(break_on_failure) = true;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static larder::Engines& engines = *new larder::Engines;
  FuzzedDataProvider provider(data, size);
  const larder::Client::Options cut = {
      .cut_bytes = provider.ConsumeIntegralInRange<size_t>(1, 10'000),
      .use_body_room = provider.ConsumeBool(),
      .send_bytes = provider.ConsumeIntegralInRange<size_t>(1, 100'000)};
  const uint32_t seconds = provider.ConsumeIntegralInRange<uint32_t>(0, 100);
  engines.whole.Advance(seconds);
  engines.cut.Advance(seconds);
  const std::string stream = larder::Unfold(provider.ConsumeRemainingBytesAsString());
  const std::string whole_reply = larder::ReplyTo(&engines.whole, {}, stream);
  const std::string cut_reply = larder::ReplyTo(&engines.cut, cut, stream);
  // Statistics tell of the buffers and of the turns that were needed.
  if (stream.find("stats") == std::string::npos && whole_reply != cut_reply) std::abort();
  return 0;
}
