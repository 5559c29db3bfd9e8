#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

// What there is to know of a store besides the bytes of its pages, so that a store that is made on
// the same pages later goes on where this one stopped: a value, and its text.
//
// The text is lines of words, the last of them a checksum of all that is before: a text that was
// cut short or changed is told from a whole one. Everything else is found again in the pages: an
// item's header says what it is, so keys, expiry, tokens, marks and chains need no place here.

namespace larder {

// A page that belongs to a class, and how many of its chunks were ever used.
struct SavedPage {
  uint32_t page = 0;
  uint32_t class_id = 0;
  uint32_t cut = 0;
};

struct SavedStore {
  // Of whoever keeps the text: which memory it belongs to, how long its file is, and when, in Unix
  // time, it was written.
  uint64_t token = 0;
  uint64_t file_bytes = 0;
  int64_t wall_seconds = 0;

  uint32_t tick = 0;  // then, too
  uint64_t items = 0;
  uint64_t order = 0;
  uint32_t flush_due = 0;
  bool flush_active = false;
  uint64_t flush_order = 0;
  // What must be the same in a store for these pages, by name. Names and values are words.
  std::vector<std::pair<std::string, std::string>> settings;
  uint32_t pages_end = 0;  // no page from here on was ever used
  std::vector<SavedPage> pages;

  std::string ToText() const;
  // Fails if the text is not whole, or not one of these.
  static absl::StatusOr<SavedStore> FromText(std::string_view text);
};

}  // namespace larder
