// /etc/memcached.conf, as Debian's systemd-memcached-wrapper makes memcached's command line of it:
//
// - What follows a '#' is a comment; "\#" is none. Blanks at both ends of a line do not count.
// - Lines that begin with -d or -h are left out: what starts the service has put it where it is.
// - Lines of two words, the first of which has no '-', are Debian's own ("logfile /var/log/..."),
//   and are left out: the service's output goes to the journal.
// - All others are words of the command line, as a shell parts them: with quotes and backslashes.
// An
//   option and its value stand in one line.
//
// A shell would also expand variables and run commands. Nobody wants that of a service's options;
// so that nobody believes that it is done, they are refused.

#include <sysexits.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/sources.h"

namespace larder {

namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";
constexpr std::string_view kForShellsInQuotes = "$`";
constexpr std::string_view kForShells = "$`;|&<>()";

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string_view WithoutComment(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] != '\\')) return line.substr(0, i);
  }
  return line;
}

// `quote` is the one that c stands in; 0: none.
bool IsExpanded(char c, char quote) {
  if (quote == '\'') return false;
  return (quote == '"' ? kForShellsInQuotes : kForShells).find(c) != std::string_view::npos;
}

// Parts `line` into words as a shell does.
MaybeRefusal SplitWords(std::string_view line, std::vector<std::string>* words) {
  char quote = 0;
  bool in_word = false;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    if (!in_word) words->emplace_back();
    in_word = true;
    if (c == quote) {
      quote = 0;
      continue;
    }
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      continue;
    }
    if (IsExpanded(c, quote)) {
      return Refusal{EX_CONFIG, absl::StrCat("'", std::string(1, c),
                                             "' is for shells, which larder is none of")};
    }
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) c = line[++i];
    words->back() += c;
  }
  if (quote != 0) return Refusal{EX_CONFIG, "the closing quote is missing"};
  return std::nullopt;
}

// True if the line is no part of the command line. What it is instead may be worth a warning.
bool IsLeftOut(std::string_view line, Assignment* warning) {
  if (line.empty() || line.starts_with("-d") || line.starts_with("-h")) return true;
  if (line.front() == '-') return false;
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  if (word.size() == line.size()) return false;
  if (word != "logfile") {
    warning->warning = absl::StrCat("WARNING: \"", View(line), "\" is ignored");
  }
  return true;
}

}  // namespace

std::vector<Assignment> ParseMemcachedConf(std::string_view text, const std::string& path) {
  std::vector<Assignment> read;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view line = Trim(WithoutComment(whole));
    Assignment other = {.origin = {.kind = Origin::Kind::kFile, .name = path, .line = number}};
    if (IsLeftOut(line, &other)) {
      if (!other.warning.empty()) read.push_back(std::move(other));
      continue;
    }
    std::vector<std::string> words;
    other.refusal = SplitWords(line, &words);
    if (other.refusal) {
      read.push_back(std::move(other));
      continue;
    }
    std::ranges::move(ReadWords(words, other.origin), std::back_inserter(read));
  }
  return read;
}

std::vector<Assignment> ReadMemcachedConf(const std::string& path) {
  std::string text;
  Assignment problem;
  if (!ReadSmallFile(path, &text, &problem)) return {problem};
  return ParseMemcachedConf(text, path);
}

}  // namespace larder
