#include "server/net/request_trace.h"

#include <stdio.h>

#include <algorithm>
#include <cstdint>

namespace larder {

namespace {

constexpr size_t kTracedBytesMax = 1024;

// Four bytes a line.
void PrintHeader(int id, std::string_view header) {
  fprintf(stderr, "<%d Read binary protocol data:", id);
  for (size_t i = 0; i < header.size(); ++i) {
    if (i % 4 == 0) fprintf(stderr, "\n<%d   ", id);
    fprintf(stderr, " 0x%02x", static_cast<uint8_t>(header[i]));
  }
  fprintf(stderr, "\n");
}

}  // namespace

void PrintRequest(int connection_id, std::string_view head, bool binary) {
  if (binary) return PrintHeader(connection_id, head);
  const auto bytes = static_cast<int>(std::min(head.size(), kTracedBytesMax));
  fprintf(stderr, "<%d %.*s\n", connection_id, bytes, head.data());
}

}  // namespace larder
