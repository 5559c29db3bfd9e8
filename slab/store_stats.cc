#include <algorithm>
#include <array>

#include "slab/store.h"

// Adding up what the lanes and the classes counted.

namespace larder {

StoreStats Store::Stats() const {
  StoreStats stats;
  std::array<int64_t, kClassesMax> items{};
  std::array<int64_t, kClassesMax> item_bytes{};
  {
    MutexLock lock(&lanes_mutex_);
    for (const auto& lane : lanes_) {
      for (size_t id = 0; id < kClassesMax; ++id) {
        items[id] += lane->items[id].value();
        item_bytes[id] += lane->item_bytes[id].value();
      }
      stats.items_stored += static_cast<uint64_t>(lane->items_stored.value());
      stats.flushed_items += static_cast<uint64_t>(lane->flushed_items.value());
    }
  }
  // The lanes are read one after the other: what one counts another may not have counted yet.
  const auto positive = [](int64_t n) { return static_cast<uint64_t>(std::max<int64_t>(n, 0)); };
  for (int id = 1; id <= slabs_->sizes().count(); ++id) {
    ClassStats of_class = StatsOf(id);
    of_class.items = positive(items[static_cast<size_t>(id)]);
    // The ring also refers to what has been promoted or deleted since.
    of_class.items_on_probation = std::min(of_class.items_on_probation, of_class.items);
    of_class.item_bytes = positive(item_bytes[static_cast<size_t>(id)]);
    stats.items += of_class.items;
    stats.item_bytes += of_class.item_bytes;
    stats.pages += of_class.pages;
    const bool used = of_class.pages > 0 || of_class.evicted > 0 || of_class.reclaimed > 0 ||
                      of_class.sweeper_checked > 0 || of_class.out_of_memory > 0;
    if (used) stats.classes.push_back(of_class);
  }
  const PagePool& pool = slabs_->pool();
  stats.memory_limit_bytes = pool.limit_bytes();
  stats.memory_bytes = pool.charged_bytes();
  stats.page_bytes = arena_.page_bytes();
  stats.pages_free = pool.FreePages();
  stats.pages_given_back = pool.PagesGivenBack();
  stats.pages_emptied = pages_emptied_.load(std::memory_order_relaxed);
  stats.items_moved = items_moved_.load(std::memory_order_relaxed);
  stats.parts_moved = parts_moved_.load(std::memory_order_relaxed);
  stats.items_dropped = items_dropped_.load(std::memory_order_relaxed);
  stats.items_reclaimed = items_reclaimed_.load(std::memory_order_relaxed);
  stats.pages_held_up = pages_held_up_.load(std::memory_order_relaxed);
  stats.reassigning = reassigning_.load(std::memory_order_relaxed);
  stats.index_bytes = index_.bytes();
  stats.ghost_bytes = index_.ghost_bytes();
  stats.index_buckets = index_.buckets();
  stats.index_growing = index_growing_.load(std::memory_order_relaxed);
  stats.sweeping = sweeping_.load(std::memory_order_relaxed);
  stats.sweeps = sweeps_.load(std::memory_order_relaxed);
  stats.sweeps_started = sweeps_started_.load(std::memory_order_relaxed);
  stats.sweeper = sweeper_.load(std::memory_order_relaxed);
  return stats;
}

ClassAges Store::AgesOf(int class_id, Tick now) const {
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  return slab_class.Ages(now);
}

std::vector<SizeCount> Store::SizeCounts() const {
  std::vector<int64_t> items;
  {
    MutexLock lock(&lanes_mutex_);
    for (const auto& lane : lanes_) {
      items.resize(lane->sizes.size());
      for (size_t step = 0; step < items.size(); ++step) items[step] += lane->sizes[step].value();
    }
  }
  std::vector<SizeCount> counts;
  for (size_t step = 0; step < items.size(); ++step) {
    if (items[step] <= 0) continue;
    counts.push_back(
        {.bytes = step * Lane::kSizeStepBytes, .items = static_cast<uint64_t>(items[step])});
  }
  return counts;
}

ClassStats Store::StatsOf(int class_id) const {
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  const EvictionCounts& counts = slab_class.counts();
  return {
      .class_id = static_cast<uint32_t>(class_id),
      .chunk_bytes = slab_class.geometry().chunk_bytes,
      .chunks_per_page = slab_class.geometry().chunks_per_page,
      .pages = slab_class.page_count(),
      .chunks = slab_class.total_chunks(),
      .used_chunks = slab_class.used_chunks(),
      .items_on_probation = std::min<uint64_t>(slab_class.ring_size(), slab_class.used_chunks()),
      .probation_percent = slab_class.probation_percent(),
      .evicted_idle_seconds = counts.evicted_idle_seconds,
      .evicted = counts.evicted,
      .evicted_nonzero = counts.evicted_nonzero,
      .evicted_unfetched = counts.evicted_unfetched,
      .evicted_active = counts.evicted_active,
      .out_of_memory = counts.out_of_memory,
      .reclaimed = counts.reclaimed,
      .expired_unfetched = counts.expired_unfetched,
      .promoted = counts.promoted,
      .evicted_on_probation = counts.evicted_on_probation,
      .ghost_hits = counts.ghost_hits,
      .ghost_hits_on_probation = counts.ghost_hits_on_probation,
      .sweeper_reclaimed = counts.sweeper_reclaimed,
      .sweeper_checked = counts.sweeper_checked};
}

}  // namespace larder
