#include "server/engine/observe.h"

#include <string>
#include <utility>

#include "slab/store.h"

namespace larder {

namespace {

using Kind = WatchEvent::Kind;

ObservedItem Look(const Turn& turn, const Key& key) {
  ObservedItem seen;
  seen.found = turn.store().Peek(key, turn.tick(), [&](const ItemView& item) {
    seen.class_id = static_cast<uint8_t>(item.class_id());
    seen.value_bytes = item.value_bytes();
  });
  return seen;
}

void TellLookup(const Turn& turn, const Key& key, const char* status, const ObservedItem& item) {
  turn.worker.watch_log().Append({.kind = Kind::kItemGet,
                                  .text = key.bytes,
                                  .status = status,
                                  .size = item.value_bytes,
                                  .connection = turn.connection_id,
                                  .class_id = item.class_id},
                                 turn.now);
}

// Looks for the key as the command is about to, and tells.
ObservedItem TellLookup(const Turn& turn, const Key& key) {
  const ObservedItem item = Look(turn, key);
  if ((turn.observed() & kWatchFetchers) != 0) {
    TellLookup(turn, key, item.found ? "found" : "not_found", item);
  }
  return item;
}

const char* NameOf(ReadStatus status) {
  switch (status) {
    case ReadStatus::kHit:
      return "found";
    case ReadStatus::kMiss:
      return "not_found";
    case ReadStatus::kExpired:
      return "expired";
    case ReadStatus::kFlushed:
      break;
  }
  return "flushed";
}

const char* NameOf(WriteStatus status) {
  switch (status) {
    case WriteStatus::kStored:
      return "stored";
    case WriteStatus::kNotStored:
      return "not_stored";
    case WriteStatus::kExists:
      return "exists";
    case WriteStatus::kNotFound:
      return "not_found";
    case WriteStatus::kTooLarge:
      return "too_large";
    case WriteStatus::kNoMemory:
      break;
  }
  return "no_memory";
}

const char* NameOf(const WriteOptions& options) {
  switch (options.mode) {
    case WriteMode::kAdd:
      return "add";
    case WriteMode::kReplace:
      return "replace";
    case WriteMode::kAppend:
      return "append";
    case WriteMode::kPrepend:
      return "prepend";
    case WriteMode::kSet:
      break;
  }
  return options.compare ? "cas" : "set";
}

bool Prefixes(const Turn& turn) { return (turn.observed() & Engine::kCountPrefixes) != 0; }

}  // namespace

void ObserveGet(const Turn& turn, const Key& key, const ReadOutcome& outcome) {
  if (Prefixes(turn)) {
    turn.worker.prefix_stats().CountGet(key.bytes, outcome.status == ReadStatus::kHit);
  }
  ObserveTouch(turn, key, outcome);
}

void ObserveTouch(const Turn& turn, const Key& key, const ReadOutcome& outcome) {
  if ((turn.observed() & kWatchFetchers) == 0) return;
  const bool hit = outcome.status == ReadStatus::kHit;
  TellLookup(turn, key, NameOf(outcome.status), hit ? Look(turn, key) : ObservedItem());
}

void ObserveArithmetic(const Turn& turn, const Key& key) { TellLookup(turn, key); }

void ObserveStoreBegin(const Turn& turn, const Key& key) {
  if (Prefixes(turn)) turn.worker.prefix_stats().CountSet(key.bytes);
}

void ObserveStoreLookup(const Turn& turn, const Key& key) { TellLookup(turn, key); }

void ObserveStore(const Turn& turn, const StoreOrder& order, const Key& key, WriteStatus status) {
  if ((turn.observed() & kWatchMutations) == 0) return;
  WatchEvent event = {.kind = Kind::kItemStore,
                      .text = key.bytes,
                      .status = NameOf(status),
                      .command = NameOf(order.options),
                      .connection = turn.connection_id};
  // In memcached there is no item to tell of when none could be made.
  if (status != WriteStatus::kTooLarge && status != WriteStatus::kNoMemory) {
    event.class_id = order.class_id;
    event.size = order.value_bytes;
    if (order.options.expire != kNeverExpires) {
      event.ttl_seconds = int64_t{order.options.expire} - turn.tick().seconds;
    }
  }
  turn.worker.watch_log().Append(event, turn.now);
}

// The key goes with the reservation, and is told of afterwards, too.
WriteOutcome CommitObserved(const Turn& turn, const StoreOrder& order, Reservation reservation) {
  const std::string bytes(reservation.key());
  const Key key = turn.store().MakeKey(bytes);
  ObserveStoreLookup(turn, key);
  const WriteOutcome outcome =
      turn.store().Commit(std::move(reservation), order.options, turn.tick());
  ObserveStore(turn, order, key, outcome.status);
  return outcome;
}

ObservedItem ObserveDeleteBegin(const Turn& turn, const Key& key) {
  if (Prefixes(turn)) turn.worker.prefix_stats().CountDelete(key.bytes);
  return TellLookup(turn, key);
}

void ObserveDeleted(const Turn& turn, const Key& key, const ObservedItem& item,
                    const char* command) {
  if ((turn.observed() & kWatchDeletions) == 0) return;
  turn.worker.watch_log().Append({.kind = Kind::kDeleted,
                                  .text = key.bytes,
                                  .command = command,
                                  .size = item.value_bytes,
                                  .class_id = item.class_id},
                                 turn.now);
}

void ObserveCommand(const Turn& turn, std::string_view line) {
  turn.worker.watch_log().Append(
      {.kind = Kind::kRawCommand, .text = line, .connection = turn.connection_id}, turn.now);
}

}  // namespace larder
