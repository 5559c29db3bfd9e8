#include "server/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/net/errno_text.h"

namespace larder {

namespace {

// A reply over UDP may be hundreds of datagrams, and the kernel drops what it has no room for.
constexpr int kSendBufferBytes = 8 << 20;

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// NotFound: the machine has no such address. A resolver also gives these (of IPv6 where there is
// none), so they are no failure as long as another address of the same name works.
absl::Status SystemError(int error) {
  const bool missing = error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
  return absl::Status(missing ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable,
                      ErrnoText(error));
}

absl::StatusOr<AddressList> Resolve(const ListenAddress& address, int socket_type) {
  const addrinfo hints = {
      .ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = socket_type};
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                std::to_string(address.port).c_str(), &hints, &found);
  if (error == EAI_SYSTEM) return SystemError(errno);
  if (error != 0) return absl::InvalidArgumentError(gai_strerror(error));
  return AddressList(found, &freeaddrinfo);
}

bool SetOption(const UniqueFd& fd, int level, int option, int value = 1) {
  return setsockopt(fd.get(), level, option, &value, sizeof(value)) == 0;
}

// An option of SOL_SOCKET; -1 if there is none, or no socket.
int GetOption(const UniqueFd& fd, int option) {
  int value = -1;
  socklen_t bytes = sizeof(value);
  return getsockopt(fd.get(), SOL_SOCKET, option, &value, &bytes) == 0 ? value : -1;
}

bool SetNonBlocking(const UniqueFd& fd) {
  const int flags = fcntl(fd.get(), F_GETFL);
  return flags >= 0 && fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) == 0;
}

UniqueFd OpenSocket(const addrinfo& address) {
  UniqueFd fd(socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     address.ai_protocol));
  if (fd && address.ai_family == AF_INET6 && !SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY)) fd.Reset();
  return fd;
}

// What accept() returns inherits these options, so that no connection needs a system call for them.
absl::StatusOr<Listener> OpenListener(const addrinfo& address, int backlog,
                                      const ListenAddress& wanted) {
  UniqueFd fd = OpenSocket(address);
  if (!fd || !SetOption(fd, SOL_SOCKET, SO_REUSEADDR) || !SetOption(fd, SOL_SOCKET, SO_KEEPALIVE) ||
      !SetOption(fd, IPPROTO_TCP, TCP_NODELAY) ||
      bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 || listen(fd.get(), backlog) != 0) {
    return SystemError(errno);
  }
  const SocketAddress bound = LocalAddress(fd.get());
  return Listener{.fd = std::move(fd),
                  .address = bound,
                  .protocol = wanted.protocol,
                  .tls = wanted.tls,
                  .tag = wanted.tag};
}

// As many sockets as there are workers share a port by SO_REUSEPORT. The first is bound without it:
// with it, a second server of the same user would be let in on the port, too.
absl::StatusOr<DatagramPort> OpenDatagramPort(const addrinfo& address, int workers) {
  DatagramPort port;
  for (int i = 0; i < workers; ++i) {
    const bool first = i == 0;
    UniqueFd fd = OpenSocket(address);
    if (!fd || (!first && !SetOption(fd, SOL_SOCKET, SO_REUSEPORT))) return SystemError(errno);
    // The system gives as much of it as it allows.
    SetOption(fd, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);
    const sockaddr* const where = first ? address.ai_addr : &port.address.any;
    if (bind(fd.get(), where, address.ai_addrlen) != 0) return SystemError(errno);
    if (first && !SetOption(fd, SOL_SOCKET, SO_REUSEPORT)) return SystemError(errno);
    if (first) port.address = LocalAddress(fd.get());
    port.fds.push_back(std::move(fd));
  }
  return port;
}

bool SameAddress(const addrinfo& a, const addrinfo& b) {
  return a.ai_addrlen == b.ai_addrlen && memcmp(a.ai_addr, b.ai_addr, a.ai_addrlen) == 0;
}

