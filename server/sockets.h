#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/options.h"
#include "server/net/listener.h"
#include "server/ops/service_manager.h"

// Which sockets there are to be: those that the service manager hands over, or those that the
// options ask for, in the order in which they can be had.

namespace larder {

struct Sockets {
  std::vector<Listener> listeners;
  std::vector<DatagramPort> datagram_ports;
  bool inherited = false;  // from the service manager
};

// The sockets that the service manager has opened, told apart by their names; none of the options'
// own are opened then, and `options` says afterwards where the server listens instead. Fails with a
// message for the operator if one has a name that larder does not know, or cannot be served.
absl::StatusOr<Sockets> AdoptSockets(const std::vector<InheritedSocket>& inherited,
                                     Options* options);

// The ports of TCP and UDP; none if there is to be a UNIX socket. For before the user is changed:
// low ports need root. Where any free port would do, `options` says afterwards which it became.
absl::StatusOr<Sockets> OpenPorts(Options* options);

// Adds the UNIX socket, if one is asked for. For after the user is changed: it shall be the user's.
absl::Status OpenUnixSocket(const Settings& settings, Sockets* sockets);

// For the operator: "tcp:127.0.0.1:11211, udp:127.0.0.1:11211", "unix:/run/larder.sock
// (inherited)".
std::string ListAddresses(const Sockets& sockets);

}  // namespace larder
