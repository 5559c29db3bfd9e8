#include "server/options.h"

#include <getopt.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/help.h"

namespace larder {

namespace {

constexpr uint64_t kItemBytesMin = 1 << 10;
constexpr uint64_t kItemBytesMax = 1 << 30;
constexpr uint64_t kMemoryMegabytesMax = 1 << 24;
constexpr int kPortMax = 65535;
constexpr int kThreadsAdvisable = 64;

struct OptionSpec {
  char letter;
  const char* name;  // long form; null if there is none
  int argument;      // no_argument or required_argument
  bool available = true;
};

constexpr std::array kOptions = {
    OptionSpec{'p', "port", required_argument},
    OptionSpec{'l', "listen", required_argument},
    OptionSpec{'d', "daemon", no_argument},
    OptionSpec{'r', "enable-coredumps", no_argument},
    OptionSpec{'u', "user", required_argument},
    OptionSpec{'m', "memory-limit", required_argument},
    OptionSpec{'M', "disable-evictions", no_argument},
    OptionSpec{'c', "conn-limit", required_argument},
    OptionSpec{'k', "lock-memory", no_argument},
    OptionSpec{'v', "verbose", no_argument},
    OptionSpec{'h', "help", no_argument},
    OptionSpec{'V', "version", no_argument},
    OptionSpec{'P', "pidfile", required_argument},
    OptionSpec{'f', "slab-growth-factor", required_argument},
    OptionSpec{'n', "slab-min-size", required_argument},
    OptionSpec{'L', "enable-largepages", no_argument},
    OptionSpec{'t', "threads", required_argument},
    OptionSpec{'R', "max-reqs-per-event", required_argument},
    OptionSpec{'C', "disable-cas", no_argument},
    OptionSpec{'b', "listen-backlog", required_argument},
    OptionSpec{'B', "protocol", required_argument},
    OptionSpec{'I', "max-item-size", required_argument},
    OptionSpec{'o', "extended", required_argument},
    OptionSpec{'U', "udp-port", required_argument},
    OptionSpec{'s', "unix-socket", required_argument, false},
    OptionSpec{'a', "unix-mask", required_argument, false},
    OptionSpec{'A', "enable-shutdown", no_argument, false},
    OptionSpec{'i', "license", no_argument, false},
    OptionSpec{'D', nullptr, required_argument, false},
    OptionSpec{'S', "enable-sasl", no_argument, false},
    OptionSpec{'F', "disable-flush-all", no_argument, false},
    OptionSpec{'X', "disable-dumping", no_argument, false},
    OptionSpec{'W', "disable-watch", no_argument, false},
    OptionSpec{'Y', "auth-file", required_argument, false},
    OptionSpec{'e', "memory-file", required_argument, false},
    OptionSpec{'Z', "enable-ssl", no_argument, false},
    OptionSpec{'N', "napi-ids", required_argument, false},
};

// Why the process is to end.
struct Refusal {
  int exit_code;
  std::string message;
};
using MaybeRefusal = std::optional<Refusal>;

// Debian's abseil has a string view type of its own, which StrCat takes.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

const OptionSpec* FindOption(int letter) {
  const auto found = std::ranges::find(kOptions, letter, &OptionSpec::letter);
  return found == kOptions.end() ? nullptr : &*found;
}

// True if all of `text` is one number that fits.
template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

MaybeRefusal ParsePositive(std::string_view value, const char* what, int* number) {
  if (ParseNumber(value, number) && *number > 0) return std::nullopt;
  return Refusal{EXIT_FAILURE, absl::StrCat(what, " must be greater than 0")};
}

MaybeRefusal ParsePort(std::string_view value, int* port) {
  // memcached's tests, and others', ask for a free port with -1.
  if (ParseNumber(value, port) && *port >= -1 && *port <= kPortMax) {
    *port = std::max(*port, 0);
    return std::nullopt;
  }
  return Refusal{EX_USAGE, absl::StrCat("ERROR: Invalid port number ", View(value), ".")};
}

MaybeRefusal ParseMemory(std::string_view value, uint64_t* bytes) {
  uint64_t megabytes = 0;
  if (!ParseNumber(value, &megabytes) || megabytes > kMemoryMegabytesMax) {
    return Refusal{EX_USAGE, absl::StrCat("Memory limit must be a number of megabytes, at most ",
                                          kMemoryMegabytesMax, ": ", View(value))};
  }
  *bytes = megabytes << 20;
  return std::nullopt;
}

// What is no size becomes 0, which is refused as too small.
uint32_t ParseItemSize(std::string_view value) {
  uint64_t unit = 1;
  if (value.ends_with('k') || value.ends_with('K')) unit = uint64_t{1} << 10;
  if (value.ends_with('m') || value.ends_with('M')) unit = uint64_t{1} << 20;
  if (unit > 1) value.remove_suffix(1);
  uint32_t number = 0;
  if (!ParseNumber(value, &number)) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(number * unit, UINT32_MAX));
}

MaybeRefusal ParseGrowthFactor(std::string_view value, double* factor) {
  if (ParseNumber(value, factor) && std::isfinite(*factor) && *factor > 1) return std::nullopt;
  return Refusal{EXIT_FAILURE, "Factor must be greater than 1"};
}

MaybeRefusal ParseChunkSize(std::string_view value, uint32_t* bytes) {
  if (ParseNumber(value, bytes) && *bytes > 0) return std::nullopt;
  return Refusal{EXIT_FAILURE, "Chunk size must be greater than 0"};
}

MaybeRefusal ParseBacklog(std::string_view value, int* backlog) {
  if (ParseNumber(value, backlog) && *backlog >= 0) return std::nullopt;
  return Refusal{EXIT_FAILURE, absl::StrCat("Listen backlog must be a number: ", View(value))};
}

MaybeRefusal NotAvailable(std::string_view what) {
  return Refusal{EXIT_FAILURE,
                 absl::StrCat(View(what), " is not available in this version of larder")};
}

MaybeRefusal CheckProtocol(std::string_view value) {
  if (value == "auto" || value == "ascii") return std::nullopt;
  if (value == "binary") return NotAvailable("The binary protocol (-B binary)");
  return Refusal{EX_USAGE, absl::StrCat("Invalid value for binding protocol: ", View(value),
                                        "\n -- should be one of auto, binary, or ascii")};
}

MaybeRefusal ParseIdleTimeout(std::string_view value, int* seconds) {
  if (value.empty()) return Refusal{EXIT_FAILURE, "Missing numeric argument for idle_timeout"};
  if (ParseNumber(value, seconds) && *seconds >= 0) return std::nullopt;
  return Refusal{EXIT_FAILURE,
                 absl::StrCat("idle_timeout must be a number of seconds: ", View(value))};
}

MaybeRefusal ApplySuboption(std::string_view suboption, Options* options) {
  const std::string_view name = suboption.substr(0, suboption.find('='));
  const std::string_view value = suboption.substr(std::min(name.size() + 1, suboption.size()));
  if (name == "maxconns_fast" || name == "no_maxconns_fast") {
    options->settings.maxconns_fast = name == "maxconns_fast";
    return std::nullopt;
  }
  if (name == "track_sizes" || name == "no_track_sizes") {
    options->settings.track_sizes = name == "track_sizes";
    return std::nullopt;
  }
  if (name == "idle_timeout") {
    return ParseIdleTimeout(value, &options->settings.idle_timeout_seconds);
  }
  return Refusal{EXIT_FAILURE, absl::StrCat("Illegal suboption \"", View(suboption), "\"")};
}

MaybeRefusal ApplySuboptions(std::string_view list, Options* options) {
  while (!list.empty()) {
    const std::string_view suboption = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), suboption.size() + 1));
    if (MaybeRefusal refusal = ApplySuboption(suboption, options)) return refusal;
  }
  return std::nullopt;
}

