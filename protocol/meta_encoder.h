#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/base64.h"
#include "protocol/encode_text.h"
#include "protocol/request.h"
#include "protocol/text_encoder.h"

// Replies to meta commands, in pieces: two letters that say how it went, then what the flags asked
// for, in the order asked. Each function writes at `to` and returns the end of what it wrote; a
// whole line, without a value, has at most kMetaLineBytesMax.

namespace larder {

inline constexpr std::string_view kMetaDone = "HD";
inline constexpr std::string_view kMetaValueFollows = "VA ";
inline constexpr std::string_view kMetaMiss = "EN";  // of mg and me
inline constexpr std::string_view kMetaNotFound = "NF";
inline constexpr std::string_view kMetaNotStored = "NS";
inline constexpr std::string_view kMetaExists = "EX";
inline constexpr std::string_view kMetaDebugLine = "ME ";

// The longest: a value's length, every flag that is answered, the three marks.
inline constexpr size_t kMetaLineBytesMax =
    std::string_view("VA 4294967295 k b s4294967295 t4294967295 c18446744073709551615").size() +
    std::string_view(" f4294967295 l4294967295 h1 Z X W \r\n").size() +
    Base64EncodedBytes(kRequestKeyBytesMax) + kMetaOpaqueBytesMax;

// What me says behind its key.
struct MetaDebug {
  int64_t ttl_seconds = -1;  // -1: never expires
  uint32_t idle_seconds = 0;
  uint64_t cas = 0;
  bool fetched = false;
  uint32_t class_id = 0;
  uint64_t item_bytes = 0;
};
inline constexpr size_t kMetaDebugBytesMax =
    std::string_view("ME  exp=-2147483648 la=4294967295 cas=18446744073709551615").size() +
    std::string_view(" fetch=yes cls=4294967295 size=18446744073709551615\r\n").size() +
    Base64EncodedBytes(kRequestKeyBytesMax);
char* EncodeMetaDebug(char* to, std::string_view key, bool binary_key, const MetaDebug& debug);

// " s12"
inline char* EncodeMetaNumber(char* to, char flag, uint64_t number) {
  *to++ = ' ';
  *to++ = flag;
  return EncodeNumber(to, number);
}

// " X"
inline char* EncodeMetaMark(char* to, char mark) {
  *to++ = ' ';
  *to++ = mark;
  return to;
}

// " kname", or " kbmFtZQ== b" of a key that was sent in base64.
char* EncodeMetaKey(char* to, std::string_view key, bool binary_key);

// " t30", " t-1". Seconds left are counted modulo 2^32, as memcached prints those of an item that
// is past its time.
char* EncodeMetaTtl(char* to, uint32_t expire_seconds, uint32_t now_seconds);

// Calls each(letter) for the flags to be answered, in order.
template <typename F>
void ForEachReturn(uint64_t returns, F&& each) {
  for (; returns != 0; returns >>= 8) each(static_cast<char>(returns & 0xff));
}

// What is answered whether there is an item or not: opaque and key.
char* EncodeMetaEcho(char* to, const Request& request, std::string_view key);

}  // namespace larder
