// What can be told only when the whole command line has been read: what follows from one option for
// others, and what does not go together. In memcached's order, where more than one thing is wrong.

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/option_draft.h"

namespace larder {

namespace {

constexpr uint32_t kPageBytes = 1 << 20;
constexpr uint32_t kItemBytesMin = 1 << 10;
constexpr uint32_t kItemBytesMax = 1 << 30;

MaybeRefusal CheckNapiIds(const OptionDraft& draft) {
  if (draft.napi_ids <= draft.options.settings.threads) return std::nullopt;
  return BadUsage(absl::StrCat("Number of napi_ids(", draft.napi_ids,
                               ") cannot be greater than number of threads(",
                               draft.options.settings.threads, ")"));
}

MaybeRefusal CheckItemSize(const Settings& settings) {
  if (settings.item_bytes_max < kItemBytesMin) {
    return BadUsage("Item max size cannot be less than 1024 bytes.");
  }
  if (settings.item_bytes_max > settings.memory_bytes / 2) {
    return BadUsage("Cannot set item size limit higher than 1/2 of memory max.");
  }
  if (settings.item_bytes_max > kItemBytesMax) {
    return BadUsage("Cannot set item size limit higher than a gigabyte.");
  }
  return std::nullopt;
}

// slab_chunk_max has no effect, but what memcached would refuse was a mistake.
MaybeRefusal CheckChunkMax(const OptionDraft& draft) {
  if (!draft.chunk_bytes_max_given) return std::nullopt;
  const uint32_t chunk = draft.chunk_bytes_max;
  const uint32_t item = draft.options.settings.item_bytes_max;
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
  if (!draft->slab_sizes_given) return std::nullopt;
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

MaybeRefusal CheckEviction(OptionDraft* draft) {
  Settings& settings = draft->options.settings;
  constexpr uint32_t kPercentMax = 80;
  if (settings.probation_percent + static_cast<uint32_t>(draft->warm_percent) > kPercentMax) {
    return BadUsage("hot_lru_pct + warm_lru_pct cannot be more than 80% combined");
  }
  if (draft->temporary_ttl_given && !draft->lru_maintainer) {
    return BadUsage("temporary_ttl requires lru_maintainer to be enabled");
  }
  // Without it memcached has one queue for all items of a class, until `lru mode` says otherwise.
  settings.lru_maintainer = draft->lru_maintainer;
  return std::nullopt;
}

MaybeRefusal CheckAccess(OptionDraft* draft) {
  Settings& settings = draft->options.settings;
  if (settings.sasl) {
    if (!draft->protocol_given) settings.protocol = ProtocolChoice::kBinary;
    if (settings.protocol != ProtocolChoice::kBinary) {
      return BadUsage("ERROR: You cannot allow the ASCII protocol while using SASL.");
    }
    if (settings.udp_port != 0) {
      return BadUsage("ERROR: Cannot enable UDP while using binary SASL authentication.");
    }
  }
  if (!settings.auth_file.empty()) {
    if (!draft->protocol_given && !settings.sasl) settings.protocol = ProtocolChoice::kText;
    if (settings.protocol != ProtocolChoice::kText) {
      return BadUsage(
          "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.");
    }
    if (settings.udp_port != 0) {
      return BadUsage("Cannot use UDP with ascii authentication enabled (-U 0 to disable)");
    }
  }
  return std::nullopt;
}

// UDP is never encrypted, nor is a UNIX socket. `-p 0` alone is a port that is free.
MaybeRefusal CheckTls(const Settings& settings) {
  const bool has_tcp =
      settings.tcp_port != 0 || (settings.udp_port == 0 && settings.unix_socket.empty());
  if (!settings.tls.enabled || has_tcp) return std::nullopt;
  return BadUsage("ERROR: You cannot enable SSL without a TCP port.");
}

}  // namespace

MaybeRefusal FinishOptions(OptionDraft* draft) {
  Settings& settings = draft->options.settings;
  if (draft->udp_port_given && settings.udp_port != 0 && !draft->tcp_port_given) {
    settings.tcp_port = settings.udp_port;
  }
  if (MaybeRefusal refusal = CheckNapiIds(*draft)) return refusal;
  if (MaybeRefusal refusal = CheckItemSize(settings)) return refusal;
  if (MaybeRefusal refusal = CheckChunkMax(*draft)) return refusal;
  if (MaybeRefusal refusal = ParseSlabSizes(draft)) return refusal;
  if (MaybeRefusal refusal = CheckEviction(draft)) return refusal;
  if (MaybeRefusal refusal = CheckAccess(draft)) return refusal;
  if (MaybeRefusal refusal = CheckTls(settings)) return refusal;
  for (const WithoutEffect& option : draft->without_effect) {
    const auto& names = settings.without_effect;
    if (std::ranges::find(names, option.name) == names.end()) {
      settings.without_effect.push_back(option.name);
    }
  }
  return std::nullopt;
}

}  // namespace larder
