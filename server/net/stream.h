#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "server/net/errno_text.h"
#include "server/net/lent_buffer.h"
#include "server/net/tls_stream.h"
#include "server/net/unique_fd.h"

namespace larder {

// A client's socket, plain or with TLS: spans in, pieces out. A plain one is the bare system calls
// behind a branch that is always taken, as most connections of a process are of the same kind.
class Stream {
 public:
  // A connected socket that does not block.
  explicit Stream(UniqueFd fd) : fd_(std::move(fd)) {}
  // With TLS on it.
  Stream(UniqueFd fd, std::unique_ptr<TlsStream> tls) : fd_(std::move(fd)), tls_(std::move(tls)) {}

  int fd() const { return fd_.get(); }
  bool encrypted() const { return tls_ != nullptr; }

  // As recv and readv: how many bytes came, 0 at the end, -1 with errno.
  ssize_t Receive(char* buffer, size_t bytes) {
    if (tls_ == nullptr) [[likely]]
      return recv(fd(), buffer, bytes, 0);
    const iovec piece = {buffer, bytes};
    return tls_->Receive({&piece, 1});
  }
  ssize_t Receive(std::span<const iovec> pieces) {
    if (tls_ == nullptr) [[likely]]
      return readv(fd(), pieces.data(), static_cast<int>(pieces.size()));
    return tls_->Receive(pieces);
  }

  // As sendmsg: takes less than all only if the socket is full. What was not taken must come again.
  // `records` is for TLS to use meanwhile.
  ssize_t Send(std::span<iovec> pieces, LentBuffer* records) {
    if (tls_ == nullptr) [[likely]]
      return SendPlain(pieces);
    return tls_->Send(pieces, records);
  }

  // The next Receive is a step of a handshake, which costs as much as thousands of requests.
  bool handshaking() const { return tls_ != nullptr && tls_->handshaking(); }
  // There is input that the socket does not show as readable: Receive must be called again.
  bool has_unread() const { return tls_ != nullptr && tls_->has_unread(); }
  // The last Receive waits for the socket to take output.
  bool receive_wants_room() const { return tls_ != nullptr && tls_->receive_wants_room(); }

  // What a failure that set errno to `error` was about.
  std::string ErrorText(int error) const {
    return tls_ != nullptr && error == EPROTO ? tls_->error() : ErrnoText(error);
  }

 private:
  // One system call. For a single piece, the simpler one saves the kernel fetching the list.
  ssize_t SendPlain(std::span<iovec> pieces) const {
    if (pieces.size() == 1) {
      return send(fd(), pieces.front().iov_base, pieces.front().iov_len, MSG_NOSIGNAL);
    }
    const msghdr message = {.msg_iov = pieces.data(), .msg_iovlen = pieces.size()};
    return sendmsg(fd(), &message, MSG_NOSIGNAL);
  }

  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;  // null: plain. After the socket: gone before that is closed.
};

}  // namespace larder
