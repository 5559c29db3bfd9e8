#pragma once

#include <cstdint>
#include <string>

#include "bench/load/histogram.h"

namespace larder::bench {

// What one thread saw in one phase of a run. About 75 KB: not for the stack of a small thread.
struct Tally {
  uint64_t get_requests = 0;
  uint64_t set_requests = 0;
  uint64_t hits = 0;    // keys of gets
  uint64_t misses = 0;  // keys of gets
  // Requests that the server refused for reasons of its own ("SERVER_ERROR out of memory storing
  // object"). The keys of a get that ended so count as misses as far as they did not come.
  uint64_t errors = 0;
  std::string first_error;  // its line, empty if there was none
  uint64_t unsent = 0;      // open loop: requests that fell due and found no connection free
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  Histogram get_latency;
  Histogram set_latency;

  uint64_t requests() const { return get_requests + set_requests; }
  uint64_t keys() const { return hits + misses + set_requests; }

  void Merge(const Tally& other) {
    get_requests += other.get_requests;
    set_requests += other.set_requests;
    hits += other.hits;
    misses += other.misses;
    errors += other.errors;
    if (first_error.empty()) first_error = other.first_error;
    unsent += other.unsent;
    sent_bytes += other.sent_bytes;
    received_bytes += other.received_bytes;
    get_latency.Merge(other.get_latency);
    set_latency.Merge(other.set_latency);
  }
};

}  // namespace larder::bench
