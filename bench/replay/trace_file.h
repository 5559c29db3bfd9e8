#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

struct ZSTD_DCtx_s;

namespace larder::bench {

// The bytes of a file, decompressed where zstd compressed it.
class TraceFile {
 public:
  static absl::StatusOr<TraceFile> Open(const std::string& path);

  // Fills `room` as far as there are bytes, and returns how many it filled: less than all only at
  // the end.
  absl::StatusOr<size_t> Read(std::span<char> room);

  // The next line without its end; false at the end of the file.
  absl::StatusOr<bool> ReadLine(std::string* line);

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const;
  };

  TraceFile(std::string path, std::FILE* file);

  absl::Status Fill();

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::unique_ptr<ZSTD_DCtx_s, FreeContext> zstd_;  // null: not compressed
  bool frame_is_open_ = false;
  std::vector<char> compressed_;
  size_t compressed_at_ = 0;  // of compressed_, what is decompressed
  std::vector<char> plain_;
  size_t plain_at_ = 0;  // of plain_, what is read
};

}  // namespace larder::bench
