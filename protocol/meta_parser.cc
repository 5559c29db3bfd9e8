#include "protocol/meta_parser.h"

#include <array>

#include "protocol/base64.h"
#include "protocol/text_encoder.h"
#include "protocol/text_tokens.h"

// How a line is read
// ------------------
// In one pass, word by word, each flag into its field of the request. What the reply must repeat in
// the order asked is kept as letters in one number, so answering walks over no text; the order of
// the few flags whose effects meet (T, N, R and t) becomes bits.
//
// Which error is told, when a line has several, is memcached's order: a word that begins with
// neither letter nor digit, whatever else is wrong; a key too long; too many words; then the flags
// from left to right. There the first flag that is unknown or comes twice ends it, and else the
// last argument that is bad has the word. A mode that the command has not and an opaque too long
// come at the very end.

namespace larder {
namespace {

// Words of a line, command and key included. More than the former are refused, and behind the
// latter memcached looks no further.
constexpr size_t kWordsMax = 20;
constexpr size_t kWordsSeen = 23;

// What memcached lets pass as the start of a flag, though not all of them are flags.
bool StartsAsFlag(std::string_view word) {
  const char first = word.front();
  return (first >= 'A' && first <= 'z') || (first >= '0' && first <= '9');
}

bool IsBase64Key(std::string_view key) {
  std::array<char, Base64DecodedBytesMax(kRequestKeyBytesMax)> decoded;
  return key.size() <= kRequestKeyBytesMax && DecodeBase64(key, decoded.data()) > 0;
}

// Reads flags into a request whose key is set.
class FlagReader {
 public:
  explicit FlagReader(Request* request) : request_(*request) {}

  void Read(std::string_view word) {
    if (ended_) return;
    const char letter = word.front();
    const uint64_t bit = uint64_t{1} << ((letter - 'A') & 63);
    if (letter < 'A') {
      End(TextError::kInvalidFlag);
    } else if ((seen_ & bit) != 0) {
      End(TextError::kDuplicateFlag);
    } else {
      seen_ |= bit;
      ReadFlag(letter, word);
    }
  }

  bool failed() const { return failed_; }
  TextError error() const { return error_; }
  // M's argument; 0 without M, and without an argument ' ', which is no mode.
  char mode() const { return mode_; }

 private:
  void ReadFlag(char letter, std::string_view word) {
    switch (letter) {
      case 'v':
        return Set(kMetaValue);
      case 'q':
        return Set(kMetaQuiet);
      case 'u':
        return Set(kMetaNoBump);
      case 'I':
        return Set(kMetaInvalidate);
      case 'x':
        return Set(kMetaRemoveValue);
      case 'O':
        request_.arguments = word;
        return Return(letter);
      case 't':
        if (Has(kMetaTouch)) Set(kMetaTtlAfterTouch);
        if (Has(kMetaCreate)) Set(kMetaTtlAfterCreate);
        return Return(letter);
      case 'k':
      case 's':
      case 'c':
      case 'f':
      case 'l':
      case 'h':
        return Return(letter);
      case 'L':
      case 'P':  // of a proxy's: taken, and without effect
        return;
      default:
        return ReadArgument(letter, word.substr(1));
    }
  }

  void ReadArgument(char letter, std::string_view argument) {
    switch (letter) {
      case 'T':
        Set(kMetaTouch);
        if (Has(kMetaCreate)) Set(kMetaTouchAfterCreate);
        return ReadTime(argument, &request_.exptime);
      case 'N':
        Set(kMetaCreate);
        return ReadTime(argument, &request_.create_exptime);
      case 'R':
        Set(kMetaRecache);
        if (Has(kMetaTouch)) Set(kMetaRecacheAfterTouch);
        return ReadTime(argument, &request_.recache_exptime);
      case 'C':
        Set(kMetaCompare);
        return ReadNumber(argument, &request_.cas, TextError::kBadToken);
      case 'E':
        Set(kMetaChosenCas);
        return ReadNumber(argument, &request_.chosen_cas, TextError::kBadToken);
      case 'J':
        return ReadNumber(argument, &request_.initial, TextError::kBadInitialValue);
      case 'D':
        return ReadNumber(argument, &request_.number, TextError::kBadDeltaValue);
      case 'F':
        // Has no words of its own for it: what an earlier flag said stays.
        if (!ParseStrict(argument, &request_.client_flags)) failed_ = true;
        return;
      case 'M':
        mode_ = argument.empty() ? ' ' : argument.front();
        return;
      case 'b':
        Set(kMetaBase64Key);
        if (!IsBase64Key(request_.key)) Fail(TextError::kBadKeyEncoding);
        return;
      default:
        return End(TextError::kInvalidFlag);
    }
  }

  template <typename Time>
  void ReadTime(std::string_view argument, Time* exptime) {
    int32_t seconds = 0;
    if (!ParseStrict(argument, &seconds)) return Fail(TextError::kBadToken);
    *exptime = seconds;
  }

