#include "server/net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace larder {

namespace {

constexpr int kPortMax = 65535;

// Debian's abseil has a string view type of its own, which StrCat takes.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status BadEntry(std::string_view what, std::string_view entry) {
  return absl::InvalidArgumentError(absl::StrCat(View(what), ": \"", View(entry), "\""));
}

// memcached's listeners may have a protocol, a tag and TLS of their own.
bool HasListenerOption(std::string_view entry) {
  for (std::string_view prefix : {"proto[", "tag[", "tag_", "notls:", "btls:", "mtls:"}) {
    if (entry.starts_with(prefix)) return true;
  }
  return false;
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view entry, int default_port) {
  if (HasListenerOption(entry)) {
    return BadEntry("Listener options are not available in this version of larder", entry);
  }
  std::string_view host = entry;
  std::string_view port;
  bool has_port = false;
  if (entry.starts_with('[')) {
    const size_t end = entry.find(']');
    if (end == std::string_view::npos) return BadEntry("Invalid IPV6 address", entry);
    host = entry.substr(1, end - 1);
    const std::string_view rest = entry.substr(end + 1);
    has_port = rest.starts_with(':');
    if (has_port) port = rest.substr(1);
    if (!has_port && !rest.empty()) return BadEntry("Invalid IPV6 address", entry);
  } else if (const size_t colon = entry.find(':');
             colon != std::string_view::npos && entry.rfind(':') == colon) {
    // With more colons it is a bare IPv6 address, which leaves no way to write a port.
    host = entry.substr(0, colon);
    port = entry.substr(colon + 1);
    has_port = true;
  }

  ListenAddress address{.host = std::string(host == "*" ? std::string_view() : host),
                        .port = default_port};
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size() || address.port < 0 ||
        address.port > kPortMax) {
      return BadEntry("Invalid port number", port);
    }
  }
  return address;
}

}  // namespace

absl::StatusOr<std::vector<ListenAddress>> ParseListenAddresses(std::string_view list,
                                                                int default_port) {
  std::vector<ListenAddress> addresses;
  while (!list.empty()) {
    const std::string_view entry = list.substr(0, list.find_first_of(",;"));
    list.remove_prefix(std::min(list.size(), entry.size() + 1));
    if (entry.empty()) continue;
    absl::StatusOr<ListenAddress> address = ParseListenAddress(entry, default_port);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  if (addresses.empty()) addresses.push_back({.port = default_port});
  return addresses;
}

std::string AddressText(const TcpAddress& address) {
  char host[INET6_ADDRSTRLEN] = "";
  switch (address.any.sa_family) {
    case AF_INET:
      inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
      return absl::StrCat("tcp:", host, ":", ntohs(address.v4.sin_port));
    case AF_INET6:
      inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
      return absl::StrCat("tcp6:[", host, "]:", ntohs(address.v6.sin6_port));
    default:
      return absl::StrCat("<AF ", address.any.sa_family, ">");
  }
}

int AddressPort(const TcpAddress& address) {
  switch (address.any.sa_family) {
    case AF_INET:
      return ntohs(address.v4.sin_port);
    case AF_INET6:
      return ntohs(address.v6.sin6_port);
    default:
      return 0;
  }
}

TcpAddress LocalAddress(int fd) {
  TcpAddress address = {};
  socklen_t bytes = sizeof(address);
  if (getsockname(fd, &address.any, &bytes) != 0) address.any.sa_family = AF_UNSPEC;
  return address;
}

}  // namespace larder
