#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/options.h"
#include "server/net/listener.h"

// Which sockets the options ask for, and in which order they can be had.

namespace larder {

struct Sockets {
  std::vector<Listener> listeners;
  std::vector<DatagramPort> datagram_ports;
};

// The ports of TCP and UDP; none if there is to be a UNIX socket. For before the user is changed:
// low ports need root. Where any free port would do, `options` says afterwards which it became.
absl::StatusOr<Sockets> OpenPorts(Options* options);

// Adds the UNIX socket, if one is asked for. For after the user is changed: it shall be the user's.
absl::Status OpenUnixSocket(const Settings& settings, Sockets* sockets);

// For the operator: "tcp:127.0.0.1:11211, udp:127.0.0.1:11211", "unix:/run/larder.sock".
std::string ListAddresses(const Sockets& sockets);

}  // namespace larder
