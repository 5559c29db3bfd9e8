#include <string>
#include <string_view>

#include "server/engine/binary_commands.h"
#include "server/engine/stats.h"

namespace larder {

void ExecuteBinaryFlush(const Turn& turn, const Request& request) {
  if (!turn.worker.settings().flush_command) {
    ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kAuthError);
    return;
  }
  FlushStore(turn, request.exptime);
  ReplyBinary(&turn.out, EchoOf(request));
}

void ExecuteBinaryVersion(const Turn& turn, const Request& request) {
  ReplyBinary(&turn.out, EchoOf(request), /*cas=*/0, kCompatibleVersion);
}

void ExecuteBinaryNoop(const Turn& turn, const Request& request) {
  ReplyBinary(&turn.out, EchoOf(request));
  turn.out.Settle();
}

namespace {

// `stat detail on`, `off` and `dump`; false if it is none of them. Other than in text, -X does not
// forbid them.
bool AddDetail(Engine& engine, std::string_view what, StatLines* lines) {
  if (what == "detail on" || what == "detail off") {
    engine.SetCountPrefixes(what == "detail on");
    return true;
  }
  if (what != "detail dump") return false;
  lines->Add("detailed", PrefixLines(engine.PrefixTotals()) + "END\r\n");
  return true;
}

}  // namespace

void ExecuteBinaryStats(const Turn& turn, const Request& request) {
  const BinaryEcho echo = EchoOf(request);
  StatLines lines(&turn.out, echo);
  if (request.key == "reset") {
    turn.worker.engine().ResetStats(turn.tick());
  } else if (!AddDetail(turn.worker.engine(), request.key, &lines) &&
             !AddStats(turn, request.key, &lines)) {
    ReplyBinaryError(&turn.out, echo, BinaryStatus::kNotFound);
    return;
  }
  lines.End();
}

}  // namespace larder
