#include "server/engine/space_saving.h"

#include <algorithm>
#include <numeric>

namespace larder {

// Blocks of tags are compared without a way out in between, so that the compiler does it in a few
// instructions.
size_t SpaceSaving::Find(const Key& key, uint32_t tag) const {
  constexpr size_t kBlock = 16;
  static_assert(kCounters % kBlock == 0);
  for (size_t begin = 0; begin < kCounters; begin += kBlock) {
    uint32_t any = 0;
    for (size_t i = 0; i < kBlock; ++i) any |= tags_[begin + i] == tag ? 1 : 0;
    if (any == 0) continue;
    for (size_t i = begin; i < begin + kBlock; ++i) {
      if (tags_[i] == tag && holders_[i].key() == key.bytes) return i;
    }
  }
  return kCounters;
}

size_t SpaceSaving::FindLightest() {
  for (size_t i = cursor_; i < kCounters; ++i) {
    if (weights_[i] == lightest_) return cursor_ = i;
  }
  cursor_ = static_cast<size_t>(std::ranges::min_element(weights_) - weights_.begin());
  lightest_ = weights_[cursor_];
  return cursor_;
}

void SpaceSaving::Add(const Key& key, uint64_t weight, uint32_t value_bytes) {
  total_ += weight;
  const auto tag = static_cast<uint32_t>(key.hash);
  size_t i = Find(key, tag);
  if (i == kCounters) {
    i = FindLightest();
    Holder& holder = holders_[i];
    tags_[i] = tag;
    holder.error = weights_[i];
    holder.key_bytes = static_cast<uint8_t>(key.bytes.copy(holder.key_data.data(), kKeyBytesMax));
  }
  weights_[i] += weight;
  holders_[i].value_bytes = value_bytes;
}

void SpaceSaving::Halve() {
  for (uint64_t& weight : weights_) weight /= 2;
  for (Holder& holder : holders_) holder.error /= 2;
  total_ /= 2;
  lightest_ /= 2;
}

std::vector<SpaceSaving::Entry> SpaceSaving::Heaviest(size_t count) const {
  std::array<size_t, kCounters> order{};
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return weights_[a] > weights_[b]; });
  std::vector<Entry> heaviest;
  for (const size_t i : order) {
    if (heaviest.size() == count || weights_[i] == 0) break;
    const Holder& holder = holders_[i];
    heaviest.push_back({.key = std::string(holder.key()),
                        .weight = weights_[i],
                        .error = holder.error,
                        .value_bytes = holder.value_bytes});
  }
  return heaviest;
}

}  // namespace larder
