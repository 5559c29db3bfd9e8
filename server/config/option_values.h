#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/strings/string_view.h"

// What the options' values are made of, and what is said of values that are none.

namespace larder {

// Why the process is to end.
struct Refusal {
  int exit_code;
  std::string message;
};
using MaybeRefusal = std::optional<Refusal>;

// Debian's abseil has a string view type of its own, which StrCat takes.
inline absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// True if all of `text` is one number that fits; else `*number` is left alone.
template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  Number parsed{};
  const auto [stopped, error] = std::from_chars(text.data(), end, parsed);
  if (error != std::errc() || stopped != end) return false;
  *number = parsed;
  return true;
}

// Numbers may have blanks before them, and only they: in a file's name, or as the delimiter of -D,
// a blank is what was meant.
inline std::string_view WithoutBlanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
  return text;
}

// The part of `text` that C's atoi or atof would read, of which ParseNumber makes the same number;
// "0" if it does not begin with one. `base` is for whole numbers.
template <typename Number, int base = 10>
std::string_view LeadingNumber(std::string_view text) {
  text = WithoutBlanks(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  Number ignored{};
  std::from_chars_result result;
  if constexpr (std::is_integral_v<Number>) {
    result = std::from_chars(text.data(), end, ignored, base);
  } else {
    result = std::from_chars(text.data(), end, ignored);
  }
  const auto [stopped, error] = result;
  if (error == std::errc::invalid_argument) return "0";
  return text.substr(0, static_cast<size_t>(stopped - text.data()));
}

inline bool BeginsWithNumber(std::string_view text) {
  text = WithoutBlanks(text);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

// What is said of a value that is a number and something more.
Refusal NotANumber(std::string_view name, std::string_view value);
std::string TakenAs(std::string_view name, std::string_view value, std::string_view number);

// An exit code for a value that is outside its limits, and one for options that do not go together.
Refusal BadValue(std::string_view message);
Refusal BadUsage(std::string_view message);

Refusal BadPort(std::string_view value);

// Each fills in what `value` says, or says what is wrong with it.
MaybeRefusal ParsePositive(std::string_view value, const char* what, int* number);
MaybeRefusal ParsePort(std::string_view value, int* port);
// The number is octal.
MaybeRefusal ParseUnixMask(std::string_view value, unsigned* mask);
MaybeRefusal ParseMemory(std::string_view value, uint64_t* bytes);
MaybeRefusal ParseGrowthFactor(std::string_view value, double* factor);
MaybeRefusal ParseChunkSize(std::string_view value, uint32_t* bytes);
MaybeRefusal ParseBacklog(std::string_view value, int* backlog);
// What is no size becomes 0, which is too small.
uint32_t ParseItemSize(std::string_view value);

}  // namespace larder
