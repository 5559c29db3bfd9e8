#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/request.h"

// The text protocol's requests, classic and meta, read from a connection's input.
//
//   TextParser parser;
//   Request request;
//   ParseResult result = parser.Parse(input, &request);
//   input.remove_prefix(result.consumed);
//
// Each call reads one request, or one key of a line with many, so that whoever looks ahead sees
// a multi-key get and a pipeline of single ones as the same thing. What comes out depends on the
// bytes of the stream alone and not on how they were cut into inputs.
//
// The rules, the order of the checks and the words of the errors are memcached 1.6.45's; the
// README tells where they are not.

namespace larder {

// A line that is no get (gets, gat, gats) has at most this many bytes, '\n' included.
inline constexpr size_t kLineBytesMax = 2049;

// A get may be of any length. One with no '\n' in this many bytes is handed out in pieces, so that
// no more than this ever needs to be in one contiguous input for a line.
inline constexpr size_t kGetPieceBytesMax = size_t{64} << 10;

enum class ParseStatus : uint8_t {
  // The input does not hold a whole line (or piece of a long get). Nothing was consumed: present
  // the same bytes again with more behind them. At most kGetPieceBytesMax are ever needed.
  kNeedMore,
  // The request is filled. For a storage command, what follows in the input is its value of
  // request.value_bytes and "\r\n".
  kRequest,
  // The line was refused: send ErrorReply(error), then drop the next swallow_bytes of the stream,
  // which are the value that came with a refused storage command.
  kError,
  // The rest of a long get that was refused, or a part of it. Nothing to answer.
  kSkipped,
  // This is no client of ours (a line too long, or HTTP): close without a word about it.
  kClose,
};

enum class TextError : uint8_t {
  kSilent,      // the client asked for no reply, and so hears of no error
  kUnknown,     // no such command
  kBadFormat,   // too few tokens, a key too long, a number that is none, a line too short
  kBadExptime,  // of gat, gats, touch, flush_all
  kBadDelta,    // of incr, decr

  // Of meta commands.
  kBadToken,  // an argument that is no number
  kDuplicateFlag,
  kInvalidFlag,             // no such flag
  kInvalidOrDuplicateFlag,  // ma: anything that is wrong with its flags
  kTooManyFlags,
  kOpaqueTooLong,
  kBadKeyEncoding,
  kBadInitialValue,
  kBadDeltaValue,
  kBadSetMode,
  kBadArithmeticMode,
};

// What the client is told, with its line end; empty for kSilent.
std::string_view ErrorReply(TextError error);

// Wider than two registers on purpose: gcc 12 packs what fits them byte by byte in memory, and
// loading that at once waits for the stores. For the same reason it is never copied on the way.
struct ParseResult {
  ParseStatus status;
  TextError error = TextError::kSilent;  // kError only
  size_t consumed = 0;                   // bytes of the input that are done with
  size_t swallow_bytes = 0;              // kError only: drop these, as they arrive, after consumed
};
static_assert(sizeof(ParseResult) > 16);

// What a line's reader says of it: a request, or what is wrong with it.
inline ParseResult Parsed(size_t consumed) {
  return {.status = ParseStatus::kRequest, .consumed = consumed};
}
inline ParseResult Refused(TextError error, size_t consumed, size_t swallow_bytes = 0) {
  return {.status = ParseStatus::kError,
          .error = error,
          .consumed = consumed,
          .swallow_bytes = swallow_bytes};
}

// Reads requests off one connection's input. A small value without pointers: copying it before a
// call, and going back to the copy, takes that call back (the input must then be presented from
// the same place again).
class TextParser {
 public:
  // Reads the next request from the start of `input` into `*request`, which is overwritten
  // wholly when the status is kRequest and means nothing otherwise. Its views point into `input`.
  ParseResult Parse(std::string_view input, Request* request);

  // Whether the input stands inside a get line: some of its keys were handed out, not all.
  bool InsideGet() const { return place_ == Place::kKeys || place_ == Place::kNextPiece; }

 private:
  // Where in the stream the input starts.
  enum class Place : uint8_t {
    kLine,       // at the start of a line
    kKeys,       // at a key of the piece described below, which is wholly in the input
    kNextPiece,  // at the first key of a further piece of a long get
    kRefused,    // in a long get that was refused
  };

  ParseResult ParseLine(std::string_view input, Request* request);
  ParseResult ParseLongLine(std::string_view input, Request* request);
  ParseResult ParseCommand(std::string_view line, Request* request);
  ParseResult ParseRead(Command command, std::string_view piece, std::string_view words,
                        Request* request);
  ParseResult ParseNextPiece(std::string_view input, Request* request);
  bool FindPiece(std::string_view input, std::string_view* piece);
  std::string_view TextOf(std::string_view piece) const;
  ParseResult StartPiece(std::string_view piece, std::string_view keys, Request* request);
  ParseResult NextKey(std::string_view input, size_t key_at, Request* request);
  ParseResult RefuseRead(TextError error, std::string_view piece);
  ParseResult SkipRefused(std::string_view input);

  // The piece of a get that is being handed out; for a get that is short enough, its whole line.
  uint32_t keys_bytes_ = 0;  // from the next key to the end of the last one
  uint32_t tail_bytes_ = 0;  // behind the last key
  int32_t exptime_ = 0;
  Command command_ = Command::kGet;
  bool piece_ends_line_ = true;
  Place place_ = Place::kLine;
};

}  // namespace larder
