#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder {

// What a client asks for, mostly in the words of the classic text protocol. Every dialect fills the
// same Request, so that one engine executes them all.
enum class Command : uint8_t {
  // Reads: one Request per key, also when a client asked for many keys in one line.
  kGet,   // value
  kGets,  // value and CAS token
  kGat,   // value, and a new expiry
  kGats,  // value and CAS token, and a new expiry

  // Storage: the value follows the request.
  kSet,
  kAdd,
  kReplace,
  kAppend,
  kPrepend,
  kCas,

  kDelete,
  kIncrement,
  kDecrement,
  kTouch,

  kFlushAll,
  kVerbosity,
  kVersion,
  kStats,
  kRefreshCertificates,
  kNoop,  // `mn`: answers, and by that shows that all before it has been answered
  kQuit,

  // Authentication, in the binary protocol only. The key is the mechanism, and the value what it
  // is told.
  kSaslList,
  kSaslAuth,
  kSaslStep,
};

constexpr bool IsRead(Command command) { return command <= Command::kGats; }
constexpr bool IsStorage(Command command) {
  return command >= Command::kSet && command <= Command::kCas;
}

// Whether the request's key is that of an item.
constexpr bool HasItemKey(Command command) { return command < Command::kFlushAll; }

inline constexpr size_t kRequestKeyBytesMax = 250;
inline constexpr uint32_t kRequestValueBytesMax = (uint32_t{1} << 31) - 3;

// One request. Only the fields that its command knows mean anything; the others have the values
// below.
struct Request {
  // 1 to kRequestKeyBytesMax bytes, in text of any value but ' ' and '\n', in the connection's
  // input: valid until the input is moved or overwritten. Of the commands from kFlushAll on only
  // kSaslAuth and kSaslStep have one, and in the binary protocol kStats: what it asks for.
  std::string_view key;
  // kStats: what follows the command word, without spaces at either end, words parted by one
  // space or more. In the connection's input, as the key is.
  std::string_view arguments;
  // As the client sent it. 0: never; up to 30 days: seconds from now; beyond: seconds since 1970;
  // negative: at once. kFlushAll: the delay, where 0 and less mean now.
  int64_t exptime = 0;
  // kCas, and every change in the binary protocol, where 0 is no demand: the token that the item
  // must have.
  uint64_t cas = 0;
  uint64_t number = 0;   // kIncrement, kDecrement: by how much; kVerbosity: the level
  uint64_t initial = 0;  // kIncrement, kDecrement, if `create`: the number that is made on a miss
  // Storage: length of the value that follows, without its line end; up to kRequestValueBytesMax.
  uint32_t value_bytes = 0;
  uint32_t client_flags = 0;
  uint32_t opaque = 0;  // binary: the four bytes that the reply carries too, as they stood there
  uint8_t opcode = 0;   // binary: as sent, for the reply
  Command command = Command::kGet;
  // In text: the client wants no reply, whatever the outcome; never set for reads, which always
  // answer. In binary, where it is a command's quiet form: no reply to a success, or to a read's
  // miss.
  bool noreply = false;
  // Reads: no further key of the same line follows. END comes after this key's reply.
  bool last_key = true;
  bool create = false;  // kIncrement, kDecrement: make the number if there is none
};

}  // namespace larder
