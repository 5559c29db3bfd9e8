#pragma once

#include <cstdio>
#include <cstdlib>

// A bug ends the process at once, in release builds too: a cache that goes on with a broken index
// serves wrong values. Only for what must hold whatever the input; bad input has its own errors.
#define LARDER_CHECK(condition)                              \
  do {                                                       \
    if (!(condition)) [[unlikely]] {                         \
      ::larder::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                        \
  } while (false)

namespace larder {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "larder: bug: %s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace larder
