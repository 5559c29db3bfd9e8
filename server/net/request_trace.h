#pragma once

#include <string_view>

namespace larder {

// Writes a request's command line to stderr for -vv: "<27 get foo"; of the binary protocol the
// header, as memcached does. What is a line and what a value only the session knows, which calls
// this: see TraceRequest.
void PrintRequest(int connection_id, std::string_view head, bool binary);

}  // namespace larder
