#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "slab/item.h"

// How much of a class is on probation, and how it finds out what is best.
//
// A short probation keeps what is asked for once out of the way; a long one lets those be read
// again whose second read comes late, as where popularity drifts. Neither is right for all: a fixed
// 10 % missed 11 % more than 50 % did under a fast drift, and 50 % missed 7 % more than 10 % under
// Zipf's law. The ghosts (ghost_table.h) tell which way to go. A hit on a ghost is an item that its
// segment would still have if it had been longer. So what one more item would be worth to a segment
// is the hits on ghosts that have left it for each of those ghosts there are, and the share is to
// move toward the segment where that is more. As in ARC there is a step at every hit on a ghost,
// the larger the fewer ghosts its segment has, so that
//
//   up by 2 * (ghosts of protected items) / (all ghosts)   at a hit on a ghost from probation,
//   down by 2 * (ghosts from probation) / (all ghosts)     at a hit on one of a protected item
//
// cancel where both are worth the same. The unit is an item, so a step is never more than two
// items. A quarter of that speed had the same misses within half a percent; four times, up to 3 %
// more, since with every item that the share loses one leaves probation that nobody has read.
// Without the weights, the many ghosts of scans pull the share up to its end though hardly one is
// ever hit.
//
// Ghosts are not counted, as the records of all buckets would have to be: evictions are, of about
// as many as the class has chunks, which is how many ghosts there are of it. The half of them is
// forgotten whenever there are as many.
//
// The share starts at the setting and stays between 10 and 50 %, or between these and the setting.
// With 0 nothing is on probation, and it stays so.

namespace larder {

class ProbationShare {
 public:
  static constexpr double kPercentMin = 10;
  static constexpr double kPercentMax = 50;

  // The setting: the share is that, to begin with.
  void Start(uint32_t percent) {
    percent_ = percent;
    percent_min_ = std::min<double>(percent, kPercentMin);
    percent_max_ = std::max<double>(percent, kPercentMax);
  }

  double percent() const { return percent_; }
  // Of so many chunks, how many.
  static size_t ChunksOf(uint64_t chunks, double percent) {
    return static_cast<size_t>(static_cast<double>(chunks) * percent / 100);
  }
  size_t ChunksOf(uint64_t chunks) const { return ChunksOf(chunks, percent_); }

  // An item of a class of so many chunks was evicted.
  void CountEviction(Segment left, uint64_t chunks);
  // What the share is to be after a hit on a ghost.
  double PercentAfterHit(Segment left, uint64_t chunks) const;
  void MoveTo(double percent) { percent_ = percent; }

 private:
  double percent_ = 0;
  double percent_min_ = 0;
  double percent_max_ = 0;
  std::array<uint64_t, 2> evicted_of_late_{};  // by segment
};

}  // namespace larder
