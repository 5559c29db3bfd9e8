#include "server/net/request_trace.h"

#include <stdio.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace larder {

namespace {

constexpr int kTracedBytesMax = 1024;
constexpr int kValueBytesToken = 4;

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

}  // namespace

void RequestTrace::Consumed(int fd, std::string_view input) {
  while (!input.empty()) {
    const size_t value = std::min<uint64_t>(input.size(), value_bytes_);
    input.remove_prefix(value);
    value_bytes_ -= value;
    if (input.empty()) return;
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
