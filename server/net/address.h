#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/settings.h"

// Where a server listens, as operators write it, and sockets' addresses as they read them.

namespace larder {

// Whether a listener's connections are encrypted, and what they ask of the client.
enum class ListenerTls : uint8_t {
  kDefault,  // as the settings say: with -Z as ssl_verify_mode has it, else not encrypted
  kNone,     // notls: not encrypted
  kBasic,    // btls: encrypted; no certificate is asked for
  kMutual,   // mtls: encrypted, and the client must show a certificate of ssl_ca_cert's
};

// One entry of -l.
struct ListenAddress {
  std::string host;  // a name or an address; empty: every address of the machine
  int port = 0;      // 0: one that is free
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;  // of its connections
  ListenerTls tls = ListenerTls::kDefault;
  std::string tag;  // the operator's name for it, 1 to 8 bytes; empty: none

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// What an entry of -l gets where it does not say.
struct ListenDefaults {
  int port = 0;                                          // -p or -U
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;  // -B
  bool tls = false;  // -Z: there is TLS, and so an entry may say how
};

// Reads `list`, entries parted by ',' or ';', each one of
//
//   host   host:port   *   *:port   2001:db8::1   [2001:db8::1]   [2001:db8::1]:port
//
// behind any of these, in this order:
//
//   notls: btls: mtls:                  if there is TLS
//   proto[ascii]: proto[binary]: proto[negotiating]:   and proto[auto]:, which says the same
//   tag[name]: tag_name_:
//
// An empty list is every address. Fails with a message for the operator.
absl::StatusOr<std::vector<ListenAddress>> ParseListenAddresses(std::string_view list,
                                                                const ListenDefaults& defaults);

// A socket's address, of any family that larder serves.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

// As memcached's statistics print it: "tcp:127.0.0.1:11211", "tcp6:[::1]:11211",
// "unix:/run/larder.sock"; with `datagrams` "udp:127.0.0.1:11211".
std::string AddressText(const SocketAddress& address, bool datagrams = false);

// Only the host, as watchers are told it: "127.0.0.1", "::1", "unix".
std::string HostText(const SocketAddress& address);

// The port; 0 if the address has none.
int AddressPort(const SocketAddress& address);

// The address that the socket `fd` is bound to.
SocketAddress LocalAddress(int fd);

}  // namespace larder
