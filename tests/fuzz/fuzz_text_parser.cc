#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "fuzzer/FuzzedDataProvider.h"
#include "tests/protocol/parse_stream.h"

// Any bytes, cut anywhere: ParseStream checks what the parser promises of each call, and cutting
// must not change what comes out.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kCutsMax = 8;
  FuzzedDataProvider provider(data, size);
  std::vector<size_t> cuts(provider.ConsumeIntegralInRange<size_t>(0, kCutsMax));
  for (size_t& cut : cuts) cut = provider.ConsumeIntegral<uint16_t>();
  const std::string stream = provider.ConsumeRemainingBytesAsString();
  for (size_t& cut : cuts) cut = std::min(cut, stream.size());
  std::sort(cuts.begin(), cuts.end());
  if (larder::ParseStream(stream, cuts) != larder::ParseStream(stream)) std::abort();
  return 0;
}
