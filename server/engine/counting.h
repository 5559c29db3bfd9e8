#pragma once

#include "server/engine/commands.h"

// What outcomes count for, the same in all dialects.

namespace larder {

inline void CountMiss(const Turn& turn, ReadStatus status) {
  if (status == ReadStatus::kExpired) turn.counters().get_expired.Add(1);
  if (status == ReadStatus::kFlushed) turn.counters().get_flushed.Add(1);
}

// A read that is no touch.
inline void CountGet(const Turn& turn, const ReadOutcome& outcome) {
  if (outcome.status == ReadStatus::kHit) {
    ClassCounters& of_class = turn.counters().classes[outcome.class_id];
    (outcome.on_probation ? of_class.probation_hits : of_class.protected_hits).Add(1);
  } else {
    turn.counters().get_misses.Add(1);
    CountMiss(turn, outcome.status);
  }
}

// touch, and the reads that are touches in memcached's books too.
inline void CountTouch(const Turn& turn, const ReadOutcome& outcome) {
  if (outcome.status == ReadStatus::kHit) {
    turn.counters().classes[outcome.class_id].touch_hits.Add(1);
  } else {
    turn.counters().touch_misses.Add(1);
    CountMiss(turn, outcome.status);
  }
}

// A value that was received whole and found good.
inline void CountStore(const Turn& turn, const StoreOrder& order, const WriteOutcome& outcome) {
  turn.counters().classes[order.class_id].sets.Add(1);
  const bool replaces =
      order.options.mode == WriteMode::kSet || order.options.mode == WriteMode::kReplace;
  if (!order.options.compare || !replaces) return;
  ClassCounters& of_class = turn.counters().classes[outcome.class_id];
  if (outcome.status == WriteStatus::kStored) of_class.cas_hits.Add(1);
  if (outcome.status == WriteStatus::kExists) of_class.cas_mismatches.Add(1);
  if (outcome.status == WriteStatus::kNotFound) turn.counters().cas_misses.Add(1);
}

inline void CountDelete(const Turn& turn, const DeleteOutcome& outcome) {
  if (outcome.status == DeleteStatus::kDeleted) {
    turn.counters().classes[outcome.class_id].delete_hits.Add(1);
  } else if (outcome.status == DeleteStatus::kNotFound) {
    turn.counters().delete_misses.Add(1);
  }
}

inline void CountArithmetic(const Turn& turn, bool decrement, const ArithmeticOutcome& outcome) {
  WorkerCounters& counters = turn.counters();
  if (outcome.status == ArithmeticStatus::kDone) {
    ClassCounters& of_class = counters.classes[outcome.class_id];
    (decrement ? of_class.decr_hits : of_class.incr_hits).Add(1);
  } else if (outcome.status == ArithmeticStatus::kNotFound) {
    (decrement ? counters.decr_misses : counters.incr_misses).Add(1);
  }
}

}  // namespace larder
