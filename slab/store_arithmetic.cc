#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "slab/store.h"

namespace larder {
namespace {

constexpr size_t kDigitsMax = 20;  // of 2^64 - 1

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A number as memcached reads one (strtoull with its reservations): spaces, a sign, digits, and
// then nothing, or a space or a zero byte and anything. A minus is taken as long as the result,
// modulo 2^64, is not negative as a signed number.
std::optional<uint64_t> ParseNumber(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  const bool minus = !text.empty() && text.front() == '-';
  if (minus || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  if (end != text.data() + text.size() && *end != '\0' && !IsSpace(*end)) return std::nullopt;
  if (minus) {
    number = ~number + 1;
    if (static_cast<int64_t>(number) < 0) return std::nullopt;
  }
  return number;
}

uint64_t Apply(const ArithmeticOptions& options, uint64_t number) {
  if (!options.decrement) return number + options.delta;
  return options.delta > number ? 0 : number - options.delta;
}

// The digits of a number.
class Digits {
 public:
  explicit Digits(uint64_t number)
      : size_(static_cast<size_t>(std::to_chars(buffer_.begin(), buffer_.end(), number).ptr -
                                  buffer_.data())) {}
  std::string_view view() const { return {buffer_.data(), size_}; }

 private:
  std::array<char, kDigitsMax> buffer_;
  size_t size_;
};

}  // namespace

ArithmeticOutcome Store::Arithmetic(Lane& lane, const Key& key, const ArithmeticOptions& options,
                                    Tick now) {
  NoticeFlush(now);
  while (true) {
    ArithmeticOutcome outcome;
    Snapshot snapshot;
    Location dead = 0;
    bool done = true;
    {
      Index::LockedBucket bucket = index_.Lock(key.hash);
      const Index::Slot slot = FindLive(lane, &bucket, key, now, &dead);
      if (slot) {
        const Location location = bucket.At(slot);
        done = CountInPlace(lane, location, options, now, &outcome);
        if (!done) TakeSnapshot(arena_.ItemAt(location), key.hash, &snapshot);
      } else if (options.create) {
        done = false;
      }
    }
    FreeItem(dead);
    if (done) return outcome;
    // False: somebody else has changed or made the item meanwhile.
    if (snapshot.order != 0 ? CountElsewhere(lane, key, options, snapshot, now, &outcome)
                            : CreateNumber(lane, key, options, now, &outcome)) {
      return outcome;
    }
  }
}

// Under the bucket's lock. False if the result has no room in the chunk; then *outcome lacks what
// storing it gives.
bool Store::CountInPlace(Lane& lane, Location location, const ArithmeticOptions& options, Tick now,
                         ArithmeticOutcome* outcome) {
  Item* item = arena_.ItemAt(location);
  const int class_id = slabs_->ClassOf(location);
  outcome->class_id = static_cast<uint8_t>(class_id);
  outcome->status = ArithmeticStatus::kNotNumber;
  if (item->value_bytes() == 0) return true;
  if (options.compare && item->cas() != options.compare_cas) {
    outcome->status = ArithmeticStatus::kExists;
    return true;
  }
  if (item->large()) return true;
  const std::optional<uint64_t> number = ParseNumber({item->value(), item->value_bytes()});
  if (!number) return true;

  outcome->status = ArithmeticStatus::kDone;
  outcome->value = Apply(options, *number);
  outcome->expire_before = item->expire();
  outcome->expire = options.touch ? options.expire : item->expire();
  const Digits digits(outcome->value);
  if (!SetDigitsInPlace(lane, item, class_id, digits.view(), options.chosen_cas, now)) return false;
  outcome->cas = item->cas();
  if (options.touch) SetExpire(location, item, options.expire);
  return true;
}

// A number that became shorter keeps its length and is padded with spaces, as in memcached.
bool Store::SetDigitsInPlace(Lane& lane, Item* item, int class_id, std::string_view digits,
                             uint64_t chosen_cas, Tick now) {
  const bool outgrown = digits.size() > item->value_bytes();
  const auto value_bytes = outgrown ? static_cast<uint32_t>(digits.size()) : item->value_bytes();
  if (!FitsInPlace(*item, class_id, value_bytes, chosen_cas)) return false;
  const uint32_t marks =
      (outgrown ? 0 : item->marks() & ~kMarkChosenCas) | (chosen_cas != 0 ? kMarkChosenCas : 0);
  ResizeSmall(lane, item, class_id, value_bytes, marks, chosen_cas);
  if (outgrown) {
    item->MarkWritten(now);
    lane.items_stored.Add(1);
  } else {
    item->MarkChanged(now);
  }
  std::memcpy(item->value(), digits.data(), digits.size());
  std::memset(item->value() + digits.size(), ' ', value_bytes - digits.size());
  return true;
}

// The result goes to another chunk. False if the item is not what it was in the snapshot.
bool Store::CountElsewhere(Lane& lane, const Key& key, const ArithmeticOptions& options,
                           const Snapshot& snapshot, Tick now, ArithmeticOutcome* outcome) {
  std::string text(Digits(outcome->value).view());
  const bool outgrown = text.size() > snapshot.value_bytes;
  if (!outgrown) text.resize(snapshot.value_bytes, ' ');
  const WriteOutcome linked = Relink(lane, key, snapshot,
                                     {.value = text,
                                      .client_flags = snapshot.client_flags,
                                      .expire = outcome->expire,
                                      .marks = outgrown ? 0 : snapshot.marks,
                                      .chosen_cas = options.chosen_cas,
                                      .keep_usage = !outgrown},
                                     now);
  if (linked.status == WriteStatus::kExists) return false;
  if (linked.status != WriteStatus::kStored) outcome->status = ArithmeticStatus::kNoMemory;
  outcome->cas = linked.cas;
  outcome->class_id = linked.class_id;
  return true;
}

// False if there is an item now.
bool Store::CreateNumber(Lane& lane, const Key& key, const ArithmeticOptions& options, Tick now,
                         ArithmeticOutcome* outcome) {
  const Digits digits(options.initial);
  const WriteOutcome linked = Write(
      lane, key, digits.view(),
      {.mode = WriteMode::kAdd, .expire = options.create_expire, .chosen_cas = options.chosen_cas},
      now);
  if (linked.status == WriteStatus::kNotStored) return false;
  if (linked.status != WriteStatus::kStored) {
    outcome->status = ArithmeticStatus::kNoMemory;
    return true;
  }
  *outcome = {.status = ArithmeticStatus::kDone,
              .class_id = linked.class_id,
              .created = true,
              .expire = options.create_expire,
              .value = options.initial,
              .cas = linked.cas};
  return true;
}

}  // namespace larder
