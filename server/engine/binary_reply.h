#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/binary_encoder.h"
#include "protocol/request.h"
#include "server/engine/output.h"

// The binary protocol's replies, as the commands add them to the output.
//
// A client that sends what is no request is closed, and in memcached loses the replies that were
// still waiting for others to be sent with: those to successes. An error's reply or a noop's is
// sent at once, with all before it. Output::Settle() marks those places.

namespace larder {

// What a reply repeats of its request, and whether it is due at all.
struct BinaryEcho {
  uint8_t opcode = 0;
  uint32_t opaque = 0;
  bool quiet = false;
};

inline BinaryEcho EchoOf(const Request& request) {
  return {.opcode = request.opcode, .opaque = request.opaque, .quiet = request.noreply};
}

// A success, which quiet commands do not answer. `value` is copied.
void ReplyBinary(Output* out, const BinaryEcho& echo, uint64_t cas = 0,
                 std::string_view value = {});
// One of the packets that a stat command is answered with.
void AppendBinaryStat(Output* out, const BinaryEcho& echo, std::string_view name,
                      std::string_view value);
// An error, which quiet commands answer too. `text`: instead of its usual words.
void ReplyBinaryError(Output* out, const BinaryEcho& echo, BinaryStatus status);
void ReplyBinaryError(Output* out, const BinaryEcho& echo, BinaryStatus status,
                      std::string_view text);
// An error after which the request's value is dropped first, before anything is sent.
void QueueBinaryError(Output* out, const BinaryEcho& echo, BinaryStatus status,
                      std::string_view text);

}  // namespace larder
