#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/engine/settings.h"

// The command line: memcached's options, with memcached's meaning, defaults, words and exit codes
// where it has clear ones. What means nothing to larder's design is taken, checked, and said to
// have no effect: in `stats settings`, and with -v at the start. External storage and the proxy,
// which larder does not have, are refused, so that nobody believes to have what he asked for.

namespace larder {

// What the command line asks for.
struct Options {
  Settings settings;
  bool daemonize = false;    // -d
  bool core_files = false;   // -r
  bool large_pages = false;  // -L: huge pages must be available
  std::string user;          // -u; empty: not given
  std::string pid_file;      // -P; empty: none
  uint32_t socket_mark = 0;  // -o sock_cookie_id: of all sockets, for the packet filter; 0: none
};

// What reading it came to.
struct CommandLine {
  Options options;
  std::string output;            // for stdout
  std::string errors;            // for stderr: warnings, or why the process is to end
  std::optional<int> exit_code;  // set if the process is to end now
};

// Reads `argv` as main() gets it. Uses getopt, which has one state a process: one call at a time.
CommandLine ParseCommandLine(int argc, char* const argv[]);

}  // namespace larder
