#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/clock.h"
#include "server/net/unique_fd.h"
#include "slab/saved_store.h"
#include "slab/store.h"

// -e: a file that is the memory of the items, and outlives the process.
//
// A graceful stop writes what is to be known besides to `<file>.meta`, and the next start with the
// same settings goes on with everything that was there. What must never happen is that memory is
// taken over that was not closed in order, so there is proof of that in two places: each start
// writes a token of its own into the first bytes of the file, which hold no items, and the metadata
// is good only with the token that it was written for. The metadata is removed, and the token
// changed, before the first item is touched; so after a crash, or with a copy of either file from
// another time, the cache starts empty.

namespace larder {

class MemoryFile {
 public:
  // Opens or creates the file, for this process alone, and reads what the last one left. Fails,
  // with a message for the operator, if the file cannot be had or the metadata is there but not
  // whole. `token` is random.
  static absl::StatusOr<std::unique_ptr<MemoryFile>> Open(const std::string& path, uint64_t token);

  // At which tick the clock must start for items to live as long as they were to: the one at which
  // the last process stopped and the seconds that have passed since; `first` if there is nothing to
  // take over.
  Tick FirstTick(Tick first, int64_t wall_seconds) const;

  // A store in the file. If not everything that was there stays, because the store starts empty or
  // its limit is too low, `*lost` says so in one line.
  absl::StatusOr<std::unique_ptr<Store>> MakeStore(StoreOptions options, std::string* lost);

  // Once nobody uses the store any more: writes the metadata.
  absl::Status Save(Store* store, const Now& now);

 private:
  MemoryFile(std::string path, UniqueFd fd, uint64_t token)
      : path_(std::move(path)), fd_(std::move(fd)), token_(token) {}

  std::string MetadataPath() const { return path_ + ".meta"; }
  absl::Status ReadMetadata();
  void CheckBelongs();
  absl::Status TakePossession();

  const std::string path_;  // absolute: a daemon changes its folder
  const UniqueFd fd_;
  const uint64_t token_;
  std::optional<SavedStore> saved_;
  std::string empty_because_;
};

}  // namespace larder
