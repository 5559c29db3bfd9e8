#include "protocol/text_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/counting.h"
#include "server/engine/observe.h"

namespace larder {

void ExecuteDelete(const Turn& turn, const Request& request, const Key& key) {
  const bool observed = turn.observed() != 0;
  ObservedItem old;
  if (observed) [[unlikely]]
    old = ObserveDeleteBegin(turn, key);
  const DeleteOutcome outcome = turn.store().Delete(turn.lane(), key, {}, turn.tick());
  CountDelete(turn, outcome);
  const bool deleted = outcome.status == DeleteStatus::kDeleted;
  if (observed && deleted) [[unlikely]]
    ObserveDeleted(turn, key, old, "delete");
  turn.Reply(request.noreply, deleted ? kDeletedReply : kNotFoundReply);
}

void ExecuteArithmetic(const Turn& turn, const Request& request, const Key& key) {
  if (turn.observed() != 0) [[unlikely]]
    ObserveArithmetic(turn, key);
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
