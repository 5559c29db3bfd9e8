#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
// "0" if it does not begin with one.
template <typename Number>
std::string_view LeadingNumber(std::string_view text) {
  text = WithoutBlanks(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  Number ignored{};
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), ignored);
  if (error == std::errc::invalid_argument) return "0";
  return text.substr(0, static_cast<size_t>(stopped - text.data()));
}

// An exit code for a value that is outside its limits, and one for options that do not go together.
Refusal BadValue(std::string_view message);
Refusal BadUsage(std::string_view message);

// Each fills in what `value` says, or says what is wrong with it.
MaybeRefusal ParsePositive(std::string_view value, const char* what, int* number);
MaybeRefusal ParsePort(std::string_view value, int* port);
MaybeRefusal ParseUnixMask(std::string_view value, unsigned* mask);
MaybeRefusal ParseMemory(std::string_view value, uint64_t* bytes);
MaybeRefusal ParseGrowthFactor(std::string_view value, double* factor);
MaybeRefusal ParseChunkSize(std::string_view value, uint32_t* bytes);
MaybeRefusal ParseBacklog(std::string_view value, int* backlog);
// What is no size becomes 0, which is too small.
uint32_t ParseItemSize(std::string_view value);

}  // namespace larder
