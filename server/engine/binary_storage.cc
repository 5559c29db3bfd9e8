#include <utility>

#include "server/engine/binary_commands.h"
#include "server/engine/counting.h"
#include "server/engine/observe.h"

namespace larder {
namespace {

void RefuseTooLarge(const Turn& turn, const BinaryStoreOrder& order, const Key& key) {
  turn.counters().stores_too_large.Add(1);
  QueueBinaryError(&turn.out, order.echo, BinaryStatus::kTooLarge,
                   BinaryErrorText(BinaryStatus::kTooLarge));
  DropOldItem(turn, order.store, key);
}

void RefuseNoMemory(const Turn& turn, const BinaryStoreOrder& order, const Key& key) {
  turn.counters().stores_out_of_memory.Add(1);
  QueueBinaryError(&turn.out, order.echo, BinaryStatus::kNoMemory, "Out of memory allocating item");
  DropOldItem(turn, order.store, key);
}

void ReplyToOutcome(const Turn& turn, const BinaryStoreOrder& order, const WriteOutcome& outcome) {
  CountStore(turn, order.store, outcome);
  switch (outcome.status) {
    case WriteStatus::kStored:
      ReplyBinary(&turn.out, order.echo, turn.Token(outcome.cas));
      return;
    case WriteStatus::kExists:
      ReplyBinaryError(&turn.out, order.echo, BinaryStatus::kExists);
      return;
    case WriteStatus::kNotFound:
      ReplyBinaryError(&turn.out, order.echo, BinaryStatus::kNotFound);
      return;
    case WriteStatus::kNotStored:
    // What was sent could be stored, but not joined to what is there.
    case WriteStatus::kTooLarge:
    case WriteStatus::kNoMemory:
      ReplyBinaryError(&turn.out, order.echo, order.not_stored);
      return;
  }
}

}  // namespace

BinaryStoreOrder BinaryStoreOrderOf(const Turn& turn, const Request& request) {
  BinaryStoreOrder order = {.store = StoreOrderOf(turn, request), .echo = EchoOf(request)};
  // Under -C clients see 0 as everything's token, and a demand for another one is not heard.
  const bool compare = request.cas != 0 && turn.worker.settings().cas;
  const bool extends = request.command == Command::kAppend || request.command == Command::kPrepend;
  if (compare) {
    order.store.options.compare = true;
    order.store.options.compare_cas = request.cas;
  }
  if (compare && !extends) {
    // What it was called no longer counts: an add with a token replaces the item that has it.
    order.store.command = Command::kCas;
    order.store.options.mode = WriteMode::kSet;
  } else if (request.command == Command::kAdd) {
    order.not_stored = BinaryStatus::kExists;
  } else if (request.command == Command::kReplace) {
    order.not_stored = BinaryStatus::kNotFound;
  }
  return order;
}

void ExecuteBinaryStore(const Turn& turn, const Request& request, const Key& key,
                        std::string_view value) {
  const BinaryStoreOrder order = BinaryStoreOrderOf(turn, request);
  const bool observed = turn.observed() != 0;
  if (observed) [[unlikely]]
    ObserveStoreBegin(turn, key);
  if (!Fits(turn, order.store, key)) {
    RefuseTooLarge(turn, order, key);
    return;
  }
  if (observed) [[unlikely]]
    ObserveStoreLookup(turn, key);
  const WriteOutcome outcome =
      turn.store().Write(turn.lane(), key, value, order.store.options, turn.tick());
  if (outcome.status == WriteStatus::kNoMemory) {
    RefuseNoMemory(turn, order, key);
    return;
  }
  if (observed) [[unlikely]]
    ObserveStore(turn, order.store, key, outcome.status);
  ReplyToOutcome(turn, order, outcome);
}

void BeginBinaryStore(const Turn& turn, const BinaryStoreOrder& order, const Key& key,
                      uint32_t value_bytes, Reservation* reservation) {
  if (turn.observed() != 0) [[unlikely]]
    ObserveStoreBegin(turn, key);
  if (!Fits(turn, order.store, key)) {
    RefuseTooLarge(turn, order, key);
    return;
  }
  const WriteStatus status = turn.store().Reserve(turn.lane(), key,
                                                  {.value_bytes = value_bytes,
                                                   .client_flags = order.store.options.client_flags,
                                                   .expire = order.store.options.expire},
                                                  turn.tick(), reservation);
  if (status != WriteStatus::kStored) RefuseNoMemory(turn, order, key);
}

void FinishBinaryStore(const Turn& turn, const BinaryStoreOrder& order, Reservation reservation) {
  if (turn.observed() != 0) [[unlikely]] {
    ReplyToOutcome(turn, order, CommitObserved(turn, order.store, std::move(reservation)));
    return;
  }
  ReplyToOutcome(turn, order,
                 turn.store().Commit(std::move(reservation), order.store.options, turn.tick()));
}

}  // namespace larder
