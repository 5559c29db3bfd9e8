#pragma once

#include <string>
#include <vector>

#include "server/config/options.h"

// What is told of the options to readers other than people who ask for --help.

namespace larder {

// --print-config: a configuration file with every setting, and behind each where it comes from.
// Read again, it makes the same settings. Options of larder's hold no secrets, only the names of
// files that do.
std::string PrintedConfig(const std::vector<Setting>& settings);

// One line of the settings that are not the defaults, and where they come from, for the log.
std::string SettingsLine(const std::vector<Setting>& settings);

// --help-format=config: the file to begin with. Every option that a file may have, as a comment
// with its default.
std::string DefaultConfigText();

// --help-format=json: one object for each option, in the order of the help. See report.cc.
std::string OptionsAsJson();

}  // namespace larder
