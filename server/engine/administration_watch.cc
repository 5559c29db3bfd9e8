// watch: the connection becomes one that is told what happens.

#include <memory>
#include <string>
#include <utility>

#include "protocol/text_encoder.h"
#include "server/engine/administration.h"

namespace larder {

namespace {

class WatchStream final : public ReplyStream {
 public:
  explicit WatchStream(std::unique_ptr<Watcher> watcher) : watcher_(std::move(watcher)) {}

  Progress Continue(const Turn& turn) override {
    if (turn.out.full()) return Progress::kMore;
    watcher_->Take(&lines_);
    turn.out.Append(lines_);
    return Progress::kWait;
  }

 private:
  const std::unique_ptr<Watcher> watcher_;
  std::string lines_;
};

// 0 if the word is no kind of event. What the proxy does can be watched in memcached; larder is
// none.
unsigned EventsNamed(std::string_view word) {
  if (word == "fetchers") return kWatchFetchers;
  if (word == "mutations") return kWatchMutations;
  if (word == "evictions") return kWatchEvictions;
  if (word == "connevents") return kWatchConnections;
  if (word == "deletions") return kWatchDeletions;
  if (word == "rawcmds") return kWatchRawCommands;
  if (word == "sysevents") return kWatchSystemEvents;
  return 0;
}

}  // namespace

std::string_view AdministerWatch(const Turn& turn, const Arguments& words) {
  if (turn.stream == nullptr) return kUnknownReply;
  if (!turn.worker.settings().watch_command) {
    return "CLIENT_ERROR watch commands not allowed\r\n";
  }
  unsigned events = words.count() == 0 ? kWatchFetchers : 0;
  for (size_t i = 0; i < words.count(); ++i) {
    const unsigned named = EventsNamed(words[i]);
    if (named == 0) return kUnknownReply;
    events |= named;
  }
  std::unique_ptr<Watcher> watcher = turn.worker.engine().Watch(events, &turn.worker, turn.now);
  if (watcher == nullptr) return "WATCHER_TOO_MANY log watcher limit reached\r\n";
  *turn.stream = std::make_unique<WatchStream>(std::move(watcher));
  return kOkReply;
}

}  // namespace larder
