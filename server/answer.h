#pragma once

#include "server/config/options.h"

namespace larder {

// Does what is asked of a process that is not to serve: prints --help and its like, or checks
// (--check-config) or prints (--print-config) the configuration. Returns the exit code.
int Answer(const Configuration& configuration);

}  // namespace larder
