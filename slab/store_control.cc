#include <algorithm>

#include "slab/store.h"

// What an operator changes while the store is in use. These only leave word of what is wanted, or
// set what is read at the next occasion; the work is Maintain's.

namespace larder {

bool Store::SetMemoryLimit(uint64_t bytes) {
  // Without pages nothing could be stored.
  constexpr uint64_t kPagesMin = 4;
  if (bytes / 2 < index_.overflow_bytes() + kPagesMin * arena_.page_bytes()) return false;
  MutexLock lock(&emptying_mutex_);
  if (!slabs_->SetMemoryLimit(bytes)) return false;
  shrinking_.store(true, std::memory_order_relaxed);
  return true;
}

uint32_t Store::PagesOf(int class_id) {
  SlabClass& slab_class = slabs_->ClassAt(class_id);
  SpinLockHolder lock(&slab_class.lock());
  return slab_class.page_count();
}

// The class that a page is missed least in, if it has another.
int Store::DonorForReassign(int destination) {
  ClassSet besides;
  besides.set(static_cast<size_t>(destination));
  while (true) {
    const int donor = ChooseDonor(besides);
    if (donor == 0 || PagesOf(donor) > 1) return donor;
    besides.set(static_cast<size_t>(donor));
  }
}

ReassignStatus Store::Reassign(int source, int destination) {
  const auto is_class = [&](int id) { return id >= 1 && id <= slabs_->sizes().count(); };
  if (source == destination) return ReassignStatus::kSame;
  if (!is_class(destination) || (source != -1 && !is_class(source))) {
    return ReassignStatus::kBadClass;
  }
  MutexLock lock(&emptying_mutex_);
  if (reassign_destination_ != 0) return ReassignStatus::kBusy;
  if (source == -1) {
    source = DonorForReassign(destination);
    if (source == 0) return ReassignStatus::kNoSpare;
  } else if (PagesOf(source) < 2) {
    return ReassignStatus::kNoSpare;
  }
  reassign_source_ = source;
  reassign_destination_ = destination;
  reassigning_.store(true, std::memory_order_relaxed);
  return ReassignStatus::kStarted;
}

void Store::SetAutomove(bool on, bool eager) {
  automove_.store(on, std::memory_order_relaxed);
  MutexLock lock(&emptying_mutex_);
  mover_.SetEager(eager);
}

CrawlStatus Store::Crawl(const ClassSet& classes) {
  MutexLock lock(&crawl_mutex_);
  if (crawling_) return CrawlStatus::kBusy;
  crawling_ = true;
  crawl_classes_ = classes;
  return CrawlStatus::kStarted;
}

void Store::SetProbationPercent(uint32_t percent) {
  constexpr uint32_t kPercentMax = 90;
  percent = std::min(percent, kPercentMax);
  slabs_->SetProbationPercent(percent);
  probation_percent_.store(percent, std::memory_order_relaxed);
}

}  // namespace larder
