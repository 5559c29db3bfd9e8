#include "server/net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/net/errno_text.h"

namespace larder {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// NotFound: the machine has no such address. A resolver also gives these (of IPv6 where there is
// none), so they are no failure as long as another address of the same name works.
absl::Status SystemError(int error) {
  const bool missing = error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
  return absl::Status(missing ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable,
                      ErrnoText(error));
}

absl::StatusOr<AddressList> Resolve(const ListenAddress& address) {
  const addrinfo hints = {
      .ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                std::to_string(address.port).c_str(), &hints, &found);
  if (error == EAI_SYSTEM) return SystemError(errno);
  if (error != 0) return absl::InvalidArgumentError(gai_strerror(error));
  return AddressList(found, &freeaddrinfo);
}

bool SetOption(const UniqueFd& fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd.get(), level, option, &on, sizeof(on)) == 0;
}

// What accept() returns inherits these options, so that no connection needs a system call for them.
absl::StatusOr<Listener> OpenListener(const addrinfo& address, int backlog,
                                      const ListenAddress& wanted) {
  UniqueFd fd(socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     address.ai_protocol));
  if (!fd || (address.ai_family == AF_INET6 && !SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
      !SetOption(fd, SOL_SOCKET, SO_REUSEADDR) || !SetOption(fd, SOL_SOCKET, SO_KEEPALIVE) ||
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

bool SameAddress(const addrinfo& a, const addrinfo& b) {
  return a.ai_addrlen == b.ai_addrlen && memcmp(a.ai_addr, b.ai_addr, a.ai_addrlen) == 0;
}

// Collects listeners, each address once: a resolver may name one twice, and so may an operator.
class Opener {
 public:
  explicit Opener(int backlog) : backlog_(backlog) {}

  absl::Status Open(const ListenAddress& address) {
    absl::StatusOr<AddressList> list = Resolve(address);
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

  std::vector<Listener> TakeListeners() { return std::move(listeners_); }

 private:
  absl::Status OpenOnce(const addrinfo& address, const ListenAddress& wanted) {
    for (const addrinfo* other : opened_) {
      if (SameAddress(address, *other)) return absl::OkStatus();
    }
    absl::StatusOr<Listener> listener = OpenListener(address, backlog_, wanted);
    if (!listener.ok()) return listener.status();
    listeners_.push_back(*std::move(listener));
    opened_.push_back(&address);
    return absl::OkStatus();
  }

  const int backlog_;
  std::vector<AddressList> lists_;
  std::vector<const addrinfo*> opened_;  // in lists_, or in the one being opened
  std::vector<Listener> listeners_;
};

}  // namespace

absl::StatusOr<std::vector<Listener>> OpenListeners(const ListenOptions& options) {
  absl::StatusOr<std::vector<ListenAddress>> addresses = ParseListenAddresses(
      options.listen, {.port = options.port, .protocol = options.protocol, .tls = options.tls});
  if (!addresses.ok()) return addresses.status();
  Opener opener(options.backlog);
  for (const ListenAddress& address : *addresses) {
    if (absl::Status status = opener.Open(address); !status.ok()) {
      const std::string where = options.listen.empty()
                                    ? absl::StrCat("TCP port ", options.port)
                                    : absl::StrCat("one of interface(s) ", options.listen);
      return absl::Status(status.code(),
                          absl::StrCat("failed to listen on ", where, ": ", status.message()));
    }
  }
  return opener.TakeListeners();
}

std::string DescribePorts(const std::vector<Listener>& listeners) {
  std::string lines;
  for (const Listener& listener : listeners) {
    const bool v6 = listener.address.any.sa_family == AF_INET6;
    absl::StrAppend(&lines, v6 ? "TCP INET6: " : "TCP INET: ", AddressPort(listener.address), "\n");
  }
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