  void ReadNumber(std::string_view argument, uint64_t* number, TextError error) {
    if (!ParseStrict(argument, number)) Fail(error);
  }

  bool Has(MetaFlag flag) const { return (request_.meta & flag) != 0; }
  void Set(MetaFlag flag) { request_.meta |= flag; }

  void Return(char letter) {
    request_.returns |= uint64_t{static_cast<unsigned char>(letter)} << return_shift_;
    return_shift_ += 8;
  }

  void Fail(TextError error) {
    failed_ = true;
    error_ = error;
  }
  void End(TextError error) {
    Fail(error);
    ended_ = true;
  }

  Request& request_;
  uint64_t seen_ = 0;  // a bit a letter
  int return_shift_ = 0;
  TextError error_ = TextError::kBadFormat;
  bool failed_ = false;
  bool ended_ = false;
  char mode_ = 0;
};

bool SetMode(char mode, Request* request) {
  if (request->command == Command::kMetaSet) {
    switch (mode) {
      case 0:
      case 'S':
        request->meta_mode = MetaMode::kSet;
        return true;
      case 'E':
        request->meta_mode = MetaMode::kAdd;
        return true;
      case 'R':
        request->meta_mode = MetaMode::kReplace;
        return true;
      case 'A':
        request->meta_mode = MetaMode::kAppend;
        return true;
      case 'P':
        request->meta_mode = MetaMode::kPrepend;
        return true;
      default:
        return false;
    }
  }
  switch (mode) {
    case 0:
    case 'I':
    case '+':
      request->meta_mode = MetaMode::kIncrement;
      return true;
    case 'D':
    case '-':
      request->meta_mode = MetaMode::kDecrement;
      return true;
    default:
      return false;
  }
}

// What is wrong with a line as a whole, in the order in which it is told; kSilent if nothing is.
TextError Judge(const FlagReader& flags, size_t word_count, Request* request) {
  const bool arithmetic = request->command == Command::kMetaArithmetic;
  TextError error = TextError::kSilent;
  if (request->key.size() > kRequestKeyBytesMax) {
    error = TextError::kBadFormat;
  } else if (word_count > kWordsMax) {
    error = TextError::kTooManyFlags;
  } else if (flags.failed()) {
    error = flags.error();
  }
  if (error != TextError::kSilent) return arithmetic ? TextError::kInvalidOrDuplicateFlag : error;
  const bool has_mode = arithmetic || request->command == Command::kMetaSet;
  if (has_mode && !SetMode(flags.mode(), request)) {
    return arithmetic ? TextError::kBadArithmeticMode : TextError::kBadSetMode;
  }
  if (request->arguments.size() > kMetaOpaqueBytesMax) return TextError::kOpaqueTooLong;
  return TextError::kSilent;
}

// me takes any words that look like flags and heeds one.
ParseResult ParseDebug(size_t line_bytes, std::string_view words, Request* request) {
  bool good = request->key.size() <= kRequestKeyBytesMax;
  if (TrimLeft(words).starts_with('b') && TakeWord(&words) == "b") {
    request->meta = kMetaBase64Key;
    good = good && IsBase64Key(request->key);
  }
  for (words = TrimLeft(words); good && !words.empty(); words = TrimLeft(words)) {
    good = StartsAsFlag(TakeWord(&words));
  }
  return good ? Parsed(line_bytes) : Refused(TextError::kBadFormat, line_bytes);
}

}  // namespace

ParseResult ParseMeta(Command command, size_t line_bytes, std::string_view words,
                      Request* request) {
  *request = Request();
  request->command = command;
  request->number = 1;  // ma without D
  request->key = TakeWord(&words);
  if (request->key.empty()) return Refused(TextError::kBadFormat, line_bytes);
  if (command == Command::kMetaDebug) return ParseDebug(line_bytes, words, request);

  size_t word_count = 2;
  size_t value_and_end_bytes = 0;
  if (command == Command::kMetaSet) {
    int32_t value_bytes = 0;
    // A negative one is large without its sign.
    if (!TakeStrict(&words, &value_bytes) ||
        static_cast<uint32_t>(value_bytes) > kRequestValueBytesMax) {
      return Refused(TextError::kBadFormat, line_bytes);
    }
    request->value_bytes = static_cast<uint32_t>(value_bytes);
    value_and_end_bytes = static_cast<size_t>(value_bytes) + kLineEnd.size();
    ++word_count;
  }
  FlagReader flags(request);
  for (words = TrimLeft(words); !words.empty() && word_count < kWordsSeen;
       words = TrimLeft(words)) {
    const std::string_view word = TakeWord(&words);
    // Not even a value is known to follow such a line.
    if (!StartsAsFlag(word)) return Refused(TextError::kBadFormat, line_bytes);
    flags.Read(word);
    ++word_count;
  }
  const TextError error = Judge(flags, word_count, request);
  if (error != TextError::kSilent) return Refused(error, line_bytes, value_and_end_bytes);
  return Parsed(line_bytes);
}

}  // namespace larder
