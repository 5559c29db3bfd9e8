#pragma once

#include <string_view>

namespace larder {

// Writes `text` to memory of the caller's that has room for it, and returns its end.
inline char* EncodeText(char* to, std::string_view text) { return to + text.copy(to, text.size()); }

}  // namespace larder
