#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

// Where a server listens, as operators write it, and sockets' addresses as they read them.

namespace larder {

// One entry of -l.
struct ListenAddress {
  std::string host;  // a name or an address; empty: every address of the machine
  int port = 0;      // 0: one that is free

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Reads `list`, entries parted by ',' or ';', each one of
//
//   host   host:port   *   *:port   2001:db8::1   [2001:db8::1]   [2001:db8::1]:port
//
// An entry without a port gets `default_port`; an empty list is every address. Fails with a
// message for the operator.
absl::StatusOr<std::vector<ListenAddress>> ParseListenAddresses(std::string_view list,
                                                                int default_port);

// A TCP socket's address, of either family.
union TcpAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// As memcached's statistics print it: "tcp:127.0.0.1:11211", "tcp6:[::1]:11211".
std::string AddressText(const TcpAddress& address);

// The port; 0 if the address has none.
int AddressPort(const TcpAddress& address);

// The address that the socket `fd` is bound to.
TcpAddress LocalAddress(int fd);

}  // namespace larder
