#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace larder::bench {

// A file descriptor that is closed with its owner.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

struct Endpoint {
  std::string host;  // a name or an address, IPv4 or IPv6
  uint16_t port;
};

std::string ToString(const Endpoint& endpoint);

// A connected, blocking TCP socket without Nagle's delay.
absl::StatusOr<Socket> ConnectTo(const Endpoint& endpoint);

}  // namespace larder::bench
