#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "server/engine/counters.h"
#include "server/net/lent_buffer.h"
#include "server/net/tls_context.h"

// One connection's TLS, with the manners of a socket that does not block: Receive and Send move
// what they can and return as readv and writev do, with errno. The handshake happens in the first
// calls of Receive, step by step as the client's messages arrive.
//
// In three ways it is not like a socket.
//
//   - Decrypted bytes may be left where the loop that watches the socket does not see them. After a
//     Receive, has_unread() says so, and Receive must be called again without waiting.
//   - What Receive waits for may be room in the socket: receive_wants_room().
//   - Bytes cost by the record, so that Send gathers small pieces into records; what fills a record
//     by itself is encrypted from where it lies.
//
// The socket's end of it is OpenSSL's: write(), so that a process that uses this must ignore
// SIGPIPE.

namespace larder {

class TlsStream {
 public:
  // `ssl` is a server's end before its handshake. `counters` are the worker's.
  TlsStream(SslHandle ssl, size_t record_bytes, WorkerCounters* counters);
  // Says goodbye to the client (close_notify), if the connection has not failed.
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Fills `pieces` in their order as far as there is input. Returns how many bytes that were, 0 at
  // the end, -1 with errno: EAGAIN, EPROTO if it was TLS that failed (see error()), or a socket's.
  ssize_t Receive(std::span<const iovec> pieces);
  // Encrypts and sends `pieces`; may take less than all of them only if the socket is full. What
  // was not taken must come again, in the same order, more behind it or not. `buffer` is used
  // during the call. Returns as Receive does.
  ssize_t Send(std::span<const iovec> pieces, LentBuffer* buffer);

  // Whether the next Receive may cost as much as a handshake does.
  bool handshaking() const { return !established_; }
  bool has_unread() const { return unread_; }
  bool receive_wants_room() const { return receive_wants_room_; }
  // What failed, after EPROTO.
  const std::string& error() const { return error_; }

 private:
  ssize_t Fill(std::span<const iovec> pieces);
  ssize_t ReceiveFailed(int result);
  ssize_t Failed(int result);
  void Fail(int error, std::string text);

  const SslHandle ssl_;
  const size_t record_bytes_;
  WorkerCounters* const counters_;
  bool established_ = false;
  bool unread_ = false;
  bool receive_wants_room_ = false;
  // How it ended, if it has: an errno, or 0 for the end of the stream.
  std::optional<int> end_;
  std::string error_;
};

}  // namespace larder
