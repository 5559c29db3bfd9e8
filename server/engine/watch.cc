#include "server/engine/watch.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "server/engine/uri.h"

namespace larder {

namespace {

// An event in a log: this, then its text.
struct Record {
  WatchEvent event;  // its text points nowhere
  uint64_t gid;
  int64_t seconds;
  int32_t microseconds;
  uint32_t text_bytes;
};

// Of a raw command or a key no more is kept.
constexpr size_t kTextBytesMax = 512;

unsigned WatchedAs(WatchEvent::Kind kind) {
  switch (kind) {
    case WatchEvent::Kind::kRawCommand:
      return kWatchRawCommands;
    case WatchEvent::Kind::kEviction:
      return kWatchEvictions;
    case WatchEvent::Kind::kItemGet:
      return kWatchFetchers;
    case WatchEvent::Kind::kItemStore:
      return kWatchMutations;
    case WatchEvent::Kind::kDeleted:
      return kWatchDeletions;
    case WatchEvent::Kind::kConnectionNew:
    case WatchEvent::Kind::kConnectionClosed:
      break;
  }
  return kWatchConnections;
}

std::string KeyOf(const WatchEvent& event) {
  std::string key;
  AppendUriEncoded(event.text, &key);
  return key;
}

// What follows the time and the number.
int PrintEvent(const WatchEvent& event, char* to, size_t room) {
  switch (event.kind) {
    case WatchEvent::Kind::kRawCommand:
      return std::snprintf(to, room, "<%d %.*s\n", event.connection,
                           static_cast<int>(event.text.size()), event.text.data());
    case WatchEvent::Kind::kEviction:
      return std::snprintf(to, room,
                           "type=eviction key=%s fetch=%s ttl=%" PRId64 " la=%u clsid=%u size=%u\n",
                           KeyOf(event).c_str(), event.fetched ? "yes" : "no", event.ttl_seconds,
                           event.idle_seconds, event.class_id, event.size);
    case WatchEvent::Kind::kItemGet:
      return std::snprintf(to, room, "type=item_get key=%s status=%s clsid=%u cfd=%d size=%u\n",
                           KeyOf(event).c_str(), event.status, event.class_id, event.connection,
                           event.size);
    case WatchEvent::Kind::kItemStore:
      return std::snprintf(to, room,
                           "type=item_store key=%s status=%s cmd=%s ttl=%u clsid=%u cfd=%d "
                           "size=%u\n",
                           KeyOf(event).c_str(), event.status, event.command,
                           static_cast<uint32_t>(event.ttl_seconds), event.class_id,
                           event.connection, event.size);
    case WatchEvent::Kind::kDeleted:
      return std::snprintf(to, room, "type=deleted key=%s cmd=%s clsid=%u size=%u\n",
                           KeyOf(event).c_str(), event.command, event.class_id, event.size);
    case WatchEvent::Kind::kConnectionNew:
      return std::snprintf(to, room, "type=conn_new rip=%.*s rport=%u transport=%s cfd=%d\n",
                           static_cast<int>(event.text.size()), event.text.data(), event.port,
                           event.command, event.connection);
    case WatchEvent::Kind::kConnectionClosed:
      break;
  }
  return std::snprintf(to, room,
                       "type=conn_close rip=%.*s rport=%u transport=%s reason=%s cfd=%d\n",
                       static_cast<int>(event.text.size()), event.text.data(), event.port,
                       event.command, event.status, event.connection);
}

std::string_view PrintRecord(const Record& record, char* to, size_t room) {
  const int head = std::snprintf(to, room, "ts=%" PRId64 ".%06" PRId32 " gid=%" PRIu64 " ",
                                 record.seconds, record.microseconds, record.gid);
  const auto head_bytes = static_cast<size_t>(head);
  const int rest = PrintEvent(record.event, to + head_bytes, room - head_bytes);
  return {to, std::min(head_bytes + static_cast<size_t>(rest), room - 1)};
}

}  // namespace

void WatchLog::Append(const WatchEvent& event, const Now& now) {
  const MutexLock lock(&mutex_);
  Add(event, now);
}

void WatchLog::TryAppend(const WatchEvent& event, const Now& now) {
  if (!mutex_.TryLock()) {
    hub_->events_dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Add(event, now);
  mutex_.Unlock();
}

void WatchLog::TakeAllMemory() {
  taken_.reserve(bytes_max_);
  const MutexLock lock(&mutex_);
  events_.reserve(bytes_max_);
}

void WatchLog::Add(const WatchEvent& event, const Now& now) {
  Record record = {.event = event,
                   .gid = hub_->gid_.fetch_add(1, std::memory_order_relaxed) + 1,
                   .seconds = now.wall_seconds,
                   .microseconds = now.wall_microseconds,
                   .text_bytes = static_cast<uint32_t>(std::min(event.text.size(), kTextBytesMax))};
  record.event.text = {};
  if (events_.size() + sizeof(record) + record.text_bytes > bytes_max_) {
    hub_->events_dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  events_.append(reinterpret_cast<const char*>(&record), sizeof(record));
  events_.append(event.text.data(), record.text_bytes);
  hub_->events_written_.fetch_add(1, std::memory_order_relaxed);
}

Watcher::Watcher(WatchHub* hub, unsigned events, uint64_t first_gid, size_t bytes_max,
                 std::function<void()> wake)
    : hub_(hub),
      events_(events),
      first_gid_(first_gid),
      bytes_max_(bytes_max),
      wake_(std::move(wake)) {}

Watcher::~Watcher() { hub_->Remove(this); }

void Watcher::Take(std::string* lines) {
  lines->clear();
  const MutexLock lock(&mutex_);
  lines->swap(buffer_);
}

// False if there was no room.
bool Watcher::Put(std::string_view line) {
  char skipped[64];
  int skipped_bytes = 0;
  if (skipped_ > 0) {
    skipped_bytes = std::snprintf(skipped, sizeof(skipped), "skipped=%" PRIu64 "\n", skipped_);
  }
  const MutexLock lock(&mutex_);
  if (buffer_.size() + line.size() + static_cast<size_t>(skipped_bytes) > bytes_max_) return false;
  buffer_.append(skipped, static_cast<size_t>(skipped_bytes));
  buffer_.append(line);
  return true;
}

WatchHub::WatchHub(size_t log_bytes, size_t watcher_bytes)
    : log_bytes_(log_bytes), watcher_bytes_(watcher_bytes), common_log_(AddLog()) {}

WatchHub::~WatchHub() = default;

WatchLog* WatchHub::AddLog() {
  const MutexLock lock(&mutex_);
  return logs_.emplace_back(std::make_unique<WatchLog>(this, log_bytes_)).get();
}

void WatchHub::SetNow(const Now& now) {
  tick_seconds_.store(now.tick.seconds, std::memory_order_relaxed);
  wall_seconds_.store(now.wall_seconds, std::memory_order_relaxed);
  wall_microseconds_.store(now.wall_microseconds, std::memory_order_relaxed);
}

Now WatchHub::last_now() const {
  return {.tick = {tick_seconds_.load(std::memory_order_relaxed)},
          .wall_seconds = wall_seconds_.load(std::memory_order_relaxed),
          .wall_microseconds = wall_microseconds_.load(std::memory_order_relaxed)};
}

std::unique_ptr<Watcher> WatchHub::Watch(unsigned events, std::function<void()> wake,
                                         const Now& now) {
  SetNow(now);
  const MutexLock lock(&mutex_);
  if (watchers_.size() == kWatchersMax) return nullptr;
  const uint64_t first_gid = gid_.fetch_add(1, std::memory_order_relaxed) + 1;
  auto watcher =
      std::make_unique<Watcher>(this, events, first_gid, watcher_bytes_, std::move(wake));
  watchers_.push_back(watcher.get());
  if ((events & kWatchEvictions) != 0) common_log_->TakeAllMemory();
  UpdateEvents();
  return watcher;
}

void WatchHub::Remove(Watcher* watcher) {
  const MutexLock lock(&mutex_);
  std::erase(watchers_, watcher);
  UpdateEvents();
}

void WatchHub::UpdateEvents() {
  unsigned events = 0;
  for (const Watcher* watcher : watchers_) events |= watcher->events_;
  events_.store(events, std::memory_order_relaxed);
  watcher_count_.store(static_cast<int64_t>(watchers_.size()), std::memory_order_relaxed);
}

bool WatchHub::Deliver(const Now& now) {
  if (watcher_count_.load(std::memory_order_relaxed) == 0) return false;
  SetNow(now);
  const MutexLock lock(&mutex_);
  for (const std::unique_ptr<WatchLog>& log : logs_) DeliverLog(log.get());
  for (Watcher* watcher : watchers_) {
    if (std::exchange(watcher->put_, false)) watcher->wake_();
  }
  return !watchers_.empty();
}

void WatchHub::DeliverLog(WatchLog* log) {
  // The memory of the last time is used again.
  log->taken_.clear();
  {
    const MutexLock lock(&log->mutex_);
    log->taken_.swap(log->events_);
  }
  // The longest line has a key of which every byte takes three.
  char line[4 * kTextBytesMax];
  for (std::string_view rest = log->taken_; !rest.empty();) {
    Record record;
    std::memcpy(static_cast<void*>(&record), rest.data(), sizeof(record));
    record.event.text = rest.substr(sizeof(record), record.text_bytes);
    rest.remove_prefix(sizeof(record) + record.text_bytes);
    DeliverLine(WatchedAs(record.event.kind), record.gid, PrintRecord(record, line, sizeof(line)));
  }
}

void WatchHub::DeliverLine(unsigned event, uint64_t gid, std::string_view line) {
  for (Watcher* watcher : watchers_) {
    if ((watcher->events_ & event) == 0 || gid < watcher->first_gid_) continue;
    if (watcher->Put(line)) {
      watcher->skipped_ = 0;
      watcher->put_ = true;
      lines_sent_.fetch_add(1, std::memory_order_relaxed);
    } else {
      ++watcher->skipped_;
      lines_skipped_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

WatchStats WatchHub::Stats() const {
  return {.events_dropped = events_dropped_.load(std::memory_order_relaxed),
          .events_written = events_written_.load(std::memory_order_relaxed),
          .lines_skipped = lines_skipped_.load(std::memory_order_relaxed),
          .lines_sent = lines_sent_.load(std::memory_order_relaxed),
          .watchers = watcher_count_.load(std::memory_order_relaxed)};
}

}  // namespace larder
