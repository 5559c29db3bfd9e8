#pragma once

#include <string>
#include <string_view>

namespace larder {

// Appends `bytes` as dumps and watchers show keys: letters, digits and - . _ ~ as they are, every
// other byte as % and two hexadecimal digits.
void AppendUriEncoded(std::string_view bytes, std::string* to);

}  // namespace larder
