#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "slab/lane.h"

// What one worker counts. Each counter has one writer, the worker's thread; `stats` adds the
// workers up. Nothing is ever set back: `stats reset` remembers what was reached instead.
//
// The structs are templates because a sum of workers has the same fields as a worker, as plain
// numbers.

namespace larder {

// Per size class, as `stats slabs` and `stats items` list them.
template <typename Number>
struct ClassCountersOf {
  Number probation_hits{};  // gets that found the item on probation
  Number protected_hits{};  // gets that found it beyond
  Number touch_hits{};      // of touch, gat and gats
  Number sets{};            // values received, whatever became of them
  Number delete_hits{};
  Number incr_hits{};
  Number decr_hits{};
  Number cas_hits{};
  Number cas_mismatches{};
};

template <typename Number>
struct alignas(64) CountersOf {
  // Counted by the engine.
  Number get_misses{};
  Number get_expired{};  // misses, because the item's time had passed
  Number get_flushed{};  // misses, because of a flush
  Number touch_misses{};
  Number delete_misses{};
  Number incr_misses{};
  Number decr_misses{};
  Number cas_misses{};
  Number flushes{};
  Number stores_too_large{};
  Number stores_out_of_memory{};
  Number meta_debugs{};    // me, which memcached counts as cmd_meta
  Number yields{};         // turns that ended because of -R
  Number auth_commands{};  // attempts at authentication that came to an end
  Number auth_errors{};    // of these, were refused

  // Counted by whoever serves the worker's connections.
  Number bytes_read{};
  Number bytes_written{};
  Number idle_kicks{};  // connections closed by the idle timeout
  Number tls_handshake_errors{};
  Number tls_protocol_errors{};  // TLS failures after the handshake

  std::array<ClassCountersOf<Number>, kClassesMax> classes{};
};

using ClassCounters = ClassCountersOf<Counter>;
using WorkerCounters = CountersOf<Counter>;
using ClassTotals = ClassCountersOf<int64_t>;
using Totals = CountersOf<int64_t>;

// Calls f(a's field, b's field) for every field.
template <typename A, typename B, typename F>
void ForEachField(ClassCountersOf<A>& a, const ClassCountersOf<B>& b, F f) {
  f(a.probation_hits, b.probation_hits);
  f(a.protected_hits, b.protected_hits);
  f(a.touch_hits, b.touch_hits);
  f(a.sets, b.sets);
  f(a.delete_hits, b.delete_hits);
  f(a.incr_hits, b.incr_hits);
  f(a.decr_hits, b.decr_hits);
  f(a.cas_hits, b.cas_hits);
  f(a.cas_mismatches, b.cas_mismatches);
}
static_assert(sizeof(ClassTotals) == 9 * sizeof(int64_t), "a field is missing above");

template <typename A, typename B, typename F>
void ForEachField(CountersOf<A>& a, const CountersOf<B>& b, F f) {
  f(a.get_misses, b.get_misses);
  f(a.get_expired, b.get_expired);
  f(a.get_flushed, b.get_flushed);
  f(a.touch_misses, b.touch_misses);
  f(a.delete_misses, b.delete_misses);
  f(a.incr_misses, b.incr_misses);
  f(a.decr_misses, b.decr_misses);
  f(a.cas_misses, b.cas_misses);
  f(a.flushes, b.flushes);
  f(a.stores_too_large, b.stores_too_large);
  f(a.stores_out_of_memory, b.stores_out_of_memory);
  f(a.meta_debugs, b.meta_debugs);
  f(a.yields, b.yields);
  f(a.auth_commands, b.auth_commands);
  f(a.auth_errors, b.auth_errors);
  f(a.bytes_read, b.bytes_read);
  f(a.bytes_written, b.bytes_written);
  f(a.idle_kicks, b.idle_kicks);
  f(a.tls_handshake_errors, b.tls_handshake_errors);
  f(a.tls_protocol_errors, b.tls_protocol_errors);
  for (size_t i = 0; i < a.classes.size(); ++i) ForEachField(a.classes[i], b.classes[i], f);
}
static_assert(offsetof(Totals, classes) == 20 * sizeof(int64_t), "a field is missing above");

}  // namespace larder
