#pragma once

#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"

namespace larder::bench {

// The callback of an option whose text goes through a parser that explains what it does not accept.
// `target` must outlive the parsing of the command line.
template <typename Spec, typename Target>
CLI::callback_t Through(absl::StatusOr<Spec> (*parse)(std::string_view), Target& target) {
  return [parse, &target](const CLI::results_t& texts) {
    auto parsed = parse(texts.front());
    if (!parsed.ok()) throw CLI::ValidationError(std::string(parsed.status().message()));
    target = *std::move(parsed);
    return true;
  };
}

}  // namespace larder::bench
