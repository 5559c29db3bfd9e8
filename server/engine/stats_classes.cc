#include <cmath>
#include <cstdint>
#include <string>

#include "server/engine/stats.h"

// `stats items` and `stats slabs`: what memcached tells of each size class.

namespace larder {
namespace {

std::string PrefixOf(const ClassStats& of_class) { return std::to_string(of_class.class_id) + ":"; }

void AddItemsOfClass(const ClassStats& store, const ClassAges& ages, const ClassTotals& counted,
                     StatLines* lines) {
  const std::string prefix = "items:" + PrefixOf(store);
  const auto add = [&](const char* name, auto value) { lines->Add(prefix + name, value); };
  add("number", store.items);
  add("number_hot", store.items_on_probation);
  add("number_warm", 0);
  add("number_cold", static_cast<int64_t>(store.items - store.items_on_probation));
  add("age_hot", ages.probation_seconds);
  add("age_warm", 0);
  // Where nothing is protected, what goes next is on probation.
  add("age", ages.protected_seconds.value_or(ages.probation_seconds));
  add("mem_requested", store.item_bytes);
  add("evicted", store.evicted);
  add("evicted_nonzero", store.evicted_nonzero);
  add("evicted_time", store.evicted_idle_seconds);
  add("outofmemory", store.out_of_memory);
  add("tailrepairs", 0);
  add("reclaimed", store.reclaimed);
  add("expired_unfetched", store.expired_unfetched);
  add("evicted_unfetched", store.evicted_unfetched);
  add("evicted_active", store.evicted_active);
  add("crawler_reclaimed", store.sweeper_reclaimed);
  add("crawler_items_checked", store.sweeper_checked);
  add("lrutail_reflocked", 0);
  add("moves_to_cold", store.promoted);
  add("moves_to_warm", 0);
  add("moves_within_lru", 0);
  add("direct_reclaims", 0);
  add("hits_to_hot", counted.probation_hits);
  add("hits_to_warm", 0);
  add("hits_to_cold", counted.protected_hits);
  add("hits_to_temp", 0);
  add("larder_probation_percent", static_cast<int64_t>(std::lround(store.probation_percent)));
  add("larder_ghost_hits", store.ghost_hits);
}

void AddChunksOfClass(const ClassStats& store, const ClassTotals& counted, StatLines* lines) {
  const std::string prefix = PrefixOf(store);
  const auto add = [&](const char* name, auto value) { lines->Add(prefix + name, value); };
  add("chunk_size", store.chunk_bytes);
  add("chunks_per_page", store.chunks_per_page);
  add("total_pages", store.pages);
  add("total_chunks", store.chunks);
  add("used_chunks", store.used_chunks);
  add("free_chunks", static_cast<int64_t>(store.chunks - store.used_chunks));
  add("free_chunks_end", 0);
  add("get_hits", counted.probation_hits + counted.protected_hits);
  add("cmd_set", counted.sets);
  add("delete_hits", counted.delete_hits);
  add("incr_hits", counted.incr_hits);
  add("decr_hits", counted.decr_hits);
  add("cas_hits", counted.cas_hits);
  add("cas_badval", counted.cas_mismatches);
  add("touch_hits", counted.touch_hits);
}

}  // namespace

void AddItemStats(const StatsSnapshot& snapshot, const Store& store, const Now& now,
                  StatLines* lines) {
  for (const ClassStats& of_class : snapshot.store.classes) {
    if (of_class.items == 0) continue;
    AddItemsOfClass(of_class, store.AgesOf(static_cast<int>(of_class.class_id), now.tick),
                    snapshot.counters.classes[of_class.class_id], lines);
  }
}

void AddSlabStats(const StatsSnapshot& snapshot, StatLines* lines) {
  int active = 0;
  for (const ClassStats& of_class : snapshot.store.classes) {
    if (of_class.pages == 0) continue;
    ++active;
    AddChunksOfClass(of_class, snapshot.counters.classes[of_class.class_id], lines);
  }
  lines->Add("active_slabs", active);
  lines->Add("total_malloced", snapshot.store.pages * snapshot.store.page_bytes);
}

// A row for every size that items have, in steps of 32 bytes.
void AddSizes(const Store& store, StatLines* lines) {
  if (!store.options().track_sizes) lines->Add("sizes_status", "disabled");
  for (const SizeCount& size : store.SizeCounts()) {
    lines->Add(std::to_string(size.bytes), size.items);
  }
}

}  // namespace larder
