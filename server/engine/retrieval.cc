#include <utility>

#include "protocol/encode_text.h"
#include "protocol/text_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/counting.h"
#include "server/engine/large_value.h"
#include "server/engine/observe.h"
#include "slab/item.h"

namespace larder {
namespace {

// The longest reply to one key that is copied whole: its line and a small value.
constexpr size_t kReadReplyBytesMax = kValueLineBytesMax + kSmallValueBytesMax + kLineEnd.size();
static_assert(kReadReplyBytesMax <= Output::kRoomBytesMax);

// The visit runs under the lock of the key's bucket, so it finds its room ready and allocates
// nothing.
ReadOutcome CopyOrPin(const Turn& turn, const Key& key, const ReadOptions& options, bool with_cas,
                      LargeValue* large) {
  char* const room = turn.out.Room(kReadReplyBytesMax);
  return turn.store().Read(turn.lane(), key, options, turn.tick(), [&](const ItemView& item) {
    ValueLine line = {
        .key = key.bytes, .client_flags = item.client_flags(), .value_bytes = item.value_bytes()};
    if (with_cas) line.cas = turn.Token(item.cas());
    char* end = EncodeValueLine(room, line);
    if (item.large()) {
      *large = {.item = item.Pin(), .bytes = line.value_bytes};
    } else {
      end = EncodeText(EncodeText(end, item.value()), kLineEnd);
    }
    turn.out.Commit(static_cast<size_t>(end - room));
  });
}

}  // namespace

void ExecuteRead(const Turn& turn, const Request& request, const Key& key) {
  const Command command = request.command;
  const bool touch = command == Command::kGat || command == Command::kGats;
  const bool with_cas = command == Command::kGets || command == Command::kGats;
  ReadOptions options;
  if (touch) options = {.touch = true, .expire = ExpireTick(request.exptime, turn.now)};

  LargeValue large;
  const ReadOutcome outcome = CopyOrPin(turn, key, options, with_cas, &large);
  if (large.item) {
    turn.out.AppendPinned(std::move(large.item), large.bytes);
    turn.out.Append(kLineEnd);
  }
  touch ? CountTouch(turn, outcome) : CountGet(turn, outcome);
  if (turn.observed() != 0) [[unlikely]]
    ObserveGet(turn, key, outcome);
  if (request.last_key) turn.out.Append(kEndReply);
}

void ExecuteTouch(const Turn& turn, const Request& request, const Key& key) {
  const ReadOptions options = {.touch = true, .expire = ExpireTick(request.exptime, turn.now)};
  const ReadOutcome outcome =
      turn.store().Read(turn.lane(), key, options, turn.tick(), [](const ItemView&) {});
  CountTouch(turn, outcome);
  if (turn.observed() != 0) [[unlikely]]
    ObserveTouch(turn, key, outcome);
  turn.Reply(request.noreply, outcome.status == ReadStatus::kHit ? kTouchedReply : kNotFoundReply);
}

}  // namespace larder
