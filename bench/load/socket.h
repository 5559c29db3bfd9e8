#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "bench/load/tls.h"

namespace larder::bench {

// A file descriptor that is closed with its owner, and TLS on it if so made.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  // `plain` with TLS put on it.
  Socket(Socket plain, std::unique_ptr<TlsEnd> tls)
      : fd_(std::exchange(plain.fd_, -1)), tls_(std::move(tls)) {}
  Socket(Socket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(tls_, other.tls_);
    return *this;
  }
  ~Socket();

  int fd() const { return fd_; }

  // From now on Receive and Send do not wait.
  void StopBlocking() const;
  // As recv and sendmsg.
  ssize_t Receive(char* buffer, size_t bytes) const;
  ssize_t Send(std::span<iovec> parts) const;
  // Receive has more to give than the socket shows.
  bool has_unread() const { return tls_ != nullptr && tls_->has_unread(); }

 private:
  int fd_ = -1;
  std::unique_ptr<TlsEnd> tls_;  // null: plain
};

struct Endpoint {
  std::string host;  // a name or an address, IPv4 or IPv6
  uint16_t port;
  TlsContext tls = nullptr;
};

std::string ToString(const Endpoint& endpoint);

// A connected, blocking TCP socket without Nagle's delay, TLS's handshake done.
absl::StatusOr<Socket> ConnectTo(const Endpoint& endpoint);

}  // namespace larder::bench
