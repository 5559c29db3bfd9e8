#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Reads a stream as a session does, without a store: parses, steps over values, and tells what the
// parser said in words.

namespace larder {

// What is made of `stream` when it arrives cut at `cuts` (offsets, ascending; the stream's end is
// a cut always): one line a request or refusal, up to where the parser wanted more or said to
// close. For instance
//   set k flags=0 exptime=0 bytes=3      gets k cas... (see Describe in the .cc)
//   gat k exptime=10 more
//   error: CLIENT_ERROR bad command line format, swallow 5
//   close
// Aborts when the parser breaks what it promises of every call: kNeedMore consumes nothing, no more
// is consumed than there is, every other call consumes something, views lie in the input.
std::vector<std::string> ParseStream(std::string_view stream, const std::vector<size_t>& cuts);

// The whole stream at once.
std::vector<std::string> ParseStream(std::string_view stream);

}  // namespace larder
