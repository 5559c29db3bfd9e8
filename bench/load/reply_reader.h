#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "bench/load/tally.h"
#include "bench/load/workload.h"

namespace larder::bench {

// A queue in a ring of a fixed capacity, which its user does not pass.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity)
      : ring_(std::bit_ceil(capacity)), mask_(ring_.size() - 1) {}

  size_t size() const { return end_ - begin_; }
  T& operator[](size_t i) { return ring_[(begin_ + i) & mask_]; }
  void Push(const T& value) { ring_[end_++ & mask_] = value; }
  void Pop(size_t count = 1) { begin_ += count; }

 private:
  std::vector<T> ring_;
  size_t mask_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// Reads and verifies the replies on one connection, in the order of their requests. No I/O, no
// clock, no allocation but for the text of an error. See reply_reader.cc for what is verified.
class ReplyReader {
 public:
  // No reply has a longer line, its end included; what a caller must keep is shorter.
  static constexpr size_t kLineBytesMax = 2048;

  // At most `requests_max` requests will await their replies at any time. `workload` must outlive
  // this object.
  ReplyReader(const Workload& workload, size_t requests_max);

  // The next request sent, and when it began or should have begun.
  void ExpectGet(std::span<const uint32_t> ids, uint64_t start_ns);
  void ExpectSet(uint64_t start_ns);

  size_t pending() const { return requests_.size(); }

  // Takes the replies in `input`, which arrived by `now_ns`, into `tally`. Returns the bytes taken;
  // what remains (fewer than kLineBytesMax) is the beginning of something, and the caller gives it
  // again with more behind it. An error means that the server broke the protocol or returned what
  // was not stored; the connection is of no use then.
  absl::StatusOr<size_t> Consume(std::string_view input, uint64_t now_ns, Tally& tally);

 private:
  enum class Step { kTaken, kNeedMore, kBroken };

  struct Request {
    uint64_t start_ns;
    uint32_t keys_left;  // of a get, those whose value did not come yet; their ids are in ids_
    bool is_get;
  };

  Step TakeOne(uint64_t now_ns, Tally& tally);
  Step TakeGetReply(uint64_t now_ns, Tally& tally);
  Step TakeRareGetReply(uint64_t now_ns, Tally& tally);
  Step TakeSetReply(uint64_t now_ns, Tally& tally);
  Step TakeValue(uint64_t now_ns, Tally& tally);
  Step SkipMissedKeys(std::string_view line, Tally& tally);
  Step TakeLine(std::string_view& line);
  Step Break(std::string_view what, std::string_view line);
  void FinishGet(uint64_t now_ns, Tally& tally);
  void CountError(std::string_view line, Tally& tally);
  bool Matches(std::string_view piece) const;
  std::string_view HeaderOf(uint32_t id, size_t value_bytes);

  const Workload& workload_;
  BoundedQueue<Request> requests_;
  BoundedQueue<uint32_t> ids_;
  std::string_view rest_;      // of the input being consumed
  bool in_value_ = false;      // the line end behind the value belongs to it
  std::string_view expected_;  // of the value being read, what did not come yet
  std::string header_;         // the line before the value last asked for
  size_t header_fixed_bytes_;  // of it, those before the length
  size_t header_value_bytes_;  // the length that header_ names
  std::string failure_;
};

}  // namespace larder::bench
