#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"

#include "bench/load/keys.h"
#include "bench/load/socket.h"
#include "bench/replay/cache.h"

namespace larder::bench {

// A server that speaks memcached's meta protocol, on one connection, at whatever pace it can. What
// is to expire does not: the server's clock is not the load's.
class ServerCache : public Cache {
 public:
  // `socket` is connected to the server, whose process on this machine is `pid`.
  static absl::StatusOr<std::unique_ptr<ServerCache>> Create(Socket socket, pid_t pid,
                                                             size_t key_bytes);

  absl::Status Do(std::span<const Request> requests, Counts& counts) override;
  absl::StatusOr<uint64_t> ResidentBytes() const override;

 private:
  ServerCache(Socket socket, pid_t pid, uint64_t resident_before, size_t key_bytes)
      : socket_(std::move(socket)),
        pid_(pid),
        resident_before_(resident_before),
        key_format_(key_bytes) {}

  void Write(const Request& request);
  void WriteKey(std::string_view command, uint32_t key);
  void WriteSet(const Request& request);
  absl::Status Ask(std::span<const Request> requests, Counts& counts);
  absl::Status WaitUntilAllIsDone(Counts& counts);
  absl::Status Send();
  // The next line that is no refusal, without its end; valid until the next call.
  absl::StatusOr<std::string_view> ReadReply(Counts& counts);
  absl::StatusOr<std::string_view> ReadLine();

  Socket socket_;
  pid_t pid_;
  uint64_t resident_before_;
  KeyFormat key_format_;
  Filler filler_;
  std::string out_;                      // not yet sent
  std::string in_;                       // received
  size_t in_at_ = 0;                     // of in_, what is read
  std::vector<Request> asked_;           // gets whose replies are to come
  std::unordered_set<uint32_t> missed_;  // keys missed in this window
  std::vector<Request> put_off_;         // to the next window
};

}  // namespace larder::bench
