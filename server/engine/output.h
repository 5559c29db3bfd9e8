#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "slab/lane.h"
#include "slab/store.h"

// What a connection still has to send, in order.
//
// Small replies are copied into blocks that the worker lends; large values are not copied: the
// item is pinned and sent from where it lies. A reply is one run of bytes to whoever sends it:
//
//   block:  "VALUE a 0 3\r\nabc\r\nEND\r\nVALUE b 0 100000\r\n" | "\r\nEND\r\n"
//   pins:                                                       ^ value of b
//
// So the order of things is kept by one number: a pin knows how many copied bytes come before it.
// An Output that is empty holds no block, so an idle connection costs none, and since blocks go
// back last in first out, a worker whose connections drain at once writes to one block that stays
// in its processor's cache.
//
// A slow reader could hold any amount of memory here, so there are caps: once full() the session
// stops executing until enough has been sent. They are checked between replies and therefore
// passed by at most one reply (one value, or one listing of statistics).

namespace larder {

inline constexpr size_t kOutputBlockBytes = 16 * 1024;
// Copied bytes, and bytes of pinned values, that a connection may have waiting.
inline constexpr size_t kOutputCopiedBytesMax = 256 * 1024;
inline constexpr size_t kOutputPinnedBytesMax = 1024 * 1024;

struct OutputBlock {
  OutputBlock* next;
  size_t size;  // bytes written to `bytes`
  char bytes[kOutputBlockBytes - sizeof(OutputBlock*) - sizeof(size_t)];
};
static_assert(sizeof(OutputBlock) == kOutputBlockBytes);

// The blocks of one worker thread; used by that thread only. Must outlive the outputs it lends to.
class OutputBlocks {
 public:
  OutputBlocks() = default;
  ~OutputBlocks();
  OutputBlocks(const OutputBlocks&) = delete;
  OutputBlocks& operator=(const OutputBlocks&) = delete;

  OutputBlock* Take();
  void GiveBack(OutputBlock* block);

  // Blocks that exist, lent or free. Any thread.
  size_t count() const { return static_cast<size_t>(count_.value()); }
  // Of these, free ones. Any thread.
  size_t free_count() const { return static_cast<size_t>(free_count_.value()); }

 private:
  // What is kept when a burst of replies is over; beyond, memory goes back to the system.
  static constexpr int64_t kFreeBlocksMax = 64;

  OutputBlock* free_ = nullptr;
  Counter count_;
  Counter free_count_;
};

// Used by the worker's thread only.
class Output {
 public:
  // The largest room that can be asked for.
  static constexpr size_t kRoomBytesMax = sizeof(OutputBlock::bytes);

  // `blocks` must outlive the output, and so must the store whose items it pins.
  explicit Output(OutputBlocks* blocks) : blocks_(blocks) {}
  ~Output() { Clear(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Where up to `bytes` (at most kRoomBytesMax) may be written next; Commit says how many were.
  // Valid until the next call that is not Commit. Room after Commit costs an addition while the
  // block lasts.
  char* Room(size_t bytes) {
    if (tail_ == nullptr || sizeof(tail_->bytes) - tail_->size < bytes) [[unlikely]]
      AddBlock();
    return tail_->bytes + tail_->size;
  }
  void Commit(size_t bytes) {
    tail_->size += bytes;
    copied_bytes_ += bytes;
  }

  // Copies any number of bytes.
  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (tail_ == nullptr || sizeof(tail_->bytes) - tail_->size < bytes.size()) [[unlikely]] {
      AppendInPieces(bytes);
      return;
    }
    std::memcpy(tail_->bytes + tail_->size, bytes.data(), bytes.size());
    Commit(bytes.size());
  }
  // Queues the whole value of a large item, which stays pinned until it is sent.
  void AppendPinned(ItemRef item, size_t value_bytes);

  // Whatever has been added so far is to be sent, come what may.
  void Settle() { settled_ = {copied_sent_ + copied_bytes_, pins_.size() - first_pin_}; }
  // Takes back what was added since the last Settle. Nothing must have been sent in between.
  void TakeBack();

  bool empty() const { return copied_bytes_ + pinned_bytes_ == 0; }
  // No more replies should be added before some are sent.
  bool full() const {
    return copied_bytes_ >= kOutputCopiedBytesMax || pinned_bytes_ >= kOutputPinnedBytesMax;
  }
  // All that waits to be sent, and the part of it that is pinned values.
  size_t bytes() const { return copied_bytes_ + pinned_bytes_; }
  size_t pinned_bytes() const { return pinned_bytes_; }

  // Fills in what to send next, for sendmsg: as many pieces as there are and as fit. Returns how
  // many. Valid until the next call that is not Gather.
  size_t Gather(std::span<iovec> pieces) const;
  // The first `bytes` of it have been sent: their blocks go back and their items are unpinned.
  void Sent(size_t bytes);
  // Drops everything.
  void Clear();

 private:
  struct Pin {
    ItemRef item;
    size_t copied_before;  // copied bytes that precede it, counted as in copied_sent_
    ValuePieces next_pieces;
    std::string_view piece;  // what is left of the present one
  };

  struct Position {
    size_t copied = 0;  // counted as in copied_sent_
    size_t pins = 0;    // of those not yet sent
  };

  void AddBlock();
  void AppendInPieces(std::string_view bytes);
  size_t SentCopied(size_t bytes);
  size_t SentPinned(size_t bytes);

  OutputBlocks* blocks_;
  OutputBlock* head_ = nullptr;  // holds the first byte that is not sent; null if no copied ones
  OutputBlock* tail_ = nullptr;
  size_t head_sent_ = 0;     // bytes of head_ that are sent
  size_t copied_bytes_ = 0;  // not yet sent
  size_t pinned_bytes_ = 0;  // not yet sent
  size_t copied_sent_ = 0;   // copied bytes sent since the output was empty
  std::vector<Pin> pins_;    // in order; those before first_pin_ are gone
  size_t first_pin_ = 0;
  Position settled_;
};

}  // namespace larder
