#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "slab/store.h"

// A store with one lane, and its operations in the words of a test.

namespace larder {

struct Found {
  std::string value;
  uint32_t client_flags = 0;
  uint64_t cas = 0;
  uint32_t expire = kNeverExpires;
  bool stale = false;
  bool binary_key = false;
  // As before the read.
  uint32_t expire_before = kNeverExpires;
  bool fetched = false;
  bool win_sent = false;
  // By the read.
  bool won = false;
  bool created = false;
};

inline std::string ReadAll(ValuePieces pieces) {
  std::string value;
  for (std::string_view piece = pieces.Next(); !piece.empty(); piece = pieces.Next()) {
    value += piece;
  }
  return value;
}

class StoreUnderTest {
 public:
  explicit StoreUnderTest(const StoreOptions& options) {
    auto store = Store::Create(options);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    lane_ = &store_->AddLane();
  }

  Store& store() { return *store_; }
  Lane& lane() { return *lane_; }

  std::optional<Found> Get(std::string_view key, Tick now, const ReadOptions& options = {}) {
    std::optional<Found> found;
    ItemRef pin;
    last_read =
        store_->ReadOrCreate(*lane_, store_->MakeKey(key), options, now, [&](const ItemView& item) {
          found = Found{.value = {},
                        .client_flags = item.client_flags(),
                        .cas = item.cas(),
                        .expire = item.expire(),
                        .stale = item.stale(),
                        .binary_key = item.binary_key(),
                        .expire_before = item.expire_before(),
                        .fetched = item.fetched(),
                        .win_sent = item.win_sent(),
                        .won = item.won(),
                        .created = item.created()};
          if (item.large()) {
            pin = item.Pin();
          } else {
            found->value = item.value();
          }
        });
    if (pin) found->value = ReadAll(pin.Pieces());
    return found;
  }

  WriteOutcome Put(std::string_view key, std::string_view value, Tick now,
                   const WriteOptions& options = {}) {
    return store_->Write(*lane_, store_->MakeKey(key), value, options, now);
  }

  // The same by way of a reservation, filled in steps of `step` bytes.
  WriteOutcome PutInSteps(std::string_view key, std::string_view value, size_t step, Tick now,
                          const WriteOptions& options = {}) {
    Reservation reservation;
    const WriteStatus status = store_->Reserve(*lane_, store_->MakeKey(key),
                                               {.value_bytes = value.size(),
                                                .client_flags = options.client_flags,
                                                .expire = options.expire,
                                                .binary_key = options.binary_key,
                                                .chosen_cas = options.chosen_cas},
                                               now, &reservation);
    if (status != WriteStatus::kStored) return {.status = status};
    while (reservation.missing_bytes() > 0) {
      const size_t bytes = std::min({step, reservation.Room().size(), value.size()});
      std::copy_n(value.data(), bytes, reservation.Room().data());
      reservation.Filled(bytes);
      value.remove_prefix(bytes);
    }
    return store_->Commit(std::move(reservation), options, now);
  }

  DeleteStatus Delete(std::string_view key, Tick now, const DeleteOptions& options = {}) {
    return store_->Delete(*lane_, store_->MakeKey(key), options, now).status;
  }

  ArithmeticOutcome Add(std::string_view key, uint64_t delta, Tick now, bool decrement = false) {
    return Count(key, now, {.decrement = decrement, .delta = delta});
  }
  ArithmeticOutcome Count(std::string_view key, Tick now, const ArithmeticOptions& options) {
    return store_->Arithmetic(*lane_, store_->MakeKey(key), options, now);
  }

  // All background work that is due.
  void MaintainAll(Tick now) {
    while (store_->Maintain(now, 1000)) {
    }
  }

  ReadOutcome last_read;

 private:
  std::unique_ptr<Store> store_;
  Lane* lane_;
};

}  // namespace larder
