#include "slab/page_pool.h"

#include <algorithm>

namespace larder {

uint64_t PagePool::FreePages() const {
  const uint64_t charged = charged_bytes();
  const uint64_t limit = limit_bytes();
  const uint64_t room = charged < limit ? limit - charged : 0;
  return open_count_.load(std::memory_order_relaxed) + room / arena_->page_bytes();
}

uint32_t PagePool::Take() {
  while (true) {
    Opening opening;
    {
      MutexLock lock(&mutex_);
      if (!open_.empty()) {
        const uint32_t page = open_.back();
        open_.pop_back();
        open_count_.store(open_.size(), std::memory_order_relaxed);
        if (PagesGivenBack() > 0) given_back_.fetch_sub(1, std::memory_order_relaxed);
        taken_.fetch_add(1, std::memory_order_relaxed);
        return page;
      }
      opening = StartOpening(/*pages_max=*/1);
    }
    if (opening.count == 0 || !Open(opening)) return 0;
  }
}

bool PagePool::OpenAhead(uint64_t pages) {
  Opening opening;
  {
    MutexLock lock(&mutex_);
    if (open_.size() >= pages) return false;
    opening = StartOpening(arena_->PagesPerFrame());
  }
  return opening.count > 0 && Open(opening);
}

// To the end of the frame at most: what is opened together can have a huge page.
PagePool::Opening PagePool::StartOpening(uint32_t pages_max) {
  const uint64_t allowed = std::min<uint64_t>(FreePages() - open_.size(), pages_max);
  const uint32_t fresh = fresh_.load(std::memory_order_relaxed);
  Opening opening;
  if (allowed == 0) return opening;
  if (fresh < arena_->pages()) {
    const uint32_t frame_end = (fresh / arena_->PagesPerFrame() + 1) * arena_->PagesPerFrame();
    opening = {.first = fresh,
               .count = static_cast<uint32_t>(std::min<uint64_t>(frame_end - fresh, allowed))};
    fresh_.store(fresh + opening.count, std::memory_order_release);
  } else if (!closed_.empty()) {
    opening = {.first = closed_.back(), .count = 1};
    closed_.pop_back();
  }
  charged_bytes_ += uint64_t{opening.count} * arena_->page_bytes();
  return opening;
}

bool PagePool::Open(Opening opening) {
  const bool open = arena_->OpenPages(opening.first, opening.count);
  MutexLock lock(&mutex_);
  if (!open) charged_bytes_ -= uint64_t{opening.count} * arena_->page_bytes();
  for (uint32_t page = opening.first + opening.count; page > opening.first; --page) {
    (open ? open_ : closed_).push_back(page - 1);
  }
  CloseFreePagesFor(0);  // the limit may have been lowered meanwhile
  return open;
}

void PagePool::Give(uint32_t page) {
  MutexLock lock(&mutex_);
  open_.push_back(page);
  given_back_.fetch_add(1, std::memory_order_relaxed);
  CloseFreePagesFor(0);
}

bool PagePool::MakeRoom(uint64_t bytes) {
  MutexLock lock(&mutex_);
  const uint64_t free_bytes = open_.size() * uint64_t{arena_->page_bytes()};
  if (charged_bytes() - free_bytes + bytes > limit_bytes()) return false;
  CloseFreePagesFor(bytes);
  return true;
}

void PagePool::SetLimit(uint64_t bytes) {
  MutexLock lock(&mutex_);
  limit_bytes_.store(bytes, std::memory_order_relaxed);
  CloseFreePagesFor(0);
}

bool PagePool::Adopt(uint32_t end, const std::vector<uint32_t>& taken) {
  MutexLock lock(&mutex_);
  fresh_.store(end, std::memory_order_release);
  auto next = taken.begin();
  for (uint32_t page = 1; page < end; ++page) {
    if (next == taken.end() || *next != page) {
      arena_->ClosePage(page);
      closed_.push_back(page);
      continue;
    }
    ++next;
    if (!arena_->ReopenPages(page, 1)) return false;
    charged_bytes_ += arena_->page_bytes();
  }
  return true;
}

void PagePool::Charge(uint64_t bytes) {
  MutexLock lock(&mutex_);
  charged_bytes_ += bytes;
}

void PagePool::Discharge(uint64_t bytes) {
  MutexLock lock(&mutex_);
  charged_bytes_ -= bytes;
}

void PagePool::CloseFreePagesFor(uint64_t bytes) {
  while (charged_bytes() + bytes > limit_bytes() && !open_.empty()) {
    arena_->ClosePage(open_.back());
    closed_.push_back(open_.back());
    open_.pop_back();
    charged_bytes_ -= arena_->page_bytes();
  }
  open_count_.store(open_.size(), std::memory_order_relaxed);
  given_back_.store(std::min<uint64_t>(PagesGivenBack(), open_.size()), std::memory_order_relaxed);
}

}  // namespace larder
