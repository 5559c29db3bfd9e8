#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "bench/load/socket.h"

namespace larder::bench {

// Bytes on their way to one socket: text written here, and large values sent from where they lie.
// Everything is allocated at construction. One thread.
class SendBuffer {
 public:
  struct Capacity {
    size_t text_bytes;    // of all text between two times that the buffer was empty
    size_t shared_views;  // likewise
  };

  explicit SendBuffer(Capacity capacity);

  // Text is written at Tail(), which has room as long as the capacity is kept to, and then taken
  // in by Extend(), given the position behind what was written.
  char* Tail() { return tail_; }
  void Extend(char* new_tail);

  // `bytes` must stay as they are until the buffer is empty().
  void AppendShared(std::string_view bytes);

  bool empty() const { return first_ == parts_.size(); }

  // Sends what the socket, which must not block, takes; what it does not take stays. An error is
  // the connection's end. Adds the bytes sent to `sent_bytes`.
  absl::Status Flush(const Socket& socket, uint64_t& sent_bytes);

 private:
  void Drop(size_t bytes);

  std::unique_ptr<char[]> text_;
  char* tail_;
  std::vector<iovec> parts_;
  size_t first_ = 0;  // of parts_, the first that is not sent yet
};

}  // namespace larder::bench
