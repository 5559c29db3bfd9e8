#include "server/engine/output.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "slab/assert.h"

namespace larder {
namespace {

// A connection that has sent everything keeps room for this many pins.
constexpr size_t kIdlePinsMax = 16;

}  // namespace

OutputBlocks::~OutputBlocks() {
  LARDER_CHECK(count_.value() == free_count_.value());
  while (free_ != nullptr) delete std::exchange(free_, free_->next);
}

OutputBlock* OutputBlocks::Take() {
  OutputBlock* block = free_;
  if (block != nullptr) {
    free_ = block->next;
    free_count_.Add(-1);
  } else {
    block = new OutputBlock;
    count_.Add(1);
  }
  block->next = nullptr;
  block->size = 0;
  return block;
}

void OutputBlocks::GiveBack(OutputBlock* block) {
  if (free_count_.value() >= kFreeBlocksMax) {
    delete block;
    count_.Add(-1);
    return;
  }
  block->next = std::exchange(free_, block);
  free_count_.Add(1);
}

void Output::AddBlock() {
  OutputBlock* block = blocks_->Take();
  if (tail_ == nullptr) {
    head_ = block;
    head_sent_ = 0;
  } else {
    tail_->next = block;
  }
  tail_ = block;
}

void Output::AppendInPieces(std::string_view bytes) {
  while (!bytes.empty()) {
    char* room = Room(1);
    const size_t n = std::min(bytes.size(), kRoomBytesMax - tail_->size);
    std::memcpy(room, bytes.data(), n);
    Commit(n);
    bytes.remove_prefix(n);
  }
}

void Output::AppendPinned(ItemRef item, size_t value_bytes) {
  // Without this the list would grow for as long as the output is never quite empty.
  if (first_pin_ > 0 && first_pin_ * 2 >= pins_.size()) {
    pins_.erase(pins_.begin(), pins_.begin() + static_cast<ptrdiff_t>(first_pin_));
    first_pin_ = 0;
  }
  ValuePieces pieces = item.Pieces();
  const std::string_view first = pieces.Next();
  pins_.push_back({.item = std::move(item),
                   .copied_before = copied_sent_ + copied_bytes_,
                   .next_pieces = pieces,
                   .piece = first});
  pinned_bytes_ += value_bytes;
}

size_t Output::Gather(std::span<iovec> pieces) const {
  size_t count = 0;
  size_t position = copied_sent_;
  size_t pin = first_pin_;
  const OutputBlock* block = head_;
  size_t offset = head_sent_;
  while (count < pieces.size()) {
    if (pin < pins_.size() && pins_[pin].copied_before == position) {
      ValuePieces rest = pins_[pin].next_pieces;
      for (std::string_view piece = pins_[pin].piece; !piece.empty(); piece = rest.Next()) {
        if (count == pieces.size()) return count;
        pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
      }
      ++pin;
      continue;
    }
    if (block == nullptr) break;
    size_t bytes = block->size - offset;
    if (pin < pins_.size()) bytes = std::min(bytes, pins_[pin].copied_before - position);
    if (bytes > 0) {
      pieces[count++] = {const_cast<char*>(block->bytes) + offset, bytes};
      position += bytes;
      offset += bytes;
    }
    if (offset == block->size) {
      block = block->next;
      offset = 0;
    }
  }
  return count;
}

void Output::Sent(size_t bytes) {
  LARDER_CHECK(bytes <= copied_bytes_ + pinned_bytes_);
  while (bytes > 0) {
    if (first_pin_ == pins_.size()) {
      bytes -= SentCopied(bytes);
    } else if (pins_[first_pin_].copied_before != copied_sent_) {
      bytes -= SentCopied(std::min(bytes, pins_[first_pin_].copied_before - copied_sent_));
    } else {
      bytes -= SentPinned(bytes);
    }
  }
  if (empty()) Clear();
}

// Of the first block that is left; returns how much of `bytes` it covered.
size_t Output::SentCopied(size_t bytes) {
  const size_t sent = std::min(bytes, head_->size - head_sent_);
  head_sent_ += sent;
  copied_sent_ += sent;
  copied_bytes_ -= sent;
  if (head_sent_ == head_->size) {
    OutputBlock* done = head_;
    head_ = done->next;
    head_sent_ = 0;
    if (head_ == nullptr) tail_ = nullptr;
    blocks_->GiveBack(done);
  }
  return sent;
}

// The same for the first pinned piece that is left.
size_t Output::SentPinned(size_t bytes) {
  Pin& pin = pins_[first_pin_];
  const size_t sent = std::min(bytes, pin.piece.size());
  pin.piece.remove_prefix(sent);
  pinned_bytes_ -= sent;
  if (pin.piece.empty()) pin.piece = pin.next_pieces.Next();
  if (pin.piece.empty()) {
    pin.item.Reset();
    ++first_pin_;
  }
  return sent;
}

void Output::TakeBack() {
  while (pins_.size() - first_pin_ > settled_.pins) {
    Pin& pin = pins_.back();
    for (; !pin.piece.empty(); pin.piece = pin.next_pieces.Next()) {
      pinned_bytes_ -= pin.piece.size();
    }
    pins_.pop_back();
  }
  copied_bytes_ = settled_.copied - copied_sent_;
  if (empty()) return Clear();
  // Blocks behind the one in which the last byte that stays is.
  size_t left = copied_bytes_ + head_sent_;
  OutputBlock* block = head_;
  while (block != nullptr && left > block->size) {
    left -= block->size;
    block = block->next;
  }
  if (block == nullptr) return;  // nothing but pins was ever added
  block->size = left;
  tail_ = block;
  OutputBlock* next = std::exchange(block->next, nullptr);
  while (next != nullptr) blocks_->GiveBack(std::exchange(next, next->next));
}

void Output::Clear() {
  while (head_ != nullptr) blocks_->GiveBack(std::exchange(head_, head_->next));
  tail_ = nullptr;
  head_sent_ = 0;
  copied_bytes_ = 0;
  pinned_bytes_ = 0;
  copied_sent_ = 0;
  pins_.clear();
  first_pin_ = 0;
  if (pins_.capacity() > kIdlePinsMax) pins_ = std::vector<Pin>();
}

}  // namespace larder