void AddListenAddress(std::string_view value, std::string* list) {
  absl::StrAppend(list, list->empty() ? "" : ",", View(value));
}

// Options that say yes or no to something.
void ApplyFlag(char letter, Options* options) {
  switch (letter) {
    case 'd':
      options->daemonize = true;
      break;
    case 'r':
      options->core_files = true;
      break;
    case 'L':
      options->large_pages = true;
      break;
    case 'M':
      options->settings.evict = false;
      break;
    case 'k':
      options->settings.lock_memory = true;
      break;
    case 'C':
      options->settings.cas = false;
      break;
    case 'v':
      ++options->settings.verbosity;
      break;
  }
}

MaybeRefusal ApplyValue(char letter, std::string_view value, Options* options) {
  Settings& settings = options->settings;
  switch (letter) {
    case 'p':
      return ParsePort(value, &settings.tcp_port);
    case 'm':
      return ParseMemory(value, &settings.memory_bytes);
    case 'c':
      return ParsePositive(value, "Maximum connections", &settings.connections_max);
    case 't':
      return ParsePositive(value, "Number of threads", &settings.threads);
    case 'R':
      return ParsePositive(value, "Number of requests per event", &settings.requests_per_event);
    case 'f':
      return ParseGrowthFactor(value, &settings.growth_factor);
    case 'n':
      return ParseChunkSize(value, &settings.value_bytes_min);
    case 'b':
      return ParseBacklog(value, &settings.backlog);
    case 'B':
      return CheckProtocol(value);
    case 'U':
      return value == "0" ? std::nullopt : NotAvailable("UDP (-U)");
    case 'o':
      return ApplySuboptions(value, options);
    case 'I':
      settings.item_bytes_max = ParseItemSize(value);
      break;
    case 'l':
      AddListenAddress(value, &settings.listen);
      break;
    case 'u':
      options->user = value;
      break;
    case 'P':
      options->pid_file = value;
      break;
  }
  return std::nullopt;
}

