// What can be told only when all sources have been read: what follows from one option for others,
// and what does not go together. In memcached's order, where more than one thing is wrong.

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/config/option.h"

namespace larder {

namespace {

constexpr uint32_t kPageBytes = 1 << 20;
constexpr uint32_t kItemBytesMin = 1 << 10;
constexpr uint32_t kItemBytesMax = 1 << 30;

MaybeRefusal CheckNapiIds(OptionDraft* draft) {
  const int threads = draft->options.settings.threads;
  if (draft->napi_ids <= threads) return std::nullopt;
  return BadUsage(absl::StrCat("Number of napi_ids(", draft->napi_ids,
                               ") cannot be greater than number of threads(", threads, ")"));
}

MaybeRefusal CheckItemSize(OptionDraft* draft) {
  const uint32_t bytes = draft->options.settings.item_bytes_max;
  if (bytes < kItemBytesMin) return BadUsage("Item max size cannot be less than 1024 bytes.");
  return std::nullopt;
}

MaybeRefusal CheckItemSizeInMemory(OptionDraft* draft) {
  const Settings& settings = draft->options.settings;
  if (settings.item_bytes_max <= settings.memory_bytes / 2) return std::nullopt;
  return BadUsage("Cannot set item size limit higher than 1/2 of memory max.");
}

MaybeRefusal CheckItemSizeLimit(OptionDraft* draft) {
  if (draft->options.settings.item_bytes_max <= kItemBytesMax) return std::nullopt;
  return BadUsage("Cannot set item size limit higher than a gigabyte.");
}

// slab_chunk_max has no effect, but what memcached would refuse was a mistake.
MaybeRefusal CheckChunkMax(OptionDraft* draft) {
  if (!draft->Gave("slab_chunk_max")) return std::nullopt;
  const uint32_t chunk = draft->chunk_bytes_max;
  const uint32_t item = draft->options.settings.item_bytes_max;
  if (chunk > item) {
    return BadUsage(absl::StrCat("slab_chunk_max (bytes: ", chunk,
                                 ") cannot be larger than -I (item_size_max ", item, ")"));
  }
  if (chunk == 0 || item % chunk != 0) {
    return BadUsage(absl::StrCat("-I (item_size_max: ", item,
                                 ") must be evenly divisible by slab_chunk_max (bytes: ", chunk,
                                 ")"));
  }
  if (kPageBytes % chunk != 0) {
    return BadUsage(absl::StrCat("slab_chunk_max (bytes: ", chunk, ") must divide evenly into ",
                                 kPageBytes, " (slab_page_size)"));
  }
  return std::nullopt;
}

// "128-256-1024": the chunk sizes to have, in bytes.
MaybeRefusal ParseSlabSizes(OptionDraft* draft) {
  constexpr uint32_t kSizeStepMin = 8;
  constexpr size_t kSizesMax = 62;
  if (!draft->Gave("slab_sizes")) return std::nullopt;
  std::vector<uint32_t>& sizes = draft->options.settings.slab_sizes;
  std::string_view list = draft->slab_sizes;
  while (!list.empty()) {
    const std::string_view text = list.substr(0, list.find('-'));
    list.remove_prefix(std::min(list.size(), text.size() + 1));
    uint32_t size = 0;
    ParseNumber(text, &size);
    if (size < draft->options.settings.value_bytes_min || size > draft->chunk_bytes_max) {
      return BadUsage(absl::StrCat("slab size ", size, " is out of valid range"));
    }
    const uint32_t previous = sizes.empty() ? 0 : sizes.back();
    if (size <= previous) {
      return BadUsage(absl::StrCat("slab size ", size,
                                   " cannot be lower than or equal to a previous class size"));
    }
    if (size <= previous + kSizeStepMin) {
      return BadUsage(absl::StrCat("slab size ", size, " must be at least ", kSizeStepMin,
                                   " bytes larger than previous class"));
    }
    if (sizes.size() == kSizesMax) return BadUsage("too many slab classes specified");
    sizes.push_back(size);
  }
  if (sizes.empty()) return BadUsage("slab_sizes names no size");
  return std::nullopt;
}

MaybeRefusal CheckPercents(OptionDraft* draft) {
  constexpr uint32_t kPercentMax = 80;
  const uint32_t hot = draft->options.settings.probation_percent;
  if (hot + static_cast<uint32_t>(draft->warm_percent) <= kPercentMax) return std::nullopt;
  return BadUsage("hot_lru_pct + warm_lru_pct cannot be more than 80% combined");
}

MaybeRefusal CheckTemporaryTtl(OptionDraft* draft) {
  if (!draft->Gave("temporary_ttl") || draft->options.settings.lru_maintainer) return std::nullopt;
  return BadUsage("temporary_ttl requires lru_maintainer to be enabled");
}

MaybeRefusal CheckSaslProtocol(OptionDraft* draft) {
  const Settings& settings = draft->options.settings;
  if (!settings.sasl || settings.protocol == ProtocolChoice::kBinary) return std::nullopt;
  return BadUsage("ERROR: You cannot allow the ASCII protocol while using SASL.");
}

MaybeRefusal CheckSaslUdp(OptionDraft* draft) {
  const Settings& settings = draft->options.settings;
  if (!settings.sasl || settings.udp_port == 0) return std::nullopt;
  return BadUsage("ERROR: Cannot enable UDP while using binary SASL authentication.");
}

MaybeRefusal CheckAuthFileProtocol(OptionDraft* draft) {
  const Settings& settings = draft->options.settings;
  if (settings.auth_file.empty() || settings.protocol == ProtocolChoice::kText) return std::nullopt;
  return BadUsage(
      "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.");
}

MaybeRefusal CheckAuthFileUdp(OptionDraft* draft) {
  const Settings& settings = draft->options.settings;
  if (settings.auth_file.empty() || settings.udp_port == 0) return std::nullopt;
  return BadUsage("Cannot use UDP with ascii authentication enabled (-U 0 to disable)");
}

// UDP is never encrypted, nor is a UNIX socket. `-p 0` alone is a port that is free.
MaybeRefusal CheckTls(OptionDraft* draft) {
  const Settings& settings = draft->options.settings;
  const bool has_tcp =
      settings.tcp_port != 0 || (settings.udp_port == 0 && settings.unix_socket.empty());
  if (!settings.tls.enabled || has_tcp) return std::nullopt;
  return BadUsage("ERROR: You cannot enable SSL without a TCP port.");
}

struct Check {
  MaybeRefusal (*check)(OptionDraft* draft);
  std::vector<std::string_view> options;  // that it is about
};

const std::vector<Check>& Checks() {
  static const std::vector<Check> checks = {
      {CheckNapiIds, {"napi-ids", "threads"}},
      {CheckItemSize, {"max-item-size"}},
      {CheckItemSizeInMemory, {"max-item-size", "memory-limit"}},
      {CheckItemSizeLimit, {"max-item-size"}},
      {CheckChunkMax, {"slab_chunk_max", "max-item-size"}},
      {ParseSlabSizes, {"slab_sizes", "slab-min-size", "slab_chunk_max"}},
      {CheckPercents, {"hot_lru_pct", "warm_lru_pct"}},
      {CheckTemporaryTtl, {"temporary_ttl", "lru_maintainer", "no_modern"}},
      {CheckSaslProtocol, {"enable-sasl", "protocol"}},
      {CheckSaslUdp, {"enable-sasl", "udp-port"}},
      {CheckAuthFileProtocol, {"auth-file", "protocol", "enable-sasl"}},
      {CheckAuthFileUdp, {"auth-file", "udp-port"}},
      {CheckTls, {"enable-ssl", "port", "udp-port", "unix-socket"}},
  };
  return checks;
}

// What an option that was not given is because of others.
void Derive(OptionDraft* draft) {
  Settings& settings = draft->options.settings;
  if (settings.udp_port != 0 && !draft->Gave("port")) settings.tcp_port = settings.udp_port;
  if (draft->Gave("protocol")) return;
  if (settings.sasl) {
    settings.protocol = ProtocolChoice::kBinary;
  } else if (!settings.auth_file.empty()) {
    settings.protocol = ProtocolChoice::kText;
  }
}

}  // namespace

std::vector<Conflict> FinishOptions(OptionDraft* draft,
                                    const std::function<bool(std::string_view)>& is_refused) {
  Derive(draft);
  std::vector<Conflict> conflicts;
  for (const Check& check : Checks()) {
    // One message for one mistake.
    if (std::ranges::any_of(check.options, is_refused)) continue;
    if (MaybeRefusal refusal = check.check(draft)) {
      conflicts.push_back({*std::move(refusal), check.options});
    }
  }
  for (const WithoutEffect& option : draft->without_effect) {
    auto& names = draft->options.settings.without_effect;
    if (std::ranges::find(names, option.name) == names.end()) names.push_back(option.name);
  }
  return conflicts;
}

}  // namespace larder
