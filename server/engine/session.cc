#include "server/engine/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/text_encoder.h"
#include "server/engine/observe.h"
#include "server/engine/text_login.h"

namespace larder {
namespace {

using Kind = RequestWindow::Kind;
using Slot = RequestWindow::Slot;

void ExecuteRequest(const Turn& turn, const Slot& slot) {
  const Request& request = slot.request;
  switch (request.command) {
    case Command::kGet:
    case Command::kGets:
    case Command::kGat:
    case Command::kGats:
      return ExecuteRead(turn, request, slot.key);
    case Command::kSet:
    case Command::kAdd:
    case Command::kReplace:
    case Command::kAppend:
    case Command::kPrepend:
    case Command::kCas:
    case Command::kMetaSet:
      return ExecuteStore(turn, request, slot.key, slot.body);
    case Command::kDelete:
      return ExecuteDelete(turn, request, slot.key);
    case Command::kIncrement:
    case Command::kDecrement:
      return ExecuteArithmetic(turn, request, slot.key);
    case Command::kTouch:
      return ExecuteTouch(turn, request, slot.key);
    case Command::kMetaGet:
      return ExecuteMetaGet(turn, request, slot.key);
    case Command::kMetaDelete:
      return ExecuteMetaDelete(turn, request, slot.key);
    case Command::kMetaArithmetic:
      return ExecuteMetaArithmetic(turn, request, slot.key);
    case Command::kMetaDebug:
      return ExecuteMetaDebug(turn, slot.key);
    case Command::kFlushAll:
      return ExecuteFlushAll(turn, request);
    case Command::kVerbosity:
      return ExecuteVerbosity(turn, request);
    case Command::kVersion:
      return ExecuteVersion(turn);
    case Command::kStats:
      return ExecuteStats(turn, request);
    case Command::kRefreshCertificates:
      return ExecuteRefreshCertificates(turn);
    case Command::kLru:
    case Command::kLruCrawler:
    case Command::kSlabs:
    case Command::kMemoryLimit:
    case Command::kShutdown:
    case Command::kWatch:
    case Command::kExternalStorage:
      return ExecuteAdministration(turn, request);
    case Command::kNoop:
      return turn.out.Append(kNoopReply);
    case Command::kQuit:
    case Command::kSaslList:
    case Command::kSaslAuth:
    case Command::kSaslStep:
      return;  // what it does, the end of the reading ahead did; or is no text command
  }
}

}  // namespace

Session::Result Session::Run(std::string_view input, const Now& now, Output* out) {
  const Result result = RunTurn({.worker = *worker_,
                                 .now = now,
                                 .out = *out,
                                 .stream = options_.one_request ? nullptr : &stream_,
                                 .connection_id = options_.connection_id},
                                input);
  // Room may have been asked for in vain; an empty output must not keep it.
  if (out->empty()) out->Clear();
  return result;
}

void Session::ChooseDialect(char first_byte) {
  if (worker_->engine().auth_file() != nullptr) {
    dialect_ = Dialect::kLogin;
    return;
  }
  Authenticator* const authenticator = worker_->engine().authenticator();
  bool binary = options_.protocol == ProtocolChoice::kBinary;
  if (options_.protocol == ProtocolChoice::kNegotiate) {
    // Only in the binary protocol can a client say who it is.
    binary = static_cast<uint8_t>(first_byte) == kBinaryRequestMagic || authenticator != nullptr;
  }
  dialect_ = binary ? Dialect::kBinary : Dialect::kText;
  if (binary && authenticator != nullptr) sasl_ = std::make_unique<SaslSession>(authenticator);
}

// Until the client has logged in, or `input` has no more.
Session::Result Session::LogIn(const Turn& turn, std::string_view input) {
  for (size_t consumed = 0;;) {
    if (turn.out.full()) return {consumed, Next::kFlush};
    const LoginStep step = ReadLogin(input.substr(consumed), *worker_->engine().auth_file());
    turn.out.Append(step.reply);
    consumed += step.consumed;
    switch (step.outcome) {
      case LoginStep::Outcome::kNeedInput:
        min_input_bytes_ = step.min_input_bytes;
        return {consumed, Next::kRead};
      case LoginStep::Outcome::kNotAttempted:
        break;
      case LoginStep::Outcome::kFailed:
        turn.counters().auth_commands.Add(1);
        turn.counters().auth_errors.Add(1);
        break;
      case LoginStep::Outcome::kAuthenticated:
        turn.counters().auth_commands.Add(1);
        dialect_ = Dialect::kText;
        return {consumed, Next::kRead};
      case LoginStep::Outcome::kClose:
        return {input.size(), Next::kClose};
    }
  }
}

Session::Result Session::RunTurn(const Turn& turn, std::string_view input) {
  const RequestWindow& window = worker_->window();
  const bool told = traced() || (turn.observed() & kWatchRawCommands) != 0;
  size_t consumed = 0;
  int requests_left = options_.one_request ? 1 : worker_->settings().requests_per_event;
  min_input_bytes_ = 1;
  if (dialect_ <= Dialect::kLogin) [[unlikely]] {
    if (input.empty()) return {0, Next::kRead};
    if (dialect_ == Dialect::kUnknown) ChooseDialect(input.front());
    if (dialect_ == Dialect::kLogin) {
      const Result result = LogIn(turn, input);
      if (dialect_ == Dialect::kLogin) return result;
      consumed = result.consumed;
    }
  }
  const bool binary = dialect_ == Dialect::kBinary;
  if (binary) turn.out.Settle();
  while (true) {
    if (stream_ != nullptr) [[unlikely]] {
      Result result = {.consumed = consumed};
      if (GoOnAnswering(turn, input.size(), &result)) return result;
    }
    if (in_body()) {
      consumed += TakeBody(turn, input.substr(consumed));
      if (in_body()) return {consumed, Next::kRead};
    }
    if (consumed == input.size()) return {consumed, Next::kRead};
    if (requests_left == 0) {
      if (!options_.one_request) turn.counters().yields.Add(1);
      return {consumed, Next::kYield};
    }
    const Lookahead ahead = binary ? ReadBinaryAhead(input, consumed, requests_left)
                                   : ReadAhead(input, consumed, requests_left);
    if (ahead.slots > 1) Prefetch(ahead.slots);
    for (size_t i = 0; i < ahead.slots; ++i) {
      const Slot& slot = window.slots[i];
      if (turn.out.full()) [[unlikely]] {
        worker_->sampler().Executed(turn, &worker_->window(), i);
        if (!binary) parser_ = slot.parser;
        return {slot.begin, Next::kFlush};
      }
      if (told) [[unlikely]]
        TellRequest(turn, input.substr(slot.begin), slot);
      binary ? ExecuteBinary(turn, slot) : Execute(turn, slot);
    }
    worker_->sampler().Executed(turn, &worker_->window(), ahead.slots);
    consumed = ahead.end;
    requests_left -= ahead.requests;
    if (ahead.stop == Stop::kNeedInput) return {consumed, Next::kRead};
    if (ahead.stop == Stop::kBroken) turn.out.TakeBack();
    if (ahead.stop >= Stop::kClose || closing_) return {input.size(), Next::kClose};
  }
}

// Tells -vv and watchers of the request in `slot`, of a get once for all its keys. `rest` is the
// input from there on.
void Session::TellRequest(const Turn& turn, std::string_view rest, const Slot& slot) const {
  if (dialect_ == Dialect::kBinary) {
    if (traced()) options_.trace(options_.connection_id, rest.substr(0, kBinaryHeaderBytes), true);
    return;
  }
  if (slot.parser.InsideGet()) return;
  std::string_view line = rest.substr(0, rest.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if ((turn.observed() & kWatchRawCommands) != 0) ObserveCommand(turn, line);
  if (traced()) options_.trace(options_.connection_id, line, false);
}

// A further piece of the answer that is given in steps. False if that was the last; else `*result`
// is how the turn ends.
bool Session::GoOnAnswering(const Turn& turn, size_t input_bytes, Result* result) {
  const ReplyStream::Progress progress = stream_->Continue(turn);
  watching_ = progress == ReplyStream::Progress::kWait;
  switch (progress) {
    case ReplyStream::Progress::kDone:
      stream_.reset();
      return false;
    case ReplyStream::Progress::kMore:
      result->next = turn.out.full() ? Next::kFlush : Next::kYield;
      return true;
    case ReplyStream::Progress::kWait:
      *result = {input_bytes, Next::kRead};
      return true;
    case ReplyStream::Progress::kClose:
      break;
  }
  *result = {input_bytes, Next::kClose};
  return true;
}

// Takes what `input` has of the bytes that are no commands; returns how many that is.
size_t Session::TakeBody(const Turn& turn, std::string_view input) {
  if (reservation_) return ReceiveBody(turn, input);
  const size_t dropped = std::min(swallow_bytes_, input.size());
  swallow_bytes_ -= dropped;
  return dropped;
}

size_t Session::ReceiveBody(const Turn& turn, std::string_view input) {
  size_t taken = 0;
  while (reservation_.missing_bytes() > 0) {
    const std::span<char> room = reservation_.Room();
    const size_t bytes = std::min(room.size(), input.size() - taken);
    if (bytes == 0) return taken;
    std::memcpy(room.data(), input.data() + taken, bytes);
    reservation_.Filled(bytes);
    taken += bytes;
  }
  if (dialect_ == Dialect::kBinary) {
    FinishBinaryStore(turn, binary_order_, std::exchange(reservation_, Reservation()));
    return taken;
  }
  const std::string_view end = input.substr(taken, kLineEnd.size());
  if (end.size() < kLineEnd.size()) {
    min_input_bytes_ = kLineEnd.size();
    return taken;
  }
  FinishStore(turn, order_, end == kLineEnd, std::exchange(reservation_, Reservation()));
  arriving_meta_.reset();
  return taken + kLineEnd.size();
}

// Fills the window with what `input` holds from `begin` on.
Session::Lookahead Session::ReadAhead(std::string_view input, size_t begin, int requests_max) {
  RequestWindow& window = worker_->window();
  Lookahead ahead = {.end = begin};
  while (ahead.slots < RequestWindow::kSlots && ahead.requests < requests_max &&
         ahead.stop == Stop::kFull) {
    const std::string_view rest = input.substr(ahead.end);
    Slot& slot = window.slots[ahead.slots];
    slot.begin = ahead.end;
    slot.parser = parser_;
    const ParseResult parsed = rest.empty() ? ParseResult{.status = ParseStatus::kNeedMore}
                                            : parser_.Parse(rest, &slot.request);
    switch (parsed.status) {
      case ParseStatus::kRequest:
        AddRequest(rest, parsed.consumed, &slot, &ahead);
        break;
      case ParseStatus::kError:
        slot.kind = Kind::kError;
        slot.error = parsed.error;
        slot.swallow_bytes = parsed.swallow_bytes;
        slot.key = {};
        ++ahead.slots;
        ++ahead.requests;
        ahead.end += parsed.consumed;
        if (parsed.swallow_bytes > 0) ahead.stop = Stop::kBody;
        break;
      case ParseStatus::kSkipped:
        ahead.end += parsed.consumed;
        break;
      case ParseStatus::kNeedMore:
        min_input_bytes_ = rest.size() + 1;
        ahead.stop = Stop::kNeedInput;
        break;
      case ParseStatus::kClose:
        ahead.stop = Stop::kClose;
        break;
    }
  }
  return ahead;
}

// Adds the request in `slot`, whose line is the first `line_bytes` of `rest`.
void Session::AddRequest(std::string_view rest, size_t line_bytes, Slot* slot, Lookahead* ahead) {
  const Request& request = slot->request;
  slot->kind = Kind::kRequest;
  if (request.command == Command::kQuit) ahead->stop = Stop::kClose;
  if ((request.meta & kMetaBase64Key) != 0) [[unlikely]]
    DecodeKey(ahead->slots);
  AddKey(slot);
  if (!IsStorage(request.command)) {
    ahead->end += line_bytes;
    if (MayAnswerInSteps(request.command)) [[unlikely]]
      ahead->stop = Stop::kStream;
  } else if (!AddValue(rest, line_bytes, slot, ahead)) {
    return;
  }
  ++ahead->slots;
  if (!IsRead(request.command) || request.last_key) ++ahead->requests;
}

void Session::AddKey(Slot* slot) const {
  if (!HasItemKey(slot->request.command)) {
    slot->key = {};
    return;
  }
  slot->key = worker_->store().MakeKey(slot->request.key);
  worker_->store().PrefetchBucket(slot->key);
  if (worker_->sampler().WantsKey(slot->key.hash)) [[unlikely]]
    worker_->sampler().Mark(&worker_->window(), *slot);
}

// Of a meta command whose key came in base64, and is known to be good.
void Session::DecodeKey(size_t slot) {
  RequestWindow& window = worker_->window();
  std::string_view& key = window.slots[slot].request.key;
  char* const decoded = window.decoded_keys[slot].data();
  key = {decoded, DecodeBase64(key, decoded)};
}

// Decides how the value is taken. False if it is waited for.
bool Session::AddValue(std::string_view rest, size_t line_bytes, Slot* slot, Lookahead* ahead) {
  const Request& request = slot->request;
  const size_t body_bytes = request.value_bytes + value_end_bytes();
  const size_t total_bytes = line_bytes + body_bytes;
  if (rest.size() >= total_bytes) {
    slot->body = rest.substr(line_bytes, body_bytes);
    ahead->end += total_bytes;
    return true;
  }
  const bool fits = worker_->store().options().item_limit.Fits(
      request.key.size(), request.value_bytes, request.client_flags);
  if (fits && total_bytes <= kSessionInputBytes) {
    parser_ = slot->parser;
    min_input_bytes_ = total_bytes;
    ahead->stop = Stop::kNeedInput;
    return false;
  }
  slot->kind = Kind::kArriving;
  ahead->end += line_bytes;
  ahead->stop = Stop::kBody;
  return true;
}

void Session::Prefetch(size_t slots) const {
  const RequestWindow& window = worker_->window();
  for (size_t i = 0; i < slots; ++i) {
    if (!window.slots[i].key.bytes.empty()) worker_->store().PrefetchItem(window.slots[i].key);
  }
}

void Session::Execute(const Turn& turn, const Slot& slot) {
  switch (slot.kind) {
    case Kind::kRequest:
      return ExecuteRequest(turn, slot);
    case Kind::kArriving:
      order_ = StoreOrderOf(turn, slot.request);
      if (order_.meta != nullptr) {
        arriving_meta_ = std::make_unique<const ArrivingMeta>(slot.request);
        order_.meta = &arriving_meta_->request();
      }
      BeginStore(turn, order_, slot.key, slot.request.value_bytes, &reservation_);
      if (!reservation_) swallow_bytes_ = slot.request.value_bytes + kLineEnd.size();
      return;
    case Kind::kError:
      turn.out.Append(ErrorReply(slot.error));
      swallow_bytes_ = slot.swallow_bytes;
      return;
  }
}

}  // namespace larder
