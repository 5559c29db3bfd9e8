#include "server/config/option_values.h"

#include <sysexits.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace larder {

namespace {

constexpr uint64_t kMemoryMegabytesMax = 1 << 24;
constexpr int kPortMax = 65535;
constexpr unsigned kUnixMaskMax = 07777;

}  // namespace

Refusal BadValue(std::string_view message) { return {EXIT_FAILURE, std::string(message)}; }
Refusal BadUsage(std::string_view message) { return {EX_USAGE, std::string(message)}; }

Refusal BadPort(std::string_view value) {
  return BadUsage(absl::StrCat("ERROR: Invalid port number ", View(value), "."));
}

Refusal NotANumber(std::string_view name, std::string_view value) {
  return BadValue(absl::StrCat(View(name), " is no number: ", View(value)));
}

std::string TakenAs(std::string_view name, std::string_view value, std::string_view number) {
  return absl::StrCat("WARNING: ", View(name), ": \"", View(value), "\" is taken as ",
                      View(number));
}

MaybeRefusal ParsePositive(std::string_view value, const char* what, int* number) {
  if (ParseNumber(value, number) && *number > 0) return std::nullopt;
  return BadValue(absl::StrCat(what, " must be greater than 0"));
}

MaybeRefusal ParsePort(std::string_view value, int* port) {
  // memcached's tests, and others', ask for a free port with -1.
  if (ParseNumber(value, port) && *port >= -1 && *port <= kPortMax) return std::nullopt;
  return BadPort(value);
}

MaybeRefusal ParseUnixMask(std::string_view value, unsigned* mask) {
  const char* const end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, *mask, 8);
  if (error == std::errc() && stopped == end && *mask <= kUnixMaskMax) return std::nullopt;
  return BadUsage(
      absl::StrCat("The access mask (-a) must be an octal number, at most 7777: ", View(value)));
}

MaybeRefusal ParseMemory(std::string_view value, uint64_t* bytes) {
  uint64_t megabytes = 0;
  if (!ParseNumber(value, &megabytes) || megabytes > kMemoryMegabytesMax) {
    return BadUsage(absl::StrCat("Memory limit must be 0 or more megabytes, at most ",
                                 kMemoryMegabytesMax, ": ", View(value)));
  }
  *bytes = megabytes << 20;
  return std::nullopt;
}

uint32_t ParseItemSize(std::string_view value) {
  uint64_t unit = 1;
  if (value.ends_with('k') || value.ends_with('K')) unit = uint64_t{1} << 10;
  if (value.ends_with('m') || value.ends_with('M')) unit = uint64_t{1} << 20;
  if (unit > 1) value.remove_suffix(1);
  uint32_t number = 0;
  if (!ParseNumber(value, &number)) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(number * unit, UINT32_MAX));
}

MaybeRefusal ParseGrowthFactor(std::string_view value, double* factor) {
  if (ParseNumber(value, factor) && std::isfinite(*factor) && *factor > 1) return std::nullopt;
  return BadValue("Factor must be greater than 1");
}

MaybeRefusal ParseChunkSize(std::string_view value, uint32_t* bytes) {
  if (ParseNumber(value, bytes) && *bytes > 0) return std::nullopt;
  return BadValue("Chunk size must be greater than 0");
}

MaybeRefusal ParseBacklog(std::string_view value, int* backlog) {
  // Below 0 it is as much as the system allows.
  if (ParseNumber(value, backlog)) return std::nullopt;
  return BadValue(absl::StrCat("Listen backlog is out of range: ", View(value)));
}

}  // namespace larder
