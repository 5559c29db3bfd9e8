#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "server/engine/miniature_caches.h"
#include "server/engine/request_window.h"

// What one worker looks at more closely of the requests that it has executed: of some the key, for
// `stats hotkeys`, and of some keys all requests, for `stats mrc`. It is told after every window
// that was executed, so no command knows of it, and nothing that is asked here holds a reply up but
// by the time it takes.
//
// What a request costs: a comparison of its key's hash with a threshold. What a window costs: a
// subtraction and a look at the result, since a key that is wanted makes it negative, too. All of
// it is in memory of the worker's own. The rest happens once in some hundred requests: the item is
// looked up, as the request has left it, and what was found is told to HotKeys and MissRatioCurve,
// which all workers share. To them nobody waits: who finds them in use gives up that sample, or
// keeps it for later.

namespace larder {

class Engine;
struct Turn;

// Used by the worker's thread only.
class RequestSampler {
 public:
  // `seed` differs from worker to worker.
  RequestSampler(Engine* engine, uint64_t seed);

  // Whether all that is done to a key with this hash is wanted.
  bool WantsKey(uint64_t hash) const { return hash < threshold_; }

  // `slot` of the window, which is not executed yet, has a key that is wanted.
  void Mark(RequestWindow* window, const RequestWindow::Slot& slot) {
    if (window->sampled == 0) gap_ -= kMarked;
    window->Sample(slot);
  }

  // The first `executed` requests of the window have been executed, and their keys can still be
  // read. What was marked of the window is forgotten with this call.
  void Executed(const Turn& turn, RequestWindow* window, size_t executed) {
    gap_ -= static_cast<int64_t>(executed);
    if (gap_ < 0) [[unlikely]]
      Look(turn, window, executed);
  }

  // Tells the engine's MissRatioCurve what it has not been told yet, unless it is in use.
  void Deliver(Tick now);

 private:
  static constexpr size_t kBatch = 64;
  // What the gap is less by while a slot is marked, and what it is if no request is looked at.
  static constexpr int64_t kMarked = int64_t{1} << 62;
  static constexpr int64_t kNever = kMarked / 2;
  // Where a key's last read is found again, to count repeated ones together.
  static constexpr size_t kRecent = 64;

  void Look(const Turn& turn, RequestWindow* window, size_t executed);
  void NoteRequest(const Turn& turn, const RequestWindow::Slot& slot);
  void NoteAccess(const Turn& turn, const RequestWindow::Slot& slot);
  int64_t NextGap();

  Engine* const engine_;
  uint64_t threshold_ = 0;
  int64_t gap_;  // requests to pass until the next that is looked at
  uint64_t random_;
  size_t batched_ = 0;
  std::array<SampledAccess, kBatch> batch_;
  std::array<uint8_t, kRecent> recent_{};  // positions in the batch
};

}  // namespace larder
