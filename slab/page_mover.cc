#include "slab/page_mover.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace larder {
namespace {

constexpr uint32_t kPagesFloor = 1;
constexpr double kHitsPerWindow = 2048;
constexpr double kEagerFactor = 8;
// By how many standard deviations two classes must differ. They are compared often, and the
// extremes of many with each other, so it is more than the usual two.
constexpr double kDeviations = 3;

}  // namespace

void PageMover::Look(std::span<const ClassView> classes) {
  double total = 0;
  for (size_t id = 1; id < classes.size(); ++id) {
    Class& known = classes_[id];
    const auto hits = static_cast<double>(classes[id].ghost_hits - known.seen.ghost_hits);
    known.seen = classes[id];
    known.hits += hits;
    known.owed += hits * (options_.eager ? kEagerFactor : 1) / known.seen.chunks_per_page;
    total += known.hits;
  }
  if (total < kHitsPerWindow * options_.window) return;
  for (Class& known : classes_) known.hits /= 2;
}

std::optional<PageMover::Move> PageMover::NextMove() {
  while (true) {
    int destination = 0;
    for (int id = 1; id < kClassesMax; ++id) {
      const Class& known = classes_[static_cast<size_t>(id)];
      if (known.owed < 1) continue;
      if (destination != 0 &&
          known.HitsPerPage() <= classes_[static_cast<size_t>(destination)].HitsPerPage()) {
        continue;
      }
      destination = id;
    }
    if (destination == 0) return std::nullopt;
    Class& taker = classes_[static_cast<size_t>(destination)];
    const int source = Source(destination);
    if (source == 0 || !IsWorthIt(classes_[static_cast<size_t>(source)], taker)) {
      taker.owed = 0;
      continue;
    }
    Class& giver = classes_[static_cast<size_t>(source)];
    taker.owed -= 1;
    ++taker.seen.pages;
    --giver.seen.pages;
    giver.seen.free_chunks -=
        std::min<uint64_t>(giver.seen.free_chunks, giver.seen.chunks_per_page);
    return Move{.source = source, .destination = destination};
  }
}

// One whose other pages have room for what is on one of them loses nothing. Of those with equally
// many hits, mostly none, the one with the most pages.
int PageMover::Source(int destination) const {
  const Class* fewest = nullptr;
  int source = 0;
  for (int id = 1; id < kClassesMax; ++id) {
    const Class& known = classes_[static_cast<size_t>(id)];
    if (id == destination || known.seen.pages <= kPagesFloor) continue;
    if (known.HasPageOfRoom()) return id;
    if (fewest == nullptr || known.HitsPerPage() < fewest->HitsPerPage() ||
        (known.HitsPerPage() == fewest->HitsPerPage() && known.seen.pages > fewest->seen.pages)) {
      fewest = &known;
      source = id;
    }
  }
  return source;
}

bool PageMover::IsWorthIt(const Class& source, const Class& destination) const {
  if (source.HasPageOfRoom()) return true;
  const double less = source.HitsPerPage();
  const double more = destination.HitsPerPage();
  if (less >= options_.ratio * more) return false;
  const double variance = less / source.seen.pages + more / std::max(destination.seen.pages, 1u);
  return more - less > kDeviations * std::sqrt(variance);
}

}  // namespace larder
