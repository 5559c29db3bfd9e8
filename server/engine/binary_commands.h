#pragma once

#include <cstdint>
#include <string_view>

#include "server/engine/binary_reply.h"
#include "server/engine/commands.h"

// The binary protocol's commands, each executed in one call, as those of commands.h: on the same
// store, counted in the same books, and only told and answered otherwise. What belongs together is
// in one file: binary_retrieval.cc, binary_storage.cc, binary_mutation.cc,
// binary_administration.cc; authentication is in sasl_session.h.

namespace larder {

// get, getk, gat, gatk and touch.
void ExecuteBinaryRead(const Turn& turn, const Request& request, const Key& key);

// What a storage command asks for, apart from its key and value.
struct BinaryStoreOrder {
  StoreOrder store;
  BinaryEcho echo;
  // What to tell if the value could not be stored as asked, but might have been otherwise.
  BinaryStatus not_stored = BinaryStatus::kNotStored;
};
BinaryStoreOrder BinaryStoreOrderOf(const Turn& turn, const Request& request);

// set, add, replace, append and prepend, with a token or without. `value` is all of it.
void ExecuteBinaryStore(const Turn& turn, const Request& request, const Key& key,
                        std::string_view value);
// The same for a value that is still to come. If it is to be received into `reservation`, that is
// set; else the command has been answered and the value is to be dropped.
void BeginBinaryStore(const Turn& turn, const BinaryStoreOrder& order, const Key& key,
                      uint32_t value_bytes, Reservation* reservation);
// The reservation has been filled.
void FinishBinaryStore(const Turn& turn, const BinaryStoreOrder& order, Reservation reservation);

void ExecuteBinaryDelete(const Turn& turn, const Request& request, const Key& key);
void ExecuteBinaryArithmetic(const Turn& turn, const Request& request, const Key& key);

void ExecuteBinaryFlush(const Turn& turn, const Request& request);
void ExecuteBinaryVersion(const Turn& turn, const Request& request);
void ExecuteBinaryNoop(const Turn& turn, const Request& request);
void ExecuteBinaryStats(const Turn& turn, const Request& request);

}  // namespace larder
