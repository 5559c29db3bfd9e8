#include "bench/load/send_buffer.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>

namespace larder::bench {

SendBuffer::SendBuffer(Capacity capacity)
    : text_(std::make_unique_for_overwrite<char[]>(capacity.text_bytes)), tail_(text_.get()) {
  // A text before and behind each shared view.
  parts_.reserve(2 * capacity.shared_views + 1);
}

void SendBuffer::Extend(char* new_tail) {
  const auto bytes = static_cast<size_t>(new_tail - tail_);
  const bool follows_text =
      !empty() && static_cast<char*>(parts_.back().iov_base) + parts_.back().iov_len == tail_;
  if (follows_text) {
    parts_.back().iov_len += bytes;
  } else {
    parts_.push_back({.iov_base = tail_, .iov_len = bytes});
  }
  tail_ = new_tail;
}

void SendBuffer::AppendShared(std::string_view bytes) {
  parts_.push_back({.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()});
}

absl::Status SendBuffer::Flush(const Socket& socket, uint64_t& sent_bytes) {
  while (!empty()) {
    const ssize_t sent = socket.Send(std::span(parts_).subspan(first_));
    if (sent < 0) {
      if (errno == EAGAIN) return absl::OkStatus();
      if (errno == EINTR) continue;
      return absl::ErrnoToStatus(errno, "cannot send to the server");
    }
    sent_bytes += static_cast<uint64_t>(sent);
    Drop(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

void SendBuffer::Drop(size_t bytes) {
  while (bytes > 0) {
    iovec& part = parts_[first_];
    const size_t taken = std::min(bytes, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + taken;
    part.iov_len -= taken;
    bytes -= taken;
    if (part.iov_len == 0) ++first_;
  }
  if (empty()) {
    parts_.clear();
    first_ = 0;
    tail_ = text_.get();
  }
}

}  // namespace larder::bench
