#pragma once

#include <string_view>

#include "server/engine/settings.h"

// What a session is told of the connection it serves.

namespace larder {

// Is told of a request before it is executed: its command line without the line end, or its header,
// if it is `binary`. `connection_id` is the session's.
using TraceRequest = void (*)(int connection_id, std::string_view head, bool binary);

struct SessionOptions {
  // What the client may speak; a listener's own choice, or -B's. kNegotiate: a first byte of 0x80
  // is the binary protocol's, any other the text protocol's.
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;
  // Run returns, with kYield, after each request instead of after as many as -R says: its replies
  // are then alone in the output.
  bool one_request = false;
  int connection_id = 0;  // the client's, as `stats conns` and watchers are told it
  // Called while Engine::verbosity() is above 1, if not null. It never sees a value, nor anything
  // of a text client that has yet to log in.
  TraceRequest trace = nullptr;
};

}  // namespace larder
