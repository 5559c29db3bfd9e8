#include <array>

#include "server/engine/binary_commands.h"
#include "server/engine/counting.h"
#include "server/engine/observe.h"

namespace larder {
namespace {

void ReplyWithNumber(const Turn& turn, const Request& request, const ArithmeticOutcome& outcome) {
  std::array<char, kBinaryNumberBytes> bytes;
  EncodeBinaryNumber(bytes.data(), outcome.value);
  ReplyBinary(&turn.out, EchoOf(request), turn.Token(outcome.cas), {bytes.data(), bytes.size()});
}

}  // namespace

void ExecuteBinaryDelete(const Turn& turn, const Request& request, const Key& key) {
  const bool observed = turn.observed() != 0;
  ObservedItem old;
  if (observed) [[unlikely]]
    old = ObserveDeleteBegin(turn, key);
  const DeleteOptions options = {.compare = request.cas != 0,
                                 .compare_cas = turn.Token(request.cas)};
  const DeleteOutcome outcome = turn.store().Delete(turn.lane(), key, options, turn.tick());
  CountDelete(turn, outcome);
  if (observed && outcome.status == DeleteStatus::kDeleted) [[unlikely]]
    ObserveDeleted(turn, key, old, "delete");
  switch (outcome.status) {
    case DeleteStatus::kDeleted:
      ReplyBinary(&turn.out, EchoOf(request));
      return;
    case DeleteStatus::kNotFound:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNotFound);
      return;
    case DeleteStatus::kExists:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kExists);
      return;
    case DeleteStatus::kNoMemory:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNoMemory);
      return;
  }
}

void ExecuteBinaryArithmetic(const Turn& turn, const Request& request, const Key& key) {
  if (turn.observed() != 0) [[unlikely]]
    ObserveArithmetic(turn, key);
  const bool decrement = request.command == Command::kDecrement;
  const ArithmeticOptions options = {.decrement = decrement,
                                     .delta = request.number,
                                     .compare = request.cas != 0,
                                     .create = request.create,
                                     .compare_cas = turn.Token(request.cas),
                                     .initial = request.initial,
                                     .create_expire = ExpireTick(request.exptime, turn.now)};
  const ArithmeticOutcome outcome = turn.store().Arithmetic(turn.lane(), key, options, turn.tick());
  // In memcached's books a number that was made is neither a hit nor a miss.
  if (!outcome.created) CountArithmetic(turn, decrement, outcome);
  switch (outcome.status) {
    case ArithmeticStatus::kDone:
      ReplyWithNumber(turn, request, outcome);
      return;
    case ArithmeticStatus::kNotFound:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNotFound);
      return;
    case ArithmeticStatus::kExists:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kExists);
      return;
    case ArithmeticStatus::kNotNumber:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNotNumber);
      return;
    case ArithmeticStatus::kNoMemory:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNoMemory,
                       "Out of memory incrementing value");
      return;
  }
}

}  // namespace larder
