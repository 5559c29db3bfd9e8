#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/sources.h"

namespace larder {

std::vector<Assignment> ReadEnvironment(const std::vector<std::string>& environment) {
  std::vector<std::pair<std::string_view, std::string_view>> ours;  // name, value
  for (const std::string_view entry : environment) {
    const std::string_view name = entry.substr(0, entry.find('='));
    if (!name.starts_with("LARDER_") || name.size() + 1 >= entry.size()) continue;
    ours.emplace_back(name, entry.substr(name.size() + 1));
  }
  std::vector<Assignment> read;
  for (const Option* option : AllOptions()) {
    if (option->places == Places::kCommandLine) continue;
    const std::string name = EnvironmentName(*option);
    for (const auto& [variable, value] : ours) {
      if (variable != name) continue;
      Assignment assignment = {.option = option,
                               .origin = {.kind = Origin::Kind::kEnvironment, .name = name}};
      assignment.given = {.name = std::string(option->name), .value = std::string(value)};
      read.push_back(std::move(assignment));
    }
    std::erase_if(ours, [&](const auto& variable) { return variable.first == name; });
  }
  for (const auto& [variable, value] : ours) {
    read.push_back({.warning = absl::StrCat("WARNING: ", View(variable),
                                            " in the environment is no option of larder's")});
  }
  return read;
}

}  // namespace larder
