#include "protocol/binary_parser.h"
#include "server/engine/session.h"

// What a session does otherwise when its client speaks the binary protocol.

namespace larder {
namespace {

using Kind = RequestWindow::Kind;
using Slot = RequestWindow::Slot;

// Whether the request is a step of authentication, with what is told in it.
bool IsSaslStep(Command command) {
  return command == Command::kSaslAuth || command == Command::kSaslStep;
}

// How much of a refused request's rest is dropped: memcached takes its length for a signed number,
// and drops nothing if that is negative.
size_t SwallowedBytes(uint32_t bytes) { return bytes > uint32_t{INT32_MAX} ? 0 : bytes; }

}  // namespace

Session::Lookahead Session::ReadBinaryAhead(std::string_view input, size_t begin,
                                            int requests_max) {
  // What may be executed is not known before the first request has been.
  if (sasl_ != nullptr && !sasl_->authenticated()) requests_max = 1;
  RequestWindow& window = worker_->window();
  Lookahead ahead = {.end = begin};
  while (ahead.slots < RequestWindow::kSlots && ahead.requests < requests_max &&
         ahead.stop == Stop::kFull) {
    const std::string_view rest = input.substr(ahead.end);
    Slot& slot = window.slots[ahead.slots];
    slot.begin = ahead.end;
    const BinaryParseResult parsed = ParseBinaryRequest(rest, &slot.request);
    switch (parsed.status) {
      case BinaryParseStatus::kRequest:
        AddBinaryRequest(rest, parsed.consumed, &slot, &ahead);
        // Whose requests the following are is known when this one has been executed.
        if (slot.request.command == Command::kSaslList || IsSaslStep(slot.request.command)) {
          return ahead;
        }
        break;
      case BinaryParseStatus::kRefused:
        slot.kind = Kind::kError;
        slot.refusal = parsed.refusal;
        slot.swallow_bytes = parsed.swallow_bytes;
        slot.key = {};
        ++ahead.slots;
        ++ahead.requests;
        ahead.end += parsed.consumed;
        if (parsed.refusal != BinaryRefusal::kUnknownCommand) {
          ahead.stop = Stop::kClose;
        } else if (parsed.swallow_bytes > 0) {
          ahead.stop = Stop::kBody;
        }
        break;
      case BinaryParseStatus::kNeedMore:
        min_input_bytes_ = parsed.need_bytes;
        ahead.stop = Stop::kNeedInput;
        break;
      case BinaryParseStatus::kNotBinary:
        ahead.stop = Stop::kBroken;
        break;
    }
  }
  return ahead;
}

// Adds the request in `slot`, whose header, extras and key are the first `prefix_bytes` of `rest`.
void Session::AddBinaryRequest(std::string_view rest, size_t prefix_bytes, Slot* slot,
                               Lookahead* ahead) {
  const Command command = slot->request.command;
  slot->kind = Kind::kRequest;
  AddKey(slot);
  if (IsSaslStep(command)) {
    if (!AddSaslData(rest, prefix_bytes, slot, ahead)) return;
  } else if (!IsStorage(command)) {
    ahead->end += prefix_bytes;
  } else if (!AddValue(rest, prefix_bytes, slot, ahead)) {
    return;
  }
  if (command == Command::kQuit) ahead->stop = Stop::kClose;
  ++ahead->slots;
  ++ahead->requests;
}

// What a mechanism is told is taken in one piece, or refused if that is too much. False if it is
// waited for.
bool Session::AddSaslData(std::string_view rest, size_t prefix_bytes, Slot* slot,
                          Lookahead* ahead) {
  const uint32_t data_bytes = slot->request.value_bytes;
  const size_t total_bytes = prefix_bytes + data_bytes;
  if (sasl_ == nullptr || data_bytes > kSaslDataBytesMax ||
      slot->request.key.size() > kSaslMechanismBytesMax) {
    slot->kind = Kind::kArriving;
    ahead->end += prefix_bytes;
    ahead->stop = Stop::kBody;
    return true;
  }
  if (rest.size() < total_bytes) {
    min_input_bytes_ = total_bytes;
    ahead->stop = Stop::kNeedInput;
    return false;
  }
  slot->body = rest.substr(prefix_bytes, data_bytes);
  ahead->end += total_bytes;
  return true;
}

void Session::ExecuteBinary(const Turn& turn, const Slot& slot) {
  const bool bad_lengths = slot.kind == Kind::kError && slot.refusal == BinaryRefusal::kBadLengths;
  if (sasl_ != nullptr && !bad_lengths && !sasl_->Allows(slot.request)) {
    ReplyBinaryError(&turn.out, EchoOf(slot.request), BinaryStatus::kAuthError);
    closing_ = true;
    return;
  }
  switch (slot.kind) {
    case Kind::kRequest:
      return ExecuteBinaryRequest(turn, slot);
    case Kind::kArriving:
      return BeginArriving(turn, slot);
    case Kind::kError:
      return RefuseBinary(turn, slot.request,
                          slot.refusal == BinaryRefusal::kBadArguments
                              ? BinaryStatus::kInvalidArguments
                              : BinaryStatus::kUnknownCommand,
                          slot.swallow_bytes);
  }
}

void Session::ExecuteBinaryRequest(const Turn& turn, const Slot& slot) {
  const Request& request = slot.request;
  switch (request.command) {
    case Command::kGet:
    case Command::kGat:
    case Command::kTouch:
      return ExecuteBinaryRead(turn, request, slot.key);
    case Command::kSet:
    case Command::kAdd:
    case Command::kReplace:
    case Command::kAppend:
    case Command::kPrepend:
      return ExecuteBinaryStore(turn, request, slot.key, slot.body);
    case Command::kDelete:
      return ExecuteBinaryDelete(turn, request, slot.key);
    case Command::kIncrement:
    case Command::kDecrement:
      return ExecuteBinaryArithmetic(turn, request, slot.key);
    case Command::kFlushAll:
      return ExecuteBinaryFlush(turn, request);
    case Command::kVersion:
      return ExecuteBinaryVersion(turn, request);
    case Command::kStats:
      return ExecuteBinaryStats(turn, request);
    case Command::kNoop:
      return ExecuteBinaryNoop(turn, request);
    case Command::kQuit:
      return ReplyBinary(&turn.out, EchoOf(request));
    case Command::kSaslList:
      if (sasl_ != nullptr) return sasl_->ExecuteList(turn, request);
      return ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kUnknownCommand);
    case Command::kSaslAuth:
    case Command::kSaslStep:
      return sasl_->ExecuteStep(turn, request, slot.body);
    default:
      return;  // has no opcode
  }
}

