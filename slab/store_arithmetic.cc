#include <array>
#include <charconv>
#include <cstring>
#include <optional>

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

}  // namespace

// A number that became shorter keeps its length and is padded with spaces, as in memcached.
bool Store::SetDigitsInPlace(Lane& lane, Item* item, int class_id, std::string_view digits,
                             Tick now) {
  const bool outgrown = digits.size() > item->value_bytes();
  const auto value_bytes = outgrown ? static_cast<uint32_t>(digits.size()) : item->value_bytes();
  if (!FitsInPlace(*item, class_id, value_bytes, 0)) return false;
  const uint32_t marks = outgrown ? 0 : item->marks() & ~kMarkChosenCas;
  ResizeSmall(lane, item, class_id, value_bytes, marks, 0);
  outgrown ? item->MarkWritten(now) : item->MarkChanged(now);
  std::memcpy(item->value(), digits.data(), digits.size());
  std::memset(item->value() + digits.size(), ' ', value_bytes - digits.size());
  return true;
}

ArithmeticOutcome Store::Arithmetic(Lane& lane, const Key& key, const ArithmeticOptions& options,
                                    Tick now) {
  NoticeFlush(now);
  while (true) {
    ArithmeticOutcome outcome;
    Snapshot snapshot;
    std::array<char, kDigitsMax> buffer;
    std::string_view digits;
    Location dead = 0;
    bool done = true;
    {
      Index::LockedBucket bucket = index_.Lock(key.hash);
      const Index::Slot slot = FindLive(lane, &bucket, key, now, &dead);
      if (slot) {
        const Location location = bucket.At(slot);
        Item* item = arena_.ItemAt(location);
        const int class_id = slabs_->ClassOf(location);
        outcome.class_id = static_cast<uint8_t>(class_id);
        std::optional<uint64_t> number;
        if (!item->large()) number = ParseNumber({item->value(), item->value_bytes()});
        // As in memcached an empty value is told to be no number before a token is looked at.
        const bool empty = !item->large() && item->value_bytes() == 0;
        if (options.compare && !empty && item->cas() != options.compare_cas) {
          outcome.status = ArithmeticStatus::kExists;
        } else if (!number) {
          outcome.status = ArithmeticStatus::kNotNumber;
        } else {
          outcome.status = ArithmeticStatus::kDone;
          outcome.value = Apply(options, *number);
          char* end = std::to_chars(buffer.begin(), buffer.end(), outcome.value).ptr;
          digits = {buffer.data(), static_cast<size_t>(end - buffer.data())};
          done = SetDigitsInPlace(lane, item, class_id, digits, now);
          outcome.cas = item->cas();
          if (!done) TakeSnapshot(item, key.hash, &snapshot);
        }
      }
    }
    FreeItem(dead);
    if (done) return outcome;

    Reservation reservation;
    const WriteStatus reserved = Reserve(lane, key,
                                         {.value_bytes = digits.size(),
                                          .client_flags = snapshot.client_flags,
                                          .expire = snapshot.expire},
                                         now, &reservation);
    if (reserved != WriteStatus::kStored) {
      outcome.status = ArithmeticStatus::kNoMemory;
      return outcome;
    }
    FillFrom(ValuePieces(&arena_, digits, 0), &reservation);
    const WriteOutcome linked =
        Link(std::move(reservation), now,
             [&](const Item* old, int old_class) { return SameAs(snapshot, old, old_class); });
    if (linked.status == WriteStatus::kExists) continue;
    outcome.status = linked.status == WriteStatus::kStored ? ArithmeticStatus::kDone
                                                           : ArithmeticStatus::kNoMemory;
    outcome.cas = linked.cas;
    outcome.class_id = linked.class_id;
    return outcome;
  }
}

}  // namespace larder
