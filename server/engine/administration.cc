#include "server/engine/administration.h"

#include <algorithm>
#include <memory>
#include <string>

#include "protocol/text_encoder.h"
#include "server/engine/administration_replies.h"
#include "server/engine/stats.h"

namespace larder {

void FlushStore(const Turn& turn, int64_t exptime) {
  turn.counters().flushes.Add(1);
  uint32_t due = turn.tick().seconds;
  // memcached marks as dead what was last used in the second before the one given, and so a delay
  // of a second is none.
  if (exptime > 0) due = ExpireTick(exptime, turn.now) - 1;
  // A date before everything: nothing is as old as that.
  if (due == 0) return;
  turn.store().Flush({due}, turn.tick());
  if (MissRatioCurve* const curve = turn.worker.engine().miss_ratio_curve()) curve->Flush({due});
}

void ExecuteFlushAll(const Turn& turn, const Request& request) {
  if (!turn.worker.settings().flush_command) {
    turn.counters().flushes.Add(1);
    turn.Reply(request.noreply, "CLIENT_ERROR flush_all not allowed\r\n");
    return;
  }
  FlushStore(turn, request.exptime);
  turn.Reply(request.noreply, kOkReply);
}

void ExecuteVerbosity(const Turn& turn, const Request& request) {
  constexpr uint64_t kVerbosityMax = 2;
  turn.worker.engine().SetVerbosity(
      static_cast<int>(std::min<uint64_t>(request.number, kVerbosityMax)));
  turn.Reply(request.noreply, kOkReply);
}

void ExecuteVersion(const Turn& turn) {
  turn.out.Append("VERSION ");
  turn.out.Append(kCompatibleVersion);
  turn.out.Append(kLineEnd);
}

void ExecuteRefreshCertificates(const Turn& turn) {
  const std::string error = turn.worker.engine().server().RefreshCertificates(turn.now);
  if (error.empty()) return turn.out.Append(kOkReply);
  turn.out.Append(error);
  turn.out.Append(kLineEnd);
}

bool AddStats(const Turn& turn, std::string_view what, StatLines* lines) {
  Engine& engine = turn.worker.engine();
  if (what.empty()) {
    AddGeneralStats(engine, turn.now, lines);
  } else if (what == "settings") {
    AddSettings(engine, lines);
  } else if (what == "items") {
    AddItemStats(engine.Snapshot(), turn.store(), turn.now, lines);
  } else if (what == "slabs") {
    AddSlabStats(engine.Snapshot(), lines);
  } else if (what == "sizes") {
    AddSizes(turn.store(), lines);
  } else if (what == "conns") {
    AddConnections(engine.server().Connections(turn.now), lines);
  } else if (what == "hotkeys") {
    AddHotKeys(engine, turn.now, lines);
  } else if (what == "mrc") {
    AddMissRatios(turn, lines);
  } else if (what == "turns") {
    AddTurnTimes(engine, lines);
  } else {
    return false;
  }
  return true;
}

void ExecuteStats(const Turn& turn, const Request& request) {
  const std::string_view what = request.arguments.substr(0, request.arguments.find(' '));
  StatLines lines(&turn.out);
  if (AddStats(turn, what, &lines)) {
    lines.End();
  } else if (what == "reset") {
    turn.worker.engine().ResetStats(turn.tick());
    turn.out.Append(kResetReply);
  } else if (what == "detail") {
    turn.out.Append(AdministerDetail(turn, Arguments(request.arguments)));
  } else if (what == "cachedump") {
    turn.out.Append(AdministerCachedump(turn, Arguments(request.arguments)));
  } else {
    turn.out.Append(kUnknownReply);
  }
}

void ExecuteAdministration(const Turn& turn, const Request& request) {
  const Arguments words(request.arguments);
  const auto reply = [&]() -> std::string_view {
    switch (request.command) {
      case Command::kLru:
        return AdministerLru(turn, words);
      case Command::kLruCrawler:
        return AdministerCrawler(turn, words);
      case Command::kSlabs:
        return AdministerSlabs(turn, words);
      case Command::kMemoryLimit:
        return AdministerMemoryLimit(turn, words);
      case Command::kShutdown:
        return AdministerShutdown(turn, words);
      case Command::kWatch:
        return AdministerWatch(turn, words);
      case Command::kExternalStorage:
        return AdministerExternalStorage(words);
      default:
        return kUnknownReply;
    }
  }();
  turn.Reply(request.noreply, reply);
}

// `words` are detail on|off|dump.
std::string_view AdministerDetail(const Turn& turn, const Arguments& words) {
  Engine& engine = turn.worker.engine();
  if (!turn.worker.settings().dump_commands) return "CLIENT_ERROR stats detail not allowed\r\n";
  if (words[1] == "on" || words[1] == "off") {
    engine.SetCountPrefixes(words[1] == "on");
    return kOkReply;
  }
  if (words[1] != "dump") return "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
  turn.out.Append(PrefixLines(engine.PrefixTotals()));
  return kEndReply;
}

namespace {

// The connection that ends the server is closed without a word.
class Farewell final : public ReplyStream {
 public:
  Progress Continue(const Turn&) override { return Progress::kClose; }
};

}  // namespace

std::string_view AdministerShutdown(const Turn& turn, const Arguments& words) {
  if (!turn.worker.settings().shutdown_command) {
    return "SERVER_ERROR: shutdown not enabled\r\n";
  }
  const bool graceful = words.count() == 1 && words[0] == "graceful";
  if (words.count() > 0 && !graceful) return "CLIENT_ERROR invalid shutdown mode\r\n";
  turn.worker.engine().server().Shutdown(graceful);
  if (turn.stream != nullptr) *turn.stream = std::make_unique<Farewell>();
  return "";
}

// There is none. memcached takes, and does nothing about, free_memchunks.
std::string_view AdministerExternalStorage(const Arguments& words) {
  const bool known = words[0] == "free_memchunks" && words.count() > 2 &&
                     ParseArgument<uint32_t>(words[1]) && ParseArgument<uint32_t>(words[2]);
  return known ? kOkReply : kUnknownReply;
}

}  // namespace larder
