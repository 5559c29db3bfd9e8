#include "server/engine/eviction_reporter.h"

namespace larder {

void EvictionReporter::OnEviction(const Eviction& eviction) {
  if ((hub_->events() & kWatchEvictions) == 0) return;
  const Now now = hub_->last_now();
  const bool expires = eviction.expire != kNeverExpires;
  hub_->common_log().TryAppend(
      {.kind = WatchEvent::Kind::kEviction,
       .text = eviction.key,
       .ttl_seconds = expires ? int64_t{eviction.expire} - now.tick.seconds : -1,
       .idle_seconds = eviction.idle_seconds,
       .size = eviction.value_bytes,
       .class_id = eviction.class_id,
       .fetched = eviction.fetched},
      now);
}

}  // namespace larder
