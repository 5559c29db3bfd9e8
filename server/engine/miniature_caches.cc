#include "server/engine/miniature_caches.h"

#include <algorithm>

#include "slab/assert.h"

namespace larder {

MiniatureCaches::MiniatureCaches(uint64_t threshold_max)
    : threshold_max_(threshold_max),
      threshold_(threshold_max),
      entries_(std::make_unique_for_overwrite<Entry[]>(kKeysMax + 1)),
      buckets_(std::make_unique<Ref[]>(kBuckets)) {}

void MiniatureCaches::SetCapacity(double bytes, uint32_t probation_percent) {
  // A raised threshold takes in keys that are unknown here.
  if (keys_ < kKeysMax / 4 && threshold_ <= threshold_max_ / 2) threshold_ *= 2;
  capacity_bytes_ = bytes;
  if (probation_percent != probation_percent_) {
    probation_percent_ = probation_percent;
    for (Cache& cache : caches_) cache.share.Start(probation_percent);
  }
  SpreadCapacity();
}

void MiniatureCaches::SpreadCapacity() {
  for (size_t i = 0; i < kCaches; ++i) {
    caches_[i].capacity = static_cast<uint64_t>(capacity_bytes_ * kMultiples[i] * sample_rate());
  }
  item_bytes_max_ =
      static_cast<uint32_t>(std::clamp<uint64_t>(caches_[0].capacity / kItemsMin, 1, UINT32_MAX));
}

void MiniatureCaches::ScaleCounts(double factor) {
  counts_.reads *= factor;
  for (double& misses : counts_.misses) misses *= factor;
}

void MiniatureCaches::Clear() {
  std::fill_n(buckets_.get(), kBuckets, Ref{0});
  for (Cache& cache : caches_) cache.queues = {};
  keys_ = 0;
  free_ = 0;
  fresh_ = 1;
}

bool MiniatureCaches::IsUsed(const Entry& entry) {
  return std::ranges::any_of(entry.states, [](const State& state) { return state.list != kNone; });
}

MiniatureCaches::Ref MiniatureCaches::Find(uint64_t hash) const {
  Ref ref = buckets_[hash % kBuckets];
  while (ref != 0 && entries_[ref].hash != hash) ref = entries_[ref].chain;
  return ref;
}

// 0 if the threshold had to be lowered below the key.
MiniatureCaches::Ref MiniatureCaches::Add(uint64_t hash) {
  while (keys_ == kKeysMax) LowerThreshold();
  if (hash >= threshold_) return 0;
  Ref ref = free_;
  if (ref != 0) {
    free_ = entries_[ref].chain;
  } else {
    ref = static_cast<Ref>(fresh_++);
  }
  Ref& bucket = buckets_[hash % kBuckets];
  entries_[ref] = {.hash = hash, .chain = bucket};
  bucket = ref;
  ++keys_;
  return ref;
}

void MiniatureCaches::Free(Ref ref) {
  Entry& entry = entries_[ref];
  Ref* link = &buckets_[entry.hash % kBuckets];
  while (*link != ref) link = &entries_[*link].chain;
  *link = entry.chain;
  entry.chain = free_;
  free_ = ref;
  --keys_;
}

void MiniatureCaches::Remove(Ref ref) {
  for (size_t i = 0; i < kCaches; ++i) {
    if (entries_[ref].states[i].list != kNone) Unlink(i, ref);
  }
  Free(ref);
}

void MiniatureCaches::LowerThreshold() {
  threshold_ -= threshold_ / 32;
  for (uint32_t ref = 1; ref < fresh_; ++ref) {
    if (entries_[ref].hash >= threshold_ && IsUsed(entries_[ref])) Remove(static_cast<Ref>(ref));
  }
  SpreadCapacity();
}

// What has expired goes bit by bit though nobody asks for it, as in the real cache.
void MiniatureCaches::Sweep(Tick now) {
  for (int i = 0; i < kSwept && fresh_ > 1; ++i) {
    if (++swept_ >= fresh_) swept_ = 1;
    const Entry& entry = entries_[swept_];
    if (HasPassed(entry.expire, now) && IsUsed(entry)) Remove(static_cast<Ref>(swept_));
  }
}

void MiniatureCaches::Take(const SampledAccess& access, Tick now) {
  if (access.hash >= threshold_) return;
  Sweep(now);
  Ref ref = Find(access.hash);
  const bool found = access.bytes > 0;
  const bool counted = access.reads > 0 && (ref != 0 || !found);
  if (counted) counts_.reads += access.reads;
  if (ref != 0 && (HasPassed(entries_[ref].expire, now) || (access.reads == 0 && !found))) {
    Remove(ref);
    ref = 0;
  }
  if (ref == 0 && !found) {
    for (double& misses : counts_.misses) misses += access.reads;
    return;
  }
  if (ref == 0) ref = Add(access.hash);
  if (ref == 0) return;
  if (found) {
    const uint32_t bytes = std::min(access.bytes, item_bytes_max_);
    if (entries_[ref].bytes != bytes) Resize(ref, bytes);
    entries_[ref].expire = access.expire;
  }
  for (size_t i = 0; i < kCaches; ++i) TakeIn(i, ref, access, counted, now);
}

void MiniatureCaches::TakeIn(size_t cache, Ref ref, const SampledAccess& access, bool counted,
                             Tick now) {
  State& state = entries_[ref].states[cache];
  const bool found = access.bytes > 0;
  uint32_t reads = access.reads;
  if (!IsResident(state)) {
    // Of several reads the first has it stored.
    const uint32_t missed = found ? std::min(reads, 1u) : reads;
    if (counted) counts_.misses[cache] += missed;
    if (!found) return;
    Insert(cache, ref, now);
    reads -= missed;
  }
  if (reads > 0) MarkRead(&state, reads);
}

void MiniatureCaches::MarkRead(State* state, uint32_t times) {
  if (state->list == kProbation && state->read == 0) {
    state->read = 1;
    --times;
  }
  const uint32_t frequency = state->frequency + times;
  state->frequency = static_cast<uint8_t>(std::min<uint32_t>(frequency, kFrequencyMax)) & 3;
}

void MiniatureCaches::Resize(Ref ref, uint32_t bytes) {
  Entry& entry = entries_[ref];
  for (size_t i = 0; i < kCaches; ++i) {
    if (entry.states[i].list == kNone) continue;
    uint64_t& queue_bytes = caches_[i].queues[entry.states[i].list].bytes;
    queue_bytes = queue_bytes - entry.bytes + bytes;
  }
  entry.bytes = bytes;
}

void MiniatureCaches::Append(size_t cache, List list, Ref ref) {
  Queue& queue = caches_[cache].queues[list];
  Entry& entry = entries_[ref];
  entry.states[cache].list = list;
  entry.next[cache] = 0;
  entry.previous[cache] = queue.newest;
  (queue.newest != 0 ? entries_[queue.newest].next[cache] : queue.oldest) = ref;
  queue.newest = ref;
  queue.bytes += entry.bytes;
  ++queue.keys;
}

void MiniatureCaches::Unlink(size_t cache, Ref ref) {
  Entry& entry = entries_[ref];
  Queue& queue = caches_[cache].queues[entry.states[cache].list];
  const Ref next = entry.next[cache];
  const Ref previous = entry.previous[cache];
  (next != 0 ? entries_[next].previous[cache] : queue.newest) = previous;
  (previous != 0 ? entries_[previous].next[cache] : queue.oldest) = next;
  queue.bytes -= entry.bytes;
  --queue.keys;
  entry.states[cache].list = kNone;
}

// The key is not in the cache, but is perhaps remembered by it.
void MiniatureCaches::Insert(size_t cache, Ref ref, Tick now) {
  Cache& of = caches_[cache];
  State& state = entries_[ref].states[cache];
  const bool remembered = state.list == kGhost;
  if (remembered) {
    Unlink(cache, ref);
    of.share.MoveTo(of.share.PercentAfterHit(
        state.was_protected != 0 ? Segment::kProtected : Segment::kProbation, of.items()));
  }
  int evicted = 0;
  while (of.used() > 0 && of.used() + entries_[ref].bytes > of.capacity && evicted < kEvictedMax) {
    EvictOne(cache, now);
    ++evicted;
  }
  // What had been protected went too early, and has a second chance from the start.
  state = {.frequency = static_cast<uint8_t>(remembered && state.was_protected != 0 ? 1 : 0)};
  Append(cache, remembered || of.share.percent() == 0 ? kProtected : kProbation, ref);
  // While there is memory, what is on probation comes off it in its turn.
  Queue& probation = of.queues[kProbation];
  while (evicted == 0 && probation.bytes > of.probation_capacity() && probation.oldest != ref) {
    Move(cache, kProtected, probation.oldest);
  }
}

// Passes items until one is found that goes: one that was not read, or the last that it may pass.
void MiniatureCaches::EvictOne(size_t cache, Tick now) {
  Cache& of = caches_[cache];
  for (int passed = 0;; ++passed) {
    const Ref on_probation = of.queues[kProbation].oldest;
    const Ref oldest = of.queues[kProtected].oldest;
    if (oldest == 0 ||
        (on_probation != 0 && of.queues[kProbation].bytes >= of.probation_capacity())) {
      if (entries_[on_probation].states[cache].read == 0 || passed >= kPassedMax) {
        return Evict(cache, on_probation, now);
      }
      Move(cache, kProtected, on_probation);
      continue;
    }
    State& state = entries_[oldest].states[cache];
    if (state.frequency == 0 || passed >= kPassedMax || HasPassed(entries_[oldest].expire, now)) {
      return Evict(cache, oldest, now);
    }
    --state.frequency;
    Move(cache, kProtected, oldest);
  }
}

void MiniatureCaches::Evict(size_t cache, Ref ref, Tick now) {
  Cache& of = caches_[cache];
  // As many as the real cache has: six for every seven items.
  const uint64_t ghost_bytes_max = of.capacity * 6 / 7;
  Queue& ghosts = of.queues[kGhost];
  State& state = entries_[ref].states[cache];
  const Segment left = state.list == kProbation ? Segment::kProbation : Segment::kProtected;
  Unlink(cache, ref);
  if (!HasPassed(entries_[ref].expire, now)) {
    state.was_protected = left == Segment::kProtected ? 1 : 0;
    of.share.CountEviction(left, of.items());
    Append(cache, kGhost, ref);
  }
  if (!IsUsed(entries_[ref])) Free(ref);
  for (int i = 0; i < kEvictedMax && ghosts.bytes > ghost_bytes_max; ++i) {
    const Ref oldest = ghosts.oldest;
    Unlink(cache, oldest);
    if (!IsUsed(entries_[oldest])) Free(oldest);
  }
}

void MiniatureCaches::Check() const {
  uint32_t used = 0;
  for (uint32_t ref = 1; ref < fresh_; ++ref) {
    if (!IsUsed(entries_[ref])) continue;
    ++used;
    LARDER_CHECK(Find(entries_[ref].hash) == ref && entries_[ref].hash < threshold_);
  }
  LARDER_CHECK(used == keys_);
  for (size_t i = 0; i < kCaches; ++i) {
    for (size_t list = kProbation; list < kLists; ++list) {
      const Queue& queue = caches_[i].queues[list];
      uint64_t bytes = 0;
      Ref previous = 0;
      for (Ref ref = queue.oldest; ref != 0; ref = entries_[ref].next[i]) {
        LARDER_CHECK(entries_[ref].states[i].list == list && entries_[ref].previous[i] == previous);
        bytes += entries_[ref].bytes;
        previous = ref;
      }
      LARDER_CHECK(queue.newest == previous && queue.bytes == bytes);
    }
  }
}

}  // namespace larder
