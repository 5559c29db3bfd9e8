#include "bench/load/stats_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

#include "bench/load/numbers.h"

namespace larder::bench {
namespace {

constexpr std::string_view kRequest = "stats\r\n";
constexpr std::string_view kStat = "STAT ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kEnd = "END\r\n";
constexpr size_t kReplyBytesMax = 1 << 20;

}  // namespace

absl::StatusOr<ServerStats> ParseStats(std::string_view text) {
  ServerStats stats;
  while (!text.empty()) {
    const size_t end = text.find(kLineEnd);
    const std::string_view line = text.substr(0, end);
    const size_t name_end = line.find(' ', kStat.size());
    if (end == text.npos || !line.starts_with(kStat) || name_end == line.npos) {
      return absl::DataLossError(absl::StrCat("not a statistic: ", std::string(line)));
    }
    stats.emplace(line.substr(kStat.size(), name_end - kStat.size()), line.substr(name_end + 1));
    text.remove_prefix(end + kLineEnd.size());
  }
  return stats;
}

absl::StatusOr<uint64_t> NumberOf(const ServerStats& stats, const std::string& name) {
  const auto stat = stats.find(name);
  if (stat == stats.end()) return absl::NotFoundError(absl::StrCat("no statistic ", name));
  const auto number = ParseNumber<uint64_t>(stat->second);
  if (number) return *number;
  return absl::DataLossError(absl::StrCat("the statistic ", name, " is ", stat->second));
}

absl::StatusOr<StatsClient> StatsClient::Connect(const Endpoint& endpoint, int timeout_ms) {
  auto socket = ConnectTo(endpoint);
  if (!socket.ok()) return socket.status();
  const timeval timeout{.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
  setsockopt(socket->fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  return StatsClient(*std::move(socket));
}

absl::StatusOr<ServerStats> StatsClient::Fetch() {
  // Seven bytes on a connection that awaits nothing always fit.
  iovec request = {.iov_base = const_cast<char*>(kRequest.data()), .iov_len = kRequest.size()};
  if (socket_.Send({&request, 1}) < 0) {
    return absl::ErrnoToStatus(errno, "cannot ask for statistics");
  }
  std::string reply;
  while (!reply.ends_with(kEnd)) {
    char piece[4096];
    const ssize_t received = socket_.Receive(piece, sizeof(piece));
    if (received < 0) return absl::ErrnoToStatus(errno, "no statistics");
    if (received == 0 || reply.size() > kReplyBytesMax) {
      return absl::UnavailableError("the reply to stats has no end");
    }
    reply.append(piece, static_cast<size_t>(received));
  }
  reply.resize(reply.size() - kEnd.size());
  return ParseStats(reply);
}

}  // namespace larder::bench
