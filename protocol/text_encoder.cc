#include "protocol/text_encoder.h"

#include <charconv>

namespace larder {
namespace {

char* Put(char* to, std::string_view text) { return to + text.copy(to, text.size()); }

char* PutStatName(char* to, std::string_view name) {
  to = Put(to, "STAT ");
  to = Put(to, name);
  *to = ' ';
  return to + 1;
}

}  // namespace

char* EncodeNumber(char* to, uint64_t number) {
  // Client flags are nearly always 0.
  if (number < 10) {
    *to = static_cast<char>('0' + number);
    return to + 1;
  }
  return std::to_chars(to, to + kNumberBytesMax, number).ptr;
}

char* EncodeNumberReply(char* to, uint64_t number) {
  return Put(EncodeNumber(to, number), kLineEnd);
}

char* EncodeValueLine(char* to, const ValueLine& line) {
  to = Put(to, "VALUE ");
  to = Put(to, line.key);
  *to++ = ' ';
  to = EncodeNumber(to, line.client_flags);
  *to++ = ' ';
  to = EncodeNumber(to, line.value_bytes);
  if (line.cas.has_value()) {
    *to++ = ' ';
    to = EncodeNumber(to, *line.cas);
  }
  return Put(to, kLineEnd);
}

char* EncodeStat(char* to, std::string_view name, std::string_view value) {
  return Put(Put(PutStatName(to, name), value), kLineEnd);
}

char* EncodeStat(char* to, std::string_view name, uint64_t value) {
  return Put(EncodeNumber(PutStatName(to, name), value), kLineEnd);
}

}  // namespace larder
