#include "protocol/text_tokens.h"

#include <charconv>
#include <limits>

namespace larder {
namespace {

constexpr size_t kStrictBytesMax = 11;
constexpr size_t kStrict64BytesMax = 22;
// As many digits can never overflow 64 bits.
constexpr size_t kSafeDigits = 19;

bool IsDigit(char byte) { return static_cast<unsigned char>(byte - '0') <= 9; }

bool IsWhiteSpace(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Reads the digits at the front of `text` and takes them off. False if there are none or their
// number has more than 64 bits.
bool TakeDigits(std::string_view* text, uint64_t* value) {
  uint64_t sum = 0;
  size_t digits = 0;
  while (digits < text->size() && IsDigit((*text)[digits])) {
    sum = sum * 10 + static_cast<uint64_t>((*text)[digits] - '0');
    ++digits;
  }
  if (digits == 0) return false;
  if (digits > kSafeDigits) {
    const std::from_chars_result result = std::from_chars(text->data(), text->data() + digits, sum);
    if (result.ec != std::errc()) return false;
  }
  text->remove_prefix(digits);
  *value = sum;
  return true;
}

bool ReadLoose(std::string_view word, bool* negative, uint64_t* magnitude) {
  *negative = false;
  if (!word.empty() && !IsDigit(word.front())) {
    while (!word.empty() && IsWhiteSpace(word.front())) word.remove_prefix(1);
    *negative = word.starts_with('-');
    if (*negative || word.starts_with('+')) word.remove_prefix(1);
  }
  return TakeDigits(&word, magnitude) &&
         (word.empty() || word.front() == '\0' || IsWhiteSpace(word.front()));
}

}  // namespace

std::string_view LastWord(std::string_view text) {
  text = TrimRight(text);
  return text.substr(text.rfind(' ') + 1);
}

bool ParseStrict(std::string_view word, int32_t* value) {
  if (word.empty() || word.size() > kStrictBytesMax) return false;
  const bool negative = word.front() == '-';
  if (negative) word.remove_prefix(1);
  uint64_t magnitude = 0;
  // A '-' alone is 0 to memcached, too.
  if (!word.empty() && !TakeDigits(&word, &magnitude)) return false;
  if (!word.empty()) return false;
  constexpr uint64_t kMax = std::numeric_limits<int32_t>::max();
  if (magnitude > kMax + (negative ? 1 : 0)) return false;
  const auto number = static_cast<int64_t>(magnitude);
  *value = static_cast<int32_t>(negative ? -number : number);
  return true;
}

bool ParseStrict(std::string_view word, uint32_t* value) {
  if (word.size() > kStrictBytesMax) return false;
  uint64_t number = 0;
  if (!TakeDigits(&word, &number) || !word.empty()) return false;
  if (number > std::numeric_limits<uint32_t>::max()) return false;
  *value = static_cast<uint32_t>(number);
  return true;
}

bool ParseStrict(std::string_view word, uint64_t* value) {
  if (word.size() > kStrict64BytesMax) return false;
  uint64_t number = 0;
  if (!TakeDigits(&word, &number) || !word.empty()) return false;
  *value = number;
  return true;
}

bool ParseLoose(std::string_view word, uint64_t* value) {
  bool negative = false;
  uint64_t magnitude = 0;
  if (!ReadLoose(word, &negative, &magnitude)) return false;
  const uint64_t number = negative ? 0 - magnitude : magnitude;
  if (negative && static_cast<int64_t>(number) < 0) return false;
  *value = number;
  return true;
}

bool ParseLoose(std::string_view word, uint32_t* value) {
  uint64_t number = 0;
  if (!ParseLoose(word, &number)) return false;
  *value = static_cast<uint32_t>(number);
  return true;
}

bool ParseLoose(std::string_view word, int32_t* value) {
  bool negative = false;
  uint64_t magnitude = 0;
  if (!ReadLoose(word, &negative, &magnitude)) return false;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (magnitude > kMax + (negative ? 1 : 0)) return false;
  *value = static_cast<int32_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

}  // namespace larder
