#pragma once

#include "server/engine/settings.h"

// What a session is told of the connection it serves.

namespace larder {

struct SessionOptions {
  // What the client may speak; a listener's own choice, or -B's. kNegotiate: a first byte of 0x80
  // is the binary protocol's, any other the text protocol's.
  ProtocolChoice protocol = ProtocolChoice::kNegotiate;
  // Run returns, with kYield, after each request instead of after as many as -R says: its replies
  // are then alone in the output.
  bool one_request = false;
  int connection_id = 0;  // the client's, as `stats conns` and watchers are told it
};

}  // namespace larder
