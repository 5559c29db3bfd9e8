#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/net/address.h"
#include "server/net/unique_fd.h"

// The sockets that a server accepts connections from and takes datagrams from. They are opened
// before anything else is started: a port in use is the commonest reason for a server not to start,
// and ports below 1024 may need privileges that are dropped afterwards.

namespace larder {

struct Listener {
  UniqueFd fd;            // listening, not blocking
  SocketAddress address;  // with the port that was chosen where it was to be a free one
  // Of the connections that are accepted here.
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;
  ListenerTls tls = ListenerTls::kDefault;
  std::string tag;
};

// A UDP port. Each worker has a socket of its own on it, and the kernel gives a client's datagrams
// always to the same one; so no worker is woken for what another one takes.
struct DatagramPort {
  std::vector<UniqueFd> fds;  // not blocking; one for each worker
  SocketAddress address;
};

struct ListenOptions {
  std::string listen;                                    // -l, see ParseListenAddresses
  int port = 0;                                          // -p; 0: one that is free
  int backlog = 1024;                                    // -b
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;  // -B, where -l does not say
  bool tls = false;                                      // -Z
};

// Opens every address that the options name; a host name may have several. Fails with a message
// for the operator if an address cannot be had; one that the machine does not have counts only if
// the same entry has no other.
absl::StatusOr<std::vector<Listener>> OpenListeners(const ListenOptions& options);

// The same for UDP, with as many sockets for each port as there are `workers`.
absl::StatusOr<std::vector<DatagramPort>> OpenDatagramPorts(const ListenOptions& options,
                                                            int workers);

struct UnixListenOptions {
  std::string path;      // -s
  unsigned mask = 0700;  // -a: who may connect, as a file's permissions
  int backlog = 1024;    // -b
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;  // -B
};

// Opens a UNIX socket. A socket that an earlier server left at the path is removed; any other file
// is not. Not encrypted, whatever -Z says. To be called while the process has one thread, as the
// permissions are set through its umask. Fails with a message for the operator.
absl::StatusOr<Listener> OpenUnixListener(const UnixListenOptions& options);

// A listening socket of TCP or UNIX that another process has opened and may hold open, made fit to
// be served from. Fails if it is none.
absl::StatusOr<Listener> AdoptListener(UniqueFd fd, int backlog);

// The same for UDP: `fds` are all bound to one port. They are shared out among `workers`; where
// they are fewer, several take datagrams from the same one. Fails if a worker would get more than
// one.
absl::StatusOr<DatagramPort> AdoptDatagramPort(std::vector<UniqueFd> fds, int workers);

// The ports, one line each: "TCP INET: 11211", "TCP INET6: 11211", "UDP INET: 11211". A UNIX socket
// has none.
std::string DescribePorts(const std::vector<Listener>& listeners,
                          const std::vector<DatagramPort>& datagram_ports = {});

// Writes `ports` to `path`, for whoever started the server with a port of the system's choice. The
// file gets its name when it is whole.
absl::Status WritePortFile(const std::string& ports, const std::string& path);

}  // namespace larder
