#include "server/engine/binary_reply.h"

namespace larder {
namespace {

// `body` is the first part of it.
void Append(Output* out, const BinaryReply& reply, std::string_view body) {
  char* const room = out->Room(kBinaryHeaderBytes);
  out->Commit(static_cast<size_t>(EncodeBinaryHeader(room, reply) - room));
  if (!body.empty()) out->Append(body);
}

}  // namespace

void ReplyBinary(Output* out, const BinaryEcho& echo, uint64_t cas, std::string_view value) {
  if (echo.quiet) return;
  Append(out,
         {.opcode = echo.opcode,
          .opaque = echo.opaque,
          .value_bytes = static_cast<uint32_t>(value.size()),
          .cas = cas},
         value);
}

void AppendBinaryStat(Output* out, const BinaryEcho& echo, std::string_view name,
                      std::string_view value) {
  Append(out,
         {.opcode = echo.opcode,
          .opaque = echo.opaque,
          .key_bytes = static_cast<uint16_t>(name.size()),
          .value_bytes = static_cast<uint32_t>(value.size())},
         name);
  out->Append(value);
}

void ReplyBinaryError(Output* out, const BinaryEcho& echo, BinaryStatus status) {
  ReplyBinaryError(out, echo, status, BinaryErrorText(status));
}

void ReplyBinaryError(Output* out, const BinaryEcho& echo, BinaryStatus status,
                      std::string_view text) {
  QueueBinaryError(out, echo, status, text);
  out->Settle();
}

void QueueBinaryError(Output* out, const BinaryEcho& echo, BinaryStatus status,
                      std::string_view text) {
  Append(out,
         {.opcode = echo.opcode,
          .opaque = echo.opaque,
          .status = status,
          .value_bytes = static_cast<uint32_t>(text.size())},
         text);
}

}  // namespace larder
