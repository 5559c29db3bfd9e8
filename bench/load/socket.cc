#include "bench/load/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include "absl/strings/str_cat.h"

namespace larder::bench {

Socket::~Socket() {
  tls_.reset();
  if (fd_ >= 0) close(fd_);
}

void Socket::StopBlocking() const { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }

ssize_t Socket::Receive(char* buffer, size_t bytes) const {
  return tls_ == nullptr ? recv(fd_, buffer, bytes, 0) : tls_->Receive(buffer, bytes);
}

ssize_t Socket::Send(std::span<iovec> parts) const {
  if (tls_ != nullptr) return tls_->Send(parts);
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = std::min<size_t>(parts.size(), IOV_MAX);
  return sendmsg(fd_, &message, MSG_NOSIGNAL);
}

std::string ToString(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", endpoint.host, "]:", endpoint.port)
                 : absl::StrCat(endpoint.host, ":", endpoint.port);
}

absl::StatusOr<Socket> ConnectTo(const Endpoint& endpoint) {
  const addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failure != 0) {
    return absl::NotFoundError(absl::StrCat("cannot resolve ", endpoint.host, ": ",
                                            static_cast<const char*>(gai_strerror(failure))));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);

  int error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0));
    if (socket.fd() >= 0 && connect(socket.fd(), address->ai_addr, address->ai_addrlen) == 0) {
      const int on = 1;
      setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      if (endpoint.tls == nullptr) return socket;
      auto tls = TlsEnd::Connect(endpoint.tls, socket.fd());
      if (!tls.ok()) return tls.status();
      return Socket(std::move(socket), *std::move(tls));
    }
    error = errno;
  }
  return absl::ErrnoToStatus(error, absl::StrCat("cannot connect to ", ToString(endpoint)));
}

}  // namespace larder::bench
