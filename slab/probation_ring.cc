#include "slab/probation_ring.h"

#include <utility>

#include "slab/assert.h"

namespace larder {
namespace {

// Block by block: a chain of unique_ptrs destroyed from its head would recurse.
void FreeChain(std::unique_ptr<ProbationRing::Block> block) {
  while (block != nullptr) block = std::move(block->next);
}

}  // namespace

ProbationRing::~ProbationRing() {
  FreeChain(std::move(head_));
  FreeChain(std::move(spare_));
}

void ProbationRing::Provide(std::unique_ptr<Block> block) {
  block->next = std::move(spare_);
  spare_ = std::move(block);
  ++blocks_;
}

void ProbationRing::PushBack(uint32_t entry) {
  if (back_ == kBlockEntries) {
    LARDER_CHECK(spare_ != nullptr);
    std::unique_ptr<Block> block = std::move(spare_);
    spare_ = std::move(block->next);
    Block* added = block.get();
    if (tail_ == nullptr) {
      head_ = std::move(block);
      front_ = 0;
    } else {
      tail_->next = std::move(block);
    }
    tail_ = added;
    back_ = 0;
  }
  tail_->entries[back_++] = entry;
  ++size_;
}

uint32_t ProbationRing::PopFront() {
  LARDER_CHECK(size_ > 0);
  const uint32_t entry = head_->entries[front_++];
  --size_;
  if (front_ == kBlockEntries) {
    std::unique_ptr<Block> block = std::move(head_);
    head_ = std::move(block->next);
    front_ = 0;
    if (head_ == nullptr) {
      tail_ = nullptr;
      back_ = kBlockEntries;
    }
    block->next = std::move(spare_);
    spare_ = std::move(block);
  }
  return entry;
}

}  // namespace larder