// Goes through the addresses that -l names, each once: a resolver may name one twice, and so may an
// operator.
class Opener {
 public:
  using Open = std::function<absl::Status(const addrinfo&, const ListenAddress&)>;

  Opener(int socket_type, Open open) : socket_type_(socket_type), open_(std::move(open)) {}

  // `protocol` is TCP or UDP, for messages.
  absl::Status OpenAll(const ListenOptions& options, const char* protocol) {
    absl::StatusOr<std::vector<ListenAddress>> addresses = ParseListenAddresses(
        options.listen, {.port = options.port, .protocol = options.protocol, .tls = options.tls});
    if (!addresses.ok()) return addresses.status();
    for (const ListenAddress& address : *addresses) {
      if (absl::Status status = OpenEach(address); !status.ok()) {
        const std::string where = options.listen.empty()
                                      ? absl::StrCat(protocol, " port ", options.port)
                                      : absl::StrCat("one of interface(s) ", options.listen);
        return absl::Status(status.code(),
                            absl::StrCat("failed to listen on ", where, ": ", status.message()));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status OpenEach(const ListenAddress& address) {
    absl::StatusOr<AddressList> list = Resolve(address, socket_type_);
    if (!list.ok()) return list.status();
    absl::Status missing;
    bool found = false;
    for (const addrinfo* entry = list->get(); entry != nullptr; entry = entry->ai_next) {
      absl::Status status = OpenOnce(*entry, address);
      found |= status.ok();
      if (absl::IsNotFound(status)) {
        missing = std::move(status);
      } else if (!status.ok()) {
        return status;
      }
    }
    lists_.push_back(*std::move(list));
    return found ? absl::OkStatus() : missing;
  }

  absl::Status OpenOnce(const addrinfo& address, const ListenAddress& wanted) {
    for (const addrinfo* other : opened_) {
      if (SameAddress(address, *other)) return absl::OkStatus();
    }
    if (absl::Status status = open_(address, wanted); !status.ok()) return status;
    opened_.push_back(&address);
    return absl::OkStatus();
  }

  const int socket_type_;
  const Open open_;
  std::vector<AddressList> lists_;
  std::vector<const addrinfo*> opened_;  // in lists_, or in the one being opened
};

void RemoveStaleSocket(const std::string& path) {
  struct stat file;
  if (lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) unlink(path.c_str());
}

void DescribePort(const char* protocol, const SocketAddress& address, std::string* lines) {
  if (address.any.sa_family == AF_UNIX) return;
  const bool v6 = address.any.sa_family == AF_INET6;
  absl::StrAppend(lines, protocol, v6 ? " INET6: " : " INET: ", AddressPort(address), "\n");
}

}  // namespace

absl::StatusOr<std::vector<Listener>> OpenListeners(const ListenOptions& options) {
  std::vector<Listener> listeners;
  Opener opener(
      SOCK_STREAM, [&](const addrinfo& address, const ListenAddress& wanted) -> absl::Status {
        absl::StatusOr<Listener> listener = OpenListener(address, options.backlog, wanted);
        if (!listener.ok()) return listener.status();
        listeners.push_back(*std::move(listener));
        return absl::OkStatus();
      });
  if (absl::Status status = opener.OpenAll(options, "TCP"); !status.ok()) return status;
  return listeners;
}

absl::StatusOr<std::vector<DatagramPort>> OpenDatagramPorts(const ListenOptions& options,
                                                            int workers) {
  std::vector<DatagramPort> ports;
  Opener opener(SOCK_DGRAM, [&](const addrinfo& address, const ListenAddress&) -> absl::Status {
    absl::StatusOr<DatagramPort> port = OpenDatagramPort(address, workers);
    if (!port.ok()) return port.status();
    ports.push_back(*std::move(port));
    return absl::OkStatus();
  });
  if (absl::Status status = opener.OpenAll(options, "UDP"); !status.ok()) return status;
  return ports;
}

absl::StatusOr<Listener> OpenUnixListener(const UnixListenOptions& options) {
  const std::string failed = absl::StrCat("failed to listen on UNIX socket: ", options.path, ": ");
  SocketAddress address = {};
  address.local.sun_family = AF_UNIX;
  if (options.path.size() >= sizeof(address.local.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(failed, ErrnoText(ENAMETOOLONG)));
  }
  memcpy(address.local.sun_path, options.path.data(), options.path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return absl::UnavailableError(absl::StrCat(failed, ErrnoText(errno)));
  RemoveStaleSocket(options.path);
  constexpr unsigned kPermissions = 0777;
  const mode_t umask_before = umask(~options.mask & kPermissions);
  const bool bound = bind(fd.get(), &address.any, sizeof(address.local)) == 0;
  const int error = errno;
  umask(umask_before);
  if (!bound) {
    // memcached's words; what it says last is what it always says.
    return absl::UnavailableError(
        absl::StrCat("bind(): ", ErrnoText(error), "\n", failed, ErrnoText(EINVAL)));
  }
  if (listen(fd.get(), options.backlog) != 0) {
    return absl::UnavailableError(absl::StrCat(failed, ErrnoText(errno)));
  }
  return Listener{.fd = std::move(fd),
                  .address = address,
                  .protocol = options.protocol,
                  .tls = ListenerTls::kNone};
}

absl::StatusOr<Listener> AdoptListener(UniqueFd fd, int backlog) {
  const SocketAddress address = LocalAddress(fd.get());
  const int family = address.any.sa_family;
  const bool is_ip = family == AF_INET || family == AF_INET6;
  if ((!is_ip && family != AF_UNIX) || GetOption(fd, SO_TYPE) != SOCK_STREAM ||
      GetOption(fd, SO_ACCEPTCONN) != 1) {
    return absl::InvalidArgumentError("not a listening socket of TCP or UNIX");
  }
  const bool has_options = !is_ip || (SetOption(fd, SOL_SOCKET, SO_KEEPALIVE) &&
                                      SetOption(fd, IPPROTO_TCP, TCP_NODELAY));
  if (!has_options || !SetNonBlocking(fd) || listen(fd.get(), backlog) != 0) {
    return SystemError(errno);
  }
  return Listener{.fd = std::move(fd),
                  .address = address,
                  .tls = is_ip ? ListenerTls::kDefault : ListenerTls::kNone};
}

absl::StatusOr<DatagramPort> AdoptDatagramPort(std::vector<UniqueFd> fds, int workers) {
  const auto count = static_cast<size_t>(workers);
  if (fds.size() > count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a UDP port with ", fds.size(), " sockets, but only ", workers, " workers (-t)"));
  }
  DatagramPort port = {.fds = std::move(fds)};
  port.address = LocalAddress(port.fds.front().get());
  for (const UniqueFd& fd : port.fds) {
    SetOption(fd, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);
    if (!SetNonBlocking(fd)) return SystemError(errno);
  }
  for (size_t i = 0; port.fds.size() < count; ++i) {
    UniqueFd shared(fcntl(port.fds[i].get(), F_DUPFD_CLOEXEC, 0));
    if (!shared) return SystemError(errno);
    port.fds.push_back(std::move(shared));
  }
  return port;
}

std::string DescribePorts(const std::vector<Listener>& listeners,
                          const std::vector<DatagramPort>& datagram_ports) {
  std::string lines;
  for (const Listener& listener : listeners) DescribePort("TCP", listener.address, &lines);
  for (const DatagramPort& port : datagram_ports) DescribePort("UDP", port.address, &lines);
  return lines;
}

absl::Status WritePortFile(const std::string& ports, const std::string& path) {
  const std::string temporary = path + ".lck";
  FILE* const file = fopen(temporary.c_str(), "w");
  if (file == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("Failed to open \"", temporary, "\": ", ErrnoText(errno)));
  }
  const bool written = fputs(ports.c_str(), file) >= 0;
  if (fclose(file) != 0 || !written || rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(
        absl::StrCat("Failed to write \"", path, "\": ", ErrnoText(errno)));
  }
  return absl::OkStatus();
}

}  // namespace larder
