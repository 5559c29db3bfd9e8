#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/engine/output.h"
#include "server/engine/session.h"
#include "server/net/address.h"
#include "server/net/lent_buffer.h"
#include "server/net/stream.h"

// One client's socket and the session behind it.
//
// A connection is told when its socket is readable, when it takes output again, and when it is its
// turn to go on; each time it does what it can without blocking and says what it waits for next:
//
//               readable
//     kInput ------------> read, run the session, send
//                            | nothing left          -> kInput
//                            | -R requests executed  -> kTurn  -> run the session, send
//                            | the socket is full    -> kRoom  -> send; then as the session said
//                            | quit, error, end      -> kClosed
//
// With TLS there is a handshake before, in which "read" finds nothing and may have to wait for
// room; and what was read may have left decrypted input behind, which the socket does not show:
// then the connection has its next turn without waiting for any (kTurn -> read, ...).
//
// So a client that does not read is not read from, and what waits for it is bounded by the output's
// caps. There is one read for a readiness (but for large values), and one send for all the replies
// that it produced: for a single request these and the worker's epoll_wait are all system calls.
//
// While it waits for input, a connection holds no buffer but for the part of a request that has
// arrived; reading and sending use what the worker lends for the turn.

namespace larder {

// What a connection is lent while it runs.
struct LoopTurn {
  Now now;
  LentBuffer* input = nullptr;
  LentBuffer* records = nullptr;  // for TLS to gather output in
  std::span<iovec> pieces;        // for Output::Gather
};

// Who a client is, and what the listener that accepted it decides.
struct ConnectionTraits {
  SocketAddress peer = {};  // the client's address
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;
  ListenerTls tls = ListenerTls::kDefault;
};

class Connection {
 public:
  // What must happen before the connection can go on.
  enum class Wait : uint8_t {
    kInput,   // the socket becomes readable: OnReadable
    kRoom,    // the socket takes output: OnWritable
    kTurn,    // nothing but others having had a turn: Resume
    kClosed,  // nothing: destroy the connection, which closes the socket
  };

  // `worker` must outlive the connection.
  Connection(Stream stream, const ConnectionTraits& traits, EngineWorker* worker, const Now& now);

  // By the worker's thread, as the connection asked for.
  [[nodiscard]] Wait OnReadable(LoopTurn* turn);
  [[nodiscard]] Wait OnWritable(LoopTurn* turn);
  [[nodiscard]] Wait Resume(LoopTurn* turn);

  // Whether nothing has been read or sent for more than `seconds`.
  bool IsIdle(const Now& now, int seconds) const;
  uint32_t active_tick() const { return active_tick_.load(std::memory_order_relaxed); }

  // Whether OnReadable is a step of a TLS handshake: whoever calls it should not call many at once.
  bool handshaking() const { return stream_.handshaking(); }

  // Whether the client has had the answer to all that it has begun to ask. One that has just come
  // is about to ask.
  bool between_requests() const { return held_.empty() && session_.between_requests(); }

  // Whether the client is a watcher: Resume when the worker has been woken.
  bool watching() const { return session_.watching(); }
  // The client's address. Whether it went in another way than by closing or quitting.
  const SocketAddress& peer() const { return peer_; }
  bool failed() const { return failed_; }

  int fd() const { return stream_.fd(); }
  // Any thread, as long as the connection exists.
  ConnectionInfo Info(const Now& now) const;
  size_t held_bytes() const { return held_bytes_.load(std::memory_order_relaxed); }

 private:
  enum class State : uint8_t {
    kReading,
    kExecuting,
    kReceivingBody,
    kSending,
    kYielded,
    kWatching,
    kClosing
  };

  struct Received {
    ssize_t bytes = 0;       // as recv returned
    std::string_view input;  // what the session has not seen, held bytes first
    bool filled = false;     // more may be waiting in the socket
  };

  static const char* StateName(State state);

  Received Receive(LoopTurn* turn);
  Received ReceiveBody(std::span<char> room, LoopTurn* turn);
  Wait OnReceiveFailed(ssize_t bytes, int error);
  Wait Execute(std::string_view input, LoopTurn* turn);
  bool Send(LoopTurn* turn);
  Wait WaitForNext();
  void Hold(std::string_view rest);
  void MarkActive(const Now& now);
  void SetState(State state);
  int verbosity() const { return worker_->engine().verbosity(); }

  Stream stream_;
  EngineWorker* const worker_;
  Session session_;
  Output output_;
  // Input that the session has not consumed; empty most of the time.
  std::string held_;
  // What the session wanted when it returned.
  Session::Next next_ = Session::Next::kRead;
  bool failed_ = false;
  const SocketAddress peer_;

  // Written by the worker's thread, read by any that lists connections.
  std::atomic<State> state_ = State::kReading;
  std::atomic<uint32_t> active_tick_;
  std::atomic<uint32_t> held_bytes_ = 0;
};

}  // namespace larder
