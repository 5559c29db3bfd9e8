#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "bench/load/values.h"
#include "bench/replay/request.h"

namespace larder::bench {

// A recording of requests, whole in memory. Its keys are numbered in the order in which they come;
// its time begins at 0.
struct Trace {
  std::vector<Request> requests;
  uint32_t key_count = 0;
  bool sizes_known = false;  // else value_bytes mean nothing
  bool has_ttls = false;
};

// Reads the first `requests_max` requests of the trace at `path`, zstd-compressed or not. A name
// with ".csv" in it is that of a CSV file, any other one's records are libCacheSim's oracleGeneral:
// README.md says what both look like.
absl::StatusOr<Trace> ReadTrace(const std::string& path, uint64_t requests_max);

struct TraceLoadSpec {
  uint32_t copies = 1;
  // Each copy starts further on in the trace, by as many requests as the last one, and goes on at
  // its beginning when it comes to its end. Else all do the same request one after the other.
  bool staggered = false;
  const ValueSource* value_sizes = nullptr;  // null: those of the trace
};

// `copies` of a trace, one request of each in turn, each with keys of its own.
class TraceLoad : public Load {
 public:
  // `trace` must have requests, and stay, as must the sizes.
  TraceLoad(const Trace& trace, const TraceLoadSpec& spec) : trace_(trace), spec_(spec) {}

  uint64_t requests() const override { return trace_.requests.size() * spec_.copies; }
  Request Next() override;

 private:
  const Trace& trace_;
  const TraceLoadSpec spec_;
  uint64_t next_ = 0;
};

}  // namespace larder::bench
