#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace larder {

// A stream to write to, whose text the test takes.
class MemoryStream {
 public:
  MemoryStream() : stream_(open_memstream(&text_, &bytes_)) {}
  ~MemoryStream() {
    fclose(stream_);
    free(text_);
  }
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;

  FILE* get() const { return stream_; }

  // What was written since the last call.
  std::string Take() {
    fflush(stream_);
    const std::string text(text_ + taken_, bytes_ - taken_);
    taken_ = bytes_;
    return text;
  }

 private:
  char* text_ = nullptr;
  size_t bytes_ = 0;
  size_t taken_ = 0;
  FILE* const stream_;
};

}  // namespace larder
