#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder {

// Writes a connection's command lines to stderr for -vv: "<27 get foo"; of the binary protocol the
// headers, as memcached does. It follows the stream only as far as is needed to leave values out,
// and decides nothing: what the requests mean is the session's business.
class RequestTrace {
 public:
  // `input` was consumed by the session of the connection `fd`. Lines and values may be cut
  // anywhere; the end of a cut line is left out. Headers are not cut.
  void Consumed(int fd, std::string_view input);
  // `bytes` of a value went past the input.
  void Received(size_t bytes) { value_bytes_ -= bytes < value_bytes_ ? bytes : value_bytes_; }

 private:
  uint64_t value_bytes_ = 0;  // still to come, line end included; in binary the whole body
  bool started_ = false;
  bool binary_ = false;  // as the first byte said
};

}  // namespace larder
