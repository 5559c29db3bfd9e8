#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "protocol/request.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/engine/output.h"
#include "server/engine/reply_stream.h"
#include "slab/store_types.h"

// The commands, each executed in one call: they find everything in the turn and the request, add
// their reply to the output, and count. What belongs together is in one file: retrieval.cc,
// storage.cc, mutation.cc, administration.cc, and for the meta commands meta_*.cc.

namespace larder {

// What a session's turn gives to the commands.
struct Turn {
  EngineWorker& worker;
  const Now& now;
  Output& out;
  // Where a command that answers in steps leaves what goes on after it; null if it cannot go on,
  // as in a datagram.
  std::unique_ptr<ReplyStream>* stream = nullptr;
  int connection_id = 0;  // the client's, as `stats conns` has it

  Store& store() const { return worker.store(); }
  Lane& lane() const { return worker.lane(); }
  Tick tick() const { return now.tick; }
  unsigned observed() const { return worker.engine().observed(); }
  WorkerCounters& counters() const { return worker.counters(); }
  // A token as it is for this client: under -C clients see, name and choose none but 0.
  uint64_t Token(uint64_t cas) const { return worker.settings().cas ? cas : 0; }
  void Reply(bool noreply, std::string_view line) const {
    if (!noreply) out.Append(line);
  }
};

// get, gets, gat, gats: one key.
void ExecuteRead(const Turn& turn, const Request& request, const Key& key);
void ExecuteTouch(const Turn& turn, const Request& request, const Key& key);

// What a storage command asks for, apart from its key and value: enough to finish it when the value
// has arrived and the command line is long gone.
struct StoreOrder {
  Command command = Command::kSet;
  bool noreply = false;
  // The size class that what was sent would have by itself: `cmd_set` is counted there, stored or
  // not, as in memcached.
  uint8_t class_id = 0;
  uint32_t value_bytes = 0;  // of what was sent
  // What was there before must not be read as if it were current, if the value is refused.
  bool drops_old = false;
  WriteOptions options;
  // Of ms: what its reply repeats. Must stay until the order is finished.
  const Request* meta = nullptr;
};
StoreOrder StoreOrderOf(const Turn& turn, const Request& request);
// Whether -I allows what was sent.
bool Fits(const Turn& turn, const StoreOrder& order, const Key& key);
// The value has been refused.
void DropOldItem(const Turn& turn, const StoreOrder& order, const Key& key);

// set, add, replace, append, prepend, cas, ms. `body` is the value and the two bytes behind it,
// which ought to be a line end.
void ExecuteStore(const Turn& turn, const Request& request, const Key& key, std::string_view body);
// The same for a value that is still to come. If it is to be received into `reservation`, that is
// set; else the command has been answered and the value is to be dropped.
void BeginStore(const Turn& turn, const StoreOrder& order, const Key& key, uint32_t value_bytes,
                Reservation* reservation);
// The reservation has been filled, and `well_ended` tells whether a line end followed.
void FinishStore(const Turn& turn, const StoreOrder& order, bool well_ended,
                 Reservation reservation);

void ExecuteDelete(const Turn& turn, const Request& request, const Key& key);
void ExecuteArithmetic(const Turn& turn, const Request& request, const Key& key);

// The meta commands; what is not here (ms) is above. `key` is decoded, if it came in base64.
void ExecuteMetaGet(const Turn& turn, const Request& request, const Key& key);
void ExecuteMetaDelete(const Turn& turn, const Request& request, const Key& key);
void ExecuteMetaArithmetic(const Turn& turn, const Request& request, const Key& key);
void ExecuteMetaDebug(const Turn& turn, const Key& key);
WriteOptions MetaWriteOptions(const Turn& turn, const Request& request);
void ReplyToMetaStore(const Turn& turn, const Request& request, const WriteOutcome& outcome);

// What a flush does and counts; `exptime` as the client sent it.
void FlushStore(const Turn& turn, int64_t exptime);
void ExecuteFlushAll(const Turn& turn, const Request& request);
void ExecuteVerbosity(const Turn& turn, const Request& request);
void ExecuteRefreshCertificates(const Turn& turn);
void ExecuteVersion(const Turn& turn);
void ExecuteStats(const Turn& turn, const Request& request);
// lru, lru_crawler, slabs, cache_memlimit, shutdown, watch, extstore.
void ExecuteAdministration(const Turn& turn, const Request& request);

}  // namespace larder
