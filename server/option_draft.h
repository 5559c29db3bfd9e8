#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

// The list that -o takes.
MaybeRefusal ApplySuboptions(std::string_view list, OptionDraft* draft);

// Everything has been read: what follows from one option for others, and what does not go together.
MaybeRefusal FinishOptions(OptionDraft* draft);

}  // namespace larder
