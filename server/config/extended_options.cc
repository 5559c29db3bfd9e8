// What -o takes but for TLS: memcached's names, listed by its -h or not, in memcached's order. A
// name that means nothing to larder's design says why.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/option_setters.h"

namespace larder {

namespace {

MaybeRefusal MissingNumber(const Given& given) {
  return BadValue(absl::StrCat("Missing numeric argument for ", given.name));
}
MaybeRefusal MissingValue(const Given& given) {
  return BadValue(absl::StrCat("Missing ", given.name, " value"));
}

MaybeRefusal SetHashPower(const Given& given, OptionDraft* draft) {
  constexpr int kPowerMin = 12;
  constexpr int kPowerMax = 32;
  if (!given.value) return MissingNumber(given);
  int power = 0;
  ParseNumber(*given.value, &power);
  if (power >= kPowerMin && power <= kPowerMax) {
    draft->options.settings.hash_power = power;
    return std::nullopt;
  }
  if (power < kPowerMin) {
    return BadValue(absl::StrCat("Initial hashtable multiplier of ", power, " is too low"));
  }
  return BadValue(absl::StrCat("Initial hashtable multiplier of ", power,
                               " is too high\nChoose a value based on \"STAT hash_power_level\" "
                               "from a running instance"));
}

MaybeRefusal SetAutomove(const Given& given, OptionDraft* draft) {
  int mode = given.value ? -1 : 1;
  if (given.value) ParseNumber(*given.value, &mode);
  if (mode < 0 || mode > 2) return BadValue("slab_automove must be between 0 and 2");
  draft->options.settings.automove = mode;
  return std::nullopt;
}

MaybeRefusal CheckAutomoveRatio(const Given& given, OptionDraft*) {
  if (!given.value) return Missing(given);
  double ratio = 0;
  ParseNumber(*given.value, &ratio);
  if (!(ratio > 0 && ratio <= 1)) return BadValue("slab_automove_ratio must be > 0 and < 1");
  return std::nullopt;
}

MaybeRefusal CheckAutomoveWindow(const Given& given, OptionDraft*) {
  if (!given.value) return Missing(given);
  int window = 0;
  ParseNumber(*given.value, &window);
  if (window < 3) return BadValue("slab_automove_window must be > 2");
  return std::nullopt;
}

MaybeRefusal CheckTailRepairTime(const Given& given, OptionDraft*) {
  if (!given.value) return MissingNumber(given);
  int seconds = 0;
  ParseNumber(*given.value, &seconds);
  if (seconds >= 10) return std::nullopt;
  return BadValue("Cannot set tail_repair_time to less than 10 seconds");
}

MaybeRefusal CheckHashAlgorithm(const Given& given, OptionDraft*) {
  if (!given.value) return Missing(given);
  if (*given.value == "jenkins" || *given.value == "murmur3" || *given.value == "xxh3") {
    return std::nullopt;
  }
  return BadValue("Unknown hash_algorithm option (jenkins, murmur3, xxh3)");
}

MaybeRefusal CheckCrawlerSleep(const Given& given, OptionDraft*) {
  constexpr int kMicrosecondsMax = 1000000;
  if (!given.value) return MissingValue(given);
  int microseconds = -1;
  ParseNumber(*given.value, &microseconds);
  if (microseconds >= 0 && microseconds <= kMicrosecondsMax) return std::nullopt;
  return BadValue("LRU crawler sleep must be between 0 and 1 second");
}

MaybeRefusal CheckCrawlerToCrawl(const Given& given, OptionDraft*) {
  if (!given.value) return MissingValue(given);
  uint32_t items = 0;
  if (ParseNumber(*given.value, &items)) return std::nullopt;
  return BadValue("lru_crawler_tocrawl takes a numeric 32bit value");
}

MaybeRefusal ParsePercent(const Given& given, int* percent) {
  if (!given.value) return Missing(given);
  *percent = 0;
  ParseNumber(*given.value, percent);
  if (*percent >= 1 && *percent < 80) return std::nullopt;
  return BadValue(absl::StrCat(given.name, " must be > 1 and < 80"));
}

MaybeRefusal SetProbationPercent(const Given& given, OptionDraft* draft) {
  int percent = 0;
  if (MaybeRefusal refusal = ParsePercent(given, &percent)) return refusal;
  draft->options.settings.probation_percent = static_cast<uint32_t>(percent);
  return std::nullopt;
}

MaybeRefusal CheckWarmPercent(const Given& given, OptionDraft* draft) {
  return ParsePercent(given, &draft->warm_percent);
}

MaybeRefusal CheckFactor(const Given& given, OptionDraft*) {
  if (!given.value) return Missing(given);
  double factor = 0;
  ParseNumber(*given.value, &factor);
  if (factor > 0) return std::nullopt;
  return BadValue(absl::StrCat(given.name, " must be > 0"));
}

MaybeRefusal CheckTemporaryTtl(const Given& given, OptionDraft*) {
  if (!given.value) return Missing(given);
  return std::nullopt;
}

MaybeRefusal SetIdleTimeout(const Given& given, OptionDraft* draft) {
  if (!given.value || given.value->empty()) return MissingNumber(given);
  std::string_view number;
  if (MaybeRefusal refusal = TakeNumber(given, draft, &number)) return refusal;
  int* const seconds = &draft->options.settings.idle_timeout_seconds;
  if (ParseNumber(number, seconds) && *seconds >= 0) return std::nullopt;
  return BadValue(absl::StrCat("idle_timeout must be 0 or more seconds: ", *given.value));
}

MaybeRefusal SetSweepInterval(const Given& given, OptionDraft* draft) {
  constexpr uint32_t kSecondsMax = 86400;
  if (!given.value) return MissingNumber(given);
  uint32_t* const seconds = &draft->options.settings.sweep_seconds;
  if (ParseNumber(*given.value, seconds) && *seconds >= 1 && *seconds <= kSecondsMax) {
    return std::nullopt;
  }
  return BadValue(
      absl::StrCat("sweep_interval must be 1 to ", kSecondsMax, " seconds: ", *given.value));
}

MaybeRefusal SetSlabSizes(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  draft->slab_sizes = *given.value;
  return std::nullopt;
}

MaybeRefusal SetChunkMax(const Given& given, OptionDraft* draft) {
  constexpr int kKilobytesMax = 1 << 10;  // a page
  if (!given.value) return Missing(given);
  int kilobytes = 0;
  if (!ParseNumber(*given.value, &kilobytes)) return Unparsed(given);
  if (kilobytes < 0) return BadValue("slab_chunk_max must be >= 0");
  if (kilobytes > kKilobytesMax) return BadValue("slab_chunk_max must be specified in kilobytes.");
  draft->chunk_bytes_max = static_cast<uint32_t>(kilobytes) << 10;
  return std::nullopt;
}

MaybeRefusal CheckBufferLimit(const Given& given, OptionDraft*) {
  if (!given.value) return Missing(given);
  uint32_t megabytes = 0;
  return ParseNumber(*given.value, &megabytes) ? std::nullopt : Unparsed(given);
}

MaybeRefusal TakeResponseLimit(const Given&, OptionDraft* draft) {
  draft->warnings.emplace_back(
      "DEPRECATED: resp_obj_mem_limit no longer used. See read_buf_mem_limit,");
  return std::nullopt;
}

Printed PrintSlabSizes(const Options& options) {
  if (options.settings.slab_sizes.empty()) return std::nullopt;
  return absl::StrJoin(options.settings.slab_sizes, "-");
}

// The defaults of memcached 1.4.
MaybeRefusal SetOldDefaults(const Given& given, OptionDraft* draft) {
  bool yes = true;
  if (MaybeRefusal refusal = ParseSwitch(given, &yes); refusal || !yes) return refusal;
  Settings& settings = draft->options.settings;
  settings.slab_reassign = false;
  settings.automove = 0;
  settings.maxconns_fast = false;
  settings.sweeper = false;
  settings.lru_maintainer = false;
  return std::nullopt;
}

// Of what changes nothing, one way or the other.
MaybeRefusal CheckSwitch(const Given& given, OptionDraft*) {
  bool yes = true;
  return ParseSwitch(given, &yes);
}

MaybeRefusal SetSocketCookie(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  return ParseNumber(*given.value, &draft->options.socket_mark) ? std::nullopt : Unparsed(given);
}

Printed PrintSocketCookie(const Options& options) {
  return options.socket_mark != 0 ? absl::StrCat(options.socket_mark) : Printed();
}

constexpr char kIndexGrows[] = "the index grows by itself, a line at a time";
constexpr char kNoWarm[] = "items are on probation or protected, and none are warm";
constexpr char kNoTemporary[] = "items that expire soon are not kept apart";
constexpr char kByMisses[] = "pages leave the class that misses them least";
constexpr char kSweeperPace[] = "the sweeper keeps its own pace";
constexpr char kChains[] = "large values are chains of chunks of an eighth of a page at most";
constexpr char kBuffers[] = "every connection's buffers are bounded";
constexpr char kAnswers[] = "answers are always written where they are sent from";
constexpr char kNoSandbox[] = "there is no sandbox";

// A name that is checked and no more.
constexpr Option Unused(std::string_view name, Argument argument, std::string_view value,
                        MaybeRefusal (*check)(const Given&, OptionDraft*), const char* why) {
  return {.name = name,
          .group = Group::kExtended,
          .argument = argument,
          .value = value,
          .apply = check,
          .without_effect = why};
}

constexpr auto kSwitch = Argument::kSwitch;
constexpr auto kRequired = Argument::kRequired;

constexpr std::array kOptions = {
    Option{.name = "maxconns_fast",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "refuse connections over the limit",
           .apply = SetSwitch<&Settings::maxconns_fast>,
           .print = PrintSwitch<&Settings::maxconns_fast>},
    Option{.name = "no_maxconns_fast",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "stop accepting at the limit instead",
           .apply = SetSwitch<&Settings::maxconns_fast, false>,
           .opposite = "maxconns_fast"},
    Option{.name = "hashpower",
           .group = Group::kExtended,
           .value = "num",
           .help = "least power of two that hash_power_level shows",
           .apply = SetHashPower,
           .print = PrintNumber<&Settings::hash_power>,
           .without_effect = kIndexGrows},
    Unused("no_hashexpand", kSwitch, "", CheckSwitch, kIndexGrows),
    Option{.name = "slab_reassign",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "obey \"slabs reassign\"",
           .apply = SetSwitch<&Settings::slab_reassign>,
           .print = PrintSwitch<&Settings::slab_reassign>},
    Option{.name = "no_slab_reassign",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "refuse \"slabs reassign\"",
           .apply = SetSwitch<&Settings::slab_reassign, false>,
           .opposite = "slab_reassign"},
    Option{.name = "slab_automove",
           .group = Group::kExtended,
           .argument = Argument::kOptional,
           .value = "num",
           .help = "move memory to sizes that need it: 0, 1 or 2",
           .apply = SetAutomove,
           .print = PrintNumber<&Settings::automove>},
    Unused("slab_automove_ratio", kRequired, "num", CheckAutomoveRatio, kByMisses),
    Unused("slab_automove_window", kRequired, "num", CheckAutomoveWindow, kByMisses),
    Unused("slab_automove_freeratio", kRequired, "num", CheckFactor,
           "there is no external storage"),
    Unused("tail_repair_time", kRequired, "seconds", CheckTailRepairTime,
           "an item that is being sent blocks nothing"),
    Unused("hash_algorithm", kRequired, "name", CheckHashAlgorithm,
           "keys are always hashed with xxh3"),
    Option{.name = "lru_crawler",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "sweep for items that have expired",
           .apply = SetSwitch<&Settings::sweeper>,
           .print = PrintSwitch<&Settings::sweeper>},
    Option{.name = "no_lru_crawler",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "do not sweep for items that have expired",
           .apply = SetSwitch<&Settings::sweeper, false>,
           .opposite = "lru_crawler"},
    Option{.name = "sweep_interval",
           .group = Group::kExtended,
           .value = "seconds",
           .help = "how often to sweep for items that have expired",
           .apply = SetSweepInterval,
           .print = PrintNumber<&Settings::sweep_seconds>},
    Unused("lru_crawler_sleep", kRequired, "microseconds", CheckCrawlerSleep, kSweeperPace),
    Unused("lru_crawler_tocrawl", kRequired, "num", CheckCrawlerToCrawl, kSweeperPace),
    Option{.name = "lru_maintainer",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "new items are on probation",
           .apply = SetSwitch<&Settings::lru_maintainer>,
           .print = PrintSwitch<&Settings::lru_maintainer>},
    Option{.name = "no_lru_maintainer",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "no probation: one queue for all items of a size",
           .apply = SetSwitch<&Settings::lru_maintainer, false>,
           .opposite = "lru_maintainer"},
    Option{.name = "hot_lru_pct",
           .group = Group::kExtended,
           .value = "num",
           .help = "share of items on probation, in percent",
           .apply = SetProbationPercent,
           .print = PrintNumber<&Settings::probation_percent>},
    Unused("warm_lru_pct", kRequired, "num", CheckWarmPercent, kNoWarm),
    Unused("hot_max_factor", kRequired, "num", CheckFactor,
           "items leave probation in the order they came"),
    Unused("warm_max_factor", kRequired, "num", CheckFactor, kNoWarm),
    Unused("temporary_ttl", kRequired, "seconds", CheckTemporaryTtl, kNoTemporary),
    Option{.name = "idle_timeout",
           .group = Group::kExtended,
           .value = "seconds",
           .help = "close connections idle for so long; 0: never",
           .apply = SetIdleTimeout,
           .print = PrintNumber<&Settings::idle_timeout_seconds>,
           .live = true},
    Option{.name = "watcher_logbuf_size",
           .group = Group::kExtended,
           .value = "kilobytes",
           .help = "what may wait for each watcher",
           .apply = SetKilobytes<&Settings::watcher_buffer_bytes>,
           .print = PrintShifted<&Settings::watcher_buffer_bytes, 10>},
    Option{.name = "worker_logbuf_size",
           .group = Group::kExtended,
           .value = "kilobytes",
           .help = "each thread's log for watchers",
           .apply = SetKilobytes<&Settings::worker_log_buffer_bytes>,
           .print = PrintShifted<&Settings::worker_log_buffer_bytes, 10>},
    Option{.name = "slab_sizes",
           .group = Group::kExtended,
           .value = "list",
           .help = "chunk sizes in bytes, growing: 96-128-512",
           .apply = SetSlabSizes,
           .print = PrintSlabSizes},
    Unused("slab_chunk_max", kRequired, "kilobytes", SetChunkMax, kChains),
    Unused("no_chunked_items", kSwitch, "", CheckSwitch, kChains),
    Option{.name = "track_sizes",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "count sizes of items for \"stats sizes\"",
           .apply = SetSwitch<&Settings::track_sizes>,
           .print = PrintSwitch<&Settings::track_sizes>},
    Option{.name = "no_track_sizes",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "do not",
           .apply = SetSwitch<&Settings::track_sizes, false>,
           .opposite = "track_sizes"},
    Option{.name = "track_turn_times",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "measure the CPU time of turns for \"stats turns\"",
           .apply = SetSwitch<&Settings::track_turn_times>,
           .print = PrintSwitch<&Settings::track_turn_times>},
    Unused("inline_ascii_resp", kSwitch, "", CheckSwitch, kAnswers),
    Unused("no_inline_ascii_resp", kSwitch, "", CheckSwitch, kAnswers),
    Unused("resp_obj_mem_limit", Argument::kOptional, "megabytes", TakeResponseLimit, kBuffers),
    Unused("read_buf_mem_limit", kRequired, "megabytes", CheckBufferLimit, kBuffers),
    // In memcached, too, these are the defaults by now.
    Option{.name = "modern",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "the defaults",
           .apply = CheckSwitch},
    Option{.name = "no_modern",
           .group = Group::kExtended,
           .argument = kSwitch,
           .help = "what memcached 1.4 had for defaults",
           .apply = SetOldDefaults},
    Unused("drop_privileges", kSwitch, "", CheckSwitch, kNoSandbox),
    Unused("no_drop_privileges", kSwitch, "", CheckSwitch, kNoSandbox),
    Unused("relaxed_privileges", kSwitch, "", CheckSwitch, kNoSandbox),
    Option{.name = "sock_cookie_id",
           .group = Group::kExtended,
           .value = "num",
           .help = "mark of all sockets, for packet filters",
           .apply = SetSocketCookie,
           .print = PrintSocketCookie},
};

}  // namespace

std::span<const Option> ExtendedOptions() { return kOptions; }

}  // namespace larder
