#include <utility>

#include "slab/store.h"

// Who is to recache a value. Of all that ask for an item that is stale, about to expire or missing,
// one is told to bring it anew, and the others, until that has happened, that somebody does: so one
// client goes to the database where otherwise all would.

namespace larder {

// Under the bucket's lock.
void Store::DecideWin(const ReadOptions& options, ItemView* view) {
  const Item* item = view->item_;
  const uint32_t expire = options.recache_after_touch ? item->expire() : view->expire_before_;
  const bool recache = item->stale() || (expire != kNeverExpires && expire < options.recache_below);
  view->won_ = recache && !item->win_sent();
}

// Links an empty item where there was none. False if there is one now.
bool Store::CreateWon(Lane& lane, const Key& key, const ReadOptions& options, Tick now,
                      absl::FunctionRef<void(const ItemView&)> visit, ReadOutcome* outcome) {
  Reservation reservation;
  const ReserveOptions empty = {.expire = options.create_expire, .chosen_cas = options.chosen_cas};
  if (Reserve(lane, key, empty, now, &reservation) != WriteStatus::kStored) return true;
  bool on_probation = false;
  const WriteOutcome linked = Link(
      std::move(reservation), now,
      [](const Item* old, int) {
        return Verdict{.status = old == nullptr ? WriteStatus::kStored : WriteStatus::kExists};
      },
      [&](Item* item) {
        ItemView view(this, item, key.hash);
        view.expire_before_ = kNeverExpires;
        view.won_ = true;
        view.created_ = true;
        on_probation = item->on_probation();
        visit(view);
        item->SetMarks(kMarkWinSent, 0);
        if (options.bump) item->MarkFetched();
      });
  if (linked.status == WriteStatus::kExists) return false;
  if (linked.status == WriteStatus::kStored) {
    *outcome = {.status = ReadStatus::kHit,
                .class_id = linked.class_id,
                .on_probation = on_probation,
                .won = true,
                .created = true};
  }
  return true;
}

}  // namespace larder
