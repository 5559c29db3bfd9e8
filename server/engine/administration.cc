#include <algorithm>
#include <string>

#include "protocol/text_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/stats.h"

namespace larder {

void FlushStore(const Turn& turn, int64_t exptime) {
  turn.counters().flushes.Add(1);
  uint32_t due = turn.tick().seconds;
  // memcached marks as dead what was last used in the second before the one given, and so a delay
  // of a second is none.
  if (exptime > 0) due = ExpireTick(exptime, turn.now) - 1;
  // A date before everything: nothing is as old as that.
  if (due > 0) turn.store().Flush({due}, turn.tick());
}

void ExecuteFlushAll(const Turn& turn, const Request& request) {
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
  const Engine& engine = turn.worker.engine();
  if (what.empty()) {
    AddGeneralStats(engine, turn.now, lines);
  } else if (what == "settings") {
    AddSettings(engine, lines);
  } else if (what == "items") {
    AddItemStats(engine.Snapshot(), lines);
  } else if (what == "slabs") {
    AddSlabStats(engine.Snapshot(), lines);
  } else if (what == "sizes") {
    AddSizes(turn.store(), lines);
  } else if (what == "conns") {
    AddConnections(engine.server().Connections(turn.now), lines);
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
    turn.worker.engine().ResetStats();
    turn.out.Append(kResetReply);
  } else if (what == "detail") {
    turn.out.Append("CLIENT_ERROR stats detail not allowed\r\n");
  } else if (what == "cachedump") {
    turn.out.Append("CLIENT_ERROR stats cachedump not allowed\r\n");
  } else {
    turn.out.Append(kUnknownReply);
  }
}

}  // namespace larder
