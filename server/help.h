#pragma once

#include <string>

namespace larder {

// What --version and --help print.
std::string VersionText();
std::string HelpText();

}  // namespace larder
