#pragma once

#include <string>
#include <string_view>

#include "fuzzer/FuzzedDataProvider.h"
#include "tests/engine/session_harness.h"

// Two engines that differ in nothing, for fuzzers that send both the same stream and cut it for one
// of them. They live through all runs, for making them costs more than running them; each run
// starts with the caches flushed.

namespace larder {

class SessionPair {
 public:
  struct Replies {
    std::string whole;
    std::string cut;
  };

  // What each engine answers to `stream`, sent by a new client after some time.
  Replies Ask(uint32_t seconds, const Client::Options& cut, std::string_view stream) {
    whole_.Advance(seconds);
    cut_.Advance(seconds);
    return {.whole = ReplyOf(&whole_, {.session = cut.session}, stream),
            .cut = ReplyOf(&cut_, cut, stream)};
  }

 private:
  static Settings SmallItems() {
    Settings settings;
    // Values that are received into their items, and some that are refused, within a short input.
    settings.item_bytes_max = 64 << 10;
    return settings;
  }

  static std::string ReplyOf(EngineHarness* harness, const Client::Options& options,
                             std::string_view stream) {
    Client(harness).Send("flush_all\r\n");
    Client client(harness, options);
    return client.Send(stream);
  }

  EngineHarness whole_{SmallItems()};
  EngineHarness cut_{SmallItems()};
};

// How the stream is cut and its replies are sent.
inline Client::Options ConsumeCut(FuzzedDataProvider* provider) {
  return {.cut_bytes = provider->ConsumeIntegralInRange<size_t>(1, 10'000),
          .use_body_room = provider->ConsumeBool(),
          .send_bytes = provider->ConsumeIntegralInRange<size_t>(1, 100'000)};
}

}  // namespace larder
