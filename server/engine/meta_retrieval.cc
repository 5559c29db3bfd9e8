#include <utility>

#include "protocol/meta_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/counting.h"
#include "server/engine/large_value.h"
#include "server/engine/meta_expiry.h"
#include "server/engine/observe.h"
#include "slab/item.h"

// mg and me. mg is a get that says what it wants: its value and flags are written in one go under
// the lock of the key's bucket, as a get's are.

namespace larder {
namespace {

// Flags that change how the item is looked up; the others only change what is answered.
constexpr uint32_t kLookupFlags = kMetaNoBump | kMetaTouch | kMetaCreate | kMetaRecache;
// The longest reply that is copied whole.
constexpr size_t kValueReplyBytesMax = kMetaLineBytesMax + kSmallValueBytesMax + kLineEnd.size();
static_assert(kValueReplyBytesMax <= Output::kRoomBytesMax);

// Not inline: most reads have none of these.
void SetLookup(const Turn& turn, const Request& request, ReadOptions* options) {
  const uint32_t meta = request.meta;
  options->bump = (meta & kMetaNoBump) == 0;
  if ((meta & kMetaTouch) != 0) {
    options->touch = true;
    options->expire = ExpireTick(request.exptime, turn.now);
  }
  if ((meta & kMetaRecache) != 0) {
    options->recache_below = ExpireTick(request.recache_exptime, turn.now);
    options->recache_after_touch = (meta & kMetaRecacheAfterTouch) != 0;
  }
  if ((meta & kMetaCreate) != 0) {
    options->create = true;
    options->create_expire = MetaCreateExpire(request, turn.now);
    options->chosen_cas = turn.Token(request.chosen_cas);
  }
}

// With C, a client that has this value already is spared it.
bool WantsValue(const Turn& turn, const Request& request, const ItemView& item) {
  if ((request.meta & kMetaValue) == 0) return false;
  return (request.meta & kMetaCompare) == 0 || turn.Token(item.cas()) != request.cas;
}

char* EncodeReturn(char* to, const Turn& turn, const Request& request, const ItemView& item,
                   char flag) {
  switch (flag) {
    case 'k':
      return EncodeMetaKey(to, item.key(), item.binary_key());
    case 'O':
      *to++ = ' ';
      return EncodeText(to, request.arguments);
    case 's':
      return EncodeMetaNumber(to, flag, item.value_bytes());
    case 't':
      return EncodeMetaTtl(
          to,
          MetaShownExpire(
              request, turn.now,
              {.created = item.created(), .before = item.expire_before(), .after = item.expire()}),
          turn.tick().seconds);
    case 'c':
      return EncodeMetaNumber(to, flag, turn.Token(item.cas()));
    case 'f':
      return EncodeMetaNumber(to, flag, item.client_flags());
    case 'l':
      return EncodeMetaNumber(to, flag, item.idle_seconds(turn.tick()));
    case 'h':
      return EncodeMetaNumber(to, flag, item.fetched() ? 1 : 0);
    default:
      return to;
  }
}

// The line of a hit, with its end.
char* EncodeHit(char* to, const Turn& turn, const Request& request, const ItemView& item,
                bool with_value) {
  if (with_value) {
    to = EncodeNumber(EncodeText(to, kMetaValueFollows), item.value_bytes());
  } else {
    to = EncodeText(to, kMetaDone);
  }
  ForEachReturn(request.returns,
                [&](char flag) { to = EncodeReturn(to, turn, request, item, flag); });
  if (item.win_sent()) to = EncodeMetaMark(to, 'Z');
  if (item.stale()) to = EncodeMetaMark(to, 'X');
  if (item.won()) to = EncodeMetaMark(to, 'W');
  return EncodeText(to, kLineEnd);
}

void ReplyMiss(const Turn& turn, const Request& request, const Key& key) {
  if ((request.meta & kMetaQuiet) != 0) return;
  char* const room = turn.out.Room(kMetaLineBytesMax);
  char* end = EncodeMetaEcho(EncodeText(room, kMetaMiss), request, key.bytes);
  end = EncodeText(end, kLineEnd);
  turn.out.Commit(static_cast<size_t>(end - room));
}

}  // namespace

void ExecuteMetaGet(const Turn& turn, const Request& request, const Key& key) {
  ReadOptions options = {.claim = true};
  if ((request.meta & kLookupFlags) != 0) SetLookup(turn, request, &options);

  LargeValue large;
  char* const room =
      turn.out.Room((request.meta & kMetaValue) != 0 ? kValueReplyBytesMax : kMetaLineBytesMax);
  const ReadOutcome outcome =
      turn.store().ReadOrCreate(turn.lane(), key, options, turn.tick(), [&](const ItemView& item) {
        const bool with_value = WantsValue(turn, request, item);
        char* end = EncodeHit(room, turn, request, item, with_value);
        if (with_value && item.large()) {
          large = {.item = item.Pin(), .bytes = item.value_bytes()};
        } else if (with_value) {
          end = EncodeText(EncodeText(end, item.value()), kLineEnd);
        }
        turn.out.Commit(static_cast<size_t>(end - room));
      });
  if (large.item) {
    turn.out.AppendPinned(std::move(large.item), large.bytes);
    turn.out.Append(kLineEnd);
  }
  if (turn.observed() != 0) [[unlikely]]
    ObserveGet(turn, key, outcome);
  if (outcome.status != ReadStatus::kHit) {
    CountGet(turn, outcome);
    ReplyMiss(turn, request, key);
  } else if (options.touch) {
    CountTouch(turn, outcome);
  } else {
    CountGet(turn, outcome);
  }
}

// Looks at an item and leaves it as it is.
void ExecuteMetaDebug(const Turn& turn, const Key& key) {
  turn.counters().meta_debugs.Add(1);
  char* const room = turn.out.Room(kMetaDebugBytesMax);
  const ReadOutcome outcome =
      turn.store().Read(turn.lane(), key, {.bump = false}, turn.tick(), [&](const ItemView& item) {
        MetaDebug debug = {.idle_seconds = item.idle_seconds(turn.tick()),
                           .cas = turn.Token(item.cas()),
                           .fetched = item.fetched(),
                           .class_id = static_cast<uint32_t>(item.class_id()),
                           .item_bytes = item.total_bytes()};
        if (item.expire() != kNeverExpires) {
          debug.ttl_seconds = int64_t{item.expire()} - turn.tick().seconds;
        }
        char* const end = EncodeMetaDebug(room, item.key(), item.binary_key(), debug);
        turn.out.Commit(static_cast<size_t>(end - room));
      });
  if (outcome.status == ReadStatus::kHit) return;
  CountMiss(turn, outcome.status);
  turn.out.Append(kMetaMiss);
  turn.out.Append(kLineEnd);
}

}  // namespace larder
