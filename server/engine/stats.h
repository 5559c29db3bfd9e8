#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "server/engine/binary_reply.h"
#include "server/engine/clock.h"
#include "server/engine/counters.h"
#include "server/engine/engine.h"
#include "server/engine/output.h"
#include "server/engine/server_view.h"
#include "server/engine/watch.h"
#include "slab/store_types.h"

// The statistics that clients ask for: every name that memcached has, in its order, for monitoring
// looks them up by name and operators know them. What larder has no such thing of is 0, or says
// that it is off. Then come larder's own, whose names start with larder_.
//
// memcached's LRU segments are given to larder's two: HOT is what is on probation, COLD what is
// protected, and WARM and TEMP are always empty. Its crawler is the sweeper, its page mover the
// emptying of pages.

namespace larder {

struct Turn;

// What has been counted and what there is, at about one moment.
struct StatsSnapshot {
  Totals counters;
  int64_t output_blocks = 0;
  StoreStats store;
  ServerStats server;
  WatchStats watch;
};

// What hash_power_level shows for `items`: the table that memcached would have for so many. It
// starts at 2^start_power buckets, is doubled when there are more than 1.5 items to a bucket, and
// stops at 2^32. It never shrinks; this goes by the items that there are now.
int HashPowerLevel(int start_power, uint64_t items);

// Adds `worker`'s counters to `totals`.
void AddCounters(const WorkerCounters& worker, Totals* totals);
// Takes what `baseline` had counted already off what `snapshot` counts. What tells a state, such as
// how many items there are, stays.
void SubtractCounted(const StatsSnapshot& baseline, StatsSnapshot* snapshot);

// Writes STAT lines, or the packets that the binary protocol has instead. For what is asked rarely:
// not made for speed.
class StatLines {
 public:
  explicit StatLines(Output* out) : out_(out) {}
  StatLines(Output* out, const BinaryEcho& echo) : out_(out), echo_(echo) {}

  void Add(std::string_view name, std::string_view value);
  void Add(std::string_view name, const char* value) { Add(name, std::string_view(value)); }
  template <std::integral Number>
  void Add(std::string_view name, Number value) {
    // Sums over workers that count at this moment may be a little short.
    AddNumber(name, value < 0 ? 0 : static_cast<uint64_t>(value));
  }
  void AddYesNo(std::string_view name, bool value) { Add(name, value ? "yes" : "no"); }
  // Printed as memcached prints it: so many digits behind the point.
  void AddDecimal(std::string_view name, double value, int digits);
  // What says that there are no more: END, or a packet without a name.
  void End();

 private:
  void AddNumber(std::string_view name, uint64_t value);

  Output* out_;
  std::optional<BinaryEcho> echo_;  // set: binary
};

// The lines of `stats` without arguments, and of `stats settings`, `items`, `slabs`, `sizes`,
// `conns` and `turns`; all without END.
void AddGeneralStats(const Engine& engine, const Now& now, StatLines* lines);
void AddSettings(const Engine& engine, StatLines* lines);
void AddItemStats(const StatsSnapshot& snapshot, const Store& store, const Now& now,
                  StatLines* lines);
void AddSlabStats(const StatsSnapshot& snapshot, StatLines* lines);
void AddSizes(const Store& store, StatLines* lines);
void AddConnections(const std::vector<ConnectionInfo>& connections, StatLines* lines);
// larder's own: how much processor time turns took, in microseconds, and how many took how long.
void AddTurnTimes(const Engine& engine, StatLines* lines);

// `stats hotkeys` and `stats mrc`, without END.
void AddHotKeys(Engine& engine, const Now& now, StatLines* lines);
void AddMissRatios(const Turn& turn, StatLines* lines);

// Any of them, by the name that follows `stats`; empty for the general ones. False, and nothing
// added, if it is none of these.
bool AddStats(const Turn& turn, std::string_view what, StatLines* lines);

}  // namespace larder
