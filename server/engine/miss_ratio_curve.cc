#include "server/engine/miss_ratio_curve.h"

#include <algorithm>

namespace larder {
namespace {

// How much of the memory ends up as items and their share of the index, before it is known.
constexpr double kDensityAtFirst = 0.93;

// How many bytes of items and index the memory holds.
double CapacityOf(const StoreStats& store) {
  const auto limit = static_cast<double>(store.memory_limit_bytes);
  const auto used = static_cast<double>(store.memory_bytes);
  if (used < limit * 3 / 4) return limit * kDensityAtFirst;
  const auto items =
      static_cast<double>(store.item_bytes + store.items * MissRatioCurve::kIndexBytes);
  return limit * items / used;
}

}  // namespace

uint64_t MissRatioCurve::threshold() const {
  const MutexLock lock(&mutex_);
  return caches_.threshold();
}

MissRatioCurve::Taken MissRatioCurve::TryTake(std::span<const SampledAccess> accesses, Tick now) {
  if (!mutex_.TryLock()) return {};
  if (HasPassed(flush_due_, now)) {
    caches_.Clear();
    flush_due_ = 0;
  }
  for (const SampledAccess& access : accesses) caches_.Take(access, now);
  accesses_ += static_cast<uint32_t>(accesses.size());
  const Taken taken = {.taken = true,
                       .wants_update = accesses_ >= kAccessesPerUpdate,
                       .threshold = caches_.threshold()};
  mutex_.Unlock();
  return taken;
}

void MissRatioCurve::Update(const StoreStats& store, uint32_t probation_percent,
                            const ReadCounts& measured, Tick now) {
  const MutexLock lock(&mutex_);
  accesses_ = 0;
  memory_bytes_ = store.memory_limit_bytes;
  caches_.SetCapacity(CapacityOf(store), probation_percent);
  measured_reads_ += static_cast<double>(measured.reads - seen_.reads);
  measured_misses_ += static_cast<double>(measured.misses - seen_.misses);
  seen_ = measured;
  if (halved_at_ == 0) halved_at_ = now.seconds;
  if (now.seconds - halved_at_ >= kHalfLifeSeconds) {
    halved_at_ = now.seconds;
    caches_.ScaleCounts(0.5);
    measured_reads_ /= 2;
    measured_misses_ /= 2;
  }
}

void MissRatioCurve::Flush(Tick due) {
  const MutexLock lock(&mutex_);
  flush_due_ = due.seconds;
}

void MissRatioCurve::Reset(const ReadCounts& measured, Tick now) {
  const MutexLock lock(&mutex_);
  caches_.ScaleCounts(0);
  seen_ = measured;
  measured_reads_ = 0;
  measured_misses_ = 0;
  halved_at_ = now.seconds;
}

MissRatios MissRatioCurve::Estimate() const {
  const MutexLock lock(&mutex_);
  const MiniatureCaches::Counts& counts = caches_.counts();
  MissRatios ratios = {.sample_rate = caches_.sample_rate(),
                       .keys = caches_.keys(),
                       .reads = counts.reads,
                       .measured = measured_misses_ / std::max(measured_reads_, 1.0),
                       .memory_bytes = memory_bytes_};
  // As often as the miniature of the same size missed.
  const double same = counts.misses[MiniatureCaches::kSame] / std::max(counts.reads, 1.0);
  const double correction = same > 0 ? ratios.measured / same : 1;
  for (size_t i = 0; i < ratios.misses.size(); ++i) {
    const double misses = counts.misses[i] / std::max(counts.reads, 1.0);
    ratios.misses[i] = std::min(misses * correction, 1.0);
  }
  return ratios;
}

}  // namespace larder
