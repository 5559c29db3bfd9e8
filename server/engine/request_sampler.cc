#include "server/engine/request_sampler.h"

#include <bit>
#include <span>

#include "server/engine/commands.h"
#include "server/engine/engine.h"
#include "server/engine/request_window.h"
#include "slab/item.h"

namespace larder {
namespace {

// Whether the request reads the key's value or makes it live longer, as `get_hits` and `touch_hits`
// count it.
bool IsReading(Command command) {
  return IsRead(command) || command == Command::kTouch || command == Command::kMetaGet;
}

// What there is of a key after a request.
struct Seen {
  uint32_t value_bytes = 0;
  uint32_t bytes = 0;  // 0: there is no item
  uint32_t expire = kNeverExpires;
};

Seen SeenOf(const Turn& turn, const RequestWindow::Slot& slot) {
  Seen seen;
  if (slot.kind == RequestWindow::Kind::kArriving) {
    // It will be there in a moment.
    const Item::Shape shape = {.key_bytes = static_cast<uint32_t>(slot.key.bytes.size()),
                               .value_bytes = slot.request.value_bytes};
    seen = {.value_bytes = shape.value_bytes,
            .bytes = static_cast<uint32_t>(shape.TotalBytes()),
            .expire = ExpireTick(slot.request.exptime, turn.now)};
  } else {
    turn.store().Peek(slot.key, turn.tick(), [&](const ItemView& item) {
      seen = {.value_bytes = item.value_bytes(),
              .bytes = static_cast<uint32_t>(item.total_bytes()),
              .expire = item.expire()};
    });
  }
  if (seen.bytes > 0) seen.bytes += MissRatioCurve::kIndexBytes;
  return seen;
}

// splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
uint64_t NextRandom(uint64_t* state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

RequestSampler::RequestSampler(Engine* engine, uint64_t seed)
    : engine_(engine), gap_(kNever), random_(seed) {
  if (engine->miss_ratio_curve() != nullptr) threshold_ = engine->miss_ratio_curve()->threshold();
  if (engine->hot_keys() != nullptr) gap_ = NextGap() - 1;
}

// Any number up to nearly twice the mean, each as likely, so that no rhythm of the requests is met.
int64_t RequestSampler::NextGap() {
  const uint64_t mean = engine_->hot_keys()->sample_gap();
  return static_cast<int64_t>(1 + NextRandom(&random_) % (2 * mean - 1));
}

void RequestSampler::Look(const Turn& turn, RequestWindow* window, size_t executed) {
  if (window->sampled != 0) gap_ += kMarked;
  uint64_t wanted = window->sampled & ((uint64_t{1} << executed) - 1);
  window->sampled = 0;
  for (; wanted != 0; wanted &= wanted - 1) {
    NoteAccess(turn, window->slots[static_cast<size_t>(std::countr_zero(wanted))]);
  }
  while (gap_ < 0) {
    NoteRequest(turn, window->slots[static_cast<size_t>(gap_ + static_cast<int64_t>(executed))]);
    gap_ += NextGap();
  }
}

void RequestSampler::NoteRequest(const Turn& turn, const RequestWindow::Slot& slot) {
  if (slot.key.bytes.empty()) return;
  const Command command = slot.request.command;
  const bool moved = IsStorage(command) || IsRead(command) || command == Command::kMetaGet;
  engine_->hot_keys()->TryAdd(slot.key, SeenOf(turn, slot).value_bytes, moved, turn.tick());
}

void RequestSampler::NoteAccess(const Turn& turn, const RequestWindow::Slot& slot) {
  const uint64_t hash = slot.key.hash;
  if (slot.request.command == Command::kMetaDebug) return;
  const bool reading = IsReading(slot.request.command);
  uint8_t& recent = recent_[hash % kRecent];
  if (reading && recent < batched_) {
    // A very hot key must not make up the batch.
    SampledAccess& last = batch_[recent];
    if (last.hash == hash && last.reads > 0 && last.bytes > 0) {
      ++last.reads;
      return;
    }
  }
  if (batched_ == kBatch) Deliver(turn.tick());
  if (batched_ == kBatch) return;  // the curve is in use
  const Seen seen = SeenOf(turn, slot);
  recent = static_cast<uint8_t>(batched_);
  batch_[batched_++] = {
      .hash = hash, .bytes = seen.bytes, .expire = seen.expire, .reads = reading ? 1u : 0u};
  if (batched_ >= kBatch / 2) Deliver(turn.tick());
}

void RequestSampler::Deliver(Tick now) {
  MissRatioCurve* const curve = engine_->miss_ratio_curve();
  const MissRatioCurve::Taken taken = curve->TryTake({batch_.data(), batched_}, now);
  if (!taken.taken) return;
  batched_ = 0;
  threshold_ = taken.threshold;
  if (taken.wants_update) engine_->UpdateMissRatioCurve(now);
}

}  // namespace larder
