#pragma once

#include <cstdint>

// An answer that is too long for one step, or that never ends: what a session goes on with after
// the command that began it, instead of reading the client's next one.

namespace larder {

struct Turn;

class ReplyStream {
 public:
  virtual ~ReplyStream() = default;

  enum class Progress : uint8_t {
    kDone,   // the answer is whole: the session goes on with the next command
    kMore,   // the output is full, or others should have a turn: to be called again after that
    kWait,   // nothing to say now, and the client is not listened to: to be called again when the
             // connection is woken
    kClose,  // the connection is to be closed
  };
  // Adds a bounded piece to the turn's output.
  virtual Progress Continue(const Turn& turn) = 0;
};

}  // namespace larder
