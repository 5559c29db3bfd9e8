// lru_crawler: memcached's walks over all items. Its crawler is larder's sweeper; its dumps are
// KeyDump's.

#include <optional>

#include "protocol/text_encoder.h"
#include "server/engine/administration.h"
#include "server/engine/administration_replies.h"
#include "server/engine/key_dump.h"

namespace larder {

namespace {

// "all", or class numbers parted by ',', of which more than one counts as one.
std::optional<ClassSet> ParseClasses(std::string_view list) {
  ClassSet classes;
  if (list == "all") return classes.set();
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
    if (word.empty()) continue;
    const std::optional<uint32_t> class_id = ParseArgument<uint32_t>(word);
    if (!class_id || *class_id == 0 || *class_id >= classes.size()) return std::nullopt;
    classes.set(*class_id);
  }
  return classes;
}

std::string_view Crawl(const Turn& turn, std::string_view list) {
  if (!turn.store().Stats().sweeper) return kCrawlerOffReply;
  if (list == "hash") return "ERROR an unknown error happened\r\n";
  const std::optional<ClassSet> classes = ParseClasses(list);
  if (!classes) return kBadClassReply;
  return turn.store().Crawl(*classes) == CrawlStatus::kBusy ? kCrawlerBusyReply : kOkReply;
}

std::string_view Dump(const Turn& turn, KeyDump::Format format, std::string_view list) {
  if (turn.stream == nullptr) return kUnknownReply;
  if (!turn.store().Stats().sweeper) return kCrawlerOffReply;
  if (!turn.worker.settings().dump_commands) {
    return format == KeyDump::Format::kMetadump ? "ERROR metadump not allowed\r\n"
                                                : "ERROR key dump not allowed\r\n";
  }
  const std::optional<ClassSet> classes = list == "hash" ? ClassSet().set() : ParseClasses(list);
  if (!classes) return kBadClassReply;
  Engine& engine = turn.worker.engine();
  if (!engine.BeginDump()) return kCrawlerBusyReply;
  *turn.stream = std::make_unique<KeyDump>(format, *classes, 0, &engine, /*holds_turn=*/true);
  return kOkReply;
}

std::string_view SetSleep(std::string_view word) {
  constexpr uint32_t kMicrosecondsMax = 1000000;
  const std::optional<uint32_t> microseconds = ParseArgument<uint32_t>(word);
  if (!microseconds) return kBadLineReply;
  // The sweeper keeps its own pace.
  return *microseconds > kMicrosecondsMax ? "CLIENT_ERROR sleep must be one second or less\r\n"
                                          : kOkReply;
}

std::string_view Switch(const Turn& turn, bool on) {
  if (on && turn.store().Stats().sweeper) return "ERROR failed to start lru crawler thread\r\n";
  turn.store().SetSweeper(on);
  return kOkReply;
}

}  // namespace

std::string_view AdministerCrawler(const Turn& turn, const Arguments& words) {
  const std::string_view what = words[0];
  if (words.count() == 1) {
    if (what == "enable") return Switch(turn, true);
    if (what == "disable") return Switch(turn, false);
  }
  if (words.count() != 2) return kUnknownReply;
  if (what == "crawl") return Crawl(turn, words[1]);
  if (what == "metadump") return Dump(turn, KeyDump::Format::kMetadump, words[1]);
  if (what == "mgdump") return Dump(turn, KeyDump::Format::kMgdump, words[1]);
  if (what == "sleep") return SetSleep(words[1]);
  // A crawl looks at all there is.
  if (what == "tocrawl") return ParseArgument<uint32_t>(words[1]) ? kOkReply : kBadLineReply;
  return kUnknownReply;
}

// `words` are cachedump <class> <limit>.
std::string_view AdministerCachedump(const Turn& turn, const Arguments& words) {
  if (turn.stream == nullptr) return kUnknownReply;
  if (!turn.worker.settings().dump_commands) {
    return "CLIENT_ERROR stats cachedump not allowed\r\n";
  }
  if (words.count() < 3) return "CLIENT_ERROR bad command line\r\n";
  const std::optional<uint32_t> class_id = ParseArgument<uint32_t>(words[1]);
  const std::optional<uint32_t> limit = ParseArgument<uint32_t>(words[2]);
  if (!class_id || !limit) return kBadLineReply;
  if (*class_id >= kClassesMax) return "CLIENT_ERROR Illegal slab id\r\n";
  if (*class_id == 0) return kEndReply;
  *turn.stream = std::make_unique<KeyDump>(KeyDump::Format::kCachedump, ClassSet().set(*class_id),
                                           *limit, &turn.worker.engine(), /*holds_turn=*/false);
  return "";
}

}  // namespace larder
