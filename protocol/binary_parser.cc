#include "protocol/binary_parser.h"

#include <array>
#include <cstring>

#include "protocol/big_endian.h"

// One table says of every opcode which parts its request must have. Two liberties of memcached's
// are kept, for a client sees them in what is answered next: a request that takes no value but has
// no exact length either (touch, stat) leaves what its body has beyond extras and key in the
// stream, where it is read as the next request; and of an unknown command as many bytes as its body
// has are dropped *behind* its extras and key.

namespace larder {
namespace {

enum class KeyRule : uint8_t { kNone, kOne, kAny };
enum class BodyRule : uint8_t {
  kExact,      // extras and key are all there is
  kValue,      // the rest is a value
  kUnchecked,  // the rest is not looked at
};

struct Form {
  bool known = false;
  bool quiet = false;
  Command command = Command::kGet;
  uint8_t extras_bytes = 0;
  KeyRule key = KeyRule::kNone;
  BodyRule body = BodyRule::kExact;
};

// Extras, each kind with its offset from their start.
constexpr uint8_t kStoreExtrasBytes = 8;        // client flags, expiry
constexpr uint8_t kArithmeticExtrasBytes = 20;  // delta, initial value, expiry
constexpr uint8_t kExpiryExtrasBytes = 4;       // expiry

// An expiry of an incr or decr that asks for nothing to be made where there is no number.
constexpr uint32_t kDoNotCreate = 0xffffffff;

constexpr std::array<Form, 256> MakeForms() {
  std::array<Form, 256> forms;
  const auto set = [&forms](BinaryOpcode opcode, const Form& form) {
    forms[static_cast<size_t>(opcode)] = form;
    forms[static_cast<size_t>(opcode)].known = true;
  };
  const auto set_both = [&set](BinaryOpcode opcode, BinaryOpcode quiet_opcode, Form form) {
    set(opcode, form);
    form.quiet = true;
    set(quiet_opcode, form);
  };
  using Op = BinaryOpcode;
  const Form read = {.command = Command::kGet, .key = KeyRule::kOne};
  set_both(Op::kGet, Op::kGetQuietly, read);
  set_both(Op::kGetKey, Op::kGetKeyQuietly, read);
  const Form read_and_touch = {.command = Command::kGat,
                               .extras_bytes = kExpiryExtrasBytes,
                               .key = KeyRule::kOne,
                               .body = BodyRule::kUnchecked};
  set_both(Op::kGetAndTouch, Op::kGetAndTouchQuietly, read_and_touch);
  set_both(Op::kGetAndTouchKey, Op::kGetAndTouchKeyQuietly, read_and_touch);
  Form touch = read_and_touch;
  touch.command = Command::kTouch;
  set(Op::kTouch, touch);

  Form store = {.command = Command::kSet,
                .extras_bytes = kStoreExtrasBytes,
                .key = KeyRule::kOne,
                .body = BodyRule::kValue};
  set_both(Op::kSet, Op::kSetQuietly, store);
  store.command = Command::kAdd;
  set_both(Op::kAdd, Op::kAddQuietly, store);
  store.command = Command::kReplace;
  set_both(Op::kReplace, Op::kReplaceQuietly, store);
  Form extend = {.command = Command::kAppend, .key = KeyRule::kOne, .body = BodyRule::kValue};
  set_both(Op::kAppend, Op::kAppendQuietly, extend);
  extend.command = Command::kPrepend;
  set_both(Op::kPrepend, Op::kPrependQuietly, extend);

  set_both(Op::kDelete, Op::kDeleteQuietly, {.command = Command::kDelete, .key = KeyRule::kOne});
  Form arithmetic = {
      .command = Command::kIncrement, .extras_bytes = kArithmeticExtrasBytes, .key = KeyRule::kOne};
  set_both(Op::kIncrement, Op::kIncrementQuietly, arithmetic);
  arithmetic.command = Command::kDecrement;
  set_both(Op::kDecrement, Op::kDecrementQuietly, arithmetic);

  set_both(Op::kQuit, Op::kQuitQuietly, {.command = Command::kQuit});
  set_both(Op::kFlush, Op::kFlushQuietly, {.command = Command::kFlushAll});
  set(Op::kNoop, {.command = Command::kNoop});
  set(Op::kVersion, {.command = Command::kVersion});
  set(Op::kStat, {.command = Command::kStats, .key = KeyRule::kAny, .body = BodyRule::kUnchecked});
  set(Op::kSaslList, {.command = Command::kSaslList});
  Form authenticate = {
      .command = Command::kSaslAuth, .key = KeyRule::kOne, .body = BodyRule::kValue};
  set(Op::kSaslAuth, authenticate);
  authenticate.command = Command::kSaslStep;
  set(Op::kSaslStep, authenticate);
  return forms;
}

constexpr std::array<Form, 256> kForms = MakeForms();

struct Header {
  uint16_t key_bytes;
  uint8_t extras_bytes;
  uint32_t body_bytes;

