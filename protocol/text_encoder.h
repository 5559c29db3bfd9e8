#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/request.h"

// The classic text protocol's replies. Those that never change are constants, line end included;
// the others are written into memory of the caller's that is large enough for the largest of
// their kind. The words are memcached 1.6.45's.

namespace larder {

inline constexpr std::string_view kStoredReply = "STORED\r\n";
inline constexpr std::string_view kNotStoredReply = "NOT_STORED\r\n";
inline constexpr std::string_view kExistsReply = "EXISTS\r\n";
inline constexpr std::string_view kNotFoundReply = "NOT_FOUND\r\n";
inline constexpr std::string_view kDeletedReply = "DELETED\r\n";
inline constexpr std::string_view kTouchedReply = "TOUCHED\r\n";
inline constexpr std::string_view kOkReply = "OK\r\n";
inline constexpr std::string_view kEndReply = "END\r\n";
inline constexpr std::string_view kResetReply = "RESET\r\n";
inline constexpr std::string_view kNoopReply = "MN\r\n";
// A subcommand of stats that does not exist.
inline constexpr std::string_view kUnknownReply = "ERROR\r\n";

// The value is not followed by "\r\n" where its length says.
inline constexpr std::string_view kBadDataReply = "CLIENT_ERROR bad data chunk\r\n";
inline constexpr std::string_view kNotNumberReply =
    "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
inline constexpr std::string_view kTooLargeReply = "SERVER_ERROR object too large for cache\r\n";
inline constexpr std::string_view kNoMemoryToStoreReply =
    "SERVER_ERROR out of memory storing object\r\n";
inline constexpr std::string_view kNoMemoryReply = "SERVER_ERROR out of memory\r\n";

// What stands behind every value.
inline constexpr std::string_view kLineEnd = "\r\n";

inline constexpr size_t kNumberBytesMax = 20;

// Writes `number` in decimal digits and returns their end.
char* EncodeNumber(char* to, uint64_t number);

// The reply of incr and decr: at most this many bytes, returns their end.
inline constexpr size_t kNumberReplyBytesMax = kNumberBytesMax + 2;
char* EncodeNumberReply(char* to, uint64_t number);

// The line before a value: VALUE <key> <flags> <bytes> [<token>].
struct ValueLine {
  std::string_view key;  // up to kRequestKeyBytesMax bytes
  uint32_t client_flags = 0;
  uint32_t value_bytes = 0;
  std::optional<uint64_t> cas;  // for gets and gats
};

// At most this many bytes, returns their end.
inline constexpr size_t kValueLineBytesMax =
    kRequestKeyBytesMax +
    std::string_view("VALUE  4294967295 4294967295 18446744073709551615\r\n").size();
char* EncodeValueLine(char* to, const ValueLine& line);

// STAT <name> <value>. At most this many bytes more than the name and the value have; returns
// their end.
inline constexpr size_t kStatOverheadBytes = std::string_view("STAT  \r\n").size();
char* EncodeStat(char* to, std::string_view name, std::string_view value);
// A number's digits count as kNumberBytesMax.
char* EncodeStat(char* to, std::string_view name, uint64_t value);

}  // namespace larder
