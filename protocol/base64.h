#pragma once

#include <cstddef>
#include <string_view>

// Base64 as memcached's meta commands take keys in it: the standard alphabet (RFC 4648), padded. In
// what it reads, memcached is lax: bytes outside the alphabet are skipped, and what counts is that
// whole blocks of four are left. So two texts may mean one key, and a key is always answered in its
// proper form, encoded anew. A library's decoder refuses such texts, and allocates.

namespace larder {

constexpr size_t Base64EncodedBytes(size_t bytes) { return (bytes + 2) / 3 * 4; }
constexpr size_t Base64DecodedBytesMax(size_t bytes) { return bytes / 4 * 3; }

// Writes what `text` means to `to`, up to Base64DecodedBytesMax of it, and returns how many bytes
// that is. 0 if it is no base64, or nothing.
size_t DecodeBase64(std::string_view text, char* to);

// Writes exactly Base64EncodedBytes and returns their end.
char* EncodeBase64(std::string_view bytes, char* to);

}  // namespace larder
