// memcached's options that have a letter, in the order of its help.

#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/config/option_setters.h"

namespace larder {

namespace {

template <int Settings::*port>
MaybeRefusal SetPort(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (!given.value) return Missing(given);
  // A name is no port; memcached's atoi makes 0 of it.
  if (!BeginsWithNumber(*given.value)) return BadPort(*given.value);
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  return ParsePort(number, &(draft->options.settings.*port));
}

MaybeRefusal SetUnixMask(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber<unsigned, 8>(given, draft, &number)) return refusal;
  return ParseUnixMask(number, &draft->options.settings.unix_mask);
}

Printed PrintUnixMask(const Options& options) {
  char text[16];
  std::snprintf(text, sizeof(text), "%o", options.settings.unix_mask);
  return text;
}

MaybeRefusal AddListenAddress(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  std::string* const list = &draft->options.settings.listen;
  if (given.first) list->clear();
  absl::StrAppend(list, list->empty() ? "" : ",", *given.value);
  return std::nullopt;
}

MaybeRefusal SetMemory(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  return ParseMemory(number, &draft->options.settings.memory_bytes);
}

// A number above 0, of what memcached's messages call `what`.
template <int Settings::*field, const char* what>
MaybeRefusal SetPositive(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  return ParsePositive(number, what, &(draft->options.settings.*field));
}
constexpr char kConnections[] = "Maximum connections";
constexpr char kThreads[] = "Number of threads";
constexpr char kRequests[] = "Number of requests per event";

// A command line says it once for each level.
MaybeRefusal SetVerbosity(const Given& given, OptionDraft* draft) {
  int* const verbosity = &draft->options.settings.verbosity;
  if (given.first) *verbosity = 0;
  if (!given.value) {
    ++*verbosity;
    return std::nullopt;
  }
  constexpr int kLevelMax = 3;
  if (ParseNumber(*given.value, verbosity) && *verbosity >= 0 && *verbosity <= kLevelMax) {
    return std::nullopt;
  }
  bool yes = false;
  if (MaybeRefusal refusal = ParseSwitch(given, &yes)) {
    return BadValue(
        absl::StrCat(given.name, " is a level from 0 to ", kLevelMax, ": ", *given.value));
  }
  *verbosity = yes ? 1 : 0;
  return std::nullopt;
}

MaybeRefusal SetGrowthFactor(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber<double>(given, draft, &number)) return refusal;
  return ParseGrowthFactor(number, &draft->options.settings.growth_factor);
}

Printed PrintGrowthFactor(const Options& options) {
  const double factor = options.settings.growth_factor;
  return factor > 0 ? absl::StrCat(factor) : Printed();
}

MaybeRefusal SetChunkSize(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  return ParseChunkSize(number, &draft->options.settings.value_bytes_min);
}

MaybeRefusal SetPrefixDelimiter(const Given& given, OptionDraft* draft) {
  if (!given.value || given.value->empty()) return BadValue("No delimiter specified");
  draft->options.settings.prefix_delimiter = given.value->front();
  draft->options.settings.prefix_stats = true;
  return std::nullopt;
}

Printed PrintPrefixDelimiter(const Options& options) {
  if (!options.settings.prefix_stats) return std::nullopt;
  return std::string(1, options.settings.prefix_delimiter);
}

MaybeRefusal SetBacklog(const Given& given, OptionDraft* draft) {
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  return ParseBacklog(number, &draft->options.settings.backlog);
}

