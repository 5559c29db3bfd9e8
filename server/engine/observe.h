#pragma once

#include <cstdint>

#include "server/engine/commands.h"

// What is told to those who look on: watchers, and the counts by prefix. Commands call these only
// if Turn::observed() says that anybody does, so that without them it costs one load.
//
// memcached's watchers see its inner lookups, too: storing and deleting begin with one.

namespace larder {

// A read of `key` has come to `outcome`: `get` and its like.
void ObserveGet(const Turn& turn, const Key& key, const ReadOutcome& outcome);
// touch: watched like a get, and counted for no prefix.
void ObserveTouch(const Turn& turn, const Key& key, const ReadOutcome& outcome);
// An incr or decr of `key` begins.
void ObserveArithmetic(const Turn& turn, const Key& key);

// A storage command for `key` begins.
void ObserveStoreBegin(const Turn& turn, const Key& key);
// Its value is there, and it is about to look for what is stored under the key.
void ObserveStoreLookup(const Turn& turn, const Key& key);
// It has come to `status`.
void ObserveStore(const Turn& turn, const StoreOrder& order, const Key& key, WriteStatus status);

// Commits what has been received for a storage command, and tells of it.
WriteOutcome CommitObserved(const Turn& turn, const StoreOrder& order, Reservation reservation);

// A delete: before it and, with what that returned, after it has deleted. `command` is what it
// is called: "delete" or "md".
struct ObservedItem {
  bool found = false;
  uint8_t class_id = 0;
  uint32_t value_bytes = 0;
};
ObservedItem ObserveDeleteBegin(const Turn& turn, const Key& key);
void ObserveDeleted(const Turn& turn, const Key& key, const ObservedItem& item,
                    const char* command);

// The client asked `line`, in text.
void ObserveCommand(const Turn& turn, std::string_view line);

}  // namespace larder
