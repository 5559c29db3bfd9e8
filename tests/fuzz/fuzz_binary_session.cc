#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzzer/FuzzedDataProvider.h"
#include "tests/engine/binary_client.h"
#include "tests/fuzz/session_pair.h"

// Packets of the binary protocol, most of them good, some with lengths that lie or with garbage
// behind, cut anywhere: cutting must not change what comes out. But for one thing: a stream that
// breaks off with another magic takes the replies with it that had not been sent yet, and what had
// been is a matter of cuts. So one of the two replies must then begin with the other.

namespace larder {
namespace {

// The length of the extras that `opcode` is known to have.
size_t ExtrasOf(uint8_t opcode) {
  switch (opcode) {
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x11:
    case 0x12:
    case 0x13:
      return 8;
    case 0x05:
    case 0x06:
    case 0x15:
    case 0x16:
      return 20;
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x23:
    case 0x24:
      return 4;
    default:
      return 0;
  }
}

bool HasValue(uint8_t opcode) {
  constexpr std::array<uint8_t, 12> kStores = {0x01, 0x02, 0x03, 0x0e, 0x0f, 0x11,
                                               0x12, 0x13, 0x19, 0x1a, 0x21, 0x22};
  return std::ranges::find(kStores, opcode) != kStores.end();
}

bool HasKey(uint8_t opcode) {
  constexpr std::array<uint8_t, 8> kWithout = {0x07, 0x08, 0x0a, 0x0b, 0x10, 0x17, 0x18, 0x20};
  return std::ranges::find(kWithout, opcode) == kWithout.end();
}

std::string Packet(FuzzedDataProvider* provider) {
  binary::BinaryRequestPacket packet = {.opcode =
                                            provider->ConsumeIntegralInRange<uint8_t>(0, 0x26)};
  std::string extras = provider->ConsumeBytesAsString(ExtrasOf(packet.opcode));
  extras.resize(ExtrasOf(packet.opcode));
  packet.extras = extras;
  if (HasKey(packet.opcode)) packet.key = provider->PickValueInArray({"a", "b", "n", "key"});
  if (HasValue(packet.opcode)) {
    const auto bytes = provider->PickValueInArray<size_t>({0, 1, 2, 100, 5000, 20'000, 70'000});
    packet.value = std::string(bytes, provider->PickValueInArray({'1', 'x'}));
  }
  packet.cas = provider->PickValueInArray<uint64_t>({0, 0, 0, 1, 2, 3});
  std::string bytes = packet.Bytes();
  if (provider->ConsumeIntegralInRange(0, 9) == 0) {
    // Magic, and the lengths of key, extras and body.
    const auto place = provider->PickValueInArray<size_t>({0, 2, 3, 4, 8, 10, 11});
    bytes[place] = provider->ConsumeIntegral<char>();
  }
  if (provider->ConsumeIntegralInRange(0, 19) == 0) {
    bytes += provider->ConsumeRandomLengthString(30);
  }
  return bytes;
}

}  // namespace
}  // namespace larder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static larder::SessionPair& engines = *new larder::SessionPair;
  FuzzedDataProvider provider(data, size);
  larder::Client::Options cut = larder::ConsumeCut(&provider);
  cut.session.protocol = larder::ProtocolChoice::kBinary;
  const uint32_t seconds = provider.ConsumeIntegralInRange<uint32_t>(0, 100);
  std::string stream;
  while (provider.remaining_bytes() > 0) stream += larder::Packet(&provider);
  const auto [whole, cut_reply] = engines.Ask(seconds, cut, stream);
  // Statistics tell of the buffers and of the turns that were needed.
  if (stream.find("\x80\x10") != std::string::npos) return 0;
  if (!whole.starts_with(cut_reply) && !cut_reply.starts_with(whole)) std::abort();
  return 0;
}