MaybeRefusal Apply(const OptionSpec& option, std::string_view value, Options* options) {
  if (!option.available) {
    return NotAvailable(std::string("-") + option.letter);
  }
  if (option.argument == no_argument) {
    ApplyFlag(option.letter, options);
    return std::nullopt;
  }
  value.remove_prefix(std::min(value.find_first_not_of(" \t\n\v\f\r"), value.size()));
  return ApplyValue(option.letter, value, options);
}

// What can be told only when all options are known.
MaybeRefusal CheckTogether(const Settings& settings) {
  if (settings.item_bytes_max < kItemBytesMin) {
    return Refusal{EX_USAGE, "Item max size cannot be less than 1024 bytes."};
  }
  if (settings.item_bytes_max > settings.memory_bytes / 2) {
    return Refusal{EX_USAGE, "Cannot set item size limit higher than 1/2 of memory max."};
  }
  if (settings.item_bytes_max > kItemBytesMax) {
    return Refusal{EX_USAGE, "Cannot set item size limit higher than a gigabyte."};
  }
  return std::nullopt;
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

MaybeRefusal ReadArguments(int argc, char* const argv[], CommandLine* line) {
  const std::string short_options = ShortOptions();
  const std::vector<option> long_options = LongOptions();
  optind = 0;  // glibc: start anew
  for (int result; (result = getopt_long(argc, argv, short_options.c_str(), long_options.data(),
                                         nullptr)) != -1;) {
    if (result == 'h' || result == 'V') {
      line->output = result == 'h' ? HelpText() : VersionText();
      return Refusal{EXIT_SUCCESS, ""};
    }
    const OptionSpec* const option = FindOption(result);
    if (option == nullptr) {
      return Refusal{EXIT_FAILURE, absl::StrCat("larder: ", GetoptError(result, argv[optind - 1]))};
    }
    const std::string_view value = optarg == nullptr ? std::string_view() : optarg;
    if (MaybeRefusal refusal = Apply(*option, value, &line->options)) return refusal;
  }
  if (optind < argc) {
    return Refusal{EXIT_FAILURE, absl::StrCat("larder: unexpected argument '", argv[optind], "'")};
  }
  return CheckTogether(line->options.settings);
}

}  // namespace

CommandLine ParseCommandLine(int argc, char* const argv[]) {
  CommandLine line;
  if (const MaybeRefusal refusal = ReadArguments(argc, argv, &line)) {
    line.exit_code = refusal->exit_code;
    if (!refusal->message.empty()) line.errors = refusal->message + "\n";
  } else if (line.options.settings.threads > kThreadsAdvisable) {
    line.errors =
        "WARNING: Setting a high number of worker threads is not recommended.\n"
        " Set this value to the number of cores in your machine or less.\n";
  }
  return line;
}

}  // namespace larder
