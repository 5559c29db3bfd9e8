#include "server/ops/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace larder {

namespace {

using ConsoleSink = spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex>;

std::unique_ptr<spdlog::logger> MakeLogger(const LogOptions& options) {
  auto sink = std::make_shared<ConsoleSink>(options.stream);
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      options.journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc));
  auto logger = std::make_unique<spdlog::logger>("larder", std::move(sink));
  // What is to be seen is decided before.
  logger->set_level(spdlog::level::trace);
  return logger;
}

spdlog::level::level_enum LevelOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

// As the journal and syslog(3) number them: <7> debug, <6> info, <4> warning, <3> err.
const char* PriorityOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "<7>";
    case LogLevel::kInfo:
      return "<6>";
    case LogLevel::kWarning:
      return "<4>";
    case LogLevel::kError:
      break;
  }
  return "<3>";
}

std::string OneLine(std::string_view text) {
  std::string line(text.substr(0, text.find_last_not_of('\n') + 1));
  constexpr unsigned char kFirstPrintable = ' ';
  constexpr unsigned char kDelete = 0x7f;
  std::ranges::replace_if(
      line,
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < kFirstPrintable || byte == kDelete;
      },
      ' ');
  return line;
}

std::chrono::system_clock::time_point WallTime(const Now& now) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(now.wall_seconds) +
                                               std::chrono::microseconds(now.wall_microseconds));
}

}  // namespace

Log::Log(const LogOptions& options, std::function<int()> verbosity)
    : options_(options), verbosity_(std::move(verbosity)), logger_(MakeLogger(options)) {}

Log::~Log() = default;

LogLevel Log::Least() const {
  const int verbosity = verbosity_() + (options_.journal ? 1 : 0);
  if (verbosity <= 0) return LogLevel::kWarning;
  return verbosity == 1 ? LogLevel::kInfo : LogLevel::kDebug;
}

void Log::Write(LogLevel level, const Now& now, std::string_view text) const {
  if (level < Least()) return;
  const std::string line = absl::StrCat(options_.journal ? PriorityOf(level) : "", OneLine(text));
  logger_->log(WallTime(now), spdlog::source_loc{}, LevelOf(level), line);
}

bool IsJournal(int fd, const char* journal_stream) {
  struct stat file = {};
  return journal_stream != nullptr && fstat(fd, &file) == 0 &&
         absl::StrCat(file.st_dev, ":", file.st_ino) == journal_stream;
}

void WriteStartError(const LogOptions& options, std::string_view text) {
  std::string lines(text);
  if (options.journal) {
    lines.clear();
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
      absl::StrAppend(&lines, PriorityOf(LogLevel::kError), std::string(text.substr(0, end)));
      text.remove_prefix(end);
    }
  }
  fputs(lines.c_str(), options.stream);
}

}  // namespace larder
