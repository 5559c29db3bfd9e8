#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/option.h"
#include "server/config/option_setters.h"

namespace larder {

std::span<const Option* const> AllOptions() {
  static const std::vector<const Option*> options = [] {
    std::vector<const Option*> all;
    for (const std::span<const Option> part :
         {MemcachedOptions(), ExtendedOptions(), TlsOptions(), OwnOptions()}) {
      for (const Option& option : part) all.push_back(&option);
    }
    return all;
  }();
  return options;
}

const Option* FindOption(std::string_view name) {
  const auto found = std::ranges::find(AllOptions(), name, &Option::name);
  return found == AllOptions().end() ? nullptr : *found;
}

const Option* FindOptionByLetter(char letter) {
  const auto found = std::ranges::find(AllOptions(), letter, &Option::letter);
  return letter == 0 || found == AllOptions().end() ? nullptr : *found;
}

std::optional<std::string> DefaultOf(const Option& option) {
  return option.print == nullptr ? std::nullopt : option.print(Options());
}

std::string EnvironmentName(const Option& option) {
  std::string name = "LARDER_";
  for (const char c : option.name) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string Origin::Text() const {
  switch (kind) {
    case Kind::kFile:
      return line > 0 ? absl::StrCat(name, ":", line) : name;
    case Kind::kEnvironment:
      return absl::StrCat("environment ", name);
    case Kind::kCommandLine:
      return "command line";
    case Kind::kDefault:
      break;
  }
  return "default";
}

MaybeRefusal ParseSwitch(const Given& given, bool* yes) {
  *yes = true;
  if (!given.value) return std::nullopt;
  for (const std::string_view word : {"yes", "true", "on", "1"}) {
    if (*given.value == word) return std::nullopt;
  }
  for (const std::string_view word : {"no", "false", "off", "0"}) {
    if (*given.value != word) continue;
    *yes = false;
    return std::nullopt;
  }
  if (given.as_memcached) return std::nullopt;
  return BadValue(absl::StrCat(given.name, " is yes or no: ", *given.value));
}

}  // namespace larder
