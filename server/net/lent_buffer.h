#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace larder {

// A buffer that a worker's connections share, each while it runs; grows to what has been asked for.
class LentBuffer {
 public:
  // `bytes` or more, valid until the next call. What they hold is unspecified.
  char* AtLeast(size_t bytes) {
    if (bytes > size()) [[unlikely]]
      Grow(bytes);
    return buffer_.get();
  }
  // Any thread.
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  void Grow(size_t bytes) {
    buffer_ = std::make_unique_for_overwrite<char[]>(bytes);
    size_.store(bytes, std::memory_order_relaxed);
  }

  std::unique_ptr<char[]> buffer_;
  std::atomic<size_t> size_ = 0;
};

}  // namespace larder
