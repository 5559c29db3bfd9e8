#include "server/config/options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/help.h"
#include "server/config/option.h"
#include "server/config/report.h"
#include "server/config/sources.h"

namespace larder {

namespace {

constexpr int kThreadsAdvisable = 64;
constexpr char kMemcachedConf[] = "/etc/memcached.conf";

// What an option is told apart by: a switch and its opposite are one.
std::string_view KeyOf(const Option& option) {
  return option.opposite.empty() ? option.name : option.opposite;
}

std::string WhereOf(const Origin& origin) {
  using Kind = Origin::Kind;
  return origin.kind == Kind::kFile || origin.kind == Kind::kEnvironment ? origin.Text() : "";
}

// Takes sources one after the other, of which the last wins.
class Reading {
 public:
  void Take(const std::vector<Assignment>& source) {
    std::set<std::string_view> named;
    for (const Assignment& assignment : source) {
      const Option* const option = assignment.option;
      const bool first = option != nullptr && named.insert(option->name).second;
      if (!assignment.warning.empty()) {
        Warn(assignment.origin, assignment.warning);
      } else if (assignment.refusal) {
        AddProblem(assignment.origin, *assignment.refusal);
      } else {
        Take(assignment, first);
      }
    }
  }

  Configuration Finish() {
    for (const Conflict& conflict : FinishOptions(
             &draft_, [this](std::string_view name) { return refused_.contains(name); })) {
      problems_.push_back(
          {WhereOf(conflict), conflict.refusal.message, conflict.refusal.exit_code});
    }
    Configuration configuration = {.problems = std::move(problems_),
                                   .warnings = std::move(draft_.warnings),
                                   .settings = SettingsInForce()};
    AddWarnings(&configuration.warnings);
    configuration.options = std::move(draft_.options);
    return configuration;
  }

  bool has_problems() const { return !problems_.empty(); }

 private:
  void Warn(const Origin& origin, std::string_view warning) {
    const std::string where = WhereOf(origin);
    draft_.warnings.push_back(absl::StrCat(where, where.empty() ? "" : ": ", View(warning)));
  }

  void AddProblem(const Origin& origin, const Refusal& refusal) {
    problems_.push_back({WhereOf(origin), refusal.message, refusal.exit_code});
  }

  // What is refused changes nothing.
  void Take(const Assignment& assignment, bool first) {
    const Option& option = *assignment.option;
    OptionDraft changed = draft_;
    changed.warnings.clear();
    Given given = assignment.given;
    given.first = first;
    if (!first && !option.adds_up && assignment.origin.kind == Origin::Kind::kFile) {
      Warn(assignment.origin,
           absl::StrCat("WARNING: ", given.name, " is given twice; the last counts"));
    }
    if (MaybeRefusal refusal = Apply(option, given, assignment.origin, &changed)) {
      refused_.insert(KeyOf(option));
      AddProblem(assignment.origin, *refusal);
      return;
    }
    changed.warnings.swap(draft_.warnings);
    std::swap(draft_, changed);
    for (const std::string& warning : changed.warnings) Warn(assignment.origin, warning);
    if (option.without_effect != nullptr) {
      draft_.without_effect.push_back({std::string(option.name), option.without_effect});
    }
    draft_.taken[KeyOf(option)] = assignment;
  }

  static MaybeRefusal Apply(const Option& option, const Given& given, const Origin& origin,
                            OptionDraft* draft) {
    if (origin.kind == Origin::Kind::kFile && option.places != Places::kEverywhere) {
      return BadUsage(absl::StrCat(given.name, " is for the command line, not for a file"));
    }
    if (option.argument == Argument::kRequired && !given.value && !given.as_memcached) {
      return BadUsage(absl::StrCat(given.name, " needs a value"));
    }
    return option.apply == nullptr ? std::nullopt : option.apply(given, draft);
  }

  // Of those that do not go together, the places of those that were given.
  std::string WhereOf(const Conflict& conflict) const {
    std::vector<std::string> places;
    bool only_command_line = true;
    for (const std::string_view name : conflict.options) {
      const auto taken = draft_.taken.find(name);
      if (taken == draft_.taken.end()) continue;
      only_command_line &= taken->second.origin.kind == Origin::Kind::kCommandLine;
      places.push_back(taken->second.origin.Text());
    }
    return only_command_line ? "" : absl::StrJoin(places, ", ");
  }
  static std::string WhereOf(const Origin& origin) { return larder::WhereOf(origin); }

  std::vector<Setting> SettingsInForce() const {
    const Options defaults;
    std::vector<Setting> settings;
    for (const Option* option : AllOptions()) {
      const auto taken = draft_.taken.find(option->name);
      const bool given = taken != draft_.taken.end();
      if (option->print == nullptr && (!given || option->without_effect == nullptr)) continue;
      Setting setting = {.option = option};
      if (option->print != nullptr) {
        setting.value = option->print(draft_.options);
        setting.origin = setting.value == option->print(defaults) ? "default" : "other options";
      } else {
        setting.value = taken->second.given.value.value_or("yes");
      }
      if (given) setting.origin = taken->second.origin.Text();
      settings.push_back(std::move(setting));
    }
    return settings;
  }

