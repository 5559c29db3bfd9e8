#include "server/sockets.h"

#include <stdio.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "server/daemon.h"

namespace larder {

namespace {

ListenOptions ListenOptionsFrom(const Settings& settings, int port) {
  return {.listen = settings.listen,
          .port = std::max(port, 0),
          .backlog = settings.backlog,
          .protocol = settings.protocol,
          .tls = settings.tls.enabled};
}

// A server without marks serves all the same.
void Mark(int fd, uint32_t mark) {
  if (mark == 0) return;
  if (const absl::Status status = MarkSocket(fd, mark); !status.ok()) {
    fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  }
}

// A listener with a protocol of its own must not be a way around authentication. With SASL one that
// negotiates is none: all that its clients may speak is the binary protocol.
absl::Status CheckProtocols(const Settings& settings, const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    if (!settings.auth_file.empty() && listener.protocol != ProtocolChoice::kText) {
      return absl::InvalidArgumentError(
          "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.");
    }
    if (settings.sasl && listener.protocol == ProtocolChoice::kText) {
      return absl::InvalidArgumentError(
          "ERROR: You cannot allow the ASCII protocol while using SASL.");
    }
  }
  return absl::OkStatus();
}

absl::Status OpenTcpPorts(Options* options, Sockets* sockets) {
  Settings& settings = options->settings;
  absl::StatusOr<std::vector<Listener>> listeners =
      OpenListeners(ListenOptionsFrom(settings, settings.tcp_port));
  if (!listeners.ok()) return listeners.status();
  if (absl::Status status = CheckProtocols(settings, *listeners); !status.ok()) return status;
  for (const Listener& listener : *listeners) Mark(listener.fd.get(), options->socket_mark);
  if (settings.tcp_port <= 0) settings.tcp_port = AddressPort(listeners->front().address);
  sockets->listeners = *std::move(listeners);
  return absl::OkStatus();
}

absl::Status OpenUdpPorts(Options* options, Sockets* sockets) {
  Settings& settings = options->settings;
  absl::StatusOr<std::vector<DatagramPort>> ports =
      OpenDatagramPorts(ListenOptionsFrom(settings, settings.udp_port), settings.threads);
  if (!ports.ok()) return ports.status();
  for (const DatagramPort& port : *ports) {
    for (const UniqueFd& fd : port.fds) Mark(fd.get(), options->socket_mark);
  }
  if (settings.udp_port < 0) settings.udp_port = AddressPort(ports->front().address);
  sockets->datagram_ports = *std::move(ports);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Sockets> OpenPorts(Options* options) {
  const Settings& settings = options->settings;
  Sockets sockets;
  if (!settings.unix_socket.empty()) return sockets;
  // Without TCP and UDP nobody could be served: then 0 is not "none", but "any that is free".
  if (settings.tcp_port != 0 || settings.udp_port == 0) {
    if (absl::Status status = OpenTcpPorts(options, &sockets); !status.ok()) return status;
  }
  if (settings.udp_port != 0) {
    if (absl::Status status = OpenUdpPorts(options, &sockets); !status.ok()) return status;
  }
  return sockets;
}

absl::Status OpenUnixSocket(const Settings& settings, Sockets* sockets) {
  if (settings.unix_socket.empty()) return absl::OkStatus();
  absl::StatusOr<Listener> listener = OpenUnixListener({.path = settings.unix_socket,
                                                        .mask = settings.unix_mask,
                                                        .backlog = settings.backlog,
                                                        .protocol = settings.protocol});
  if (!listener.ok()) return listener.status();
  sockets->listeners.push_back(*std::move(listener));
  return absl::OkStatus();
}

std::string ListAddresses(const Sockets& sockets) {
  std::vector<std::string> addresses;
  for (const Listener& listener : sockets.listeners) {
    addresses.push_back(AddressText(listener.address));
  }
  for (const DatagramPort& port : sockets.datagram_ports) {
    addresses.push_back(AddressText(port.address, /*datagrams=*/true));
  }
  return absl::StrJoin(addresses, ", ");
}

}  // namespace larder
