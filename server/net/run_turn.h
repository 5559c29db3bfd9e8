#pragma once

#include <cstdint>
#include <string_view>

#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/engine/output.h"
#include "server/engine/session.h"
#include "server/net/clock.h"

namespace larder {

// Session::Run, whose processor time is recorded if the operator asked for that.
inline Session::Result RunTurn(EngineWorker* worker, Session* session, std::string_view input,
                               const Now& now, Output* out) {
  TurnTimes* const times = worker->turn_times();
  if (times == nullptr) [[likely]]
    return session->Run(input, now, out);
  const uint64_t before = ThreadCpuNanoseconds();
  const Session::Result result = session->Run(input, now, out);
  times->Record(ThreadCpuNanoseconds() - before);
  return result;
}

}  // namespace larder
