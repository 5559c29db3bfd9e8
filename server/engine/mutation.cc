#include "protocol/text_encoder.h"
#include "server/engine/commands.h"

namespace larder {
namespace {

void CountArithmetic(const Turn& turn, bool decrement, const ArithmeticOutcome& outcome) {
  WorkerCounters& counters = turn.counters();
  if (outcome.status == ArithmeticStatus::kDone) {
    ClassCounters& of_class = counters.classes[outcome.class_id];
    (decrement ? of_class.decr_hits : of_class.incr_hits).Add(1);
  } else if (outcome.status == ArithmeticStatus::kNotFound) {
    (decrement ? counters.decr_misses : counters.incr_misses).Add(1);
  }
}

}  // namespace

void ExecuteDelete(const Turn& turn, const Request& request, const Key& key) {
  const DeleteOutcome outcome = turn.store().Delete(turn.lane(), key, {}, turn.tick());
  if (outcome.status == DeleteStatus::kDeleted) {
    turn.counters().classes[outcome.class_id].delete_hits.Add(1);
    turn.Reply(request.noreply, kDeletedReply);
  } else {
    turn.counters().delete_misses.Add(1);
    turn.Reply(request.noreply, kNotFoundReply);
  }
}

void ExecuteArithmetic(const Turn& turn, const Request& request, const Key& key) {
  const bool decrement = request.command == Command::kDecrement;
  const ArithmeticOptions options = {.decrement = decrement, .delta = request.number};
  const ArithmeticOutcome outcome = turn.store().Arithmetic(turn.lane(), key, options, turn.tick());
  CountArithmetic(turn, decrement, outcome);
  switch (outcome.status) {
    case ArithmeticStatus::kDone: {
      if (request.noreply) return;
      char* const room = turn.out.Room(kNumberReplyBytesMax);
      turn.out.Commit(static_cast<size_t>(EncodeNumberReply(room, outcome.value) - room));
      return;
    }
    case ArithmeticStatus::kExists:  // does not happen: no token was compared
    case ArithmeticStatus::kNotFound:
      turn.Reply(request.noreply, kNotFoundReply);
      return;
    case ArithmeticStatus::kNotNumber:
      turn.Reply(request.noreply, kNotNumberReply);
      return;
    case ArithmeticStatus::kNoMemory:
      turn.Reply(request.noreply, kNoMemoryReply);
      return;
  }
}

}  // namespace larder
