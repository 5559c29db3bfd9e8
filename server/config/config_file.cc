#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/sources.h"

namespace larder {

namespace {

constexpr size_t kFileBytesMax = 1 << 20;

Refusal BadLine(std::string_view message) { return {EX_CONFIG, std::string(message)}; }

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Behind a blank, or at the start.
std::string_view WithoutComment(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || IsBlank(text[i - 1]))) return text.substr(0, i);
  }
  return text;
}

// `text` begins with a quote.
MaybeRefusal Unquote(std::string_view text, std::string* value) {
  value->clear();
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (Trim(WithoutComment(text.substr(i + 1))).empty()) return std::nullopt;
      return BadLine("nothing but a comment may follow the closing quote");
    }
    const bool escapes =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escapes) ++i;
    *value += text[i];
  }
  return BadLine("the closing quote is missing");
}

MaybeRefusal ParseLine(std::string_view line, Given* given) {
  const size_t name_end = line.find_first_of("= \t\r\f\v#");
  given->name = line.substr(0, name_end);
  std::string_view rest = Trim(line.substr(given->name.size()));
  if (given->name.empty()) return BadLine("a name is missing before '='");
  if (!rest.starts_with('=')) {
    if (Trim(WithoutComment(rest)).empty()) return std::nullopt;
    return BadLine(absl::StrCat("a line is <name> = <value>: '=' is missing behind ", given->name));
  }
  rest = Trim(rest.substr(1));
  if (!rest.starts_with('"')) {
    given->value = Trim(WithoutComment(rest));
    return std::nullopt;
  }
  return Unquote(rest, &given->value.emplace());
}

// How many letters must be changed, put in or left out to make one of the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

Refusal UnknownOption(std::string_view name) {
  if (name.starts_with("ext_")) {
    return BadValue(absl::StrCat("larder keeps everything in memory and has no external storage: ",
                                 View(name)));
  }
  if (name.starts_with("proxy_")) {
    return BadValue(absl::StrCat("larder is no proxy: ", View(name)));
  }
  constexpr size_t kEditsMax = 2;
  const Option* nearest = nullptr;
  size_t least = kEditsMax + 1;
  for (const Option* option : AllOptions()) {
    const size_t edits = EditDistance(name, option->name);
    if (option->places != Places::kEverywhere || edits >= least) continue;
    nearest = option;
    least = edits;
  }
  std::string message = absl::StrCat("there is no option ", View(name));
  if (nearest != nullptr) absl::StrAppend(&message, "; is it ", View(nearest->name), "?");
  return BadLine(message);
}

bool ReadSmallFile(const std::string& path, std::string* text, Assignment* problem) {
  problem->origin = {.kind = Origin::Kind::kFile, .name = path};
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "re"), &fclose);
  text->resize(kFileBytesMax + 1);
  if (file != nullptr) text->resize(fread(text->data(), 1, text->size(), file.get()));
  if (file == nullptr || ferror(file.get()) != 0) {
    problem->refusal = Refusal{
        EX_NOINPUT, absl::StrCat("cannot be read: ", std::generic_category().message(errno))};
    return false;
  }
  if (text->size() <= kFileBytesMax) return true;
  problem->refusal = Refusal{EX_CONFIG, "is larger than a megabyte"};
  return false;
}

std::vector<Assignment> ParseConfigText(std::string_view text, const std::string& path) {
  std::vector<Assignment> read;
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view trimmed = Trim(whole);
    if (trimmed.empty() || trimmed.front() == '#') continue;
    Assignment assignment = {.origin = {.kind = Origin::Kind::kFile, .name = path, .line = line}};
    assignment.refusal = ParseLine(trimmed, &assignment.given);
    if (!assignment.refusal) {
      assignment.option = FindOption(assignment.given.name);
      if (assignment.option == nullptr) assignment.refusal = UnknownOption(assignment.given.name);
    }
    read.push_back(std::move(assignment));
  }
  return read;
}

std::vector<Assignment> ReadConfigFile(const std::string& path) {
  std::string text;
  Assignment problem;
  if (!ReadSmallFile(path, &text, &problem)) return {problem};
  return ParseConfigText(text, path);
}

}  // namespace larder
