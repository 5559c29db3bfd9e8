#include "server/config/help.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/config/option.h"
#include "server/engine/settings.h"

// memcached's options, by its names and in its order, in larder's words, and then larder's own: all
// made from the table. What larder takes and does nothing with is marked so.

namespace larder {

namespace {

constexpr size_t kLetterColumn = 26;
constexpr size_t kSuboptionColumn = 27;

// Text that begins at a column, its further lines, too; the first one in a line of its own if there
// is no room behind `head`.
std::string InColumn(std::string head, std::string_view text, size_t column) {
  if (head.size() + 1 > column) {
    head += '\n';
    head.append(column, ' ');
  } else {
    head.resize(column, ' ');
  }
  for (const char c : text) {
    head += c;
    if (c == '\n') head.append(column, ' ');
  }
  return head + '\n';
}

// The default stands behind the first line.
std::string TextOf(const Option& option) {
  if (option.without_effect != nullptr) return "(*)";
  std::string text(option.help);
  const std::optional<std::string> value = DefaultOf(option);
  if (!value || *value == "no") return text;
  return text.insert(std::min(text.find('\n'), text.size()),
                     absl::StrCat(" (default: ", *value, ")"));
}

std::string LineOf(const Option& option) {
  if (option.group == Group::kExtended) {
    return InColumn(absl::StrCat("   - ", View(option.name), ":"), TextOf(option),
                    kSuboptionColumn);
  }
  std::string head;
  if (option.letter != 0) head = absl::StrCat("-", std::string(1, option.letter), ", ");
  absl::StrAppend(&head, "--", View(option.name));
  if (option.argument == Argument::kRequired) absl::StrAppend(&head, "=<", View(option.value), ">");
  if (option.argument == Argument::kOptional) {
    absl::StrAppend(&head, "[=<", View(option.value), ">]");
  }
  return InColumn(std::move(head), TextOf(option), kLetterColumn);
}

std::string LinesOf(Group group) {
  std::string lines;
  for (const Option* option : AllOptions()) {
    if (option->group == group) lines += LineOf(*option);
  }
  return lines;
}

}  // namespace

std::string VersionText() {
  return absl::StrCat("larder ", LARDER_VERSION, " (behaves as memcached ", kCompatibleVersion,
                      ")\n");
}

std::string HelpText() {
  return absl::StrCat(
      VersionText(), LinesOf(Group::kMemcached),
      "\nWhat -o takes; (*) is taken and has no effect; ext_* and proxy_* are refused:\n",
      LinesOf(Group::kExtended), "\nlarder's own:\n", LinesOf(Group::kLarder),
      "\nEvery option may also stand in a file (--config) by its long name, and in the\n"
      "environment, as LARDER_MEMORY_LIMIT for --memory-limit. The command line wins over\n"
      "the environment, that over files, and those over the defaults.\n");
}

}  // namespace larder
