// Options that memcached has not.

#include <array>

#include "server/config/option.h"
#include "server/config/option_setters.h"

namespace larder {

namespace {

MaybeRefusal SetHotKeysSample(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  if (ParseNumber(number, &draft->options.settings.hot_keys_sample)) return std::nullopt;
  return BadValue(absl::StrCat("hotkeys-sample must be 0 or more: ", *given.value));
}

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
    Option{.name = "hotkeys-sample",
           .group = Group::kLarder,
           .value = "num",
           .help = "look at one request of so many for \"stats hotkeys\"; 0: at none",
           .apply = SetHotKeysSample,
           .print = PrintNumber<&Settings::hot_keys_sample>},
    Option{.name = "mrc",
           .group = Group::kLarder,
           .argument = Argument::kSwitch,
           .help = "estimate for \"stats mrc\" what other amounts of memory would do",
           .apply = SetSwitch<&Settings::miss_ratio_curve>,
           .print = PrintSwitch<&Settings::miss_ratio_curve>},
};

}  // namespace

std::span<const Option> OwnOptions() { return kOptions; }

}  // namespace larder
