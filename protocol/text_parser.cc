#include "protocol/text_parser.h"

#include <algorithm>
#include <cstring>

#include "protocol/meta_parser.h"
#include "protocol/text_encoder.h"
#include "protocol/text_tokens.h"

// How a line is read
// ------------------
// One memchr() finds the line's end; no byte is looked at before the line is there, so an input
// that is cut anywhere gives the same requests as a whole one. The command word, which is at most
// nine bytes long, is loaded as one number and switched upon; then each command takes the words
// that it knows off the line. Words behind those are ignored, as memcached ignores them, but for a
// "noreply" at the very end.
//
// Reads of many keys
// ------------------
// A get line is checked first (one key that is too long refuses the whole line) and then handed
// out key by key, without its being copied or its keys being listed: the parser only remembers how
// many bytes of the line are left. The check is cheap: every 251 bytes must hold a space.
//
// A line that is too long to wait for is taken in pieces. A piece is kGetPieceBytesMax bytes of
// the line, so where pieces end depends on the stream alone. Its last word may go on in the next
// piece and so is left to it; that also settles whether the key that comes before it was the
// line's last. A piece must hold two words to make a step; one that does not is spaces for the most
// part, and its line is refused.

namespace larder {
namespace {

constexpr std::string_view kNoreply = "noreply";
// Shorter lines are refused before they are read: a command has at least two letters.
constexpr size_t kLineBytesMin = 4;

ParseResult NeedMore() { return {.status = ParseStatus::kNeedMore}; }

ParseResult Close() { return {.status = ParseStatus::kClose}; }

ParseResult Skipped(size_t consumed) {
  return {.status = ParseStatus::kSkipped, .consumed = consumed};
}

// Requests are filled field by field: gcc makes one that is assigned whole on the stack first, and
// copying it waits for the stores.
void Clear(Request* request, Command command, bool noreply) {
  *request = Request();
  request->command = command;
  request->noreply = noreply;
}

// Bytes up to and with the first '\n'; 0 if there is none.
size_t LineBytes(std::string_view input) {
  if (input.empty()) return 0;
  const void* end = std::memchr(input.data(), '\n', input.size());
  return end == nullptr ? 0 : static_cast<size_t>(static_cast<const char*>(end) - input.data()) + 1;
}

bool EndsInNoreply(std::string_view words) {
  words = TrimRight(words);
  if (!words.ends_with(kNoreply)) return false;
  words.remove_suffix(kNoreply.size());
  return words.empty() || words.back() == ' ';
}

bool HasOverlongKey(std::string_view keys) {
  while (keys.size() > kRequestKeyBytesMax) {
    const size_t space = keys.substr(0, kRequestKeyBytesMax + 1).rfind(' ');
    if (space == std::string_view::npos) return true;
    keys.remove_prefix(space + 1);
  }
  return false;
}

// The first eight bytes of a word as a number, the first byte the lowest, filled up with spaces: no
// word holds one, so words of different lengths never look the same.
constexpr uint64_t kSpaces = 0x2020202020202020;

constexpr uint64_t WordCode(std::string_view word) {
  uint64_t code = kSpaces;
  for (size_t i = word.size(); i > 0; --i) {
    code = code << 8 | static_cast<unsigned char>(word[i - 1]);
  }
  return code;
}

struct CommandWord {
  uint64_t code = kSpaces;
  std::string_view text;
};

CommandWord ReadCommandWord(std::string_view line) {
  CommandWord word{.text = line.substr(0, FindSpace(line))};
  if (line.size() < sizeof(word.code)) {
    word.code = WordCode(word.text);
    return word;
  }
  std::memcpy(&word.code, line.data(), sizeof(word.code));
  if (word.text.size() < sizeof(word.code)) {
    const uint64_t unused = ~uint64_t{0} << (word.text.size() * 8);
    word.code = (word.code & ~unused) | (kSpaces & unused);
  }
  return word;
}

// set add replace append prepend: <key> <flags> <exptime> <bytes> [noreply]
// cas: <key> <flags> <exptime> <bytes> <token> [noreply]
//
// Once the length is known, the value is taken off the stream whether it can be stored or not.
ParseResult ParseStorage(Command command, size_t line_bytes, std::string_view words,
                         Request* request) {
  const std::string_view key = TakeWord(&words);
  uint32_t client_flags = 0;
  const bool flags_good = TakeLoose(&words, &client_flags);
  int32_t exptime_seconds = 0;
  const bool exptime_good = TakeLoose(&words, &exptime_seconds);
  int32_t value_bytes = 0;
  // A negative one is large without its sign.
  if (!TakeStrict(&words, &value_bytes) ||
      static_cast<uint32_t>(value_bytes) > kRequestValueBytesMax) {
    return Refused(TextError::kBadFormat, line_bytes);
  }

  const bool noreply = EndsInNoreply(words);
  uint64_t cas = 0;
  const bool cas_good = command != Command::kCas || TakeLoose(&words, &cas);
  if (key.size() > kRequestKeyBytesMax || !flags_good || !exptime_good || !cas_good) {
    return Refused(noreply ? TextError::kSilent : TextError::kBadFormat, line_bytes,
                   static_cast<size_t>(value_bytes) + kLineEnd.size());
  }
  Clear(request, command, noreply);
  request->key = key;
  request->exptime = exptime_seconds;
  request->cas = cas;
  request->value_bytes = static_cast<uint32_t>(value_bytes);
  request->client_flags = client_flags;
  return Parsed(line_bytes);
}

// delete: <key> [noreply]
// incr decr: <key> <delta> [noreply]
// touch: <key> <exptime> [noreply]
ParseResult ParseKeyed(Command command, size_t line_bytes, std::string_view words,
                       Request* request) {
  const bool noreply = EndsInNoreply(words);
  const std::string_view key = TakeWord(&words);
  words = TrimLeft(words);
  if (key.empty() || (words.empty() && command != Command::kDelete)) {
    return Refused(TextError::kBadFormat, line_bytes);
  }

  int32_t exptime_seconds = 0;
  uint64_t delta = 0;
  TextError error = TextError::kSilent;
  if (key.size() > kRequestKeyBytesMax) {
    error = TextError::kBadFormat;
  } else if (command == Command::kTouch) {
    if (!TakeLoose(&words, &exptime_seconds)) error = TextError::kBadExptime;
  } else if (command != Command::kDelete) {
    if (!TakeLoose(&words, &delta)) error = TextError::kBadDelta;
  }
  if (error != TextError::kSilent) {
    return Refused(noreply ? TextError::kSilent : error, line_bytes);
  }
  Clear(request, command, noreply);
  request->key = key;
  request->exptime = exptime_seconds;
  request->number = delta;
  return Parsed(line_bytes);
}

// flush_all: [delay] [noreply]
ParseResult ParseFlushAll(size_t line_bytes, std::string_view words, Request* request) {
  const bool noreply = EndsInNoreply(words);
  const std::string_view delay = TakeWord(&words);
  int32_t delay_seconds = 0;
  const bool given = !delay.empty() && !(noreply && TrimLeft(words).empty());
  if (given && !ParseStrict(delay, &delay_seconds)) {
    return Refused(noreply ? TextError::kSilent : TextError::kBadExptime, line_bytes);
  }
  Clear(request, Command::kFlushAll, noreply);
  request->exptime = delay_seconds;
  return Parsed(line_bytes);
}

// verbosity: <level> [noreply]
ParseResult ParseVerbosity(size_t line_bytes, std::string_view words, Request* request) {
  const bool noreply = EndsInNoreply(words);
  uint32_t level = 0;
  if (!TakeStrict(&words, &level)) {
    return Refused(noreply ? TextError::kSilent : TextError::kBadFormat, line_bytes);
  }
  Clear(request, Command::kVerbosity, noreply);
  request->number = level;
  return Parsed(line_bytes);
}

// Commands that read their words themselves, or none. They always reply.
ParseResult ParsePlain(Command command, size_t line_bytes, std::string_view arguments,
                       Request* request) {
  Clear(request, command, false);
  request->arguments = arguments;
  return Parsed(line_bytes);
}

// What operators ask, whose words the engine reads.
struct AdministrationWord {
  std::string_view text;
  Command command;
};
constexpr AdministrationWord kAdministrationWords[] = {
    {"lru", Command::kLru},
    {"lru_crawler", Command::kLruCrawler},
    {"slabs", Command::kSlabs},
    {"cache_memlimit", Command::kMemoryLimit},
    {"shutdown", Command::kShutdown},
    {"watch", Command::kWatch},
    {"extstore", Command::kExternalStorage},
};

// <words>* [noreply]; noreply counts as a word, too, as it does in memcached.
ParseResult ParseAdministration(Command command, size_t line_bytes, std::string_view words,
                                Request* request) {
  Clear(request, command, EndsInNoreply(words));
  request->arguments = TrimRight(TrimLeft(words));
  return Parsed(line_bytes);
}

ParseResult ParseUnknown(size_t line_bytes, std::string_view text) {
  TakeWord(&text);
  if (LastWord(text).starts_with("HTTP/")) return Close();
  return Refused(EndsInNoreply(text) ? TextError::kSilent : TextError::kUnknown, line_bytes);
}

}  // namespace

std::string_view ErrorReply(TextError error) {
  switch (error) {
    case TextError::kSilent:
      return "";
    case TextError::kUnknown:
      return "ERROR\r\n";
    case TextError::kBadFormat:
      return "CLIENT_ERROR bad command line format\r\n";
    case TextError::kBadExptime:
      return "CLIENT_ERROR invalid exptime argument\r\n";
    case TextError::kBadDelta:
      return "CLIENT_ERROR invalid numeric delta argument\r\n";
    case TextError::kBadToken:
      return "CLIENT_ERROR bad token in command line format\r\n";
    case TextError::kDuplicateFlag:
      return "CLIENT_ERROR duplicate flag\r\n";
    case TextError::kInvalidFlag:
      return "CLIENT_ERROR invalid flag\r\n";
    case TextError::kInvalidOrDuplicateFlag:
      return "CLIENT_ERROR invalid or duplicate flag\r\n";
    case TextError::kTooManyFlags:
      return "CLIENT_ERROR options flags are too long\r\n";
    case TextError::kOpaqueTooLong:
      return "CLIENT_ERROR opaque token too long\r\n";
    case TextError::kBadKeyEncoding:
      return "CLIENT_ERROR error decoding key\r\n";
    case TextError::kBadInitialValue:
      return "CLIENT_ERROR invalid numeric initial value\r\n";
    case TextError::kBadDeltaValue:
      return "CLIENT_ERROR invalid numeric delta value\r\n";
    case TextError::kBadSetMode:
      return "CLIENT_ERROR invalid mode for ms M token\r\n";
    case TextError::kBadArithmeticMode:
      return "CLIENT_ERROR invalid mode for ma M token\r\n";
  }
  return "";
}

ParseResult TextParser::Parse(std::string_view input, Request* request) {
  switch (place_) {
    case Place::kLine:
      return ParseLine(input, request);
    case Place::kKeys:
      return NextKey(input, 0, request);
    case Place::kNextPiece:
      return ParseNextPiece(input, request);
    case Place::kRefused:
      return SkipRefused(input);
  }
  return Close();
}

ParseResult TextParser::ParseLine(std::string_view input, Request* request) {
  const size_t line_bytes = LineBytes(input.substr(0, kLineBytesMax));
  if (line_bytes == 0) {
    return input.size() < kLineBytesMax ? NeedMore() : ParseLongLine(input, request);
  }
  piece_ends_line_ = true;
  return ParseCommand(input.substr(0, line_bytes), request);
}

// The line has no end where all lines but reads must have ended.
ParseResult TextParser::ParseLongLine(std::string_view input, Request* request) {
  if (!input.starts_with("get ") && !input.starts_with("gets ") && !input.starts_with("gat ") &&
      !input.starts_with("gats ")) {
    return Close();
  }
  std::string_view piece;
  return FindPiece(input, &piece) ? ParseCommand(piece, request) : NeedMore();
}

// `line` is a whole line, or the first piece of a read.
ParseResult TextParser::ParseCommand(std::string_view line, Request* request) {
  const size_t bytes = line.size();
  if (bytes < kLineBytesMin) return Refused(TextError::kBadFormat, bytes);
  const std::string_view text = TextOf(line);
  const CommandWord word = ReadCommandWord(text);
  const std::string_view words = text.substr(word.text.size());
  switch (word.code) {
    case WordCode("get"):
      return ParseRead(Command::kGet, line, words, request);
    case WordCode("gets"):
      return ParseRead(Command::kGets, line, words, request);
    case WordCode("gat"):
      return ParseRead(Command::kGat, line, words, request);
    case WordCode("gats"):
      return ParseRead(Command::kGats, line, words, request);
    case WordCode("set"):
      return ParseStorage(Command::kSet, bytes, words, request);
    case WordCode("add"):
      return ParseStorage(Command::kAdd, bytes, words, request);
    case WordCode("replace"):
      return ParseStorage(Command::kReplace, bytes, words, request);
    case WordCode("append"):
      return ParseStorage(Command::kAppend, bytes, words, request);
    case WordCode("prepend"):
      return ParseStorage(Command::kPrepend, bytes, words, request);
    case WordCode("cas"):
      return ParseStorage(Command::kCas, bytes, words, request);
    case WordCode("delete"):
      return ParseKeyed(Command::kDelete, bytes, words, request);
    case WordCode("incr"):
      return ParseKeyed(Command::kIncrement, bytes, words, request);
    case WordCode("decr"):
      return ParseKeyed(Command::kDecrement, bytes, words, request);
    case WordCode("touch"):
      return ParseKeyed(Command::kTouch, bytes, words, request);
    case WordCode("mg"):
      return ParseMeta(Command::kMetaGet, bytes, words, request);
    case WordCode("ms"):
      return ParseMeta(Command::kMetaSet, bytes, words, request);
    case WordCode("md"):
      return ParseMeta(Command::kMetaDelete, bytes, words, request);
    case WordCode("ma"):
      return ParseMeta(Command::kMetaArithmetic, bytes, words, request);
    case WordCode("me"):
      return ParseMeta(Command::kMetaDebug, bytes, words, request);
    case WordCode("mn"):
      return ParsePlain(Command::kNoop, bytes, {}, request);
    case WordCode("version"):
      return ParsePlain(Command::kVersion, bytes, {}, request);
    case WordCode("quit"):
      return ParsePlain(Command::kQuit, bytes, {}, request);
    case WordCode("stats"):
      return ParsePlain(Command::kStats, bytes, TrimRight(TrimLeft(words)), request);
    case WordCode("flush_al"):
      if (word.text == "flush_all") return ParseFlushAll(bytes, words, request);
      break;
    case WordCode("refresh_"):
      if (word.text != "refresh_certs") break;
      return ParsePlain(Command::kRefreshCertificates, bytes, {}, request);
    case WordCode("verbosit"):
      if (word.text == "verbosity") return ParseVerbosity(bytes, words, request);
      break;
    default:
      break;
  }
  for (const AdministrationWord& known : kAdministrationWords) {
    if (word.text == known.text) return ParseAdministration(known.command, bytes, words, request);
  }
  return ParseUnknown(bytes, text);
}

// get gets: <key>+
// gat gats: <exptime> <key>+
ParseResult TextParser::ParseRead(Command command, std::string_view piece, std::string_view words,
                                  Request* request) {
  command_ = command;
  exptime_ = 0;
  std::string_view keys = TrimRight(words);
  if (command == Command::kGat || command == Command::kGats) {
    const std::string_view exptime = TakeWord(&keys);
    keys = TrimLeft(keys);
    if (keys.empty()) return RefuseRead(TextError::kBadFormat, piece);
    if (!ParseStrict(exptime, &exptime_)) return RefuseRead(TextError::kBadExptime, piece);
  } else {
    keys = TrimLeft(keys);
    if (keys.empty()) return RefuseRead(TextError::kBadFormat, piece);
  }
  return StartPiece(piece, keys, request);
}

ParseResult TextParser::ParseNextPiece(std::string_view input, Request* request) {
  std::string_view piece;
  if (!FindPiece(input, &piece)) return NeedMore();
  return StartPiece(piece, TrimRight(TextOf(piece)), request);
}

// Sets `*piece` to the rest of a long line, or as much of it as makes a piece. False if the input
// holds neither.
bool TextParser::FindPiece(std::string_view input, std::string_view* piece) {
  *piece = input.substr(0, kGetPieceBytesMax);
  const size_t line_bytes = LineBytes(*piece);
  if (line_bytes == 0 && piece->size() < kGetPieceBytesMax) return false;
  piece_ends_line_ = line_bytes != 0;
  if (piece_ends_line_) *piece = piece->substr(0, line_bytes);
  return true;
}

// `piece` without the end of the line, or what may be half of it.
std::string_view TextParser::TextOf(std::string_view piece) const {
  if (piece_ends_line_) piece.remove_suffix(1);
  if (piece.ends_with('\r')) piece.remove_suffix(1);
  return piece;
}

// `keys` are those of `piece`, from the first one's start to the last one's end.
ParseResult TextParser::StartPiece(std::string_view piece, std::string_view keys,
                                   Request* request) {
  if (HasOverlongKey(keys)) return RefuseRead(TextError::kBadFormat, piece);
  const auto keys_at = static_cast<size_t>(keys.data() - piece.data());
  if (!piece_ends_line_) {
    const size_t last_word_at = keys.rfind(' ') + 1;
    if (last_word_at == 0) return RefuseRead(TextError::kBadFormat, piece);
    piece = piece.substr(0, keys_at + last_word_at);
    keys = TrimRight(keys.substr(0, last_word_at));
  }
  keys_bytes_ = static_cast<uint32_t>(keys.size());
  tail_bytes_ = static_cast<uint32_t>(piece.size() - keys_at - keys.size());
  return NextKey(piece, keys_at, request);
}

ParseResult TextParser::NextKey(std::string_view input, size_t key_at, Request* request) {
  if (input.size() < key_at + keys_bytes_ + tail_bytes_) return NeedMore();
  const std::string_view keys = input.substr(key_at, keys_bytes_);
  const size_t key_bytes = FindSpace(keys);
  const bool last_of_piece = key_bytes == keys.size();
  Clear(request, command_, false);
  request->key = keys.substr(0, key_bytes);
  request->exptime = exptime_;
  request->last_key = last_of_piece && piece_ends_line_;
  if (last_of_piece) {
    place_ = piece_ends_line_ ? Place::kLine : Place::kNextPiece;
    return Parsed(key_at + keys_bytes_ + tail_bytes_);
  }
  size_t next = key_bytes + 1;
  while (keys[next] == ' ') ++next;
  keys_bytes_ -= static_cast<uint32_t>(next);
  place_ = Place::kKeys;
  return Parsed(key_at + next);
}

ParseResult TextParser::RefuseRead(TextError error, std::string_view piece) {
  place_ = piece_ends_line_ ? Place::kLine : Place::kRefused;
  return Refused(error, piece.size());
}

ParseResult TextParser::SkipRefused(std::string_view input) {
  if (input.empty()) return NeedMore();
  const std::string_view piece = input.substr(0, kGetPieceBytesMax);
  const size_t line_bytes = LineBytes(piece);
  if (line_bytes == 0) return Skipped(piece.size());
  place_ = Place::kLine;
  return Skipped(line_bytes);
}

}  // namespace larder
