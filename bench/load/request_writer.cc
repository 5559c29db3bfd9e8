#include "bench/load/request_writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

namespace larder::bench {
namespace {

constexpr std::string_view kGet = "get";
constexpr std::string_view kMetaGet = "mg ";
constexpr std::string_view kMetaValue = " v";
constexpr std::string_view kSet = "set ";
constexpr std::string_view kNoFlagsNoExpiry = " 0 0 ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kLengthDigitsMax = std::numeric_limits<uint32_t>::digits10 + 1;

char* Put(std::string_view bytes, char* to) {
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

void AppendGet(const Workload& workload, std::span<const uint32_t> ids, SendBuffer& out) {
  if (workload.spec.meta_gets) {
    char* at = workload.key_format.Write(ids.front(), Put(kMetaGet, out.Tail()));
    out.Extend(Put(kLineEnd, Put(kMetaValue, at)));
    return;
  }
  char* at = Put(kGet, out.Tail());
  for (const uint32_t id : ids) {
    *at++ = ' ';
    at = workload.key_format.Write(id, at);
  }
  out.Extend(Put(kLineEnd, at));
}

void AppendSet(const Workload& workload, uint32_t id, SendBuffer& out) {
  const std::string_view value = workload.values.Of(id);
  char* at = workload.key_format.Write(id, Put(kSet, out.Tail()));
  at = Put(kNoFlagsNoExpiry, at);
  at = std::to_chars(at, at + kLengthDigitsMax, value.size()).ptr;
  at = Put(kLineEnd, at);
  if (value.size() <= kCopiedValueBytesMax) {
    at = Put(value, at);
  } else {
    out.Extend(at);
    out.AppendShared(value);
    at = out.Tail();
  }
  out.Extend(Put(kLineEnd, at));
}

SendBuffer::Capacity CapacityFor(const Workload& workload, size_t requests) {
  const size_t key_bytes = workload.spec.key_bytes;
  const size_t get_bytes = kGet.size() + workload.spec.keys_per_get * (1 + key_bytes) +
                           kMetaValue.size() + kLineEnd.size();
  const size_t set_bytes =
      kSet.size() + key_bytes + kNoFlagsNoExpiry.size() + kLengthDigitsMax + kLineEnd.size() +
      std::min(workload.values.max_bytes(), kCopiedValueBytesMax) + kLineEnd.size();
  return {.text_bytes = requests * std::max(get_bytes, set_bytes), .shared_views = requests};
}

}  // namespace larder::bench
