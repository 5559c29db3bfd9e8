#include "server/sockets.h"

#include <stdio.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
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

struct SocketName {
  const char* name;
  ListenerTls tls;
};

// What the service manager may call a socket: what it is for.
constexpr std::array kSocketNames = {SocketName{"memcached", ListenerTls::kDefault},
                                     SocketName{"memcached-notls", ListenerTls::kNone},
                                     SocketName{"memcached-btls", ListenerTls::kBasic},
                                     SocketName{"memcached-mtls", ListenerTls::kMutual}};

absl::StatusOr<ListenerTls> TlsOf(const std::string& name) {
  std::vector<const char*> known;
  for (const SocketName& socket : kSocketNames) {
    if (name == socket.name) return socket.tls;
    known.push_back(socket.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("its name is none of ", absl::StrJoin(known, ", ")));
}

bool IsDatagramSocket(int fd) {
  int type = 0;
  socklen_t bytes = sizeof(type);
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_DGRAM;
}

absl::Status AdoptStream(UniqueFd fd, ListenerTls tls, const Settings& settings, Sockets* sockets) {
  absl::StatusOr<Listener> listener = AdoptListener(std::move(fd), settings.backlog);
  if (!listener.ok()) return listener.status();
  if (tls == ListenerTls::kBasic || tls == ListenerTls::kMutual) {
    if (!settings.tls.enabled) return absl::InvalidArgumentError("it needs TLS (-Z)");
    if (listener->address.any.sa_family == AF_UNIX) {
      return absl::InvalidArgumentError("a UNIX socket is not encrypted");
    }
  }
  if (tls != ListenerTls::kDefault) listener->tls = tls;
  listener->protocol = settings.protocol;
  sockets->listeners.push_back(*std::move(listener));
  return absl::OkStatus();
}

// The sockets of each UDP port, by the port's address.
using DatagramSockets = std::map<std::string, std::vector<UniqueFd>>;

absl::Status AdoptDatagrams(DatagramSockets&& ports, int workers, Sockets* sockets) {
  for (auto& [address, fds] : ports) {
    absl::StatusOr<DatagramPort> port = AdoptDatagramPort(std::move(fds), workers);
    if (!port.ok()) return port.status();
    sockets->datagram_ports.push_back(*std::move(port));
  }
  return absl::OkStatus();
}

absl::Status AdoptSocket(UniqueFd fd, const std::string& name, const Settings& settings,
                         Sockets* sockets, DatagramSockets* datagrams) {
  const absl::StatusOr<ListenerTls> tls = TlsOf(name);
  if (!tls.ok()) return tls.status();
  if (!IsDatagramSocket(fd.get())) return AdoptStream(std::move(fd), *tls, settings, sockets);
  const SocketAddress address = LocalAddress(fd.get());
  if (AddressPort(address) == 0) return absl::InvalidArgumentError("it is bound to no UDP port");
  if (*tls != ListenerTls::kDefault) return absl::InvalidArgumentError("UDP is not encrypted");
  (*datagrams)[AddressText(address, /*datagrams=*/true)].push_back(std::move(fd));
  return absl::OkStatus();
}

// What -p, -U, -s and -l would have had to be.
void DescribeIn(const Sockets& sockets, Settings* settings) {
  settings->tcp_port = 0;
  settings->udp_port = 0;
  settings->unix_socket.clear();
  std::vector<std::string> addresses;
  for (const Listener& listener : sockets.listeners) {
    const std::string text = AddressText(listener.address);
    const std::string address = text.substr(text.find(':') + 1);
    if (listener.address.any.sa_family == AF_UNIX) {
      settings->unix_socket = address;
      continue;
    }
    addresses.push_back(address);
    if (settings->tcp_port == 0) settings->tcp_port = AddressPort(listener.address);
  }
  if (!sockets.datagram_ports.empty()) {
    settings->udp_port = AddressPort(sockets.datagram_ports.front().address);
  }
  settings->listen = absl::StrJoin(addresses, ",");
}

}  // namespace

absl::StatusOr<Sockets> AdoptSockets(const std::vector<InheritedSocket>& inherited,
                                     Options* options) {
  Sockets sockets;
  sockets.inherited = true;
  DatagramSockets datagrams;
  for (const InheritedSocket& socket : inherited) {
    Mark(socket.fd, options->socket_mark);
    const absl::Status status =
        AdoptSocket(UniqueFd(socket.fd), socket.name, options->settings, &sockets, &datagrams);
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("failed to take the inherited socket \"",
                                                      socket.name, "\": ", status.message()));
    }
  }
  absl::Status status = AdoptDatagrams(std::move(datagrams), options->settings.threads, &sockets);
  if (!status.ok()) return status;
  status = CheckProtocols(options->settings, sockets.listeners);
  if (!status.ok()) return status;
  DescribeIn(sockets, &options->settings);
  return sockets;
}

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
  return absl::StrCat(absl::StrJoin(addresses, ", "), sockets.inherited ? " (inherited)" : "");
}

}  // namespace larder
