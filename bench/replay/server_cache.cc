// Cache-aside over a socket
//
// A request at a time would wait for the network each time, so requests go in windows: all gets of
// a window are sent, then all replies are read, and what was missed is stored together with the
// gets of the next window. In a window's time a key may be asked for again that has just been
// missed, and would be missed again where a client that waits would have stored it. Such a get does
// not count, and is sent once more in the next window, behind the store. So every request has the
// outcome it would have alone, but for evictions that happen up to a window earlier or later.
//
// Gets are the meta protocol's without the value, which touch the item as any get does and send
// three bytes instead of it: the miss ratio is the same, and the run is shorter. Sets are quiet.
#include "bench/replay/server_cache.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

#include "bench/load/process_stats.h"

namespace larder::bench {
namespace {

constexpr size_t kWindow = 256;
constexpr time_t kReplySecondsMax = 10;

}  // namespace

absl::StatusOr<std::unique_ptr<ServerCache>> ServerCache::Create(Socket socket, pid_t pid,
                                                                 size_t key_bytes) {
  const timeval timeout{.tv_sec = kReplySecondsMax, .tv_usec = 0};
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  const auto resident = bench::ResidentBytes(pid);
  if (!resident.ok()) return resident.status();
  return std::unique_ptr<ServerCache>(
      new ServerCache(std::move(socket), pid, *resident, key_bytes));
}

absl::Status ServerCache::Do(std::span<const Request> requests, Counts& counts) {
  while (!requests.empty() || !put_off_.empty()) {
    const auto window = requests.first(std::min(kWindow, requests.size()));
    requests = requests.subspan(window.size());
    if (absl::Status status = Ask(window, counts); !status.ok()) return status;
  }
  return WaitUntilAllIsDone(counts);
}

// One window: what was put off, then `requests`.
absl::Status ServerCache::Ask(std::span<const Request> requests, Counts& counts) {
  asked_.clear();
  for (const Request& request : put_off_) Write(request);
  for (const Request& request : requests) Write(request);
  put_off_.clear();
  if (absl::Status status = Send(); !status.ok()) return status;

  missed_.clear();
  for (const Request& request : asked_) {
    const auto reply = ReadReply(counts);
    if (!reply.ok()) return reply.status();
    const bool hit = *reply == "HD";
    if (!hit && *reply != "EN") {
      return absl::DataLossError(absl::StrCat("the server replied ", std::string(*reply)));
    }
    if (!hit && !missed_.insert(request.key).second) {
      put_off_.push_back(request);
      continue;
    }
    ++counts.gets;
    if (hit) continue;
    ++counts.misses;
    WriteSet(request);
  }
  return absl::OkStatus();
}

void ServerCache::Write(const Request& request) {
  switch (request.op) {
    case Op::kGet:
      WriteKey("mg ", request.key);
      out_ += "\r\n";
      asked_.push_back(request);
      break;
    case Op::kSet:
      WriteSet(request);
      break;
    case Op::kDelete:
      WriteKey("md ", request.key);
      out_ += " q\r\n";
      break;
  }
}

void ServerCache::WriteSet(const Request& request) {
  WriteKey("ms ", request.key);
  absl::StrAppend(&out_, " ", request.value_bytes, " q\r\n");
  out_ += filler_.Of(request.value_bytes);
  out_ += "\r\n";
}

void ServerCache::WriteKey(std::string_view command, uint32_t key) {
  out_ += command;
  const size_t at = out_.size();
  out_.resize(at + key_format_.key_bytes());
  key_format_.Write(key, out_.data() + at);
}

absl::Status ServerCache::WaitUntilAllIsDone(Counts& counts) {
  out_ += "mn\r\n";
  if (absl::Status status = Send(); !status.ok()) return status;
  const auto reply = ReadReply(counts);
  if (!reply.ok()) return reply.status();
  if (*reply == "MN") return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the server replied ", std::string(*reply)));
}

// It cannot come to a standstill: the replies to a window fit what the sockets hold.
absl::Status ServerCache::Send() {
  size_t sent = 0;
  while (sent < out_.size()) {
    iovec rest = {.iov_base = out_.data() + sent, .iov_len = out_.size() - sent};
    const ssize_t bytes = socket_.Send({&rest, 1});
    if (bytes < 0) return absl::ErrnoToStatus(errno, "cannot send to the server");
    sent += static_cast<size_t>(bytes);
  }
  out_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> ServerCache::ReadReply(Counts& counts) {
  while (true) {
    auto line = ReadLine();
    if (!line.ok() || !line->starts_with("SERVER_ERROR ")) return line;
    ++counts.refused;
  }
}

absl::StatusOr<std::string_view> ServerCache::ReadLine() {
  while (true) {
    const size_t end = in_.find("\r\n", in_at_);
    if (end != in_.npos) {
      const std::string_view line = std::string_view(in_).substr(in_at_, end - in_at_);
      in_at_ = end + 2;
      return line;
    }
    in_.erase(0, in_at_);
    in_at_ = 0;
    char piece[65536];
    const ssize_t received = socket_.Receive(piece, sizeof(piece));
    if (received < 0) return absl::ErrnoToStatus(errno, "no reply from the server");
    if (received == 0) return absl::UnavailableError("the server closed the connection");
    in_.append(piece, static_cast<size_t>(received));
  }
}

absl::StatusOr<uint64_t> ServerCache::ResidentBytes() const {
  const auto resident = bench::ResidentBytes(pid_);
  if (!resident.ok()) return resident.status();
  return *resident - std::min(*resident, resident_before_);
}

}  // namespace larder::bench
