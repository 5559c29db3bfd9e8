#include "tests/net/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <utility>

#include "server/net/errno_text.h"
#include "slab/assert.h"

namespace larder {

namespace {

// Far beyond what any answer takes, also under a sanitizer on a busy machine.
constexpr timeval kDeadline = {.tv_sec = 60, .tv_usec = 0};

UniqueFd Connect(int port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  LARDER_CHECK(fd);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int error =
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0
                                                                                           : errno;
  EXPECT_EQ(error, 0) << ErrnoText(error);
  return fd;
}

}  // namespace

UniqueFd ConnectToPath(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const bool connected =
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  EXPECT_TRUE(connected) << path << ": " << ErrnoText(errno);
  return fd;
}

Client::Client(int port) : Client(Connect(port)) {
  const int on = 1;
  setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

Client::Client(UniqueFd fd) : fd_(std::move(fd)) {
  setsockopt(this->fd(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof(kDeadline));
  setsockopt(this->fd(), SOL_SOCKET, SO_SNDTIMEO, &kDeadline, sizeof(kDeadline));
}

void Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0) << ErrnoText(errno);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t Client::SendSome(std::string_view bytes) {
  const ssize_t sent = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

void Client::FinishSending() { shutdown(fd(), SHUT_WR); }

std::string Client::Receive(size_t bytes) {
  while (received_.size() < bytes) {
    if (!ReceiveMore()) {
      ADD_FAILURE() << "the connection ended after " << received_.size() << " of " << bytes
                    << " bytes";
      return {};
    }
  }
  return Take(bytes);
}

std::string Client::ReceiveThrough(std::string_view end) {
  for (size_t searched = 0;;) {
    if (const size_t found = received_.find(end, searched); found != std::string::npos) {
      return Take(found + end.size());
    }
    searched = received_.size() - std::min(received_.size(), end.size() - 1);
    if (!ReceiveMore()) {
      ADD_FAILURE() << "the connection ended after " << received_.size() << " bytes without " << end
                    << ": " << received_.substr(0, 200);
      return {};
    }
  }
}

std::string Client::ReceiveAll() {
  while (ReceiveMore()) {
  }
  return Take(received_.size());
}

std::string Client::Ask(std::string_view request, std::string_view end) {
  Send(request);
  return ReceiveThrough(end);
}

void Client::ShrinkBuffers() {
  const int smallest = 1;
  setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
  setsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest));
}

bool Client::ReceiveMore() {
  char buffer[1 << 16];
  const ssize_t bytes = recv(fd(), buffer, sizeof(buffer), 0);
  if (bytes > 0) {
    received_.append(buffer, static_cast<size_t>(bytes));
    return true;
  }
  EXPECT_TRUE(bytes == 0 || errno == ECONNRESET) << ErrnoText(errno);
  return false;
}

std::string Client::Take(size_t bytes) {
  std::string taken = received_.substr(0, bytes);
  received_.erase(0, bytes);
  return taken;
}

}  // namespace larder
