#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/binary_format.h"
#include "protocol/request.h"

// The binary protocol's requests, read from a connection's input.
//
//   Request request;
//   BinaryParseResult result = ParseBinaryRequest(input, &request);
//   input.remove_prefix(result.consumed);
//
// A function and no class: a header says how long everything is, so nothing is remembered from one
// request to the next. Which headers are refused, in which order that is found, and how many bytes
// of the stream a refused request takes with it are memcached 1.6.45's.

namespace larder {

enum class BinaryParseStatus : uint8_t {
  // The input does not hold header, extras and key: present the same bytes again when
  // `need_bytes` of them are there.
  kNeedMore,
  // The request is filled. What follows in the input is its value of request.value_bytes.
  kRequest,
  // Answer with an error, then go on or close as `refusal` says. `request` has what a reply needs:
  // opcode and opaque.
  kRefused,
  // This is not the start of a request: close.
  kNotBinary,
};

enum class BinaryRefusal : uint8_t {
  kBadLengths,      // key and extras are longer than the body: kUnknownCommand, and close
  kBadArguments,    // not the parts that this command has, or too long a key:
                    // kInvalidArguments, and close
  kUnknownCommand,  // drop the next `swallow_bytes` of the stream and go on
};

struct BinaryParseResult {
  BinaryParseStatus status;
  BinaryRefusal refusal = BinaryRefusal::kBadLengths;  // kRefused only
  size_t need_bytes = 0;                               // kNeedMore only; at most
                                                       // kBinaryPrefixBytesMax
  size_t consumed = 0;                                 // bytes of the input that are done with
  uint32_t swallow_bytes = 0;  // kRefused only: drop these, as they arrive, after consumed
};

// Reads the request at the start of `input` into `*request`, which is overwritten wholly when the
// status is kRequest. Its views point into `input`.
BinaryParseResult ParseBinaryRequest(std::string_view input, Request* request);

}  // namespace larder
