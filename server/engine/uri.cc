#include "server/engine/uri.h"

namespace larder {

namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

void AppendUriEncoded(std::string_view bytes, std::string* to) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : bytes) {
    if (IsPlain(c)) {
      *to += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      *to += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

}  // namespace larder
