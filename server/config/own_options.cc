// Options that memcached has not.

#include <array>

#include "server/config/option.h"

namespace larder {

namespace {

constexpr std::array kOptions = {
    Option{.name = "config",
           .group = Group::kLarder,
           .value = "file",
           .help = "read options from this file\n"
                   "lines of <name> = <value>, by the names of this list, and\n"
                   "of comments behind '#'; wins over the defaults, and over\n"
                   "files before it",
           .places = Places::kNotInFiles},
    Option{.name = "memcached-conf",
           .group = Group::kLarder,
           .argument = Argument::kOptional,
           .value = "file",
           .help = "read options from Debian's file for memcached\n"
                   "/etc/memcached.conf if no other is named",
           .places = Places::kCommandLine},
    Option{.name = "check-config",
           .group = Group::kLarder,
           .argument = Argument::kNone,
           .help = "say all that is wrong with the options, and exit",
           .places = Places::kCommandLine},
    Option{.name = "print-config",
           .group = Group::kLarder,
           .argument = Argument::kNone,
           .help = "print all settings, and where each comes from, and exit",
           .places = Places::kCommandLine},
    Option{.name = "help-format",
           .group = Group::kLarder,
           .value = "format",
           .help = "print what --help does for programs, and exit\n"
                   "json: all that is known of each option;\n"
                   "config: a configuration file with the defaults",
           .places = Places::kCommandLine},
};

}  // namespace

std::span<const Option> OwnOptions() { return kOptions; }

}  // namespace larder
