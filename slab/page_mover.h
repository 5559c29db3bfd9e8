#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "slab/lane.h"

// Which class is to give a page to which other.
//
// Memory is handed out to the classes as it is first used, and then belongs to whoever was there
// first: when the sizes of values change, the new size would have a page or two and the old ones
// everything. So pages move, in the background, while the cache is full.
//
// What a page is worth to a class is how many misses it would spare. A ghost hit (ghost_table.h) is
// a miss that more memory would have spared, so the ghost hits of a class, by its pages, say about
// what one more page would bring it, and what one less would cost. A page goes from the class with
// the fewest ghost hits a page to one with more. Where all have the same, no move can win, and that
// is where it ends. (Other measures were tried on traces, too: to make items equally old when they
// are evicted, as memcached does, spared 0 to 2 % of the misses; to make all classes evict equally
// often was worse than moving nothing, since a class through which a scan passes evicts most and
// gains nothing.)
//
// How far back. Counts of hits are noisy where they are small, so it is hits that are counted off,
// not seconds: whenever all classes together have a certain number, all counts are halved. So the
// counts are always of the last ten or twenty thousand hits, whatever the load.
//
// Whether. The giver must have less than `ratio` times the hits a page of the taker, and the
// difference must be larger than chance makes it: hits come independently of each other, so a count
// of n is off by the root of n. Under a load that does not change this keeps nearly all pages where
// they are.
//
// How fast. A class gets a page once it has had as many ghost hits as there are chunks on one: that
// many items it would have kept. So pages come as fast as they would be filled by what the class
// has lost, and many a second where one class has nearly all the hits and few pages. A class that
// has had so many hits, but no giver, begins anew to count them.
//
// Every class keeps its last page, or the next item of its size would have to wait for one.

namespace larder {

struct PageMoverOptions {
  double ratio = 0.8;    // of the giver's ghost hits a page to the taker's, at most; 0 to 1
  uint32_t window = 10;  // how far back: so many times 2048 ghost hits, at most
  bool eager = false;    // for an eighth of the hits that a page is moved for otherwise
};

// Plain arithmetic: neither locks, nor clock, nor the classes themselves. One thread's at a time.
class PageMover {
 public:
  // A class as it is at a look.
  struct ClassView {
    uint32_t pages = 0;
    uint32_t chunks_per_page = 1;
    uint64_t free_chunks = 0;
    uint64_t ghost_hits = 0;  // since the start
  };
  struct Move {
    int source = 0;
    int destination = 0;
  };

  explicit PageMover(const PageMoverOptions& options) : options_(options) {}

  void SetOptions(const PageMoverOptions& options) { options_ = options; }
  void SetEager(bool eager) { options_.eager = eager; }

  // Takes in how the classes are now; that of class i is classes[i], and 0 is none. The more often,
  // the smoother; what it decides depends little on it.
  void Look(std::span<const ClassView> classes);
  // A move that is worth it, by the last look and the moves since, this one included. None: there
  // is nothing to do until the next look.
  std::optional<Move> NextMove();

  // Of late, of a class with so many pages.
  double HitsPerPage(int class_id, uint32_t pages) const {
    return classes_[static_cast<size_t>(class_id)].hits / std::max(pages, 1u);
  }

 private:
  struct Class {
    ClassView seen;
    double hits = 0;  // of late
    double owed = 0;  // pages that it has had the ghost hits for, since it was given the last one
    double HitsPerPage() const { return hits / std::max(seen.pages, 1u); }
    bool HasPageOfRoom() const { return seen.free_chunks >= seen.chunks_per_page; }
  };

  int Source(int destination) const;
  bool IsWorthIt(const Class& source, const Class& destination) const;

  PageMoverOptions options_;
  std::array<Class, kClassesMax> classes_;
};

}  // namespace larder
