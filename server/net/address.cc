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
constexpr size_t kTagBytesMax = 8;

// Debian's abseil has a string view type of its own, which StrCat takes.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status BadEntry(std::string_view what, std::string_view entry) {
  return absl::InvalidArgumentError(absl::StrCat(View(what), ": \"", View(entry), "\""));
}

// Takes `word` off the front of `entry`; false if it is not there.
bool Take(std::string_view word, std::string_view* entry) {
  if (!entry->starts_with(word)) return false;
  entry->remove_prefix(word.size());
  return true;
}

// Takes "text" off the front of an entry that goes on "text<end>:...", with `begin` before it gone
// already.
bool TakeThrough(char end, std::string_view* entry, std::string_view* text) {
  const size_t at = entry->find(end);
  if (at == std::string_view::npos) return false;
  *text = entry->substr(0, at);
  entry->remove_prefix(at + 1);
  return Take(":", entry);
}

absl::Status TakeTls(bool available, std::string_view* entry, ListenerTls* tls) {
  struct Prefix {
    std::string_view word;
    ListenerTls tls;
  };
  for (const Prefix& prefix :
       {Prefix{"notls:", ListenerTls::kNone}, Prefix{"btls:", ListenerTls::kBasic},
        Prefix{"mtls:", ListenerTls::kMutual}}) {
    if (!Take(prefix.word, entry)) continue;
    if (!available) {
      const std::string_view name = prefix.word.substr(0, prefix.word.size() - 1);
      return absl::InvalidArgumentError(
          absl::StrCat("'", View(name), "' option is valid only when SSL is enabled"));
    }
    *tls = prefix.tls;
    break;
  }
  return absl::OkStatus();
}

absl::Status TakeProtocol(std::string_view* entry, ProtocolChoice* protocol) {
  const std::string_view whole = *entry;
  if (!Take("proto[", entry)) return absl::OkStatus();
  std::string_view name;
  if (!TakeThrough(']', entry, &name)) return BadEntry("Invalid protocol spec", whole);
  if (name == "ascii") {
    *protocol = ProtocolChoice::kText;
  } else if (name == "binary") {
    *protocol = ProtocolChoice::kBinary;
  } else if (name == "negotiating" || name == "auto") {
    *protocol = ProtocolChoice::kNegotiate;
  } else if (name == "proxy") {
    return BadEntry("Server not built with proxy", whole);
  } else {
    return BadEntry("Invalid protocol spec", whole);
  }
  return absl::OkStatus();
}

// The brackets of "tag[name]:" have a meaning in shells, so there is "tag_name_:" too.
absl::Status TakeTag(std::string_view* entry, std::string* tag) {
  const std::string_view whole = *entry;
  std::string_view name;
  if (Take("tag[", entry)) {
    if (!TakeThrough(']', entry, &name)) return BadEntry("Invalid tag in socket config", whole);
  } else if (Take("tag_", entry)) {
    if (!TakeThrough('_', entry, &name)) return BadEntry("Invalid tag in socket config", whole);
  } else {
    return absl::OkStatus();
  }
  if (name.empty() || name.size() > kTagBytesMax) {
    return BadEntry("Listener tags must be between 1 and 8 characters", name);
  }
  *tag = name;
  return absl::OkStatus();
}

absl::Status TakeOptions(bool tls, std::string_view* entry, ListenAddress* address) {
  if (absl::Status status = TakeTls(tls, entry, &address->tls); !status.ok()) return status;
  if (absl::Status status = TakeProtocol(entry, &address->protocol); !status.ok()) return status;
  return TakeTag(entry, &address->tag);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view entry,
                                                 const ListenDefaults& defaults) {
  ListenAddress address{.port = defaults.port, .protocol = defaults.protocol};
  if (absl::Status status = TakeOptions(defaults.tls, &entry, &address); !status.ok()) {
    return status;
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

  address.host = host == "*" ? std::string_view() : host;
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
                                                                const ListenDefaults& defaults) {
  std::vector<ListenAddress> addresses;
  while (!list.empty()) {
    const std::string_view entry = list.substr(0, list.find_first_of(",;"));
    list.remove_prefix(std::min(list.size(), entry.size() + 1));
    if (entry.empty()) continue;
    absl::StatusOr<ListenAddress> address = ParseListenAddress(entry, defaults);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  if (addresses.empty()) {
    addresses.push_back({.port = defaults.port, .protocol = defaults.protocol});
  }
  return addresses;
}

std::string HostText(const SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = "unix";
  if (address.any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
  } else if (address.any.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
  }
  return host;
}

std::string AddressText(const SocketAddress& address, bool datagrams) {
  char host[INET6_ADDRSTRLEN] = "";
  switch (address.any.sa_family) {
    case AF_INET:
      inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
      return absl::StrCat(datagrams ? "udp:" : "tcp:", host, ":", ntohs(address.v4.sin_port));
    case AF_INET6:
      inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
      return absl::StrCat(datagrams ? "udp6:[" : "tcp6:[", host, "]:", ntohs(address.v6.sin6_port));
    case AF_UNIX:
      // A client's end has no name, as a rule.
      if (address.local.sun_path[0] == '\0') return absl::StrCat("unix:<AF ", AF_UNIX, ">");
      return absl::StrCat("unix:", address.local.sun_path);
    default:
      return absl::StrCat("<AF ", address.any.sa_family, ">");
  }
}

int AddressPort(const SocketAddress& address) {
  switch (address.any.sa_family) {
    case AF_INET:
      return ntohs(address.v4.sin_port);
    case AF_INET6:
      return ntohs(address.v6.sin6_port);
    default:
      return 0;
  }
}

SocketAddress LocalAddress(int fd) {
  SocketAddress address = {};
  socklen_t bytes = sizeof(address);
  if (getsockname(fd, &address.any, &bytes) != 0) address.any.sa_family = AF_UNSPEC;
  return address;
}

}  // namespace larder
