#include "server/net/request_trace.h"

#include <stdio.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/big_endian.h"
#include "protocol/binary_format.h"

namespace larder {

namespace {

constexpr int kTracedBytesMax = 1024;
constexpr int kValueBytesToken = 4;
constexpr size_t kBodyBytesOffset = 8;  // in a header of the binary protocol

// How long the value is that follows `line`, with its line end; 0 if none follows.
uint64_t ValueBytes(std::string_view line) {
  constexpr std::array<std::string_view, 6> kStorage = {"set",    "add",     "replace",
                                                        "append", "prepend", "cas"};
  for (int token = 0; token <= kValueBytesToken; ++token) {
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
    const std::string_view word = line.substr(0, line.find(' '));
    if (token == 0 && std::ranges::find(kStorage, word) == kStorage.end()) return 0;
    if (token == kValueBytesToken) {
      uint32_t bytes = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), bytes);
      return error == std::errc() && end == word.data() + word.size() ? uint64_t{bytes} + 2 : 0;
    }
    line.remove_prefix(word.size());
  }
  return 0;
}

// Four bytes a line.
void PrintHeader(int fd, std::string_view header) {
  fprintf(stderr, "<%d Read binary protocol data:", fd);
  for (size_t i = 0; i < header.size(); ++i) {
    if (i % 4 == 0) fprintf(stderr, "\n<%d   ", fd);
    fprintf(stderr, " 0x%02x", static_cast<uint8_t>(header[i]));
  }
  fprintf(stderr, "\n");
}

}  // namespace

void RequestTrace::Consumed(int fd, std::string_view input) {
  if (!started_ && !input.empty()) {
    started_ = true;
    binary_ = static_cast<uint8_t>(input.front()) == kBinaryRequestMagic;
  }
  while (!input.empty()) {
    const size_t value = std::min<uint64_t>(input.size(), value_bytes_);
    input.remove_prefix(value);
    value_bytes_ -= value;
    if (input.empty()) return;
    if (binary_) {
      // The rest of a stream that was not what its beginning promised.
      if (input.size() < kBinaryHeaderBytes) return;
      PrintHeader(fd, input.substr(0, kBinaryHeaderBytes));
      value_bytes_ = LoadBigEndian<uint32_t>(input.data() + kBodyBytesOffset);
      input.remove_prefix(kBinaryHeaderBytes);
      continue;
    }
    const size_t end = std::min(input.find('\n'), input.size());
    std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(input.size(), end + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    fprintf(stderr, "<%d %.*s\n", fd, std::min<int>(static_cast<int>(line.size()), kTracedBytesMax),
            line.data());
    value_bytes_ = ValueBytes(line);
  }
}

}  // namespace larder
