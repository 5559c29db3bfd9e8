#include <utility>

#include "protocol/encode_text.h"
#include "server/engine/binary_commands.h"
#include "server/engine/counting.h"
#include "server/engine/large_value.h"
#include "server/engine/observe.h"
#include "slab/item.h"

namespace larder {
namespace {

// The longest reply that is copied whole: header, client flags, key and a small value.
constexpr size_t kReadReplyBytesMax =
    kBinaryHeaderBytes + kBinaryFlagsBytes + kRequestKeyBytesMax + kSmallValueBytesMax;
static_assert(kReadReplyBytesMax <= Output::kRoomBytesMax);

// What a read has in its reply.
struct Parts {
  bool key = false;
  bool value = true;
};

Parts PartsOf(uint8_t opcode) {
  switch (static_cast<BinaryOpcode>(opcode)) {
    case BinaryOpcode::kTouch:
      return {.value = false};
    case BinaryOpcode::kGetKey:
    case BinaryOpcode::kGetKeyQuietly:
    case BinaryOpcode::kGetAndTouchKey:
    case BinaryOpcode::kGetAndTouchKeyQuietly:
      return {.key = true};
    default:
      return {};
  }
}

// The visit runs under the lock of the key's bucket, so it finds its room ready and allocates
// nothing. `reply` has what is known before.
ReadOutcome CopyOrPin(const Turn& turn, const Key& key, const ReadOptions& options,
                      const Parts& parts, BinaryReply reply, LargeValue* large) {
  char* const room = turn.out.Room(kReadReplyBytesMax);
  return turn.store().Read(turn.lane(), key, options, turn.tick(), [&](const ItemView& item) {
    if (parts.value) reply.value_bytes = item.value_bytes();
    reply.cas = turn.Token(item.cas());
    char* end = EncodeBinaryFlags(EncodeBinaryHeader(room, reply), item.client_flags());
    if (parts.key) end = EncodeText(end, key.bytes);
    if (parts.value && item.large()) {
      *large = {.item = item.Pin(), .bytes = reply.value_bytes};
    } else if (parts.value) {
      end = EncodeText(end, item.value());
    }
    turn.out.Commit(static_cast<size_t>(end - room));
  });
}

void ReplyToMiss(const Turn& turn, const Request& request, const Parts& parts) {
  if (request.noreply) return;
  if (!parts.key) {
    ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNotFound);
    return;
  }
  // Who asks with the key in the reply is told by the key what was not found, not in words.
  char* const room = turn.out.Room(kBinaryHeaderBytes + kRequestKeyBytesMax);
  char* const end =
      EncodeBinaryHeader(room, {.opcode = request.opcode,
                                .opaque = request.opaque,
                                .status = BinaryStatus::kNotFound,
                                .key_bytes = static_cast<uint16_t>(request.key.size())});
  turn.out.Commit(static_cast<size_t>(EncodeText(end, request.key) - room));
}

}  // namespace

void ExecuteBinaryRead(const Turn& turn, const Request& request, const Key& key) {
  const bool touch = request.command != Command::kGet;
  ReadOptions options;
  if (touch) options = {.touch = true, .expire = ExpireTick(request.exptime, turn.now)};
  const Parts parts = PartsOf(request.opcode);
  LargeValue large;
  const ReadOutcome outcome =
      CopyOrPin(turn, key, options, parts,
                {.opcode = request.opcode,
                 .opaque = request.opaque,
                 .extras_bytes = kBinaryFlagsBytes,
                 .key_bytes = static_cast<uint16_t>(parts.key ? key.bytes.size() : 0)},
                &large);
  if (large.item) turn.out.AppendPinned(std::move(large.item), large.bytes);
  touch ? CountTouch(turn, outcome) : CountGet(turn, outcome);
  if (turn.observed() != 0) [[unlikely]] {
    parts.value ? ObserveGet(turn, key, outcome) : ObserveTouch(turn, key, outcome);
  }
  if (outcome.status != ReadStatus::kHit) ReplyToMiss(turn, request, parts);
}

}  // namespace larder
