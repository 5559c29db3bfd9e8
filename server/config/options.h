#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/settings.h"

// What the operator chose: memcached's options, with memcached's meaning, defaults, words and exit
// codes where it has clear ones, from files, the environment and the command line. Each of these
// wins over those before it, and all win over the defaults.
//
// What means nothing to larder's design is taken, checked, and said to have no effect: in `stats
// settings`, and with -v at the start. External storage and the proxy, which larder does not have,
// are refused, so that nobody believes to have what he asked for.

namespace larder {

// What a server is to be.
struct Options {
  Settings settings;
  bool daemonize = false;    // -d
  bool core_files = false;   // -r
  bool large_pages = false;  // -L: huge pages must be available
  std::string user;          // -u; empty: not given
  std::string pid_file;      // -P; empty: none
  uint32_t socket_mark = 0;  // -o sock_cookie_id: of all sockets, for the packet filter; 0: none
};

// What a process is started with. Which files are read stands in them.
struct Sources {
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // "NAME=value"; what counts is called LARDER_...
  std::string folder;                    // that files are named from, wherever the process goes
};

Sources MakeSources(int argc, char* const argv[], char* const environment[]);

// Something that is wrong.
struct Problem {
  std::string where;    // "larder.conf:12"; empty: on the command line
  std::string message;  // lines, in memcached's words where it has some
  int exit_code = 0;

  std::string Text() const { return where.empty() ? message : where + ": " + message; }
};

struct Option;

// One option, and what it is now.
struct Setting {
  const Option* option = nullptr;
  std::optional<std::string> value;  // as a file would give it
  std::string origin;                // "default", "larder.conf:12", "environment LARDER_PORT"...
};

// What is asked of the process.
enum class Task : uint8_t {
  kServe,
  kPrint,        // Configuration::text, and end
  kCheck,        // --check-config
  kPrintConfig,  // --print-config
};

struct Configuration {
  Options options;
  Task task = Task::kServe;
  std::string text;
  std::vector<Problem> problems;      // all there are; if there are any, the options are no good
  std::vector<std::string> warnings;  // lines
  std::vector<Setting> settings;      // of every option that has one, in the order of the help

  // Where the option `name` was given.
  std::string OriginOf(std::string_view name) const;
  // What is said when a server starts, lines for stderr: every problem, but as memcached only the
  // first of the command line; or else the warnings.
  std::string Complaints() const;
  // How a process that can not start ends.
  int exit_code() const { return problems.empty() ? 0 : problems.front().exit_code; }
};

// Reads all sources, and the files that they name. Uses getopt, which has one state a process: one
// call at a time.
Configuration ReadConfiguration(const Sources& sources);

}  // namespace larder
