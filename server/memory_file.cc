#include "server/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/net/errno_text.h"

namespace larder {

namespace {

// The first bytes of the file: page 0, which no item is in.
struct Header {
  std::array<char, 16> magic{};
  uint64_t token = 0;
};
constexpr std::array<char, 16> kMagic = {'l', 'a', 'r', 'd', 'e', 'r',  ' ', 'm',
                                         'e', 'm', 'o', 'r', 'y', '\n', '1', '\0'};

// memcached's own metadata, of whose memory nothing can be made.
constexpr std::string_view kMetadataOfMemcached = "Tmain\n";

absl::Status ErrnoStatus(std::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(std::string(what), ": ", ErrnoText(error)));
}

// Nothing if there is no such file.
absl::StatusOr<std::optional<std::string>> ReadWhole(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::optional<std::string>();
    return ErrnoStatus(absl::StrCat("[restart] failed to read metadata file ", path), errno);
  }
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t bytes = read(fd.get(), buffer.data(), buffer.size());
    if (bytes == 0) return std::optional(std::move(text));
    if (bytes < 0) {
      return ErrnoStatus(absl::StrCat("[restart] failed to read metadata file ", path), errno);
    }
    text.append(buffer.data(), static_cast<size_t>(bytes));
  }
}

// Under another name first, so that under its own it is never there in part.
absl::Status WriteWhole(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  constexpr std::string_view kFailed = "[restart] failed to write metadata file ";
  const UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return ErrnoStatus(absl::StrCat(std::string(kFailed), temporary), errno);
  while (!text.empty()) {
    const ssize_t bytes = write(fd.get(), text.data(), text.size());
    if (bytes < 0) return ErrnoStatus(absl::StrCat(std::string(kFailed), temporary), errno);
    text.remove_prefix(static_cast<size_t>(bytes));
  }
  if (fsync(fd.get()) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(absl::StrCat(std::string(kFailed), path), errno);
  }
  return absl::OkStatus();
}

// The setting as operators know it: by the name that memcached has for it, and the option. The
// others follow from these, and differ with another version.
std::string InOperatorsWords(const std::string& name, const std::string& value) {
  if (name == "mem_limit") return absl::StrCat("[mem_limit (-m)] [old value: ", value, "]");
  if (name == "item_size_max") return absl::StrCat("[item_size_max (-I)] [old value: ", value, "]");
  if (name == "item_overhead") {
    const bool cas = value == std::to_string(ItemLimit().overhead_bytes);
    return absl::StrCat("[use_cas (-C)] [old value: ", cas ? "true" : "false", "]");
  }
  if (name == "slab_sizes") {
    return absl::StrCat("[slab_config (-f, -n, -o slab_sizes)] [old value: ", value, "]");
  }
  return absl::StrCat("[", name, "] [old value: ", value, "]");
}

// The limit may have been higher, by cache_memlimit, than the one that the store starts with.
std::string WhatIsTooMuch(const StoreStats& stats) {
  const uint64_t bytes = stats.pages * stats.page_bytes;
  if (bytes <= stats.memory_limit_bytes) return "";
  constexpr int kMegabyteShift = 20;
  return absl::StrCat("[restart] the items saved take ", bytes >> kMegabyteShift,
                      " MB and the limit (-m) is ", stats.memory_limit_bytes >> kMegabyteShift,
                      " MB: what is too much is evicted");
}

uint64_t FileBytes(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MemoryFile>> MemoryFile::Open(const std::string& path,
                                                             uint64_t token) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return ErrnoStatus("failed to open file for mmap", errno);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::UnavailableError(
        absl::StrCat("memory file ", path, " is in use by another process"));
  }
  std::unique_ptr<MemoryFile> file(
      new MemoryFile(std::filesystem::absolute(path), std::move(fd), token));
  if (absl::Status status = file->ReadMetadata(); !status.ok()) return status;
  file->CheckBelongs();
  return file;
}

