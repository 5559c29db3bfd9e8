#include "server/engine/key_dump.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

#include "protocol/base64.h"
#include "protocol/text_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/uri.h"
#include "slab/store.h"

namespace larder {

namespace {

// What came by the binary protocol may have anything in its key.
bool FitsLine(std::string_view key) {
  return std::ranges::none_of(key, [](char c) { return c == ' ' || c == '\r' || c == '\n'; });
}

// Looked at in a call of the store's, and in a turn of the connection's.
constexpr size_t kStepsOfWalk = 64;
constexpr int kWalksOfTurn = 16;

int64_t WallSeconds(const Now& now, uint32_t tick) {
  return now.wall_seconds + int64_t{tick} - now.tick.seconds;
}

}  // namespace

KeyDump::KeyDump(Format format, const ClassSet& classes, uint64_t items_max, Engine* engine,
                 bool holds_turn)
    : format_(format),
      classes_(classes),
      engine_(engine),
      holds_turn_(holds_turn),
      items_left_(items_max == 0 ? UINT64_MAX : items_max),
      rows_(2 * kStepsOfWalk) {
  for (Row& row : rows_) row.key.reserve(kKeyBytesMax);
  // One class alone is the store's to choose.
  if (classes.count() == 1) cursor_.class_id = static_cast<int>(classes._Find_first());
}

KeyDump::~KeyDump() {
  if (holds_turn_) engine_->EndDump();
}

ReplyStream::Progress KeyDump::Continue(const Turn& turn) {
  for (int walks = 0; walks < kWalksOfTurn; ++walks) {
    if (turn.out.full()) return Progress::kMore;
    if (!Walk(turn)) {
      turn.out.Append(format_ == Format::kMgdump ? "EN\r\n" : kEndReply);
      return Progress::kDone;
    }
  }
  return Progress::kMore;
}

// False if that was all.
bool KeyDump::Walk(const Turn& turn) {
  rows_used_ = 0;
  const bool more = turn.store().Walk(&cursor_, kStepsOfWalk, turn.tick(),
                                      [&](const ItemView& item) { Keep(turn, item); });
  for (size_t i = 0; i < rows_used_ && items_left_ > 0; ++i, --items_left_) Write(turn, rows_[i]);
  return more && items_left_ > 0;
}

void KeyDump::Keep(const Turn& turn, const ItemView& item) {
  if (!classes_.test(static_cast<size_t>(item.class_id()))) return;
  if (rows_used_ == rows_.size()) rows_.emplace_back();
  Row& row = rows_[rows_used_++];
  row.key = item.key();
  row.cas = turn.Token(item.cas());
  row.item_bytes = item.key().size() + item.value_bytes() + (item.client_flags() != 0 ? 4 : 0) +
                   turn.store().options().item_limit.overhead_bytes;
  row.expire = item.expire();
  row.idle_seconds = item.idle_seconds(turn.tick());
  row.value_bytes = item.value_bytes();
  row.client_flags = item.client_flags();
  row.class_id = item.class_id();
  row.fetched = item.fetched();
  row.binary_key = item.binary_key();
}

void KeyDump::Write(const Turn& turn, const Row& row) {
  switch (format_) {
    case Format::kMetadump:
      return WriteMetadump(turn, row);
    case Format::kMgdump:
      return WriteMgdump(turn, row);
    case Format::kCachedump:
      return WriteCachedump(turn, row);
  }
}

void KeyDump::WriteMetadump(const Turn& turn, const Row& row) {
  line_ = "key=";
  AppendUriEncoded(row.key, &line_);
  char rest[256];
  const int bytes =
      std::snprintf(rest, sizeof(rest),
                    " exp=%" PRId64 " la=%" PRId64 " cas=%" PRIu64 " fetch=%s cls=%d size=%" PRIu64
                    " flags=%" PRIu32 " \n",
                    row.expire == kNeverExpires ? -1 : WallSeconds(turn.now, row.expire),
                    turn.now.wall_seconds - row.idle_seconds, row.cas, row.fetched ? "yes" : "no",
                    row.class_id, row.item_bytes, row.client_flags);
  line_.append(rest, static_cast<size_t>(bytes));
  turn.out.Append(line_);
}

// A line that can be sent back as it is, so a key that no line can hold is in base64.
void KeyDump::WriteMgdump(const Turn& turn, const Row& row) {
  turn.out.Append("mg ");
  if (row.binary_key || !FitsLine(row.key)) {
    std::array<char, Base64EncodedBytes(kKeyBytesMax)> encoded;
    const char* const end = EncodeBase64(row.key, encoded.data());
    turn.out.Append({encoded.data(), static_cast<size_t>(end - encoded.data())});
    turn.out.Append(" b");
  } else {
    turn.out.Append(row.key);
  }
  turn.out.Append(kLineEnd);
}

void KeyDump::WriteCachedump(const Turn& turn, const Row& row) {
  char rest[64];
  const int bytes =
      std::snprintf(rest, sizeof(rest), " [%" PRIu32 " b; %" PRId64 " s]\r\n", row.value_bytes,
                    row.expire == kNeverExpires ? 0 : WallSeconds(turn.now, row.expire));
  turn.out.Append("ITEM ");
  turn.out.Append(row.key);
  turn.out.Append({rest, static_cast<size_t>(bytes)});
}

}  // namespace larder
