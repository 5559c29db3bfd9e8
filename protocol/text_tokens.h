#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// The words and numbers of a text request's line.
//
// Words are parted by spaces and by nothing else: a tab, a NUL or a '\r' inside a line belongs to
// the word that it stands in.
//
// Numbers come in two kinds, as they do in memcached, where one reader knows the word's length and
// the other is strtol() of the C library and its relatives:
//   strict  digits, with one '-' before them where the number is signed; at most 11 bytes in all,
//           22 for 64 bits. Lengths of values, delays of flush_all, expiries of gat, levels of
//           verbosity, and all that flags of meta commands take.
//   loose   as strtol() reads it: white space (a tab, say) and '+' or '-' may come first; white
//           space or a NUL ends the number, and what follows in the word is not looked at.
//           Client flags, expiries of other commands, CAS tokens, deltas.

namespace larder {

// Bytes are compared eight at a time, and the first of them must be the lowest of the number.
static_assert(std::endian::native == std::endian::little);

// Where the first space of `text` is; its size if there is none. For words, which are short: eight
// bytes a step, without the call that memchr() costs.
inline size_t FindSpace(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, 8);
    bytes ^= kOnes * ' ';
    // The lowest of the bits that stay marks the first byte that is zero; those above it may err.
    const uint64_t zeros = (bytes - kOnes) & ~bytes & (kOnes << 7);
    if (zeros != 0) return at + static_cast<size_t>(std::countr_zero(zeros)) / 8;
  }
  while (at < text.size() && text[at] != ' ') ++at;
  return at;
}

inline std::string_view TrimLeft(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

inline std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes the next word off the front of `*text`; empty if there is none.
inline std::string_view TakeWord(std::string_view* text) {
  const std::string_view rest = TrimLeft(*text);
  const size_t bytes = FindSpace(rest);
  *text = rest.substr(bytes);
  return rest.substr(0, bytes);
}

// The last word of `text`; empty if there is none.
std::string_view LastWord(std::string_view text);

// Each returns whether `word` is such a number, and leaves `*value` alone if not.
bool ParseStrict(std::string_view word, int32_t* value);
bool ParseStrict(std::string_view word, uint32_t* value);
bool ParseStrict(std::string_view word, uint64_t* value);
// Of the negative ones only -0 and what wraps to 63 bits are numbers; they do wrap, as strtoull()
// lets them.
bool ParseLoose(std::string_view word, uint64_t* value);
// Out of 64 bits are none; the others are cut down to their lower 32 bits.
bool ParseLoose(std::string_view word, uint32_t* value);
bool ParseLoose(std::string_view word, int32_t* value);

// Takes the next word off the front of `*text` if it is what nearly every number is: one to nine
// digits and nothing else, which every kind of number reads alike. Else leaves both alone.
inline bool TakePlainNumber(std::string_view* text, uint32_t* number) {
  constexpr size_t kDigitsMax = 9;
  const std::string_view rest = TrimLeft(*text);
  uint32_t sum = 0;
  size_t digits = 0;
  for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits) {
    sum = sum * 10 + static_cast<uint32_t>(rest[digits] - '0');
  }
  if (digits == 0 || digits > kDigitsMax) return false;
  if (digits < rest.size() && rest[digits] != ' ') return false;
  *text = rest.substr(digits);
  *number = sum;
  return true;
}

// Take the next word off the front of `*text` and return whether it is such a number.
template <typename Number>
bool TakeStrict(std::string_view* text, Number* value) {
  uint32_t plain = 0;
  if (!TakePlainNumber(text, &plain)) return ParseStrict(TakeWord(text), value);
  *value = static_cast<Number>(plain);
  return true;
}
template <typename Number>
bool TakeLoose(std::string_view* text, Number* value) {
  uint32_t plain = 0;
  if (!TakePlainNumber(text, &plain)) return ParseLoose(TakeWord(text), value);
  *value = static_cast<Number>(plain);
  return true;
}

}  // namespace larder
