#include <utility>

#include "protocol/text_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/counting.h"
#include "server/engine/observe.h"
#include "slab/item.h"

namespace larder {
namespace {

WriteMode ModeOf(Command command) {
  switch (command) {
    case Command::kAdd:
      return WriteMode::kAdd;
    case Command::kReplace:
      return WriteMode::kReplace;
    case Command::kAppend:
      return WriteMode::kAppend;
    case Command::kPrepend:
      return WriteMode::kPrepend;
    default:
      return WriteMode::kSet;
  }
}

void RefuseTooLarge(const Turn& turn, const StoreOrder& order, const Key& key) {
  turn.counters().stores_too_large.Add(1);
  if (turn.observed() != 0) {
    ObserveStore(turn, order, key, WriteStatus::kTooLarge);
  }
  DropOldItem(turn, order, key);
  turn.Reply(order.noreply, kTooLargeReply);
}

void RefuseNoMemory(const Turn& turn, const StoreOrder& order, const Key& key) {
  turn.counters().stores_out_of_memory.Add(1);
  if (turn.observed() != 0) {
    ObserveStore(turn, order, key, WriteStatus::kNoMemory);
  }
  DropOldItem(turn, order, key);
  turn.Reply(order.noreply, kNoMemoryToStoreReply);
}

void RefuseBadChunk(const Turn& turn, const StoreOrder& order) {
  turn.counters().classes[order.class_id].sets.Add(1);
  turn.Reply(order.noreply, kBadDataReply);
}

void ReplyToOutcome(const Turn& turn, const StoreOrder& order, const WriteOutcome& outcome) {
  CountStore(turn, order, outcome);
  if (order.meta != nullptr) return ReplyToMetaStore(turn, *order.meta, outcome);
  switch (outcome.status) {
    case WriteStatus::kStored:
      turn.Reply(order.noreply, kStoredReply);
      return;
    case WriteStatus::kExists:
      turn.Reply(order.noreply, kExistsReply);
      return;
    case WriteStatus::kNotFound:
      turn.Reply(order.noreply, kNotFoundReply);
      return;
    case WriteStatus::kNotStored:
    // What was sent could be stored, but not joined to what is there.
    case WriteStatus::kTooLarge:
    case WriteStatus::kNoMemory:
      turn.Reply(order.noreply, kNotStoredReply);
      return;
  }
}

}  // namespace

StoreOrder StoreOrderOf(const Turn& turn, const Request& request) {
  const bool compare = request.command == Command::kCas;
  const Item::Shape shape = {.key_bytes = static_cast<uint32_t>(request.key.size()),
                             .value_bytes = request.value_bytes,
                             .client_flags = request.client_flags};
  if (request.command == Command::kMetaSet) {
    return {.command = request.command,
            .class_id = static_cast<uint8_t>(turn.store().ClassFor(shape)),
            .value_bytes = request.value_bytes,
            .drops_old = true,  // in every mode
            .options = MetaWriteOptions(turn, request),
            .meta = &request};
  }
  return {.command = request.command,
          .noreply = request.noreply,
          .class_id = static_cast<uint8_t>(turn.store().ClassFor(shape)),
          .value_bytes = request.value_bytes,
          // Its client believes that its value is in the cache or that nothing is. Other storage
          // commands promise nothing of the kind.
          .drops_old = request.command == Command::kSet,
          .options = {.mode = ModeOf(request.command),
                      .compare = compare,
                      .compare_cas = turn.Token(request.cas),
                      .client_flags = request.client_flags,
                      .expire = ExpireTick(request.exptime, turn.now)}};
}

bool Fits(const Turn& turn, const StoreOrder& order, const Key& key) {
  return turn.store().options().item_limit.Fits(key.bytes.size(), order.value_bytes,
                                                order.options.client_flags);
}

void DropOldItem(const Turn& turn, const StoreOrder& order, const Key& key) {
  if (order.drops_old) turn.store().Delete(turn.lane(), key, {}, turn.tick());
}

void ExecuteStore(const Turn& turn, const Request& request, const Key& key, std::string_view body) {
  const StoreOrder order = StoreOrderOf(turn, request);
  const bool observed = turn.observed() != 0;
  if (observed) [[unlikely]]
    ObserveStoreBegin(turn, key);
  if (!Fits(turn, order, key)) {
    RefuseTooLarge(turn, order, key);
    return;
  }
  if (!body.ends_with(kLineEnd)) {
    RefuseBadChunk(turn, order);
    return;
  }
  body.remove_suffix(kLineEnd.size());
  if (observed) [[unlikely]]
    ObserveStoreLookup(turn, key);
  const WriteOutcome outcome =
      turn.store().Write(turn.lane(), key, body, order.options, turn.tick());
  if (outcome.status == WriteStatus::kNoMemory) {
    RefuseNoMemory(turn, order, key);
    return;
  }
  if (observed) [[unlikely]]
    ObserveStore(turn, order, key, outcome.status);
  ReplyToOutcome(turn, order, outcome);
}

void BeginStore(const Turn& turn, const StoreOrder& order, const Key& key, uint32_t value_bytes,
                Reservation* reservation) {
  if (turn.observed() != 0) [[unlikely]]
    ObserveStoreBegin(turn, key);
  if (!Fits(turn, order, key)) {
    RefuseTooLarge(turn, order, key);
    return;
  }
  const WriteStatus status = turn.store().Reserve(turn.lane(), key,
                                                  {.value_bytes = value_bytes,
                                                   .client_flags = order.options.client_flags,
                                                   .expire = order.options.expire,
                                                   .binary_key = order.options.binary_key,
                                                   .chosen_cas = order.options.chosen_cas},
                                                  turn.tick(), reservation);
  if (status != WriteStatus::kStored) RefuseNoMemory(turn, order, key);
}

void FinishStore(const Turn& turn, const StoreOrder& order, bool well_ended,
                 Reservation reservation) {
  if (!well_ended) {
    RefuseBadChunk(turn, order);
    return;
  }
  if (turn.observed() != 0) [[unlikely]] {
    ReplyToOutcome(turn, order, CommitObserved(turn, order, std::move(reservation)));
    return;
  }
  ReplyToOutcome(turn, order,
                 turn.store().Commit(std::move(reservation), order.options, turn.tick()));
}

}  // namespace larder
