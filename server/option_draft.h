#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/option_values.h"
#include "server/options.h"

// The command line while it is read. The letters are options.cc's, `-o` is suboptions.cc's, and
// what can be told only when everything has been read is options_check.cc's.

namespace larder {

// An option that was given and changes nothing, and why.
struct WithoutEffect {
  std::string name;
  const char* why;
};

struct OptionDraft {
  Options options;
  std::vector<WithoutEffect> without_effect;
  std::vector<std::string> warnings;  // lines

  // Whether these were given, for others depend on it.
  bool protocol_given = false;
  bool tcp_port_given = false;
  bool udp_port_given = false;
  bool temporary_ttl_given = false;

  // Only checked.
  int warm_percent = 40;
  uint32_t chunk_bytes_max = 512 << 10;
  bool chunk_bytes_max_given = false;
  int napi_ids = 0;

  bool lru_maintainer = true;
  std::string slab_sizes;  // as given
  bool slab_sizes_given = false;
};

// What memcached's atoi reads of `value`, so that unit files which it starts with are good here;
// warns where that is not the whole. `option` is how it was given: "-m".
template <typename Number = int64_t>
std::string_view TakeNumber(std::string_view option, std::string_view value, OptionDraft* draft) {
  const std::string_view number = LeadingNumber<Number>(value);
  if (!value.ends_with(number)) {
    draft->warnings.push_back(absl::StrCat("WARNING: ", View(option), ": \"", View(value),
                                           "\" is taken as ", View(number)));
  }
  return number;
}

// The list that -o takes.
MaybeRefusal ApplySuboptions(std::string_view list, OptionDraft* draft);

// Everything has been read: what follows from one option for others, and what does not go together.
MaybeRefusal FinishOptions(OptionDraft* draft);

}  // namespace larder
