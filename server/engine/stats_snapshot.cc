#include <algorithm>

#include "server/engine/stats.h"

namespace larder {
namespace {

// Here only what counts from the start on is listed: the rest tells a state.

void SubtractCounted(const ClassStats& baseline, ClassStats* stats) {
  // It tells of the last one evicted, so after a reset of none until there is one.
  if (stats->evicted == baseline.evicted) stats->evicted_idle_seconds = 0;
  stats->evicted -= baseline.evicted;
  stats->evicted_nonzero -= baseline.evicted_nonzero;
  stats->evicted_unfetched -= baseline.evicted_unfetched;
  stats->evicted_active -= baseline.evicted_active;
  stats->out_of_memory -= baseline.out_of_memory;
  stats->reclaimed -= baseline.reclaimed;
  stats->expired_unfetched -= baseline.expired_unfetched;
  stats->promoted -= baseline.promoted;
  stats->evicted_on_probation -= baseline.evicted_on_probation;
  stats->ghost_hits -= baseline.ghost_hits;
  stats->ghost_hits_on_probation -= baseline.ghost_hits_on_probation;
  stats->sweeper_reclaimed -= baseline.sweeper_reclaimed;
  stats->sweeper_checked -= baseline.sweeper_checked;
}

void SubtractCounted(const StoreStats& baseline, StoreStats* stats) {
  stats->items_stored -= baseline.items_stored;
  stats->pages_emptied -= baseline.pages_emptied;
  stats->items_moved -= baseline.items_moved;
  stats->parts_moved -= baseline.parts_moved;
  stats->items_dropped -= baseline.items_dropped;
  stats->items_reclaimed -= baseline.items_reclaimed;
  stats->pages_held_up -= baseline.pages_held_up;
  stats->flushed_items -= baseline.flushed_items;
  stats->sweeps -= baseline.sweeps;
  stats->sweeps_started -= baseline.sweeps_started;
  for (ClassStats& of_class : stats->classes) {
    const auto before =
        std::find_if(baseline.classes.begin(), baseline.classes.end(),
                     [&](const ClassStats& other) { return other.class_id == of_class.class_id; });
    if (before != baseline.classes.end()) SubtractCounted(*before, &of_class);
  }
}

void SubtractCounted(const ServerStats& baseline, ServerStats* stats) {
  stats->connections_accepted -= baseline.connections_accepted;
  stats->connections_rejected -= baseline.connections_rejected;
  stats->accepting_stopped -= baseline.accepting_stopped;
  stats->accepting_stopped_microseconds -= baseline.accepting_stopped_microseconds;
  stats->tls_new_sessions -= baseline.tls_new_sessions;
}

void SubtractCounted(const WatchStats& baseline, WatchStats* stats) {
  stats->events_dropped -= baseline.events_dropped;
  stats->events_written -= baseline.events_written;
  stats->lines_skipped -= baseline.lines_skipped;
  stats->lines_sent -= baseline.lines_sent;
}

}  // namespace

void AddCounters(const WorkerCounters& worker, Totals* totals) {
  ForEachField(*totals, worker,
               [](int64_t& total, const Counter& counter) { total += counter.value(); });
}

void SubtractCounted(const StatsSnapshot& baseline, StatsSnapshot* snapshot) {
  ForEachField(snapshot->counters, baseline.counters,
               [](int64_t& total, int64_t before) { total -= before; });
  SubtractCounted(baseline.store, &snapshot->store);
  SubtractCounted(baseline.server, &snapshot->server);
  SubtractCounted(baseline.watch, &snapshot->watch);
}

}  // namespace larder