  // What is said of options that are good.
  void AddWarnings(std::vector<std::string>* warnings) const {
    const Settings& settings = draft_.options.settings;
    if (settings.threads > kThreadsAdvisable) {
      warnings->emplace_back(
          "WARNING: Setting a high number of worker threads is not recommended.\n"
          " Set this value to the number of cores in your machine or less.");
    }
    if (settings.verbosity == 0) return;
    for (const WithoutEffect& option : draft_.without_effect) {
      warnings->push_back(absl::StrCat(option.name, " has no effect: ", option.why));
    }
  }

  OptionDraft draft_;
  std::set<std::string_view> refused_;
  std::vector<Problem> problems_;
};

// What an option that only prints prints; empty if it is another.
MaybeRefusal TextFor(const Assignment& assignment, std::string* text) {
  const std::string_view name = assignment.option->name;
  if (name == "help") *text = HelpText();
  if (name == "license") *text = LicenseText();
  if (name == "version") *text = VersionText();
  if (name != "help-format") return std::nullopt;
  if (assignment.given.value == "json") {
    *text = OptionsAsJson();
  } else if (assignment.given.value == "config") {
    *text = DefaultConfigText();
  } else {
    return BadUsage(absl::StrCat("--help-format is json or config: ", *assignment.given.value));
  }
  return std::nullopt;
}

// As memcached, which reads its arguments one by one: what prints does so unless something before
// it is wrong.
void ReadTask(const std::vector<Assignment>& arguments, Configuration* configuration) {
  Reading before;
  for (const Assignment& assignment : arguments) {
    if (assignment.option == nullptr || before.has_problems()) continue;
    const MaybeRefusal refusal = TextFor(assignment, &configuration->text);
    if (refusal) configuration->problems.push_back({"", refusal->message, refusal->exit_code});
    if (refusal || !configuration->text.empty()) {
      configuration->task = Task::kPrint;
      return;
    }
    if (assignment.option->name == "check-config") configuration->task = Task::kCheck;
    if (assignment.option->name == "print-config") configuration->task = Task::kPrintConfig;
    before.Take({assignment});
  }
}

std::vector<Assignment> ReadFile(const Assignment& named, const std::filesystem::path& folder) {
  if (named.option->name == "memcached-conf") {
    return ReadMemcachedConf(folder / named.given.value.value_or(kMemcachedConf));
  }
  return ReadConfigFile(folder / *named.given.value);
}

bool NamesFile(const Assignment& assignment) {
  return assignment.option != nullptr &&
         (assignment.option->name == "config" || assignment.option->name == "memcached-conf");
}

}  // namespace

Configuration ReadConfiguration(const Sources& sources) {
  const std::vector<Assignment> arguments =
      ReadWords(sources.arguments, {.kind = Origin::Kind::kCommandLine});
  Configuration task;
  ReadTask(arguments, &task);
  if (task.task == Task::kPrint) return task;

  const std::vector<Assignment> environment = ReadEnvironment(sources.environment);
  const bool files_are_arguments = std::ranges::any_of(arguments, NamesFile);
  Reading reading;
  for (const Assignment& named : files_are_arguments ? arguments : environment) {
    if (NamesFile(named)) reading.Take(ReadFile(named, sources.folder));
  }
  reading.Take(environment);
  reading.Take(arguments);
  Configuration configuration = reading.Finish();
  configuration.task = task.task;
  return configuration;
}

Sources MakeSources(int argc, char* const argv[], char* const environment[]) {
  Sources sources;
  for (int i = 1; i < argc; ++i) sources.arguments.emplace_back(argv[i]);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    sources.environment.emplace_back(*environment);
  }
  std::error_code ignored;  // without a folder, only files named from the root are found
  sources.folder = std::filesystem::current_path(ignored);
  return sources;
}

std::string Configuration::OriginOf(std::string_view name) const {
  const auto found = std::ranges::find_if(
      settings, [&](const Setting& setting) { return setting.option->name == name; });
  return found == settings.end() ? "" : found->origin;
}

std::string Configuration::Complaints() const {
  std::string lines;
  if (problems.empty()) {
    for (const std::string& warning : warnings) absl::StrAppend(&lines, warning, "\n");
    return lines;
  }
  bool of_command_line = false;
  for (const Problem& problem : problems) {
    if (problem.where.empty() && std::exchange(of_command_line, true)) continue;
    absl::StrAppend(&lines, problem.Text(), "\n");
  }
  return lines;
}

}  // namespace larder
