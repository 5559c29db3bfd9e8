// What -o takes: memcached's names, listed by its -h or not. A table, in memcached's order; each
// entry has one function that does what the name says, and a name that means nothing to larder's
// design says why.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/option_draft.h"

namespace larder {

namespace {

// One suboption as it was given.
struct Given {
  std::string_view name;
  std::optional<std::string_view> value;  // what follows '='
};

struct Suboption {
  std::string_view name;
  MaybeRefusal (*apply)(const Given& given, OptionDraft* draft);
  const char* without_effect = nullptr;  // why it has none; null if it has
};

MaybeRefusal Missing(const Given& given) {
  return BadValue(absl::StrCat("Missing ", View(given.name), " argument"));
}
MaybeRefusal MissingNumber(const Given& given) {
  return BadValue(absl::StrCat("Missing numeric argument for ", View(given.name)));
}
MaybeRefusal MissingValue(const Given& given) {
  return BadValue(absl::StrCat("Missing ", View(given.name), " value"));
}
MaybeRefusal Unparsed(const Given& given) {
  return BadValue(absl::StrCat("could not parse argument to ", View(given.name)));
}

MaybeRefusal TakeAny(const Given&, OptionDraft*) { return std::nullopt; }

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
  return BadValue(absl::StrCat(View(given.name), " must be > 1 and < 80"));
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
  return BadValue(absl::StrCat(View(given.name), " must be > 0"));
}

MaybeRefusal CheckTemporaryTtl(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  draft->temporary_ttl_given = true;
  return std::nullopt;
}

MaybeRefusal SetIdleTimeout(const Given& given, OptionDraft* draft) {
  if (!given.value || given.value->empty()) return MissingNumber(given);
  int* const seconds = &draft->options.settings.idle_timeout_seconds;
  const std::string_view number = TakeNumber("-o idle_timeout", *given.value, draft);
  if (ParseNumber(number, seconds) && *seconds >= 0) return std::nullopt;
  return BadValue(absl::StrCat("idle_timeout must be 0 or more seconds: ", View(*given.value)));
}

// A size in kilobytes.
MaybeRefusal ParseKilobytes(const Given& given, uint32_t* bytes) {
  constexpr uint32_t kKilobytesMax = UINT32_MAX >> 10;
  if (!given.value) return Missing(given);
  uint32_t kilobytes = 0;
  if (!ParseNumber(*given.value, &kilobytes) || kilobytes > kKilobytesMax) return Unparsed(given);
  *bytes = kilobytes << 10;
  return std::nullopt;
}

MaybeRefusal SetWatcherBuffer(const Given& given, OptionDraft* draft) {
  return ParseKilobytes(given, &draft->options.settings.watcher_buffer_bytes);
}

MaybeRefusal SetWorkerLogBuffer(const Given& given, OptionDraft* draft) {
  return ParseKilobytes(given, &draft->options.settings.worker_log_buffer_bytes);
}

MaybeRefusal SetSlabSizes(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  draft->slab_sizes = *given.value;
  draft->slab_sizes_given = true;
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
  draft->chunk_bytes_max_given = true;
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

// The defaults of memcached 1.4.
MaybeRefusal SetOldDefaults(const Given&, OptionDraft* draft) {
  Settings& settings = draft->options.settings;
  settings.slab_reassign = false;
  settings.automove = 0;
  settings.maxconns_fast = false;
  settings.sweeper = false;
  draft->lru_maintainer = false;
  return std::nullopt;
}

MaybeRefusal SetSocketCookie(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  return ParseNumber(*given.value, &draft->options.socket_mark) ? std::nullopt : Unparsed(given);
}

// tls
MaybeRefusal ParseText(const Given& given, std::string* text) {
  if (!given.value) return Missing(given);
  *text = *given.value;
  return std::nullopt;
}

TlsSettings& Tls(OptionDraft* draft) { return draft->options.settings.tls; }

MaybeRefusal SetChainCert(const Given& given, OptionDraft* draft) {
  return ParseText(given, &Tls(draft).chain_cert);
}
MaybeRefusal SetKey(const Given& given, OptionDraft* draft) {
  return ParseText(given, &Tls(draft).key);
}
MaybeRefusal SetCiphers(const Given& given, OptionDraft* draft) {
  return ParseText(given, &Tls(draft).ciphers);
}
MaybeRefusal SetCaCert(const Given& given, OptionDraft* draft) {
  return ParseText(given, &Tls(draft).ca_cert);
}

MaybeRefusal SetVerifyMode(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  int mode = 0;
  if (!ParseNumber(*given.value, &mode)) return Unparsed(given);
  if (mode < 0 || mode > static_cast<int>(TlsVerify::kOnce)) {
    return BadValue("Invalid ssl_verify_mode. Use help to see valid options.");
  }
  Tls(draft).verify = static_cast<TlsVerify>(mode);
  return std::nullopt;
}

// memcached takes OpenSSL's numbers, and its help speaks of the words.
MaybeRefusal SetKeyFormat(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  if (*given.value == "PEM" || *given.value == "1") {
    Tls(draft).key_format = TlsKeyFormat::kPem;
  } else if (*given.value == "DER" || *given.value == "2") {
    Tls(draft).key_format = TlsKeyFormat::kDer;
  } else if (*given.value == "ENGINE") {
    Tls(draft).key_format = TlsKeyFormat::kEngine;
  } else {
    return Unparsed(given);
  }
  return std::nullopt;
}

MaybeRefusal SetTlsBuffer(const Given& given, OptionDraft* draft) {
  return ParseKilobytes(given, &Tls(draft).write_buffer_bytes);
}

MaybeRefusal SetVersionMin(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  int version = 0;
  if (!ParseNumber(*given.value, &version)) return Unparsed(given);
  if (version < 0 || version > static_cast<int>(TlsVersion::k1_3)) {
    return BadValue("Invalid ssl_min_version. Use help to see valid options.");
  }
  Tls(draft).version_min = static_cast<TlsVersion>(version);
  return std::nullopt;
}

template <bool Settings::*field, bool value>
MaybeRefusal Switch(const Given&, OptionDraft* draft) {
  draft->options.settings.*field = value;
  return std::nullopt;
}
template <bool value>
MaybeRefusal SwitchMaintainer(const Given&, OptionDraft* draft) {
  draft->lru_maintainer = value;
  return std::nullopt;
}
template <bool TlsSettings::*field>
MaybeRefusal SwitchTls(const Given&, OptionDraft* draft) {
  Tls(draft).*field = true;
  return std::nullopt;
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

constexpr std::array kSuboptions = {
    Suboption{"maxconns_fast", Switch<&Settings::maxconns_fast, true>},
    Suboption{"no_maxconns_fast", Switch<&Settings::maxconns_fast, false>},
    Suboption{"hashpower", SetHashPower, kIndexGrows},
    Suboption{"no_hashexpand", TakeAny, kIndexGrows},
    Suboption{"slab_reassign", Switch<&Settings::slab_reassign, true>},
    Suboption{"no_slab_reassign", Switch<&Settings::slab_reassign, false>},
    Suboption{"slab_automove", SetAutomove},
    Suboption{"slab_automove_ratio", CheckAutomoveRatio, kByMisses},
    Suboption{"slab_automove_window", CheckAutomoveWindow, kByMisses},
    Suboption{"slab_automove_freeratio", CheckFactor, "there is no external storage"},
    Suboption{"tail_repair_time", CheckTailRepairTime, "an item that is being sent blocks nothing"},
    Suboption{"hash_algorithm", CheckHashAlgorithm, "keys are always hashed with xxh3"},
    Suboption{"lru_crawler", Switch<&Settings::sweeper, true>},
    Suboption{"no_lru_crawler", Switch<&Settings::sweeper, false>},
    Suboption{"lru_crawler_sleep", CheckCrawlerSleep, kSweeperPace},
    Suboption{"lru_crawler_tocrawl", CheckCrawlerToCrawl, kSweeperPace},
    Suboption{"lru_maintainer", SwitchMaintainer<true>},
    Suboption{"no_lru_maintainer", SwitchMaintainer<false>},
    Suboption{"hot_lru_pct", SetProbationPercent},
    Suboption{"warm_lru_pct", CheckWarmPercent, kNoWarm},
    Suboption{"hot_max_factor", CheckFactor, "items leave probation in the order they came"},
    Suboption{"warm_max_factor", CheckFactor, kNoWarm},
    Suboption{"temporary_ttl", CheckTemporaryTtl, kNoTemporary},
    Suboption{"idle_timeout", SetIdleTimeout},
    Suboption{"watcher_logbuf_size", SetWatcherBuffer},
    Suboption{"worker_logbuf_size", SetWorkerLogBuffer},
    Suboption{"slab_sizes", SetSlabSizes},
    Suboption{"slab_chunk_max", SetChunkMax, kChains},
    Suboption{"no_chunked_items", TakeAny, kChains},
    Suboption{"track_sizes", Switch<&Settings::track_sizes, true>},
    Suboption{"no_track_sizes", Switch<&Settings::track_sizes, false>},
    Suboption{"inline_ascii_resp", TakeAny, kAnswers},
    Suboption{"no_inline_ascii_resp", TakeAny, kAnswers},
    Suboption{"resp_obj_mem_limit", TakeResponseLimit, kBuffers},
    Suboption{"read_buf_mem_limit", CheckBufferLimit, kBuffers},
    Suboption{"modern", TakeAny},  // in memcached, too, these are the defaults by now
    Suboption{"no_modern", SetOldDefaults},
    Suboption{"drop_privileges", TakeAny, kNoSandbox},
    Suboption{"no_drop_privileges", TakeAny, kNoSandbox},
    Suboption{"relaxed_privileges", TakeAny, kNoSandbox},
    Suboption{"sock_cookie_id", SetSocketCookie},
    Suboption{"ssl_chain_cert", SetChainCert},
    Suboption{"ssl_key", SetKey},
    Suboption{"ssl_keyformat", SetKeyFormat},
    Suboption{"ssl_verify_mode", SetVerifyMode},
    Suboption{"ssl_ciphers", SetCiphers},
    Suboption{"ssl_ca_cert", SetCaCert},
    Suboption{"ssl_wbuf_size", SetTlsBuffer},
    Suboption{"ssl_session_cache", SwitchTls<&TlsSettings::session_cache>},
    Suboption{"ssl_kernel_tls", SwitchTls<&TlsSettings::kernel_offload>},
    Suboption{"ssl_min_version", SetVersionMin},
};

MaybeRefusal ApplySuboption(std::string_view text, OptionDraft* draft) {
  Given given = {.name = text.substr(0, text.find('='))};
  if (given.name.size() < text.size()) given.value = text.substr(given.name.size() + 1);
  const auto* const found = std::ranges::find(kSuboptions, given.name, &Suboption::name);
  if (found == kSuboptions.end()) {
    if (given.name.starts_with("ext_")) {
      return BadValue(absl::StrCat(
          "larder keeps everything in memory and has no external storage: ", View(given.name)));
    }
    if (given.name.starts_with("proxy_")) {
      return BadValue(absl::StrCat("larder is no proxy: ", View(given.name)));
    }
    return BadValue(absl::StrCat("Illegal suboption \"", View(text), "\""));
  }
  if (MaybeRefusal refusal = found->apply(given, draft)) return refusal;
  if (found->without_effect != nullptr) {
    draft->without_effect.push_back({std::string(found->name), found->without_effect});
  }
  return std::nullopt;
}

}  // namespace

MaybeRefusal ApplySuboptions(std::string_view list, OptionDraft* draft) {
  while (!list.empty()) {
    const std::string_view suboption = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), suboption.size() + 1));
    if (MaybeRefusal refusal = ApplySuboption(suboption, draft)) return refusal;
  }
  return std::nullopt;
}

}  // namespace larder
