#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/config/options.h"

// What a start with these arguments comes to, for whoever starts it.

namespace larder {

struct CommandLine {
  Options options;
  std::string output;            // on stdout
  std::string errors;            // on stderr
  std::optional<int> exit_code;  // set if the process ends at once
};

inline CommandLine Parse(std::vector<std::string> arguments) {
  Configuration read = ReadConfiguration({.arguments = std::move(arguments)});
  CommandLine line = {
      .options = std::move(read.options), .output = read.text, .errors = read.Complaints()};
  if (read.task != Task::kServe || !read.problems.empty()) line.exit_code = read.exit_code();
  return line;
}

}  // namespace larder
