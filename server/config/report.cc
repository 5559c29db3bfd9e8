#include "server/config/report.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/config/help.h"
#include "server/config/option.h"

namespace larder {

namespace {

// As a file has to have it.
std::string Quoted(std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \t\"#\\") == std::string_view::npos;
  if (plain) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string FirstLine(std::string_view help) {
  return std::string(help.substr(0, help.find('\n')));
}

const char* NameOf(Group group) {
  switch (group) {
    case Group::kMemcached:
      return "memcached";
    case Group::kExtended:
      return "extended";
    case Group::kLarder:
      break;
  }
  return "larder";
}

const char* NameOf(Argument argument) {
  switch (argument) {
    case Argument::kNone:
      return "none";
    case Argument::kSwitch:
      return "switch";
    case Argument::kRequired:
      return "required";
    case Argument::kOptional:
      break;
  }
  return "optional";
}

std::string Json(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string JsonOrNull(std::string_view text) { return text.empty() ? "null" : Json(text); }

const char* Json(bool value) { return value ? "true" : "false"; }

// Every member is there for every option:
//
//   name         as in files; the long form, or what -o takes
//   letter       "m"; null: none
//   group        "memcached": -m, --memory-limit. "extended": -o name. "larder": --name
//   argument     "none", "switch" (yes or no), "required" or "optional"
//   value        what the value is, for readers: "num"; null without an argument or for a switch
//   help         lines; the first is a sentence by itself
//   default      null: none that is a value
//   environment  the variable; null: none
//   in_files     whether configuration files may have it
//   live         whether a reload changes it while larder runs
//   no_effect    why it has none; null: it has
std::string AsJson(const Option& option) {
  std::string environment;
  if (option.places != Places::kCommandLine) environment = EnvironmentName(option);
  return absl::StrCat(
      "{\"name\": ", Json(option.name),
      ", \"letter\": ", JsonOrNull(option.letter == 0 ? "" : std::string(1, option.letter)),
      ", \"group\": ", Json(std::string_view(NameOf(option.group))),
      ", \"argument\": ", Json(std::string_view(NameOf(option.argument))),
      ", \"value\": ", JsonOrNull(option.value), ", \"help\": ", Json(option.help),
      ", \"default\": ", JsonOrNull(DefaultOf(option).value_or("")),
      ", \"environment\": ", JsonOrNull(environment),
      ", \"in_files\": ", Json(option.places == Places::kEverywhere),
      ", \"live\": ", Json(option.live), ", \"no_effect\": ",
      JsonOrNull(option.without_effect == nullptr ? "" : option.without_effect), "}");
}

}  // namespace

std::string PrintedConfig(const std::vector<Setting>& settings) {
  constexpr int kColumn = 40;
  std::string text;
  for (const Setting& setting : settings) {
    const std::string_view name = setting.option->name;
    const std::string line = setting.value ? absl::StrCat(View(name), " = ", Quoted(*setting.value))
                                           : absl::StrCat("#", View(name), " =");
    absl::StrAppendFormat(&text, "%-*s # %s", kColumn, line, setting.origin);
    if (const char* const why = setting.option->without_effect; why != nullptr) {
      absl::StrAppend(&text, "; no effect: ", why);
    }
    text += '\n';
  }
  return text;
}

std::string SettingsLine(const std::vector<Setting>& settings) {
  std::string line;
  for (const Setting& setting : settings) {
    if (setting.origin == "default") continue;
    absl::StrAppend(&line, line.empty() ? "settings: " : ", ", View(setting.option->name), " = ",
                    Quoted(setting.value.value_or("")), " (", setting.origin, ")");
  }
  return line.empty() ? "settings: the defaults" : line;
}

std::string DefaultConfigText() {
  std::string text =
      "# larder's configuration. What is commented out is the default.\n"
      "#\n"
      "# Environment variables (LARDER_MEMORY_LIMIT) win over this file, and the command\n"
      "# line wins over both. `larder --check-config --config FILE` says what is wrong.\n"
      "# [live]: changed by a reload (HUP); all others by a restart.\n";
  std::string idle;
  for (const Option* option : AllOptions()) {
    if (option->places != Places::kEverywhere || !option->opposite.empty()) continue;
    if (option->print == nullptr) {
      if (option->without_effect != nullptr) {
        absl::StrAppend(&idle, "#   ", View(option->name), ": ", option->without_effect, "\n");
      }
      continue;
    }
    const std::optional<std::string> value = DefaultOf(*option);
    absl::StrAppend(&text, "\n# ", FirstLine(option->help), option->live ? " [live]" : "", "\n#",
                    View(option->name), " =", value ? " " : "", value ? Quoted(*value) : "", "\n");
  }
  return absl::StrCat(text, "\n# Taken for memcached's sake, and without effect:\n#\n", idle);
}

std::string OptionsAsJson() {
  std::string text = "[\n";
  for (const Option* option : AllOptions()) {
    absl::StrAppend(&text, text.size() > 2 ? ",\n" : "", AsJson(*option));
  }
  return text + "\n]\n";
}

}  // namespace larder
