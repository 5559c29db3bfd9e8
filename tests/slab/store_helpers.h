#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "slab/store.h"

// Keys, values and sums for tests of the store.

namespace larder {

inline constexpr uint64_t kMiB = uint64_t{1} << 20;

// All of one length, so that items of values of one length are of one class.
inline std::string KeyOf(uint64_t n) { return "key" + std::to_string(100000000 + n); }

// `bytes` of a value, different at every place and for every `seed`.
inline std::string ValueOf(size_t bytes, uint64_t seed = 0) {
  std::string value(bytes, '\0');
  uint64_t random = seed * 7919 + 1;
  for (char& c : value) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>('a' + (random >> 33) % 26);
  }
  return value;
}

// Of all classes together.
inline uint64_t Sum(const Store& store, uint64_t ClassStats::*field) {
  uint64_t sum = 0;
  for (const ClassStats& of_class : store.Stats().classes) sum += of_class.*field;
  return sum;
}

inline ClassStats StatsOfClass(const Store& store, uint32_t class_id) {
  for (const ClassStats& of_class : store.Stats().classes) {
    if (of_class.class_id == class_id) return of_class;
  }
  return {};
}

}  // namespace larder
