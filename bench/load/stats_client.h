#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "bench/load/socket.h"

namespace larder::bench {

using ServerStats = std::map<std::string, std::string>;

// "STAT name value\r\n" lines, without the END behind them.
absl::StatusOr<ServerStats> ParseStats(std::string_view text);

// `name` as a number; an error if it is missing or is none.
absl::StatusOr<uint64_t> NumberOf(const ServerStats& stats, const std::string& name);

// Asks a server for its statistics, on a connection of its own, waiting for the reply.
class StatsClient {
 public:
  // Waits `timeout_ms` at most for a reply.
  static absl::StatusOr<StatsClient> Connect(const Endpoint& endpoint, int timeout_ms);

  absl::StatusOr<ServerStats> Fetch();

 private:
  explicit StatsClient(Socket socket) : socket_(std::move(socket)) {}

  Socket socket_;
};

}  // namespace larder::bench
