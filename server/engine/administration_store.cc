// lru, slabs and cache_memlimit: settings of the store, while it is used.

#include <optional>

#include "protocol/text_encoder.h"
#include "server/engine/administration.h"
#include "server/engine/administration_replies.h"

namespace larder {

namespace {

// lru tune <hot> <warm> <hot factor> <warm factor>: hot is probation, and there is no warm.
std::string_view Tune(const Turn& turn, const Arguments& words) {
  constexpr uint32_t kPercentMax = 80;
  const std::optional<uint32_t> hot = ParseArgument<uint32_t>(words[1]);
  const std::optional<uint32_t> warm = ParseArgument<uint32_t>(words[2]);
  const std::optional<double> hot_factor = ParseArgument<double>(words[3]);
  const std::optional<double> warm_factor = ParseArgument<double>(words[4]);
  if (!hot || !warm || !hot_factor || !warm_factor) return kUnknownReply;
  if (uint64_t{*hot} + *warm > kPercentMax) return "ERROR hot and warm pcts must not exceed 80\r\n";
  if (!(*hot_factor > 0 && *warm_factor > 0)) {
    return "ERROR hot/warm age factors must be greater than 0\r\n";
  }
  turn.worker.engine().SetProbation(*hot);
  return kOkReply;
}

std::string_view SetMode(const Turn& turn, std::string_view mode) {
  if (mode != "flat" && mode != "segmented") return kUnknownReply;
  turn.worker.engine().SetSegmented(mode == "segmented");
  return kOkReply;
}

std::string_view Reassign(const Turn& turn, const Arguments& words) {
  if (!turn.worker.settings().slab_reassign) return "CLIENT_ERROR slab reassignment disabled\r\n";
  const std::optional<int32_t> source = ParseArgument<int32_t>(words[1]);
  const std::optional<int32_t> destination = ParseArgument<int32_t>(words[2]);
  if (!source || !destination) return kBadLineReply;
  switch (turn.store().Reassign(*source, *destination)) {
    case ReassignStatus::kStarted:
      return kOkReply;
    case ReassignStatus::kBusy:
      return "BUSY currently processing reassign request\r\n";
    case ReassignStatus::kBadClass:
      return "BADCLASS invalid src or dst class id\r\n";
    case ReassignStatus::kSame:
      return "SAME src and dst class are identical\r\n";
    case ReassignStatus::kNoSpare:
      break;
  }
  return "NOSPARE source class has no spare pages\r\n";
}

std::string_view Automove(const Turn& turn, const Arguments& words) {
  Engine& engine = turn.worker.engine();
  if (words[1] == "ratio" || words[1] == "freeratio") {
    const std::optional<double> ratio = ParseArgument<double>(words[2]);
    return ratio ? kOkReply : kUnknownReply;
  }
  if (words[1] == "window") {
    return ParseArgument<uint32_t>(words[2]) ? kOkReply : kBadLineReply;
  }
  const std::optional<uint32_t> mode = ParseArgument<uint32_t>(words[1]);
  if (!mode) return kBadLineReply;
  if (*mode > 2) return kUnknownReply;
  engine.SetAutomove(static_cast<int>(*mode));
  return kOkReply;
}

}  // namespace

std::string_view AdministerLru(const Turn& turn, const Arguments& words) {
  if (words[0] == "tune" && words.count() >= 5) return Tune(turn, words);
  if (words[0] == "mode" && words.count() >= 2) return SetMode(turn, words[1]);
  // Items that expire soon are not kept apart.
  if (words[0] == "temp_ttl" && words.count() >= 2) {
    return ParseArgument<int32_t>(words[1]) ? kOkReply : kUnknownReply;
  }
  return kUnknownReply;
}

std::string_view AdministerSlabs(const Turn& turn, const Arguments& words) {
  if (words[0] == "reassign" && words.count() == 3) return Reassign(turn, words);
  if (words[0] == "automove" && words.count() >= 2) return Automove(turn, words);
  return kUnknownReply;
}

std::string_view AdministerMemoryLimit(const Turn& turn, const Arguments& words) {
  constexpr uint32_t kMegabytesMin = 8;
  constexpr uint32_t kMegabytesMax = 1000000000;
  const std::optional<uint32_t> megabytes = ParseArgument<uint32_t>(words[0]);
  if (!megabytes) return kUnknownReply;
  if (*megabytes < kMegabytesMin) {
    return "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n";
  }
  if (*megabytes > kMegabytesMax) {
    return "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n";
  }
  if (!turn.store().SetMemoryLimit(uint64_t{*megabytes} << 20)) {
    return "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n";
  }
  return kOkReply;
}

}  // namespace larder
