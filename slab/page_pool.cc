#include "slab/page_pool.h"

#include <algorithm>

namespace larder {

uint64_t PagePool::FreePages() const {
  const uint64_t charged = charged_bytes();
  const uint64_t room = charged < limit_bytes_ ? limit_bytes_ - charged : 0;
  return open_count_.load(std::memory_order_relaxed) + room / arena_->page_bytes();
}

uint32_t PagePool::Take() {
  MutexLock lock(&mutex_);
  if (open_.empty()) OpenMore();
  if (open_.empty()) return 0;
  const uint32_t page = open_.back();
  open_.pop_back();
  open_count_.store(open_.size(), std::memory_order_relaxed);
  return page;
}

void PagePool::OpenMore() {
  const uint64_t allowed = FreePages();
  if (allowed == 0) return;
  uint32_t first = fresh_.load(std::memory_order_relaxed);
  uint32_t count = 1;
  const bool fresh = first < arena_->pages();
  if (fresh) {
    // To the end of the frame, so that the system gives one huge page for all of it.
    const uint32_t frame_end = (first / arena_->PagesPerFrame() + 1) * arena_->PagesPerFrame();
    count = static_cast<uint32_t>(std::min<uint64_t>(frame_end - first, allowed));
  } else if (!closed_.empty()) {
    first = closed_.back();
  } else {
    return;
  }
  if (!arena_->OpenPages(first, count)) return;
  if (fresh) {
    fresh_.store(first + count, std::memory_order_release);
  } else {
    closed_.pop_back();
  }
  charged_bytes_ += uint64_t{count} * arena_->page_bytes();
  for (uint32_t page = first + count; page > first; --page) open_.push_back(page - 1);
}

void PagePool::Give(uint32_t page) {
  MutexLock lock(&mutex_);
  open_.push_back(page);
  CloseFreePagesFor(0);
}

bool PagePool::MakeRoom(uint64_t bytes) {
  MutexLock lock(&mutex_);
  CloseFreePagesFor(bytes);
  return charged_bytes() + bytes <= limit_bytes_;
}

void PagePool::Charge(uint64_t bytes) {
  MutexLock lock(&mutex_);
  charged_bytes_ += bytes;
}

void PagePool::CloseFreePagesFor(uint64_t bytes) {
  while (charged_bytes() + bytes > limit_bytes_ && !open_.empty()) {
    arena_->ClosePage(open_.back());
    closed_.push_back(open_.back());
    open_.pop_back();
    charged_bytes_ -= arena_->page_bytes();
  }
  open_count_.store(open_.size(), std::memory_order_relaxed);
}

}  // namespace larder
