#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzzer/FuzzedDataProvider.h"
#include "tests/fuzz/session_pair.h"

// Any bytes, cut anywhere, sent by a client to two engines that differ in nothing: cutting must not
// change what comes out. The store under them has its own checks, and the sanitizers watch. The
// clients speak the text protocol, whatever their first byte; fuzz_binary_session has the other.

namespace larder {
namespace {

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

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static larder::SessionPair& engines = *new larder::SessionPair;
  FuzzedDataProvider provider(data, size);
  larder::Client::Options cut = larder::ConsumeCut(&provider);
  cut.session.protocol = larder::ProtocolChoice::kText;
  const uint32_t seconds = provider.ConsumeIntegralInRange<uint32_t>(0, 100);
  const std::string stream = larder::Unfold(provider.ConsumeRemainingBytesAsString());
  const auto [whole_reply, cut_reply] = engines.Ask(seconds, cut, stream);
  // Statistics tell of the buffers and of the turns that were needed.
  if (stream.find("stats") == std::string::npos && whole_reply != cut_reply) std::abort();
  return 0;
}
