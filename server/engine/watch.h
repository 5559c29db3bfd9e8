#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/engine/clock.h"
#include "slab/mutex.h"

// `watch`: connections that are told what the server does while it does it.
//
// A worker that does something somebody watches writes an event to its own log, and goes on. A
// background thread takes the logs away, makes lines of the events, and puts each line into the
// buffer of every watcher that asked for its kind; the watcher's connection sends them from there.
//
//   worker 1 --event--> log 1 --\                 /--line--> watcher's buffer --> its connection
//   worker 2 --event--> log 2 ----> Deliver() ---<
//   others   --event--> log 0 --/                 \--line--> watcher's buffer --> its connection
//
// No worker waits for a slow watcher: a log that is full drops the event, and a watcher's buffer
// that is full skips the line; both are counted, and the watcher is told how many lines it missed.
// What is waited for is short: to append, for another who appends to or takes the same log; to
// begin or end a watch, for a delivery under way, which prints what the logs hold and blocks on
// nothing. The store tells of evictions under its locks, where nothing may be waited for at all: if
// the common log is busy at that moment, the event is dropped, as if the log were full, and its
// memory is there before the watch begins. The lines of one log are in order; those of several may
// not be, but every event has a number (gid) by which they can be ordered, as in memcached. With
// nobody watching, an event costs one look at events().

namespace larder {

// What can be watched, in any combination.
inline constexpr unsigned kWatchRawCommands = 1 << 0;
inline constexpr unsigned kWatchEvictions = 1 << 1;
inline constexpr unsigned kWatchFetchers = 1 << 2;
inline constexpr unsigned kWatchMutations = 1 << 3;
inline constexpr unsigned kWatchSystemEvents = 1 << 4;
inline constexpr unsigned kWatchConnections = 1 << 5;
inline constexpr unsigned kWatchDeletions = 1 << 6;

// One thing that happened. Which fields mean something depends on the kind.
struct WatchEvent {
  enum class Kind : uint8_t {
    kRawCommand,        // text: the line; connection
    kEviction,          // text: the key; fetched, ttl_seconds, idle_seconds, class_id, size
    kItemGet,           // text: the key; status, class_id, connection, size
    kItemStore,         // text: the key; status, command, ttl_seconds, class_id, connection, size
    kDeleted,           // text: the key; command, class_id, size
    kConnectionNew,     // text: the client's address; port, command: transport, connection
    kConnectionClosed,  // the same; status: why
  };
  Kind kind;
  std::string_view text;
  const char* status = "";   // these two: static strings
  const char* command = "";  // what the client asked for, or the transport
  int64_t ttl_seconds = 0;
  uint32_t idle_seconds = 0;
  uint32_t size = 0;  // of the value
  int connection = 0;
  uint16_t port = 0;
  uint8_t class_id = 0;
  bool fetched = false;
};

struct WatchStats {
  int64_t events_dropped = 0;  // because a log was full, or busy when nothing may be waited for
  int64_t events_written = 0;  // to logs
  int64_t lines_skipped = 0;   // because a watcher's buffer was full
  int64_t lines_sent = 0;      // to watchers' buffers
  int64_t watchers = 0;
};

class WatchHub;

// Events of one thread, or of all that have no log of their own. Any thread may append.
class WatchLog {
 public:
  WatchLog(WatchHub* hub, size_t bytes_max) : hub_(hub), bytes_max_(bytes_max) {}

  // Copies what the event points to.
  void Append(const WatchEvent& event, const Now& now) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same for one who may neither wait nor allocate. Of the hub's common log, while evictions
  // are watched.
  void TryAppend(const WatchEvent& event, const Now& now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class WatchHub;

  void Add(const WatchEvent& event, const Now& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The hub's: from now on, appending does not allocate.
  void TakeAllMemory() ABSL_LOCKS_EXCLUDED(mutex_);

  WatchHub* const hub_;
  const size_t bytes_max_;
  Mutex mutex_;
  std::string events_ ABSL_GUARDED_BY(mutex_);  // records, see watch.cc
  std::string taken_;                           // the hub's: what it took last
};

// One watching connection's end. Its methods are for the connection's thread.
class Watcher {
 public:
  Watcher(WatchHub* hub, unsigned events, uint64_t first_gid, size_t bytes_max,
          std::function<void()> wake);
  // Leaves the hub, which must still exist.
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // What has been put into the buffer since the last call; `*lines` is overwritten.
  void Take(std::string* lines) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class WatchHub;
  bool Put(std::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);

  WatchHub* const hub_;
  const unsigned events_;
  const uint64_t first_gid_;  // events before the watch began are not shown
  const size_t bytes_max_;
  const std::function<void()> wake_;
  Mutex mutex_;
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  uint64_t skipped_ = 0;  // the hub's: since the last line that fitted
  bool put_ = false;      // the hub's: something in this delivery
};

// Every method may be called from any thread, but Deliver only from one at a time.
class WatchHub {
 public:
  static constexpr size_t kWatchersMax = 20;

  // Bytes of events that may wait in each log, and of lines in each watcher's buffer.
  WatchHub(size_t log_bytes, size_t watcher_bytes);
  ~WatchHub();
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  // What anybody watches; 0 nearly always. Events of other kinds need not be made.
  unsigned events() const { return events_.load(std::memory_order_relaxed); }

  // A log for one thread; lives as long as the hub.
  WatchLog* AddLog() ABSL_LOCKS_EXCLUDED(mutex_);
  // For threads without one.
  WatchLog& common_log() { return *common_log_; }

  // Begins a watch. `wake` is called, by the thread that delivers, when there is something to Take;
  // it must not block. Null if there are too many watchers.
  std::unique_ptr<Watcher> Watch(unsigned events, std::function<void()> wake, const Now& now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes the logs to the watchers. True if anybody watches.
  bool Deliver(const Now& now) ABSL_LOCKS_EXCLUDED(mutex_);

  // About now, for events of those who are not told the time; right while anybody watches.
  Now last_now() const;

  WatchStats Stats() const;

 private:
  friend class WatchLog;
  friend class Watcher;

  void SetNow(const Now& now);
  void Remove(Watcher* watcher) ABSL_LOCKS_EXCLUDED(mutex_);
  void UpdateEvents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DeliverLog(WatchLog* log) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DeliverLine(unsigned event, uint64_t gid, std::string_view line)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t log_bytes_;
  const size_t watcher_bytes_;
  std::atomic<unsigned> events_ = 0;
  std::atomic<uint64_t> gid_ = 0;
  std::atomic<uint32_t> tick_seconds_ = 0;
  std::atomic<int64_t> wall_seconds_ = 0;
  std::atomic<int32_t> wall_microseconds_ = 0;
  std::atomic<int64_t> events_dropped_ = 0;
  std::atomic<int64_t> events_written_ = 0;
  std::atomic<int64_t> lines_skipped_ = 0;
  std::atomic<int64_t> lines_sent_ = 0;
  std::atomic<int64_t> watcher_count_ = 0;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<WatchLog>> logs_ ABSL_GUARDED_BY(mutex_);
  std::vector<Watcher*> watchers_ ABSL_GUARDED_BY(mutex_);
  WatchLog* const common_log_;
};

}  // namespace larder