absl::Status MemoryFile::ReadMetadata() {
  absl::StatusOr<std::optional<std::string>> text = ReadWhole(MetadataPath());
  if (!text.ok()) return text.status();
  if (!text->has_value()) return absl::OkStatus();
  if ((*text)->starts_with(kMetadataOfMemcached)) {
    empty_because_ = absl::StrCat(MetadataPath(), " was written by memcached");
    return absl::OkStatus();
  }
  absl::StatusOr<SavedStore> saved = SavedStore::FromText(**text);
  if (!saved.ok()) {
    return absl::DataLossError(absl::StrCat("[restart] corrupt metadata file ", MetadataPath(),
                                            ": ", std::string(saved.status().message()),
                                            " (without it the cache starts empty)"));
  }
  saved_ = *std::move(saved);
  return absl::OkStatus();
}

// Whether the file is the one, and as it was, that the metadata was written for.
void MemoryFile::CheckBelongs() {
  Header header;
  const bool own =
      pread(fd_.get(), &header, sizeof(header), 0) == sizeof(header) && header.magic == kMagic;
  if (!saved_) {
    if (own && empty_because_.empty()) {
      empty_because_ = absl::StrCat(path_, " was not closed by a graceful stop (SIGUSR1)");
    }
    return;
  }
  if (!own || header.token != saved_->token || FileBytes(fd_.get()) != saved_->file_bytes) {
    empty_because_ = absl::StrCat(MetadataPath(), " was not written for ", path_, " as it is now");
    saved_.reset();
  }
}

Tick MemoryFile::FirstTick(Tick first, int64_t wall_seconds) const {
  if (!saved_) return first;
  const int64_t passed = std::max<int64_t>(wall_seconds - saved_->wall_seconds, 0);
  constexpr int64_t kLastTick = std::numeric_limits<uint32_t>::max();
  return {static_cast<uint32_t>(std::min<int64_t>(int64_t{saved_->tick} + passed, kLastTick))};
}

absl::StatusOr<std::unique_ptr<Store>> MemoryFile::MakeStore(StoreOptions options,
                                                             std::string* lost) {
  options.memory_file = fd_.get();
  if (saved_) {
    absl::StatusOr<std::unique_ptr<Store>> store = Store::Create(options);
    if (!store.ok()) return store.status();
    if (const auto different = (*store)->DifferentSetting(*saved_)) {
      empty_because_ = absl::StrCat("restart incompatible due to setting for ",
                                    InOperatorsWords(different->first, different->second));
    } else {
      if (absl::Status status = TakePossession(); !status.ok()) return status;
      if ((*store)->Restore(*saved_)) {
        *lost = WhatIsTooMuch((*store)->Stats());
        return store;
      }
      empty_because_ = absl::StrCat("the memory of ", path_, " cannot be had");
    }
  }
  if (!empty_because_.empty()) {
    *lost = absl::StrCat("[restart] ", empty_because_, ": the cache starts empty");
  }
  // What it held goes back to the system.
  if (ftruncate(fd_.get(), 0) != 0) return ErrnoStatus("ftruncate failed", errno);
  if (absl::Status status = TakePossession(); !status.ok()) return status;
  return Store::Create(options);
}

// From here on nothing of an earlier process is good any more.
absl::Status MemoryFile::TakePossession() {
  const Header header{.magic = kMagic, .token = token_};
  if (pwrite(fd_.get(), &header, sizeof(header), 0) != sizeof(header)) {
    return ErrnoStatus(absl::StrCat("failed to write memory file ", path_), errno);
  }
  if (unlink(MetadataPath().c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(absl::StrCat("failed to remove metadata file ", MetadataPath()), errno);
  }
  return absl::OkStatus();
}

// The items are on their way to a disk, if that is where the file is, before anything says so.
absl::Status MemoryFile::Save(Store* store, const Now& now) {
  SavedStore saved = store->Save(now.tick);
  saved.token = token_;
  saved.wall_seconds = now.wall_seconds;
  saved.file_bytes = FileBytes(fd_.get());
  if (fsync(fd_.get()) != 0) {
    return ErrnoStatus(absl::StrCat("failed to write memory file ", path_), errno);
  }
  return WriteWhole(MetadataPath(), saved.ToText());
}

}  // namespace larder
