#include "bench/replay/trace_file.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

constexpr size_t kBufferBytes = 1 << 17;
constexpr std::array<unsigned char, 4> kZstdMagic = {0x28, 0xb5, 0x2f, 0xfd};

absl::Status Unreadable(const std::string& path, std::string_view why) {
  return absl::DataLossError(absl::StrCat(path, ": ", std::string(why)));
}

}  // namespace

void TraceFile::FreeContext::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

TraceFile::TraceFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {
  compressed_.reserve(kBufferBytes);
}

absl::StatusOr<TraceFile> TraceFile::Open(const std::string& path) {
  std::FILE* opened = std::fopen(path.c_str(), "rb");
  if (opened == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  TraceFile file(path, opened);
  std::array<unsigned char, kZstdMagic.size()> start{};
  const size_t there = std::fread(start.data(), 1, start.size(), opened);
  if (there == start.size() && start == kZstdMagic) file.zstd_.reset(ZSTD_createDCtx());
  std::rewind(opened);
  return file;
}

// Puts more bytes into plain_, which has been read; none at the end.
absl::Status TraceFile::Fill() {
  plain_.resize(kBufferBytes);
  plain_at_ = 0;
  size_t filled = 0;
  if (zstd_ == nullptr) {
    filled = std::fread(plain_.data(), 1, plain_.size(), file_.get());
  }
  while (zstd_ != nullptr && filled == 0) {
    if (compressed_at_ == compressed_.size()) {
      compressed_.resize(kBufferBytes);
      compressed_.resize(std::fread(compressed_.data(), 1, kBufferBytes, file_.get()));
      compressed_at_ = 0;
      if (compressed_.empty()) break;
    }
    ZSTD_inBuffer in = {compressed_.data(), compressed_.size(), compressed_at_};
    ZSTD_outBuffer out = {plain_.data(), plain_.size(), 0};
    const size_t left = ZSTD_decompressStream(zstd_.get(), &out, &in);
    if (ZSTD_isError(left)) return Unreadable(path_, ZSTD_getErrorName(left));
    frame_is_open_ = left != 0;
    compressed_at_ = in.pos;
    filled = out.pos;
  }
  plain_.resize(filled);
  if (std::ferror(file_.get()) != 0) return Unreadable(path_, "cannot be read");
  if (filled == 0 && frame_is_open_) return Unreadable(path_, "is cut off");
  return absl::OkStatus();
}

absl::StatusOr<size_t> TraceFile::Read(std::span<char> room) {
  size_t filled = 0;
  while (filled < room.size()) {
    if (plain_at_ == plain_.size()) {
      if (absl::Status status = Fill(); !status.ok()) return status;
      if (plain_.empty()) break;
    }
    const size_t bytes = std::min(room.size() - filled, plain_.size() - plain_at_);
    std::memcpy(room.data() + filled, plain_.data() + plain_at_, bytes);
    plain_at_ += bytes;
    filled += bytes;
  }
  return filled;
}

absl::StatusOr<bool> TraceFile::ReadLine(std::string* line) {
  line->clear();
  while (true) {
    if (plain_at_ == plain_.size()) {
      if (absl::Status status = Fill(); !status.ok()) return status;
      if (plain_.empty()) return !line->empty();
    }
    const auto begin = plain_.begin() + static_cast<ptrdiff_t>(plain_at_);
    const auto end = std::find(begin, plain_.end(), '\n');
    line->append(begin, end);
    plain_at_ = static_cast<size_t>(end - plain_.begin());
    if (end == plain_.end()) continue;
    ++plain_at_;
    if (line->ends_with('\r')) line->pop_back();
    return true;
  }
}

}  // namespace larder::bench
