#pragma once

#include <string>
#include <system_error>

namespace larder {

// What the system says of an `errno`: "Address already in use".
inline std::string ErrnoText(int error) { return std::generic_category().message(error); }

}  // namespace larder
