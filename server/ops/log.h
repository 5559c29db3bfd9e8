#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string_view>

#include "server/engine/clock.h"

namespace spdlog {
class logger;
}

// What the daemon tells its operator: one line for what he wants to know of, none for what any
// client can cause at will. No line has a value, a key or a secret in it.
//
// Lines go to stderr, behind their time and level; or, where stderr is systemd's journal, which
// keeps the time itself, behind a priority as the journal reads it (`<4>`). How much is said
// follows -v and the `verbosity` command:
//
//              journal           anything else
//   0          info and worse    warnings and errors, as with memcached: silence is good news
//   1 (-v)     all               info and worse
//   2 (-vv)    all               all
//
// The traces of clients that memcached prints with -vv are not lines of this log, but follow the
// same verbosity and go to stderr as memcached's do.

namespace larder {

// From the least to the most.
enum class LogLevel : uint8_t {
  kDebug,    // for who looks for a fault of larder's
  kInfo,     // the daemon's life: started, listening, reloaded, stopped and why
  kWarning,  // works, but not as the operator wants: a limit was reached
  kError,    // does not work
};

struct LogOptions {
  FILE* stream = stderr;  // must outlive the log
  bool journal = false;   // the stream is the journal's
};

class Log {
 public:
  // `verbosity` gives what -v and `verbosity` have set; it is called by any thread that writes.
  Log(const LogOptions& options, std::function<int()> verbosity);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Any thread. Writes `text` as one line, whatever it has of line ends and other control
  // characters, if the verbosity wants the level. `now` is the time that the line shows.
  void Write(LogLevel level, const Now& now, std::string_view text) const;

  void Debug(const Now& now, std::string_view text) const { Write(LogLevel::kDebug, now, text); }
  void Info(const Now& now, std::string_view text) const { Write(LogLevel::kInfo, now, text); }
  void Warning(const Now& now, std::string_view text) const {
    Write(LogLevel::kWarning, now, text);
  }
  void Error(const Now& now, std::string_view text) const { Write(LogLevel::kError, now, text); }

 private:
  LogLevel Least() const;

  const LogOptions options_;
  const std::function<int()> verbosity_;
  const std::unique_ptr<spdlog::logger> logger_;
};

// Whether the descriptor `fd` leads to the journal: `journal_stream` is the value of
// JOURNAL_STREAM, by which systemd says so, or null if there is none.
bool IsJournal(int fd, const char* journal_stream);

// Writes `text`, the lines that say why the daemon does not start, as they are; for the journal
// each with the priority of an error, by which the journal marks them. There is no log yet.
void WriteStartError(const LogOptions& options, std::string_view text);

}  // namespace larder
