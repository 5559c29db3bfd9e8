#pragma once

#include <string>

namespace larder {

// What --version, --help and --license print.
std::string VersionText();
std::string HelpText();
std::string LicenseText();

}  // namespace larder