// The next request is `swallow_bytes` further on in the stream.
void Session::RefuseBinary(const Turn& turn, const Request& request, BinaryStatus status,
                           uint32_t swallow_bytes) {
  swallow_bytes_ = SwallowedBytes(swallow_bytes);
  if (swallow_bytes_ > 0) {
    QueueBinaryError(&turn.out, EchoOf(request), status, BinaryErrorText(status));
  } else {
    ReplyBinaryError(&turn.out, EchoOf(request), status);
  }
}

// A value that is not in the input: it goes straight into its item, or is dropped.
void Session::BeginArriving(const Turn& turn, const Slot& slot) {
  const Request& request = slot.request;
  if (IsSaslStep(request.command)) {
    BinaryStatus status = BinaryStatus::kNoMemory;
    if (sasl_ == nullptr) {
      status = BinaryStatus::kUnknownCommand;
    } else if (request.key.size() > kSaslMechanismBytesMax) {
      status = BinaryStatus::kInvalidArguments;
    }
    return RefuseBinary(turn, request, status, request.value_bytes);
  }
  binary_order_ = BinaryStoreOrderOf(turn, request);
  BeginBinaryStore(turn, binary_order_, slot.key, request.value_bytes, &reservation_);
  if (!reservation_) swallow_bytes_ = SwallowedBytes(request.value_bytes);
}

}  // namespace larder
