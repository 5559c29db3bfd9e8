#include "slab/page_mover.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

using ClassView = PageMover::ClassView;

// A cache as the mover sees it, whose pages it moves. Class i is classes[i]; 0 is none.
class PageMoverTest : public ::testing::Test {
 protected:
  void AddClass(uint32_t pages, uint32_t chunks_per_page = 100) {
    classes_.push_back({.pages = pages, .chunks_per_page = chunks_per_page});
  }
  // Looks, does what is decided, and says how many moves that was.
  int Balance() {
    mover_.Look(classes_);
    int moves = 0;
    while (const auto move = mover_.NextMove()) {
      EXPECT_NE(move->source, move->destination);
      EXPECT_GT(At(move->source).pages, 1u) << "a class keeps its last page";
      --At(move->source).pages;
      ++At(move->destination).pages;
      ++moves;
    }
    return moves;
  }
  ClassView& At(int id) { return classes_[static_cast<size_t>(id)]; }

  std::vector<ClassView> classes_{ClassView{}};
  PageMover mover_{PageMoverOptions{}};
};

TEST_F(PageMoverTest, WithoutGhostHitsNothingMoves) {
  AddClass(1);
  AddClass(100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Balance(), 0);
}

TEST_F(PageMoverTest, APageComesForAsManyHitsAsItHasChunks) {
  AddClass(1, 100);
  AddClass(100);
  At(1).ghost_hits = 99;
  EXPECT_EQ(Balance(), 0);
  At(1).ghost_hits = 100;
  EXPECT_EQ(Balance(), 1);
  EXPECT_EQ(At(1).pages, 2u);
  EXPECT_EQ(Balance(), 0);
  At(1).ghost_hits += 350;
  EXPECT_EQ(Balance(), 3);
  At(1).ghost_hits += 50;
  EXPECT_EQ(Balance(), 1);
}

TEST_F(PageMoverTest, AnEagerOneMovesItForFewerHits) {
  mover_.SetOptions({.eager = true});
  AddClass(1, 100);
  AddClass(100);
  At(1).ghost_hits = 13;
  EXPECT_EQ(Balance(), 1);
}

TEST_F(PageMoverTest, TheClassWithTheFewestHitsAPageGives) {
  AddClass(1, 10);
  AddClass(50);
  AddClass(20);
  AddClass(50);
  At(1).ghost_hits = 50;
  At(2).ghost_hits = 50;  // one a page
  At(3).ghost_hits = 10;  // half a one
  At(4).ghost_hits = 50;
  Balance();
  EXPECT_EQ(At(2).pages, 50u);
  EXPECT_LT(At(3).pages, 20u);
  EXPECT_EQ(At(4).pages, 50u);
}

TEST_F(PageMoverTest, AClassThatHasRoomGivesFirst) {
  AddClass(1, 10);
  AddClass(50);
  AddClass(2, 1000);
  At(3).ghost_hits = 30;
  At(3).free_chunks = 1000;
  At(1).ghost_hits = 10;
  EXPECT_EQ(Balance(), 1);
  EXPECT_EQ(At(3).pages, 1u);
}

TEST_F(PageMoverTest, ADifferenceThatMayBeChanceMovesNothing) {
  AddClass(10, 1);
  AddClass(10, 1);
  At(1).ghost_hits = 14;
  At(2).ghost_hits = 7;
  EXPECT_EQ(Balance(), 0);
  // The same ratio of many hits is none.
  At(1).ghost_hits = 400;
  At(2).ghost_hits = 200;
  EXPECT_GT(Balance(), 0);
}

TEST_F(PageMoverTest, TheRatioIsKept) {
  mover_.SetOptions({.ratio = 0.25});
  AddClass(10, 1);
  AddClass(10, 1);
  At(1).ghost_hits = 300;
  At(2).ghost_hits = 100;
  EXPECT_EQ(Balance(), 0);
  mover_.SetOptions({.ratio = 0.5});
  At(1).ghost_hits += 3;
  At(2).ghost_hits += 1;
  EXPECT_GT(Balance(), 0);
}

TEST_F(PageMoverTest, OldHitsCountLess) {
  AddClass(10, 100);
  AddClass(10, 100);
  At(2).ghost_hits = 20000;
  Balance();
  EXPECT_EQ(At(1).pages, 1u);
  // The load has changed: what was is soon forgotten.
  int looks = 0;
  for (; At(2).pages > 1 && looks < 100; ++looks) {
    At(1).ghost_hits += 5000;
    Balance();
  }
  EXPECT_LT(looks, 12);
}

// Calcification: one class has all pages, and another one the load. Its hits get fewer as it gets
// what it needs.
TEST_F(PageMoverTest, AllPagesGoWhereTheyAreNeeded) {
  AddClass(1, 100);
  AddClass(1000, 1000);
  for (int look = 0; look < 120; ++look) {
    At(1).ghost_hits += 4000 * (1001 - At(1).pages) / 1001;
    Balance();
  }
  EXPECT_GT(At(1).pages, 900u);
}

// Under a load that stays the same, pages do, but for a few at first. Hits come as chance has it,
// fewer to a class that has more pages.
TEST_F(PageMoverTest, PagesStayWhereTheyAreUnderAStableLoad) {
  std::mt19937_64 random(1);
  uint32_t pages = 0;
  for (int id = 1; id <= 30; ++id) {
    AddClass(5 + static_cast<uint32_t>(random() % 60), 8u << id % 8);
    pages += At(id).pages;
  }
  std::vector<double> need;
  for (int id = 0; id <= 30; ++id) need.push_back(static_cast<double>(random() % 100));
  std::vector<int> moves;
  for (int period = 0; period < 4; ++period) {
    int in_period = 0;
    for (int look = 0; look < 2000; ++look) {
      for (int id = 1; id <= 30; ++id) {
        const double expected = need[static_cast<size_t>(id)] / At(id).pages;
        At(id).ghost_hits += std::poisson_distribution<uint64_t>(expected)(random);
      }
      in_period += Balance();
    }
    moves.push_back(in_period);
  }
  EXPECT_GT(moves[0], 100);
  EXPECT_LT(moves[2], static_cast<int>(pages / 50));
  EXPECT_LT(moves[3], static_cast<int>(pages / 50));
}

}  // namespace
}  // namespace larder
