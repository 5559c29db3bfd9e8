#include "protocol/base64.h"

#include <array>
#include <cstdint>

namespace larder {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kPadding = '=';
constexpr uint8_t kSkipped = 64;

// What each byte stands for; padding stands for zero bits.
constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kSkipped);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  values[static_cast<uint8_t>(kPadding)] = 0;
  return values;
}();

char LetterOf(uint32_t bits) { return kAlphabet[bits & 63]; }

}  // namespace

size_t DecodeBase64(std::string_view text, char* to) {
  const char* const begin = to;
  uint32_t block = 0;
  size_t letters = 0;
  size_t padding = 0;
  // The padded block ends it, but the letters behind must make whole blocks, too.
  size_t end = 0;
  for (const char letter : text) {
    const uint8_t value = kValues[static_cast<uint8_t>(letter)];
    if (value == kSkipped) continue;
    ++letters;
    if (end != 0) continue;
    if (letter == kPadding) ++padding;
    block = block << 6 | value;
    if (letters % 4 != 0) continue;
    if (padding > 2) return 0;
    *to++ = static_cast<char>(block >> 16);
    if (padding < 2) *to++ = static_cast<char>(block >> 8);
    if (padding < 1) *to++ = static_cast<char>(block);
    if (padding > 0) end = letters;
    block = 0;
  }
  return letters % 4 == 0 ? static_cast<size_t>(to - begin) : 0;
}

char* EncodeBase64(std::string_view bytes, char* to) {
  for (; !bytes.empty(); bytes.remove_prefix(bytes.size() < 3 ? bytes.size() : 3)) {
    uint32_t block = 0;
    for (size_t i = 0; i < 3; ++i) {
      block = block << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
    }
    *to++ = LetterOf(block >> 18);
    *to++ = LetterOf(block >> 12);
    *to++ = bytes.size() > 1 ? LetterOf(block >> 6) : kPadding;
    *to++ = bytes.size() > 2 ? LetterOf(block) : kPadding;
  }
  return to;
}

}  // namespace larder
