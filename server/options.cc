#include "server/options.h"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/help.h"
#include "server/option_draft.h"

namespace larder {

namespace {

constexpr int kThreadsAdvisable = 64;

using Draft = OptionDraft;
using Value = std::string_view;  // empty if the option takes none

struct OptionSpec {
  char letter;
  const char* name;  // long form; null if there is none
  int argument;      // no_argument or required_argument
  MaybeRefusal (*apply)(Value value, Draft* draft);
};

// For options whose value is taken as it is, or that only say yes or no.
template <std::string Options::*field>
MaybeRefusal SetText(Value value, Draft* draft) {
  draft->options.*field = value;
  return std::nullopt;
}
template <std::string Settings::*field>
MaybeRefusal SetText(Value value, Draft* draft) {
  draft->options.settings.*field = value;
  return std::nullopt;
}
template <bool Options::*field, bool value>
MaybeRefusal Switch(Value, Draft* draft) {
  draft->options.*field = value;
  return std::nullopt;
}
template <bool Settings::*field, bool value>
MaybeRefusal Switch(Value, Draft* draft) {
  draft->options.settings.*field = value;
  return std::nullopt;
}

MaybeRefusal SetTcpPort(Value value, Draft* draft) {
  draft->tcp_port_given = true;
  return ParsePort(WithoutBlanks(value), &draft->options.settings.tcp_port);
}

MaybeRefusal SetUdpPort(Value value, Draft* draft) {
  draft->udp_port_given = true;
  return ParsePort(WithoutBlanks(value), &draft->options.settings.udp_port);
}

MaybeRefusal SetUnixMask(Value value, Draft* draft) {
  return ParseUnixMask(WithoutBlanks(value), &draft->options.settings.unix_mask);
}

MaybeRefusal AddListenAddress(Value value, Draft* draft) {
  std::string* const list = &draft->options.settings.listen;
  absl::StrAppend(list, list->empty() ? "" : ",", View(value));
  return std::nullopt;
}

MaybeRefusal SetMemory(Value value, Draft* draft) {
  return ParseMemory(TakeNumber("-m", value, draft), &draft->options.settings.memory_bytes);
}

MaybeRefusal SetConnections(Value value, Draft* draft) {
  return ParsePositive(TakeNumber("-c", value, draft), "Maximum connections",
                       &draft->options.settings.connections_max);
}

MaybeRefusal AddVerbosity(Value, Draft* draft) {
  ++draft->options.settings.verbosity;
  return std::nullopt;
}

MaybeRefusal SetGrowthFactor(Value value, Draft* draft) {
  return ParseGrowthFactor(TakeNumber<double>("-f", value, draft),
                           &draft->options.settings.growth_factor);
}

MaybeRefusal SetChunkSize(Value value, Draft* draft) {
  return ParseChunkSize(TakeNumber("-n", value, draft), &draft->options.settings.value_bytes_min);
}

MaybeRefusal SetPrefixDelimiter(Value value, Draft* draft) {
  if (value.empty()) return BadValue("No delimiter specified");
  draft->options.settings.prefix_delimiter = value.front();
  draft->options.settings.prefix_stats = true;
  return std::nullopt;
}

MaybeRefusal SetThreads(Value value, Draft* draft) {
  return ParsePositive(TakeNumber("-t", value, draft), "Number of threads",
                       &draft->options.settings.threads);
}

MaybeRefusal SetRequests(Value value, Draft* draft) {
  return ParsePositive(TakeNumber("-R", value, draft), "Number of requests per event",
                       &draft->options.settings.requests_per_event);
}

MaybeRefusal SetBacklog(Value value, Draft* draft) {
  return ParseBacklog(TakeNumber("-b", value, draft), &draft->options.settings.backlog);
}

MaybeRefusal SetProtocol(Value value, Draft* draft) {
  draft->protocol_given = true;
  ProtocolChoice* const protocol = &draft->options.settings.protocol;
  if (value == "auto") {
    *protocol = ProtocolChoice::kNegotiate;
  } else if (value == "ascii") {
    *protocol = ProtocolChoice::kText;
  } else if (value == "binary") {
    *protocol = ProtocolChoice::kBinary;
  } else {
    return BadUsage(absl::StrCat("Invalid value for binding protocol: ", View(value),
                                 "\n -- should be one of auto, binary, or ascii"));
  }
  return std::nullopt;
}

MaybeRefusal SetItemSize(Value value, Draft* draft) {
  draft->options.settings.item_bytes_max = ParseItemSize(WithoutBlanks(value));
  return std::nullopt;
}

MaybeRefusal EnableTls(Value, Draft* draft) {
  draft->options.settings.tls.enabled = true;
  return std::nullopt;
}

MaybeRefusal CheckNapiIds(Value value, Draft* draft) {
  draft->without_effect.push_back({"napi_ids", "connections go to the workers in turn"});
  return ParsePositive(WithoutBlanks(value), "Maximum number of NAPI IDs", &draft->napi_ids);
}

// What they print ends the process, and so is not asked for here.
MaybeRefusal Unreached(Value, Draft*) { return std::nullopt; }

// In the order of the help.
constexpr std::array kOptions = {
    OptionSpec{'p', "port", required_argument, SetTcpPort},
    OptionSpec{'U', "udp-port", required_argument, SetUdpPort},
    OptionSpec{'s', "unix-socket", required_argument, SetText<&Settings::unix_socket>},
    OptionSpec{'a', "unix-mask", required_argument, SetUnixMask},
    OptionSpec{'A', "enable-shutdown", no_argument, Switch<&Settings::shutdown_command, true>},
    OptionSpec{'l', "listen", required_argument, AddListenAddress},
    OptionSpec{'d', "daemon", no_argument, Switch<&Options::daemonize, true>},
    OptionSpec{'r', "enable-coredumps", no_argument, Switch<&Options::core_files, true>},
    OptionSpec{'u', "user", required_argument, SetText<&Options::user>},
    OptionSpec{'m', "memory-limit", required_argument, SetMemory},
    OptionSpec{'M', "disable-evictions", no_argument, Switch<&Settings::evict, false>},
    OptionSpec{'c', "conn-limit", required_argument, SetConnections},
    OptionSpec{'k', "lock-memory", no_argument, Switch<&Settings::lock_memory, true>},
    OptionSpec{'v', "verbose", no_argument, AddVerbosity},
    OptionSpec{'h', "help", no_argument, Unreached},
    OptionSpec{'i', "license", no_argument, Unreached},
    OptionSpec{'V', "version", no_argument, Unreached},
    OptionSpec{'P', "pidfile", required_argument, SetText<&Options::pid_file>},
    OptionSpec{'f', "slab-growth-factor", required_argument, SetGrowthFactor},
    OptionSpec{'n', "slab-min-size", required_argument, SetChunkSize},
    OptionSpec{'L', "enable-largepages", no_argument, Switch<&Options::large_pages, true>},
    OptionSpec{'D', nullptr, required_argument, SetPrefixDelimiter},
    OptionSpec{'t', "threads", required_argument, SetThreads},
    OptionSpec{'R', "max-reqs-per-event", required_argument, SetRequests},
    OptionSpec{'C', "disable-cas", no_argument, Switch<&Settings::cas, false>},
    OptionSpec{'b', "listen-backlog", required_argument, SetBacklog},
    OptionSpec{'B', "protocol", required_argument, SetProtocol},
    OptionSpec{'I', "max-item-size", required_argument, SetItemSize},
    OptionSpec{'S', "enable-sasl", no_argument, Switch<&Settings::sasl, true>},
    OptionSpec{'F', "disable-flush-all", no_argument, Switch<&Settings::flush_command, false>},
    OptionSpec{'X', "disable-dumping", no_argument, Switch<&Settings::dump_commands, false>},
    OptionSpec{'W', "disable-watch", no_argument, Switch<&Settings::watch_command, false>},
    OptionSpec{'Y', "auth-file", required_argument, SetText<&Settings::auth_file>},
    OptionSpec{'e', "memory-file", required_argument, SetText<&Settings::memory_file>},
    OptionSpec{'Z', "enable-ssl", no_argument, EnableTls},
    OptionSpec{'o', "extended", required_argument, ApplySuboptions},
    OptionSpec{'N', "napi-ids", required_argument, CheckNapiIds},
};

const OptionSpec* FindOption(int letter) {
  const auto found = std::ranges::find(kOptions, letter, &OptionSpec::letter);
  return found == kOptions.end() ? nullptr : &*found;
}

// What an option that only prints prints; empty if the letter is no such option's.
std::string TextFor(int letter) {
  switch (letter) {
    case 'h':
      return HelpText();
    case 'i':
      return LicenseText();
    case 'V':
      return VersionText();
    default:
      return "";
  }
}

// getopt's arguments, made from the table.
std::string ShortOptions() {
  std::string letters = ":";  // a missing argument is reported as ':', and nothing is printed
  for (const OptionSpec& option : kOptions) {
    letters += option.letter;
    if (option.argument == required_argument) letters += ':';
  }
  return letters;
}

std::vector<option> LongOptions() {
  std::vector<option> options;
  for (const OptionSpec& spec : kOptions) {
    if (spec.name != nullptr) {
      options.push_back({spec.name, spec.argument, nullptr, spec.letter});
    }
  }
  options.push_back({});
  return options;
}

// What getopt_long found wrong, in the words that it would print.
std::string GetoptError(int result, const char* word) {
  const bool is_long = std::string_view(word).starts_with("--");
  const std::string letter(1, static_cast<char>(optopt));
  if (result == ':') {
    return is_long ? absl::StrCat("option '", word, "' requires an argument")
                   : absl::StrCat("option requires an argument -- '", letter, "'");
  }
  if (optopt == 0) return absl::StrCat("unrecognized option '", word, "'");
  // A letter that is known was refused for the argument that its long form came with.
  return FindOption(optopt) != nullptr ? absl::StrCat("option '", word, "' takes no argument")
                                       : absl::StrCat("invalid option -- '", letter, "'");
}

MaybeRefusal ReadArguments(int argc, char* const argv[], Draft* draft, CommandLine* line) {
  const std::string short_options = ShortOptions();
  const std::vector<option> long_options = LongOptions();
  optind = 0;  // glibc: start anew
  for (int result; (result = getopt_long(argc, argv, short_options.c_str(), long_options.data(),
                                         nullptr)) != -1;) {
    line->output = TextFor(result);
    if (!line->output.empty()) return Refusal{EXIT_SUCCESS, ""};
    const OptionSpec* const option = FindOption(result);
    if (option == nullptr) {
      return BadValue(absl::StrCat("larder: ", GetoptError(result, argv[optind - 1])));
    }
    const Value value = optarg == nullptr ? Value() : optarg;
    if (MaybeRefusal refusal = option->apply(value, draft)) return refusal;
  }
  for (int i = optind; i < argc; ++i) {
    draft->warnings.push_back(absl::StrCat("WARNING: the argument \"", argv[i], "\" is ignored"));
  }
  return FinishOptions(draft);
}

// What is said of options that are good.
std::string Warnings(const Draft& draft) {
  std::string warnings;
  const Settings& settings = draft.options.settings;
  for (const std::string& warning : draft.warnings) absl::StrAppend(&warnings, warning, "\n");
  if (settings.threads > kThreadsAdvisable) {
    warnings +=
        "WARNING: Setting a high number of worker threads is not recommended.\n"
        " Set this value to the number of cores in your machine or less.\n";
  }
  if (settings.verbosity > 0) {
    for (const WithoutEffect& option : draft.without_effect) {
      absl::StrAppend(&warnings, option.name, " has no effect: ", option.why, "\n");
    }
  }
  return warnings;
}

}  // namespace

CommandLine ParseCommandLine(int argc, char* const argv[]) {
  CommandLine line;
  Draft draft;
  if (const MaybeRefusal refusal = ReadArguments(argc, argv, &draft, &line)) {
    line.exit_code = refusal->exit_code;
    if (!refusal->message.empty()) line.errors = refusal->message + "\n";
  } else {
    line.errors = Warnings(draft);
  }
  line.options = std::move(draft.options);
  return line;
}

}  // namespace larder
