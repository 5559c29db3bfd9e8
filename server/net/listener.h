#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/net/address.h"
#include "server/net/unique_fd.h"

// The sockets that a server accepts connections from. They are opened before anything else is
// started: a port in use is the commonest reason for a server not to start, and ports below 1024
// may need privileges that are dropped afterwards.

namespace larder {

struct Listener {
  UniqueFd fd;            // listening, not blocking
  SocketAddress address;  // with the port that was chosen where it was to be a free one
  // Of the connections that are accepted here.
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;
  ListenerTls tls = ListenerTls::kDefault;
  std::string tag;
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

// The listeners' ports, one line each: "TCP INET: 11211" or "TCP INET6: 11211".
std::string DescribePorts(const std::vector<Listener>& listeners);

// Writes `ports` to `path`, for whoever started the server with a port of the system's choice. The
// file gets its name when it is whole.
absl::Status WritePortFile(const std::string& ports, const std::string& path);

}  // namespace larder
