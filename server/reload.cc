#include "server/reload.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/config/option.h"

namespace larder {

Reload::Reload(Sources sources, const Configuration& started, Engine* engine, const Log* log,
               std::function<absl::Status(const Settings&)> raise_descriptor_limit)
    : sources_(std::move(sources)),
      engine_(engine),
      log_(log),
      raise_descriptor_limit_(std::move(raise_descriptor_limit)) {
  for (const Setting& setting : started.settings) {
    in_force_[setting.option->name] = setting.value;
  }
}

bool Reload::Run(const Now& now) {
  const Configuration read = ReadConfiguration(sources_);
  for (const Problem& problem : read.problems) log_->Error(now, problem.Text());
  if (!read.problems.empty()) {
    log_->Error(now, "reload: the options are no good, and so nothing has changed");
    return false;
  }
  bool same = true;
  for (const Setting& setting : read.settings) {
    const Option& option = *setting.option;
    // What was not given and has no effect has no value.
    if (option.print == nullptr) continue;
    std::optional<std::string>& value = in_force_[option.name];
    if (value == setting.value) continue;
    same = false;
    const std::string change =
        absl::StrCat("reload: ", View(option.name), " from ", value.value_or("nothing"), " to ",
                     setting.value.value_or("nothing"), " (", setting.origin, ")");
    if (!option.live) {
      log_->Warning(now, absl::StrCat(change, " needs a restart"));
    } else if (const absl::Status status = Apply(option.name, read.options.settings);
               !status.ok()) {
      log_->Error(now, absl::StrCat(change, " failed: ", std::string(status.message())));
    } else {
      log_->Info(now, change);
      value = setting.value;
    }
  }
  if (same) log_->Info(now, "reload: the options are as they were");
  return true;
}

absl::Status Reload::Apply(std::string_view option, const Settings& settings) {
  if (option == "memory-limit") {
    if (engine_->store().SetMemoryLimit(settings.memory_bytes)) return absl::OkStatus();
    return absl::OutOfRangeError("the limit cannot be set");
  }
  if (option == "conn-limit") {
    if (absl::Status status = raise_descriptor_limit_(settings); !status.ok()) return status;
    engine_->SetConnectionsMax(settings.connections_max);
    return absl::OkStatus();
  }
  if (option == "verbose") {
    engine_->SetVerbosity(settings.verbosity);
    return absl::OkStatus();
  }
  if (option == "idle_timeout") {
    engine_->SetIdleTimeout(settings.idle_timeout_seconds);
    return absl::OkStatus();
  }
  return absl::UnimplementedError("larder does not know how");
}

}  // namespace larder
