#include <cinttypes>
#include <cstdio>
#include <string>

#include "server/engine/stats.h"

// `stats` without arguments.

namespace larder {
namespace {

// One counter, over all classes.
int64_t Sum(const Totals& totals, int64_t ClassTotals::*counter) {
  int64_t sum = 0;
  for (const ClassTotals& of_class : totals.classes) sum += of_class.*counter;
  return sum;
}

uint64_t Sum(const StoreStats& stats, uint64_t ClassStats::*counter) {
  uint64_t sum = 0;
  for (const ClassStats& of_class : stats.classes) sum += of_class.*counter;
  return sum;
}

std::string Seconds(int64_t microseconds) {
  char text[48];
  std::snprintf(text, sizeof(text), "%" PRId64 ".%06" PRId64, microseconds / 1'000'000,
                microseconds % 1'000'000);
  return text;
}

void AddProcess(const Engine& engine, const Now& now, const ServerStats& server, StatLines* lines) {
  lines->Add("pid", server.pid);
  lines->Add("uptime", int64_t{now.tick.seconds} - engine.start().tick.seconds);
  lines->Add("time", now.wall_seconds);
  lines->Add("version", kCompatibleVersion);
  lines->Add("libevent", server.libevent_version);
  lines->Add("pointer_size", 8 * sizeof(void*));
  lines->Add("rusage_user", Seconds(server.user_cpu_microseconds));
  lines->Add("rusage_system", Seconds(server.system_cpu_microseconds));
  lines->Add("max_connections", engine.connections_max());
}

void AddConnectionCounts(const Settings& settings, const StatsSnapshot& snapshot,
                         StatLines* lines) {
  const ServerStats& server = snapshot.server;
  lines->Add("curr_connections", server.connections);
  lines->Add("total_connections", server.connections_accepted);
  if (settings.maxconns_fast) lines->Add("rejected_connections", server.connections_rejected);
  lines->Add("connection_structures", server.connection_structures);
  lines->Add("response_obj_oom", 0);
  lines->Add("response_obj_count", snapshot.output_blocks);
  lines->Add("response_obj_bytes", snapshot.output_blocks * kOutputBlockBytes);
  lines->Add("read_buf_count", server.read_buffers);
  lines->Add("read_buf_bytes", server.read_buffer_bytes);
  lines->Add("read_buf_bytes_free", server.read_buffer_bytes_free);
  lines->Add("read_buf_oom", 0);
  lines->Add("reserved_fds", server.reserved_descriptors);
}

void AddCommands(const Totals& totals, StatLines* lines) {
  const int64_t get_hits =
      Sum(totals, &ClassTotals::probation_hits) + Sum(totals, &ClassTotals::protected_hits);
  const int64_t touch_hits = Sum(totals, &ClassTotals::touch_hits);
  lines->Add("cmd_get", get_hits + totals.get_misses);
  lines->Add("cmd_set", Sum(totals, &ClassTotals::sets));
  lines->Add("cmd_flush", totals.flushes);
  lines->Add("cmd_touch", touch_hits + totals.touch_misses);
  lines->Add("cmd_meta", totals.meta_debugs);
  lines->Add("get_hits", get_hits);
  lines->Add("get_misses", totals.get_misses);
  lines->Add("get_expired", totals.get_expired);
  lines->Add("get_flushed", totals.get_flushed);
  lines->Add("delete_misses", totals.delete_misses);
  lines->Add("delete_hits", Sum(totals, &ClassTotals::delete_hits));
  lines->Add("incr_misses", totals.incr_misses);
  lines->Add("incr_hits", Sum(totals, &ClassTotals::incr_hits));
  lines->Add("decr_misses", totals.decr_misses);
  lines->Add("decr_hits", Sum(totals, &ClassTotals::decr_hits));
  lines->Add("cas_misses", totals.cas_misses);
  lines->Add("cas_hits", Sum(totals, &ClassTotals::cas_hits));
  lines->Add("cas_badval", Sum(totals, &ClassTotals::cas_mismatches));
  lines->Add("touch_hits", touch_hits);
  lines->Add("touch_misses", totals.touch_misses);
  lines->Add("store_too_large", totals.stores_too_large);
  lines->Add("store_no_memory", totals.stores_out_of_memory);
  lines->Add("auth_cmds", totals.auth_commands);
  lines->Add("auth_errors", totals.auth_errors);
}

void AddTraffic(const Engine& engine, const StatsSnapshot& snapshot, StatLines* lines) {
  const Totals& totals = snapshot.counters;
  if (engine.idle_timeout_seconds() > 0) lines->Add("idle_kicks", totals.idle_kicks);
  lines->Add("bytes_read", totals.bytes_read);
  lines->Add("bytes_written", totals.bytes_written);
  lines->Add("limit_maxbytes", snapshot.store.memory_limit_bytes);
  lines->Add("accepting_conns", snapshot.server.accepting ? 1 : 0);
  lines->Add("listen_disabled_num", snapshot.server.accepting_stopped);
  lines->Add("time_in_listen_disabled_us", snapshot.server.accepting_stopped_microseconds);
  lines->Add("threads", engine.settings().threads);
  lines->Add("conn_yields", totals.yields);
}

void AddBackgroundWork(const Settings& settings, const StoreStats& store, const WatchStats& watch,
                       StatLines* lines) {
  lines->Add("hash_power_level", HashPowerLevel(settings.hash_power, store.items));
  // Not 8 << hash_power_level: exporters add it to the memory in use.
  lines->Add("hash_bytes", store.index_bytes);
  lines->Add("hash_is_expanding", store.index_growing ? 1 : 0);
  lines->Add("slab_reassign_rescues", store.items_moved);
  lines->Add("slab_reassign_chunk_rescues", store.parts_moved);
  lines->Add("slab_reassign_inline_reclaim", store.items_reclaimed);
  lines->Add("slab_reassign_busy_items", store.pages_held_up);
  lines->Add("slab_reassign_busy_deletes", 0);
  lines->Add("slab_reassign_busy_nomem", 0);
  lines->Add("slab_reassign_last_busy_status", "none");
  lines->Add("slab_reassign_running", store.reassigning ? 1 : 0);
  lines->Add("slabs_moved", store.pages_emptied);
  lines->Add("lru_crawler_running", store.sweeping ? 1 : 0);
  lines->Add("lru_crawler_starts", store.sweeps_started);
  lines->Add("lru_maintainer_juggles", 0);
  lines->Add("malloc_fails", 0);
  lines->Add("log_worker_dropped", watch.events_dropped);
  lines->Add("log_worker_written", watch.events_written);
  lines->Add("log_watcher_skipped", watch.lines_skipped);
  lines->Add("log_watcher_sent", watch.lines_sent);
  lines->Add("log_watchers", watch.watchers);
  lines->Add("unexpected_napi_ids", 0);
  lines->Add("round_robin_fallback", 0);
}

void AddTls(const Settings& settings, const Now& now, const StatsSnapshot& snapshot,
            StatLines* lines) {
  if (!settings.tls.enabled) return;
  if (settings.tls.session_cache) {
    lines->Add("ssl_new_sessions", snapshot.server.tls_new_sessions);
  }
  lines->Add("ssl_proto_errors", snapshot.counters.tls_protocol_errors);
  lines->Add("ssl_handshake_errors", snapshot.counters.tls_handshake_errors);
  lines->Add("time_since_server_cert_refresh",
             int64_t{now.tick.seconds} - snapshot.server.tls_certificates_tick);
}

void AddItems(const StoreStats& store, StatLines* lines) {
  lines->Add("bytes", store.item_bytes);
  lines->Add("curr_items", store.items);
  lines->Add("total_items", store.items_stored);
  lines->Add("slab_global_page_pool", store.pages_given_back);
  lines->Add("expired_unfetched", Sum(store, &ClassStats::expired_unfetched));
  lines->Add("evicted_unfetched", Sum(store, &ClassStats::evicted_unfetched));
  lines->Add("evicted_active", Sum(store, &ClassStats::evicted_active));
  lines->Add("evictions", Sum(store, &ClassStats::evicted));
  lines->Add("reclaimed", Sum(store, &ClassStats::reclaimed));
  lines->Add("crawler_reclaimed", Sum(store, &ClassStats::sweeper_reclaimed));
  lines->Add("crawler_items_checked", Sum(store, &ClassStats::sweeper_checked));
  lines->Add("lrutail_reflocked", 0);
  lines->Add("moves_to_cold", Sum(store, &ClassStats::promoted));
  lines->Add("moves_to_warm", 0);
  lines->Add("moves_within_lru", 0);
  lines->Add("direct_reclaims", 0);
  lines->Add("lru_bumps_dropped", 0);
}

void AddOwn(const StoreStats& store, StatLines* lines) {
  lines->Add("larder_version", LARDER_VERSION);
  lines->Add("larder_memory_bytes", store.memory_bytes);
  lines->Add("larder_index_bytes", store.index_bytes);
  lines->Add("larder_index_buckets", store.index_buckets);
  lines->Add("larder_ghost_bytes", store.ghost_bytes);
  lines->Add("larder_ghost_hits", Sum(store, &ClassStats::ghost_hits));
  lines->Add("larder_page_bytes", store.page_bytes);
  lines->Add("larder_pages", store.pages);
  lines->Add("larder_pages_free", store.pages_free);
  lines->Add("larder_pages_emptied", store.pages_emptied);
  lines->Add("larder_items_moved", store.items_moved);
  lines->Add("larder_items_flushed", store.flushed_items);
}

}  // namespace

int HashPowerLevel(int start_power, uint64_t items) {
  constexpr int kPowerMax = 32;
  int power = start_power;
  while (power < kPowerMax && items > (uint64_t{3} << power) / 2) ++power;
  return power;
}

void AddGeneralStats(const Engine& engine, const Now& now, StatLines* lines) {
  const StatsSnapshot snapshot = engine.Snapshot();
  AddProcess(engine, now, snapshot.server, lines);
  AddConnectionCounts(engine.settings(), snapshot, lines);
  AddCommands(snapshot.counters, lines);
  AddTraffic(engine, snapshot, lines);
  AddBackgroundWork(engine.settings(), snapshot.store, snapshot.watch, lines);
  AddTls(engine.settings(), now, snapshot, lines);
  AddItems(snapshot.store, lines);
  AddOwn(snapshot.store, lines);
}

}  // namespace larder
