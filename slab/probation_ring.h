#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

// The probationary segment's order: a queue of 4-byte references to chunks of one class, oldest
// first, in blocks of 1 KiB. Blocks are provided ahead by whoever adds a page to the class, so that
// pushing never allocates. An entry is a hint: the chunk may since have been freed, promoted or
// given to another item, which its header tells.

namespace larder {

class ProbationRing {
 public:
  static constexpr size_t kBlockEntries = 254;

  struct Block {
    std::unique_ptr<Block> next;
    std::array<uint32_t, kBlockEntries> entries;
  };

  ~ProbationRing();

  // How many blocks must have been provided for up to `entries` entries.
  static size_t BlocksFor(size_t entries) { return entries / kBlockEntries + 2; }

  size_t size() const { return size_; }
  size_t blocks() const { return blocks_; }
  void Provide(std::unique_ptr<Block> block);

  void PushBack(uint32_t entry);
  uint32_t PopFront();  // not when empty
  // An entry that will be popped soon, `ahead` after the front; 0 if there is none so far.
  uint32_t PeekAhead(size_t ahead) const {
    const size_t i = front_ + ahead;
    return ahead < size_ && i < kBlockEntries ? head_->entries[i] : 0;
  }

  template <typename Visit>
  void ForEach(Visit&& visit) const {
    ForOldest(size_, std::forward<Visit>(visit));
  }
  // Of the `count` oldest, or all if there are fewer.
  template <typename Visit>
  void ForOldest(size_t count, Visit&& visit) const;

 private:
  std::unique_ptr<Block> head_;  // owns the chain up to tail_
  Block* tail_ = nullptr;
  std::unique_ptr<Block> spare_;
  size_t front_ = 0;             // in head_
  size_t back_ = kBlockEntries;  // one past the newest, in tail_
  size_t size_ = 0;
  size_t blocks_ = 0;
};

template <typename Visit>
void ProbationRing::ForOldest(size_t count, Visit&& visit) const {
  const Block* block = head_.get();
  size_t i = front_;
  for (size_t left = std::min(count, size_); left > 0; --left, ++i) {
    if (i == kBlockEntries) {
      block = block->next.get();
      i = 0;
    }
    visit(block->entries[i]);
  }
}

}  // namespace larder
