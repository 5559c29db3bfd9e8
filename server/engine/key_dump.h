#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/engine.h"
#include "server/engine/reply_stream.h"
#include "slab/store_types.h"

// Listings of the cache's keys: lru_crawler metadump and mgdump, and stats cachedump.
//
// They may be larger than any buffer, so they are made a piece at a time, as the client reads them.
// A piece walks over a bounded number of items, copies what it shows of them under their buckets'
// locks, and writes the lines when they are released; so nobody waits for a slow reader, and the
// worker's other clients have their turns in between.

namespace larder {

class KeyDump final : public ReplyStream {
 public:
  enum class Format : uint8_t {
    kMetadump,   // "key=a exp=-1 la=1795377657 cas=2 fetch=no cls=1 size=63 flags=0 \n", then END
    kMgdump,     // "mg a\r\n", then EN
    kCachedump,  // "ITEM a [3 b; 0 s]\r\n", then END
  };

  // `classes` has at least one; `items_max` 0: all items. `engine`'s dump has been begun if
  // `holds_turn`, and is ended with this.
  KeyDump(Format format, const ClassSet& classes, uint64_t items_max, Engine* engine,
          bool holds_turn);
  ~KeyDump() override;
  KeyDump(const KeyDump&) = delete;
  KeyDump& operator=(const KeyDump&) = delete;

  Progress Continue(const Turn& turn) override;

 private:
  struct Row {
    std::string key;
    uint64_t cas = 0;
    uint64_t item_bytes = 0;  // as memcached counts them
    uint32_t expire = 0;
    uint32_t idle_seconds = 0;
    uint32_t value_bytes = 0;
    uint32_t client_flags = 0;
    int class_id = 0;
    bool fetched = false;
    bool binary_key = false;
  };

  bool Walk(const Turn& turn);
  void Keep(const Turn& turn, const ItemView& item);
  void Write(const Turn& turn, const Row& row);
  void WriteMetadump(const Turn& turn, const Row& row);
  void WriteMgdump(const Turn& turn, const Row& row);
  void WriteCachedump(const Turn& turn, const Row& row);

  const Format format_;
  const ClassSet classes_;
  Engine* const engine_;
  const bool holds_turn_;
  uint64_t items_left_;
  WalkCursor cursor_;
  // Rows are used again, so that keeping one under a lock hardly ever allocates memory.
  std::vector<Row> rows_;
  size_t rows_used_ = 0;
  std::string line_;
};

}  // namespace larder
