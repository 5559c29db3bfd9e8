#include "slab/saved_store.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace larder {
namespace {

constexpr std::string_view kFirstLine = "larder memory 1\n";
constexpr std::string_view kChecksum = "checksum ";

// Up to the next blank or line end, which goes too.
std::string_view TakeUpTo(char end, std::string_view* text) {
  const size_t length = text->find(end);
  const std::string_view taken = text->substr(0, length);
  text->remove_prefix(length == std::string_view::npos ? text->size() : length + 1);
  return taken;
}

template <typename Number>
bool Parse(std::string_view word, Number* number) {
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, *number);
  return error == std::errc() && stop == end && !word.empty();
}

bool ParsePage(std::string_view words, SavedPage* page) {
  const std::string_view number = TakeUpTo(' ', &words);
  const std::string_view class_id = TakeUpTo(' ', &words);
  return Parse(number, &page->page) && Parse(class_id, &page->class_id) && Parse(words, &page->cut);
}

bool ParseLine(std::string_view name, std::string_view value, SavedStore* saved) {
  uint32_t flag = 0;
  if (name == "token") return Parse(value, &saved->token);
  if (name == "file_bytes") return Parse(value, &saved->file_bytes);
  if (name == "wall_seconds") return Parse(value, &saved->wall_seconds);
  if (name == "tick") return Parse(value, &saved->tick);
  if (name == "items") return Parse(value, &saved->items);
  if (name == "order") return Parse(value, &saved->order);
  if (name == "flush_due") return Parse(value, &saved->flush_due);
  if (name == "flush_order") return Parse(value, &saved->flush_order);
  if (name == "pages_end") return Parse(value, &saved->pages_end);
  if (name == "page") return ParsePage(value, &saved->pages.emplace_back());
  if (name == "setting") {
    const std::string_view setting = TakeUpTo(' ', &value);
    saved->settings.emplace_back(setting, value);
    return true;
  }
  if (name != "flush_active" || !Parse(value, &flag)) return false;
  saved->flush_active = flag != 0;
  return true;
}

// What the checksum at the end covers, if it is right.
std::optional<std::string_view> WholeText(std::string_view text) {
  const size_t last = text.rfind(kChecksum);
  if (last == std::string_view::npos || last == 0 || text[last - 1] != '\n') return std::nullopt;
  std::string_view word = text.substr(last + kChecksum.size());
  if (!word.ends_with('\n')) return std::nullopt;
  word.remove_suffix(1);
  uint64_t checksum = 0;
  if (!Parse(word, &checksum) || checksum != XXH3_64bits(text.data(), last)) return std::nullopt;
  return text.substr(0, last);
}

}  // namespace

std::string SavedStore::ToText() const {
  std::string text(kFirstLine);
  absl::StrAppend(&text, "token ", token, "\nfile_bytes ", file_bytes);
  absl::StrAppend(&text, "\nwall_seconds ", wall_seconds, "\ntick ", tick);
  absl::StrAppend(&text, "\nitems ", items, "\norder ", order, "\nflush_due ", flush_due);
  absl::StrAppend(&text, "\nflush_active ", flush_active ? 1 : 0, "\nflush_order ", flush_order);
  for (const auto& [name, value] : settings) {
    absl::StrAppend(&text, "\nsetting ", name, " ", value);
  }
  absl::StrAppend(&text, "\npages_end ", pages_end, "\n");
  for (const SavedPage& page : pages) {
    absl::StrAppend(&text, "page ", page.page, " ", page.class_id, " ", page.cut, "\n");
  }
  const uint64_t checksum = XXH3_64bits(text.data(), text.size());
  absl::StrAppend(&text, std::string(kChecksum), checksum, "\n");
  return text;
}

absl::StatusOr<SavedStore> SavedStore::FromText(std::string_view text) {
  std::optional<std::string_view> lines = WholeText(text);
  if (!lines || !lines->starts_with(kFirstLine)) {
    return absl::DataLossError("it is not whole");
  }
  lines->remove_prefix(kFirstLine.size());
  SavedStore saved;
  while (!lines->empty()) {
    std::string_view line = TakeUpTo('\n', &*lines);
    const std::string_view name = TakeUpTo(' ', &line);
    if (!ParseLine(name, line, &saved)) return absl::DataLossError("it has a line of no meaning");
  }
  return saved;
}

}  // namespace larder
