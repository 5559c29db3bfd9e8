#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder {

// What a client asks for. Every dialect fills the same Request, so that one engine executes them
// all.
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
  kMetaSet,

  kDelete,
  kIncrement,
  kDecrement,
  kTouch,
  kMetaGet,
  kMetaDelete,
  kMetaArithmetic,
  kMetaDebug,

  kFlushAll,
  kVerbosity,
  kVersion,
  kStats,
  kLru,
  kLruCrawler,
  kSlabs,
  kMemoryLimit,  // `cache_memlimit`
  kShutdown,
  kWatch,
  kRefreshCertificates,  // `refresh_certs`
  kExternalStorage,      // `extstore`
  kNoop,                 // `mn`: answers, and by that shows that all before it has been answered
  kQuit,

  // Authentication, in the binary protocol only. The key is the mechanism, and the value what it
  // is told.
  kSaslList,
  kSaslAuth,
  kSaslStep,
};

constexpr bool IsRead(Command command) { return command <= Command::kGats; }
constexpr bool IsStorage(Command command) {
  return command >= Command::kSet && command <= Command::kMetaSet;
}

// Whether the request's key is that of an item.
constexpr bool HasItemKey(Command command) { return command < Command::kFlushAll; }

// Commands after which a session may have more to say before it goes on with the next.
constexpr bool MayAnswerInSteps(Command command) {
  return command >= Command::kStats && command <= Command::kWatch;
}

inline constexpr size_t kRequestKeyBytesMax = 250;
inline constexpr uint32_t kRequestValueBytesMax = (uint32_t{1} << 31) - 3;
// With the 'O' that it begins with.
inline constexpr size_t kMetaOpaqueBytesMax = 32;

// What flags of a meta command ask for: bits of Request::meta.
enum MetaFlag : uint32_t {
  kMetaValue = 1 << 0,               // v: the value in the reply
  kMetaQuiet = 1 << 1,               // q: no reply where it would tell nothing
  kMetaNoBump = 1 << 2,              // u: the read leaves no mark on the item
  kMetaTouch = 1 << 3,               // T: a new expiry, `exptime`
  kMetaCreate = 1 << 4,              // N: made on a miss, with `create_exptime`
  kMetaRecache = 1 << 5,             // R: to be recached if it expires before `recache_exptime`
  kMetaCompare = 1 << 6,             // C: only if the item's token is `cas`
  kMetaChosenCas = 1 << 7,           // E: the item's token becomes `chosen_cas`
  kMetaInvalidate = 1 << 8,          // I: md marks as stale; ms with an old token stores as stale
  kMetaRemoveValue = 1 << 9,         // x: md leaves an item without a value
  kMetaBase64Key = 1 << 10,          // b: `key` is still in base64 (protocol/base64.h)
  kMetaTtlAfterTouch = 1 << 11,      // t after T: tells the new time
  kMetaTtlAfterCreate = 1 << 12,     // t after N
  kMetaTouchAfterCreate = 1 << 13,   // T after N: of an item that is made, T decides
  kMetaRecacheAfterTouch = 1 << 14,  // R after T: judges by the new time
};

// M: what ms and ma do.
enum class MetaMode : uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend, kIncrement, kDecrement };

// One request. Only the fields that its command knows mean anything; the others have the values
// below.
struct Request {
  // 1 to kRequestKeyBytesMax bytes, in text of any value but ' ' and '\n', in the connection's
  // input: valid until the input is moved or overwritten. Of the commands from kFlushAll on only
  // kSaslAuth and kSaslStep have one, and in the binary protocol kStats: what it asks for.
  std::string_view key;
  // kStats to kExternalStorage: what follows the command word, without spaces at either end, words
  // parted by one space or more. Meta commands: the opaque, a word of up to kMetaOpaqueBytesMax
  // that begins with 'O'; empty if there is none. In the connection's input, as the key is.
  std::string_view arguments;
  // As the client sent it. 0: never; up to 30 days: seconds from now; beyond: seconds since 1970;
  // negative: at once. kFlushAll: the delay, where 0 and less mean now.
  int64_t exptime = 0;
  // kCas, meta commands with kMetaCompare, and every change in the binary protocol, where 0 is no
  // demand: the token that the item must have.
  uint64_t cas = 0;
  uint64_t number = 0;  // kIncrement, kDecrement, ma: by how much; kVerbosity: the level
  // kIncrement, kDecrement if `create`, and ma with kMetaCreate: the number that is made on a miss.
  uint64_t initial = 0;
  uint64_t chosen_cas = 0;  // kMetaChosenCas
  // Meta commands: the flags to be answered (of k O s t c f l h), in the order asked: one letter a
  // byte, the first the lowest, then zeros.
  uint64_t returns = 0;
  int32_t create_exptime = 0;   // kMetaCreate; as exptime
  int32_t recache_exptime = 0;  // kMetaRecache; as exptime
  uint32_t meta = 0;            // MetaFlag bits
  // Storage: length of the value that follows, without its line end; up to kRequestValueBytesMax.
  uint32_t value_bytes = 0;
  uint32_t client_flags = 0;
  uint32_t opaque = 0;  // binary: the four bytes that the reply carries too, as they stood there
  uint8_t opcode = 0;   // binary: as sent, for the reply
  Command command = Command::kGet;
  MetaMode meta_mode = MetaMode::kSet;  // kMetaSet, kMetaArithmetic
  // In text: the client wants no reply, whatever the outcome; never set for reads, which always
  // answer. In binary, where it is a command's quiet form: no reply to a success, or to a read's
  // miss.
  bool noreply = false;
  // Reads: no further key of the same line follows. END comes after this key's reply.
  bool last_key = true;
  bool create = false;  // kIncrement, kDecrement: make the number if there is none
};

}  // namespace larder
