#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/binary_format.h"
#include "protocol/text_encoder.h"
#include "protocol/text_parser.h"
#include "server/engine/arriving_meta.h"
#include "server/engine/binary_commands.h"
#include "server/engine/clock.h"
#include "server/engine/commands.h"
#include "server/engine/engine.h"
#include "server/engine/output.h"
#include "server/engine/reply_stream.h"
#include "server/engine/request_window.h"
#include "server/engine/sasl_session.h"
#include "server/engine/session_options.h"
#include "slab/store.h"

// A client's dialogue with the store, without its socket: bytes in, the store, bytes out.
//
// Whoever owns the socket reads into a buffer and calls Run with all that is there and not yet
// consumed:
//
//   loop:  read -> Run(input) -> drop what it consumed -> send the output -> as `next` says
//
// and, while a value too long for the buffer is arriving, reads straight into the item:
//
//   room = BodyRoom();
//   if (!room.empty()) { readv(room, buffer); BodyReceived(what went into room); }
//   Run(what went into the buffer)
//
// What comes out depends on the bytes of the stream alone, not on how they were cut into calls; but
// for the replies before a packet that is none of the binary protocol's: those that had not been
// sent yet are lost, as with memcached.
//
// A request's way. A turn does not take requests one by one: it would wait for memory with every
// key, for a cache's index and items are nearly never in the processor's own caches. Instead Run
//
//   1. reads ahead: the parser hands out up to 32 requests (a get of many keys is as many), their
//      keys are hashed, and the index's lines that they will need are asked for;
//   2. asks for the items' lines, which the index's lines, arriving meanwhile, point at;
//   3. executes the requests in order, one call each (commands.h), by which time most of what they
//      touch is at hand.
//
// Replies go to the Output in the order of the requests, and one send takes them all. Nothing in
// the way of a get or of a set of a small value allocates memory, calls a virtual function or
// copies a key; keys and values are views into the input until the store copies them.
//
// The two protocols, text and binary, differ in what the parser is, in how a reply is told, and in
// that text has a line end behind a value; everything else here is the same for both. Which one a
// client speaks is seen from its first byte.
//
// Three things end the reading ahead: the budget of requests that one connection may have executed
// in a turn (-R), so that it does not starve the others; a value that is not wholly in the input;
// and a command that ends the connection. A value that is still to come is waited for if it fits
// the input's buffer, and received into its item otherwise.
//
// The output may reach its cap while requests wait in the window. Then they are forgotten and read
// again later: each slot knows where in the input it starts, and the parser's whole memory is a
// small value, so going back costs nothing to those who never do.

namespace larder {

// A value whose command line and body fit in this many bytes is taken from the input in one piece;
// a longer one is received into its item. Whoever reads lends buffers of at least this size.
inline constexpr size_t kSessionInputBytes = 16 * 1024;

// No more input than this is ever waited for.
inline constexpr size_t kSessionWaitBytesMax = std::max(kGetPieceBytesMax, kBinaryPrefixBytesMax);

// One connection's. Used by the thread of its worker only.
class Session {
 public:
  // `worker` must outlive the session.
  explicit Session(EngineWorker* worker, const SessionOptions& options = {})
      : worker_(worker), options_(options) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  enum class Next : uint8_t {
    kRead,   // everything that can be executed has been: call again when more has arrived
    kYield,  // -R requests were executed: let other connections have a turn, then call again with
             // the input that is left, though no more may have arrived
    kFlush,  // the output is at its cap: call again with the input that is left once enough of it
             // has been sent that Output::full() is false
    kClose,  // send the output, then close; what is left of the input is of no interest
  };
  struct Result {
    size_t consumed = 0;  // of the input, from its start
    Next next = Next::kRead;
  };

  // Executes what `input` holds and appends the replies to `out`. The input that was not consumed
  // must come again, at the start of the next call's. Views into `input` are not kept.
  [[nodiscard]] Result Run(std::string_view input, const Now& now, Output* out);

  // After kRead: how many bytes of input, counted from the first that was not consumed, must be
  // there in one piece before Run can do anything. One more than there are when it cannot be said
  // (a command line whose end has not been seen). Never more than kSessionWaitBytesMax, and the
  // reader's buffer must be able to grow to it. Calling Run earlier does no harm.
  size_t min_input_bytes() const { return min_input_bytes_; }

