#pragma once

#include "nlohmann/json_fwd.hpp"

#include "bench/load/fill.h"
#include "bench/load/load_run.h"
#include "bench/load/options.h"

namespace larder::bench {

// For people, on stdout.
void PrintLoad(const Options& options);
void PrintPopulate(const PhaseResult& result);
void PrintRun(const Options& options, const PhaseResult& result);
void PrintFill(const FillResult& result);

// For programs. Times are in seconds, latencies in microseconds; a name says its unit.
nlohmann::json LoadJson(const Options& options, const Workload& workload);
nlohmann::json PhaseJson(const PhaseResult& result);
nlohmann::json FillJson(const FillResult& result);

}  // namespace larder::bench