  // Extras and key.
  size_t prefix_bytes() const { return size_t{key_bytes} + extras_bytes; }
};

bool HasForm(const Header& header, const Form& form) {
  // The one part that may be left out is the delay of a flush.
  const bool delayed_flush =
      form.command == Command::kFlushAll && header.extras_bytes == kExpiryExtrasBytes;
  if (header.extras_bytes != form.extras_bytes && !delayed_flush) return false;
  if (form.key == KeyRule::kNone && header.key_bytes != 0) return false;
  if (form.key == KeyRule::kOne && header.key_bytes == 0) return false;
  return form.body != BodyRule::kExact || header.body_bytes == header.prefix_bytes();
}

void ReadExtras(const char* extras, size_t extras_bytes, Request* request) {
  switch (extras_bytes) {
    case kStoreExtrasBytes:
      request->client_flags = LoadBigEndian<uint32_t>(extras);
      request->exptime = LoadBigEndian<uint32_t>(extras + 4);
      return;
    case kArithmeticExtrasBytes: {
      request->number = LoadBigEndian<uint64_t>(extras);
      request->initial = LoadBigEndian<uint64_t>(extras + 8);
      const auto expiry = LoadBigEndian<uint32_t>(extras + 16);
      request->create = expiry != kDoNotCreate;
      request->exptime = expiry;
      return;
    }
    case kExpiryExtrasBytes:
      request->exptime = LoadBigEndian<uint32_t>(extras);
      return;
    default:
      return;
  }
}

BinaryParseResult Refuse(BinaryRefusal refusal, size_t consumed, uint32_t swallow_bytes = 0) {
  return {.status = BinaryParseStatus::kRefused,
          .refusal = refusal,
          .consumed = consumed,
          .swallow_bytes = swallow_bytes};
}

}  // namespace

BinaryParseResult ParseBinaryRequest(std::string_view input, Request* request) {
  if (input.size() < kBinaryHeaderBytes) {
    return {.status = BinaryParseStatus::kNeedMore, .need_bytes = kBinaryHeaderBytes};
  }
  const char* const at = input.data();
  if (static_cast<uint8_t>(at[0]) != kBinaryRequestMagic) {
    return {.status = BinaryParseStatus::kNotBinary};
  }
  const Header header = {.key_bytes = LoadBigEndian<uint16_t>(at + 2),
                         .extras_bytes = static_cast<uint8_t>(at[4]),
                         .body_bytes = LoadBigEndian<uint32_t>(at + 8)};
  const size_t consumed = kBinaryHeaderBytes + header.prefix_bytes();
  if (input.size() < consumed) {
    return {.status = BinaryParseStatus::kNeedMore, .need_bytes = consumed};
  }

  *request = Request();
  request->opcode = static_cast<uint8_t>(at[1]);
  std::memcpy(&request->opaque, at + 12, sizeof(request->opaque));
  if (header.prefix_bytes() > header.body_bytes) {
    return Refuse(BinaryRefusal::kBadLengths, consumed);
  }
  if (header.key_bytes > kRequestKeyBytesMax) {
    return Refuse(BinaryRefusal::kBadArguments, consumed);
  }
  const Form& form = kForms[request->opcode];
  if (!form.known) {
    return Refuse(BinaryRefusal::kUnknownCommand, consumed, header.body_bytes);
  }
  if (!HasForm(header, form)) return Refuse(BinaryRefusal::kBadArguments, consumed);

  request->command = form.command;
  request->noreply = form.quiet;
  request->cas = LoadBigEndian<uint64_t>(at + 16);
  ReadExtras(at + kBinaryHeaderBytes, header.extras_bytes, request);
  request->key = input.substr(kBinaryHeaderBytes + header.extras_bytes, header.key_bytes);
  if (form.body == BodyRule::kValue) {
    request->value_bytes = static_cast<uint32_t>(header.body_bytes - header.prefix_bytes());
  }
  return {.status = BinaryParseStatus::kRequest, .consumed = consumed};
}

}  // namespace larder
