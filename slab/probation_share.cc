#include "slab/probation_share.h"

namespace larder {

void ProbationShare::CountEviction(Segment left, uint64_t chunks) {
  ++evicted_of_late_[static_cast<size_t>(left)];
  if (evicted_of_late_[0] + evicted_of_late_[1] < chunks) return;
  for (uint64_t& evicted : evicted_of_late_) evicted /= 2;
}

// As if each segment had one ghost more: of a class that has just begun to evict, or none of one
// segment, nothing is known yet.
double ProbationShare::PercentAfterHit(Segment left, uint64_t chunks) const {
  if (percent_ == 0 || chunks == 0) return percent_;
  const auto probation = static_cast<double>(evicted_of_late_[0] + 1);
  const auto others = static_cast<double>(evicted_of_late_[1] + 1);
  const double items = left == Segment::kProbation ? 2 * others / (probation + others)
                                                   : -2 * probation / (probation + others);
  return std::clamp(percent_ + 100 * items / static_cast<double>(chunks), percent_min_,
                    percent_max_);
}

}  // namespace larder
