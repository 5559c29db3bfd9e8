#pragma once

#include <string>

#include "absl/status/status.h"
#include "nlohmann/json_fwd.hpp"

namespace larder::bench {

// Writes `json` to the file at `path`; "-" is standard output.
absl::Status WriteJson(const std::string& path, const nlohmann::json& json);

}  // namespace larder::bench