  // Where the next bytes of the stream may be read to directly: what is missing of a value that is
  // arriving. Empty when no value is. Only to be used when all earlier input has been consumed.
  // Valid until the next call of BodyReceived or Run.
  std::span<char> BodyRoom() const {
    return reservation_ ? reservation_.Room() : std::span<char>();
  }
  // Whether Run has more to say, though no more input may be there: after kYield and kFlush.
  bool answering() const { return stream_ != nullptr; }
  // Whether no request has been consumed in part, and there has been one.
  bool between_requests() const {
    return dialect_ != Dialect::kUnknown && !in_body() && !parser_.InsideGet();
  }
  // Whether the client only receives: Run is to be called, with no input, when EngineWorker's
  // wake-up is, and what the client sends is dropped.
  bool watching() const { return watching_; }

  // The first `bytes` of BodyRoom() have been filled; none if it was empty.
  void BodyReceived(size_t bytes) {
    if (bytes > 0) reservation_.Filled(bytes);
  }

 private:
  // What the client speaks; known from its first byte on.
  enum class Dialect : uint8_t {
    kUnknown,
    kLogin,  // text, once it has said who it is: text_login.h
    kText,
    kBinary,
  };
  // Why reading ahead ended.
  enum class Stop : uint8_t {
    kFull,       // the window, or the budget
    kNeedInput,  // the next request is not wholly there
    kBody,       // the stream goes on with a value that is received or dropped
    kStream,     // the command may go on answering, see ReplyStream
    kClose,      // nothing more is to be executed
    kBroken,     // the same, and replies that wait for others to be sent with are not sent
  };
  struct Lookahead {
    Stop stop = Stop::kFull;
    size_t slots = 0;  // filled
    size_t end = 0;    // where in the input the next request starts
    int requests = 0;  // that end in the window, as -R counts: a get of many keys is one
  };

  bool in_body() const { return swallow_bytes_ > 0 || reservation_; }

  // What a value has behind it.
  size_t value_end_bytes() const { return dialect_ == Dialect::kBinary ? 0 : kLineEnd.size(); }

  void ChooseDialect(char first_byte);
  Result LogIn(const Turn& turn, std::string_view input);
  Result RunTurn(const Turn& turn, std::string_view input);
  bool GoOnAnswering(const Turn& turn, size_t input_bytes, Result* result);
  size_t TakeBody(const Turn& turn, std::string_view input);
  size_t ReceiveBody(const Turn& turn, std::string_view input);
  Lookahead ReadAhead(std::string_view input, size_t begin, int requests_max);
  void AddRequest(std::string_view rest, size_t line_bytes, RequestWindow::Slot* slot,
                  Lookahead* ahead);
  void DecodeKey(size_t slot);
  bool AddValue(std::string_view rest, size_t line_bytes, RequestWindow::Slot* slot,
                Lookahead* ahead);
  void AddKey(RequestWindow::Slot* slot) const;
  void Prefetch(size_t slots) const;
  void Execute(const Turn& turn, const RequestWindow::Slot& slot);

  // session_binary.cc: the same in the binary protocol.
  Lookahead ReadBinaryAhead(std::string_view input, size_t begin, int requests_max);
  void AddBinaryRequest(std::string_view rest, size_t prefix_bytes, RequestWindow::Slot* slot,
                        Lookahead* ahead);
  bool AddSaslData(std::string_view rest, size_t prefix_bytes, RequestWindow::Slot* slot,
                   Lookahead* ahead);
  void ExecuteBinary(const Turn& turn, const RequestWindow::Slot& slot);
  void ExecuteBinaryRequest(const Turn& turn, const RequestWindow::Slot& slot);
  void RefuseBinary(const Turn& turn, const Request& request, BinaryStatus status,
                    uint32_t swallow_bytes);
  bool traced() const { return options_.trace != nullptr && worker_->engine().verbosity() > 1; }
  void TellRequest(const Turn& turn, std::string_view rest, const RequestWindow::Slot& slot) const;
  void BeginArriving(const Turn& turn, const RequestWindow::Slot& slot);

  EngineWorker* const worker_;
  const SessionOptions options_;
  Dialect dialect_ = Dialect::kUnknown;
  TextParser parser_;
  size_t min_input_bytes_ = 1;
  // What is to be dropped of the stream before the next command line.
  size_t swallow_bytes_ = 0;
  // The value that is arriving, if any, and what to do when it is there.
  Reservation reservation_;
  StoreOrder order_;
  // If that is an ms; `order_` points at it.
  std::unique_ptr<const ArrivingMeta> arriving_meta_;
  BinaryStoreOrder binary_order_;
  // Null unless the client speaks the binary protocol and has to say who it is.
  std::unique_ptr<SaslSession> sasl_;
  // Nothing more is to be executed.
  bool closing_ = false;
  // The answer that is being given in steps, if any.
  std::unique_ptr<ReplyStream> stream_;
  bool watching_ = false;
};

}  // namespace larder
