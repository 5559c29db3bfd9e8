#include "server/net/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace larder {

namespace {

// Walks through pieces and cuts them into what goes into one record each.
class RecordCutter {
 public:
  RecordCutter(std::span<const iovec> pieces, size_t record_bytes, LentBuffer* buffer)
      : pieces_(pieces), record_bytes_(record_bytes), buffer_(buffer) {}

  // What is to be sent next; empty at the end. Valid until the next call. From the same position
  // it is never shorter than it was, as OpenSSL demands of what is tried again.
  std::span<const char> Next() {
    while (!pieces_.empty() && offset_ == pieces_.front().iov_len) {
      pieces_ = pieces_.subspan(1);
      offset_ = 0;
    }
    if (pieces_.empty()) return {};
    const std::span<const char> first = Rest(pieces_.front(), offset_);
    if (first.size() >= record_bytes_) return first.first(record_bytes_);
    return pieces_.size() == 1 ? first : Gather();
  }

  // The first `bytes` of what Next() returned have been taken.
  void Advance(size_t bytes) {
    while (bytes > 0) {
      const size_t step = std::min(bytes, pieces_.front().iov_len - offset_);
      offset_ += step;
      bytes -= step;
      if (offset_ == pieces_.front().iov_len) {
        pieces_ = pieces_.subspan(1);
        offset_ = 0;
      }
    }
  }

 private:
  static std::span<const char> Rest(const iovec& piece, size_t offset) {
    return std::span(static_cast<const char*>(piece.iov_base), piece.iov_len).subspan(offset);
  }

  std::span<const char> Gather() const {
    char* const record = buffer_->AtLeast(record_bytes_);
    size_t bytes = 0;
    size_t offset = offset_;
    for (const iovec& piece : pieces_) {
      const std::span<const char> rest = Rest(piece, offset);
      const size_t taken = std::min(rest.size(), record_bytes_ - bytes);
      memcpy(record + bytes, rest.data(), taken);
      bytes += taken;
      offset = 0;
      if (bytes == record_bytes_) break;
    }
    return {record, bytes};
  }

  std::span<const iovec> pieces_;
  size_t offset_ = 0;  // of the first piece, taken already
  const size_t record_bytes_;
  LentBuffer* const buffer_;
};

// An operation's outcome is read from the thread's queue of errors, and whoever used OpenSSL on
// this thread before may have left one there.
void ForgetOldErrors() {
  if (ERR_peek_error() != 0) [[unlikely]]
    ERR_clear_error();
}

std::string TakeError() {
  char text[256] = "";
  if (const unsigned long error = ERR_get_error(); error != 0) {
    ERR_error_string_n(error, text, sizeof(text));
  }
  ERR_clear_error();
  return text;
}

}  // namespace

TlsStream::TlsStream(SslHandle ssl, size_t record_bytes, WorkerCounters* counters)
    : ssl_(std::move(ssl)), record_bytes_(record_bytes), counters_(counters) {}

TlsStream::~TlsStream() {
  if (!established_ || end_.value_or(0) != 0) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

ssize_t TlsStream::Receive(std::span<const iovec> pieces) {
  unread_ = false;
  receive_wants_room_ = false;
  ForgetOldErrors();
  if (!established_) [[unlikely]] {
    if (!end_) {
      if (const int result = SSL_do_handshake(ssl_.get()); result != 1) {
        return ReceiveFailed(result);
      }
      established_ = true;
    }
  }
  if (end_) {
    errno = *end_;
    return *end_ == 0 ? 0 : -1;
  }
  return Fill(pieces);
}

ssize_t TlsStream::Fill(std::span<const iovec> pieces) {
  ssize_t total = 0;
  for (const iovec& piece : pieces) {
    for (size_t filled = 0; filled < piece.iov_len;) {
      size_t bytes = 0;
      const int result = SSL_read_ex(ssl_.get(), static_cast<char*>(piece.iov_base) + filled,
                                     piece.iov_len - filled, &bytes);
      if (result != 1) {
        const ssize_t failed = ReceiveFailed(result);
        if (total == 0) return failed;
        // What has come goes first; the next call finds the end, or what it has to wait for.
        unread_ = end_.has_value() || receive_wants_room_;
        return total;
      }
      filled += bytes;
      total += static_cast<ssize_t>(bytes);
      // After a full record there is probably another: a large value is arriving.
      const bool go_on = bytes == SSL3_RT_MAX_PLAIN_LENGTH || SSL_has_pending(ssl_.get()) == 1;
      if (!go_on) return total;
    }
  }
  unread_ = SSL_has_pending(ssl_.get()) == 1;
  return total;
}

ssize_t TlsStream::Send(std::span<const iovec> pieces, LentBuffer* buffer) {
  if (end_.value_or(0) != 0) {
    errno = *end_;
    return -1;
  }
  ForgetOldErrors();
  RecordCutter cutter(pieces, record_bytes_, buffer);
  ssize_t total = 0;
  while (true) {
    const std::span<const char> record = cutter.Next();
    if (record.empty()) return total;
    size_t bytes = 0;
    const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &bytes);
    if (result != 1) {
      const ssize_t failed = Failed(result);
      // It does not happen without renegotiation, and whoever waits for room would spin.
      if (!end_ && SSL_want_read(ssl_.get())) Fail(EPROTO, "a send that waits for input");
      return end_ || total == 0 ? failed : total;
    }
    cutter.Advance(bytes);
    total += static_cast<ssize_t>(bytes);
  }
}

ssize_t TlsStream::ReceiveFailed(int result) {
  const ssize_t failed = Failed(result);
  receive_wants_room_ = !end_ && SSL_want_write(ssl_.get());
  return failed;
}

// Finds out why an operation did not succeed, and sets errno. The result for the caller.
ssize_t TlsStream::Failed(int result) {
  const int socket_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      end_ = 0;
      errno = 0;
      return 0;
    case SSL_ERROR_SYSCALL: {
      // Without an error of the system's it is the end, in the middle of something.
      const bool told = socket_error != 0 && socket_error != EAGAIN;
      Fail(told ? socket_error : ECONNRESET, {});
      return -1;
    }
    default:
      (established_ ? counters_->tls_protocol_errors : counters_->tls_handshake_errors).Add(1);
      Fail(EPROTO, TakeError());
      return -1;
  }
}

void TlsStream::Fail(int error, std::string text) {
  end_ = error;
  error_ = std::move(text);
  ERR_clear_error();
  errno = error;
}

}  // namespace larder
