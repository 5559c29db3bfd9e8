#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace larder::bench {

// What connections with TLS have in common; null where there is none.
using TlsContext = std::shared_ptr<SSL_CTX>;

// Servers must have a certificate of the authorities in the file `ca_path`; whatever they have is
// good if that is empty.
absl::StatusOr<TlsContext> MakeTlsContext(const std::string& ca_path);

// The client's end of TLS on a socket. Its functions return as recv and sendmsg do, errno set, and
// wait if the socket does.
class TlsEnd {
 public:
  // Shakes hands on the connected, blocking socket `fd`, which must outlive this.
  static absl::StatusOr<std::unique_ptr<TlsEnd>> Connect(const TlsContext& context, int fd);

  ssize_t Receive(char* buffer, size_t bytes);
  // One record; takes its part of `parts` or nothing, and then wants the same again.
  ssize_t Send(std::span<const iovec> parts);
  // Input has been decrypted that the socket does not show.
  bool has_unread() const { return SSL_pending(ssl_.get()) > 0; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  explicit TlsEnd(SSL* ssl) : ssl_(ssl) {}
  ssize_t Failed(int result);

  const std::unique_ptr<SSL, Free> ssl_;
  std::unique_ptr<char[]> record_;
};

}  // namespace larder::bench
