#pragma once

#include <string>

#include "nlohmann/json_fwd.hpp"

#include "bench/replay/replay.h"
#include "slab/store_types.h"

namespace larder::bench {

// For people, on stdout: a line and a heading, and a line below them for each run.
void PrintLoad(const LoadSummary& load);
void PrintRun(const std::string& cache, const ReplayResult& result);

// For programs.
nlohmann::json LoadJson(const LoadSummary& load);
nlohmann::json RunJson(const ReplayResult& result);
// What a store says of itself, class by class.
nlohmann::json StoreJson(const StoreStats& stats);

}  // namespace larder::bench
