#include "server/engine/prefix_stats.h"

namespace larder {

PrefixCounts* PrefixStats::Find(std::string_view key) {
  const size_t end = key.find(delimiter_);
  if (end == std::string_view::npos) return nullptr;
  const std::string_view prefix = key.substr(0, end);
  if (const auto found = counts_.find(prefix); found != counts_.end()) return &found->second;
  if (counts_.size() == kPrefixesMax) return nullptr;
  return &counts_[std::string(prefix)];
}

void PrefixStats::CountGet(std::string_view key, bool hit) {
  const MutexLock lock(&mutex_);
  PrefixCounts* const counts = Find(key);
  if (counts == nullptr) return;
  ++counts->gets;
  if (hit) ++counts->hits;
}

void PrefixStats::CountSet(std::string_view key) {
  const MutexLock lock(&mutex_);
  if (PrefixCounts* const counts = Find(key)) ++counts->sets;
}

void PrefixStats::CountDelete(std::string_view key) {
  const MutexLock lock(&mutex_);
  if (PrefixCounts* const counts = Find(key)) ++counts->deletes;
}

void PrefixStats::AddTo(std::map<std::string, PrefixCounts>* total) const {
  const MutexLock lock(&mutex_);
  for (const auto& [prefix, counts] : counts_) {
    PrefixCounts& sum = (*total)[prefix];
    sum.gets += counts.gets;
    sum.hits += counts.hits;
    sum.sets += counts.sets;
    sum.deletes += counts.deletes;
  }
}

void PrefixStats::Clear() {
  const MutexLock lock(&mutex_);
  counts_.clear();
}

std::string PrefixLines(const std::map<std::string, PrefixCounts>& totals) {
  std::string lines;
  for (const auto& [prefix, counts] : totals) {
    lines += "PREFIX " + prefix + " get " + std::to_string(counts.gets) + " hit " +
             std::to_string(counts.hits) + " set " + std::to_string(counts.sets) + " del " +
             std::to_string(counts.deletes) + "\r\n";
  }
  return lines;
}

}  // namespace larder
