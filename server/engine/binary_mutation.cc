#include <array>

#include "protocol/text_encoder.h"
#include "server/engine/binary_commands.h"
#include "server/engine/counting.h"

namespace larder {
namespace {

// The token to compare with. Under -C clients see 0 as everything's token, and no demand for
// another one is ever met.
uint64_t Demanded(const Turn& turn, const Request& request) {
  return turn.worker.settings().cas ? request.cas : 0;
}

void ReplyWithNumber(const Turn& turn, const Request& request, uint64_t number, uint64_t cas) {
  std::array<char, kBinaryNumberBytes> bytes;
  EncodeBinaryNumber(bytes.data(), number);
  ReplyBinary(&turn.out, EchoOf(request), turn.worker.settings().cas ? cas : 0,
              {bytes.data(), bytes.size()});
}

// There was no number: the client's own becomes the first. In memcached's books this is neither a
// hit nor a miss.
void CreateNumber(const Turn& turn, const Request& request, const Key& key) {
  std::array<char, kNumberBytesMax> digits;
  const char* const end = EncodeNumber(digits.data(), request.initial);
  const WriteOptions options = {.mode = WriteMode::kAdd,
                                .expire = ExpireTick(request.exptime, turn.now)};
  const WriteOutcome outcome =
      turn.store().Write(turn.lane(), key, {digits.data(), end}, options, turn.tick());
  switch (outcome.status) {
    case WriteStatus::kStored:
      ReplyWithNumber(turn, request, request.initial, outcome.cas);
      return;
    case WriteStatus::kNoMemory:
    case WriteStatus::kTooLarge:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNoMemory,
                       "Out of memory allocating new item");
      return;
    default:
      // Somebody else's was there first, a moment ago.
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kNotStored);
      return;
  }
}

}  // namespace

void ExecuteBinaryDelete(const Turn& turn, const Request& request, const Key& key) {
  const DeleteOptions options = {.compare = request.cas != 0,
                                 .compare_cas = Demanded(turn, request)};
  const DeleteOutcome outcome = turn.store().Delete(turn.lane(), key, options, turn.tick());
  CountDelete(turn, outcome);
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
  const bool decrement = request.command == Command::kDecrement;
  const ArithmeticOptions options = {.decrement = decrement,
                                     .delta = request.number,
                                     .compare = request.cas != 0,
                                     .compare_cas = Demanded(turn, request)};
  const ArithmeticOutcome outcome = turn.store().Arithmetic(turn.lane(), key, options, turn.tick());
  if (outcome.status == ArithmeticStatus::kNotFound && request.create) {
    CreateNumber(turn, request, key);
    return;
  }
  CountArithmetic(turn, decrement, outcome);
  switch (outcome.status) {
    case ArithmeticStatus::kDone:
      ReplyWithNumber(turn, request, outcome.value, outcome.cas);
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