MaybeRefusal SetProtocol(const Given& given, OptionDraft* draft) {
  ProtocolChoice* const protocol = &draft->options.settings.protocol;
  const std::string_view value = given.value ? std::string_view(*given.value) : "";
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

Printed PrintProtocol(const Options& options) {
  switch (options.settings.protocol) {
    case ProtocolChoice::kText:
      return "ascii";
    case ProtocolChoice::kBinary:
      return "binary";
    case ProtocolChoice::kNegotiate:
      break;
  }
  return "auto";
}

MaybeRefusal SetItemSize(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  draft->options.settings.item_bytes_max = ParseItemSize(WithoutBlanks(*given.value));
  return std::nullopt;
}

Printed PrintItemSize(const Options& options) {
  const uint32_t bytes = options.settings.item_bytes_max;
  if (bytes % (1 << 20) == 0) return absl::StrCat(bytes >> 20, "m");
  if (bytes % (1 << 10) == 0) return absl::StrCat(bytes >> 10, "k");
  return absl::StrCat(bytes);
}

MaybeRefusal CheckNapiIds(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  return ParsePositive(WithoutBlanks(*given.value), "Maximum number of NAPI IDs", &draft->napi_ids);
}

constexpr std::array kOptions = {
    Option{.name = "port",
           .letter = 'p',
           .value = "num",
           .help = "TCP port to listen on\n"
                   "-1, or 0 without UDP: a free port; with 0 and UDP, no TCP;\n"
                   "with MEMCACHED_PORT_FILENAME in the environment, the\n"
                   "ports are written to that file",
           .apply = SetPort<&Settings::tcp_port>,
           .print = PrintNumber<&Settings::tcp_port>},
    Option{.name = "udp-port",
           .letter = 'U',
           .value = "num",
           .help = "UDP port to listen on; 0: none",
           .apply = SetPort<&Settings::udp_port>,
           .print = PrintNumber<&Settings::udp_port>},
    Option{.name = "unix-socket",
           .letter = 's',
           .value = "file",
           .help = "UNIX socket to listen on, and on nothing else",
           .apply = SetText<&Settings::unix_socket>,
           .print = PrintText<&Settings::unix_socket>},
    Option{.name = "unix-mask",
           .letter = 'a',
           .value = "mask",
           .help = "access mask of the UNIX socket, in octal",
           .apply = SetUnixMask,
           .print = PrintUnixMask},
    Option{.name = "enable-shutdown",
           .letter = 'A',
           .argument = Argument::kSwitch,
           .help = "let clients end the server with \"shutdown\"",
           .apply = SetSwitch<&Settings::shutdown_command>,
           .print = PrintSwitch<&Settings::shutdown_command>},
    Option{.name = "listen",
           .letter = 'l',
           .value = "addr",
           .help = "addresses to listen on; without it, all there are\n"
                   "can be given several times, or several comma separated:\n"
                   "<host>, <host>:<port>, [<ipv6>], [<ipv6>]:<port>, *\n"
                   "before an address may stand what it is for:\n"
                   "proto[ascii], proto[binary] or proto[negotiating]:\n"
                   "tag[<name>]:  and, with TLS,\n"
                   "notls: btls: or mtls: (none, TLS, TLS with certificates)",
           .apply = AddListenAddress,
           .print = PrintText<&Settings::listen>,
           .adds_up = true},
    Option{.name = "daemon",
           .letter = 'd',
           .argument = Argument::kSwitch,
           .help = "run as a daemon",
           .apply = SetSwitch<&Options::daemonize>,
           .print = PrintSwitch<&Options::daemonize>},
    Option{.name = "enable-coredumps",
           .letter = 'r',
           .argument = Argument::kSwitch,
           .help = "raise the limit on core files",
           .apply = SetSwitch<&Options::core_files>,
           .print = PrintSwitch<&Options::core_files>},
    Option{.name = "user",
           .letter = 'u',
           .value = "user",
           .help = "user to become (only when run as root)",
           .apply = SetText<&Options::user>,
           .print = PrintText<&Options::user>},
    Option{.name = "memory-limit",
           .letter = 'm',
           .value = "num",
           .help = "item memory in megabytes",
           .apply = SetMemory,
           .print = PrintShifted<&Settings::memory_bytes, 20>,
           .live = true},
    Option{.name = "disable-evictions",
           .letter = 'M',
           .argument = Argument::kSwitch,
           .help = "answer with an error when memory is full, do not evict",
           .apply = SetSwitch<&Settings::evict, false>,
           .print = PrintSwitch<&Settings::evict, false>},
    Option{.name = "conn-limit",
           .letter = 'c',
           .value = "num",
           .help = "clients at the same time",
           .apply = SetPositive<&Settings::connections_max, kConnections>,
           .print = PrintNumber<&Settings::connections_max>,
           .live = true},
    Option{.name = "lock-memory",
           .letter = 'k',
           .argument = Argument::kSwitch,
           .help = "lock item memory",
           .apply = SetSwitch<&Settings::lock_memory>,
           .print = PrintSwitch<&Settings::lock_memory>},
    Option{.name = "verbose",
           .letter = 'v',
           .argument = Argument::kSwitch,
           .help = "say what goes wrong on stderr\n"
                   "-vv: say also what clients ask;\n"
                   "-vvv: say also what connections do; in files a number",
           .apply = SetVerbosity,
           .print = PrintNumber<&Settings::verbosity>,
           .live = true,
           .adds_up = true},
    Option{.name = "help",
           .letter = 'h',
           .argument = Argument::kNone,
           .help = "print this and exit",
           .places = Places::kCommandLine},
    Option{.name = "license",
           .letter = 'i',
           .argument = Argument::kNone,
           .help = "print licenses and exit",
           .places = Places::kCommandLine},
    Option{.name = "version",
           .letter = 'V',
           .argument = Argument::kNone,
           .help = "print the version and exit",
           .places = Places::kCommandLine},
    Option{.name = "pidfile",
           .letter = 'P',
           .value = "file",
           .help = "keep the process id in this file",
           .apply = SetText<&Options::pid_file>,
           .print = PrintText<&Options::pid_file>},
    Option{.name = "slab-growth-factor",
           .letter = 'f',
           .value = "num",
           .help = "ratio of neighbouring chunk sizes\n"
                   "(default: eight sizes for each power of two)",
           .apply = SetGrowthFactor,
           .print = PrintGrowthFactor},
    Option{.name = "slab-min-size",
           .letter = 'n',
           .value = "bytes",
           .help = "least room for key+value+flags",
           .apply = SetChunkSize,
           .print = PrintNumber<&Settings::value_bytes_min>},
    Option{.name = "enable-largepages",
           .letter = 'L',
           .argument = Argument::kSwitch,
           .help = "end if large memory pages are not available\n"
                   "(they are always used where they are)",
           .apply = SetSwitch<&Options::large_pages>,
           .print = PrintSwitch<&Options::large_pages>},
    Option{.name = "prefix-delimiter",
           .letter = 'D',
           .value = "char",
           .help = "count by the prefix of keys, which ends before this\n"
                   "character; \"stats detail\" shows the counts, and without\n"
                   "-D they start, up to ':', with \"stats detail on\"",
           .apply = SetPrefixDelimiter,
           .print = PrintPrefixDelimiter},
    Option{.name = "threads",
           .letter = 't',
           .value = "num",
           .help = "threads that serve clients",
           .apply = SetPositive<&Settings::threads, kThreads>,
           .print = PrintNumber<&Settings::threads>},
    Option{.name = "max-reqs-per-event",
           .letter = 'R',
           .value = "num",
           .help = "requests of one connection before the others' turn",
           .apply = SetPositive<&Settings::requests_per_event, kRequests>,
           .print = PrintNumber<&Settings::requests_per_event>},
    Option{.name = "disable-cas",
           .letter = 'C',
           .argument = Argument::kSwitch,
           .help = "keep no CAS",
           .apply = SetSwitch<&Settings::cas, false>,
           .print = PrintSwitch<&Settings::cas, false>},
    Option{.name = "listen-backlog",
           .letter = 'b',
           .value = "num",
           .help = "connections that may wait to be accepted",
           .apply = SetBacklog,
           .print = PrintNumber<&Settings::backlog>},
    Option{.name = "protocol",
           .letter = 'B',
           .value = "name",
           .help = "protocol: ascii, binary or auto\n"
                   "auto: by what a client sends first",
           .apply = SetProtocol,
           .print = PrintProtocol},
    Option{.name = "max-item-size",
           .letter = 'I',
           .value = "num",
           .help = "largest item, from 1k to 1024m",
           .apply = SetItemSize,
           .print = PrintItemSize},
    Option{.name = "enable-sasl",
           .letter = 'S',
           .argument = Argument::kSwitch,
           .help = "binary clients authenticate with SASL",
           .apply = SetSwitch<&Settings::sasl>,
           .print = PrintSwitch<&Settings::sasl>},
    Option{.name = "disable-flush-all",
           .letter = 'F',
           .argument = Argument::kSwitch,
           .help = "refuse flush_all",
           .apply = SetSwitch<&Settings::flush_command, false>,
           .print = PrintSwitch<&Settings::flush_command, false>},
    Option{.name = "disable-dumping",
           .letter = 'X',
           .argument = Argument::kSwitch,
           .help = "refuse stats cachedump, stats detail and lru_crawler dumps",
           .apply = SetSwitch<&Settings::dump_commands, false>,
           .print = PrintSwitch<&Settings::dump_commands, false>},
    Option{.name = "disable-watch",
           .letter = 'W',
           .argument = Argument::kSwitch,
           .help = "refuse watch",
           .apply = SetSwitch<&Settings::watch_command, false>,
           .print = PrintSwitch<&Settings::watch_command, false>},
    Option{.name = "auth-file",
           .letter = 'Y',
           .value = "file",
           .help = "text clients authenticate; lines of user:password\n"
                   "the file is read again on HUP",
           .apply = SetText<&Settings::auth_file>,
           .print = PrintText<&Settings::auth_file>},
    Option{.name = "memory-file",
           .letter = 'e',
           .value = "file",
           .help = "keep items in a file; after a stop by USR1 they are back\n"
                   "for memory file systems",
           .apply = SetText<&Settings::memory_file>,
           .print = PrintText<&Settings::memory_file>},
    Option{.name = "enable-ssl",
           .letter = 'Z',
           .argument = Argument::kSwitch,
           .help = "TLS",
           .apply = SetSwitch<&TlsSettings::enabled>,
           .print = PrintSwitch<&TlsSettings::enabled>},
    Option{.name = "extended",
           .letter = 'o',
           .value = "list",
           .help = "more options, comma separated",
           .places = Places::kCommandLine},
    Option{.name = "napi-ids",
           .letter = 'N',
           .value = "num",
           .help = "sockets by network queue",
           .apply = CheckNapiIds,
           .without_effect = "connections go to the workers in turn"},
};

}  // namespace

std::span<const Option> MemcachedOptions() { return kOptions; }

}  // namespace larder
