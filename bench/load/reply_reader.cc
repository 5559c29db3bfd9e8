// Reading replies at the server's speed
//
// The generator has one core, as the server has, so a reply must cost it less than it costs the
// server. It knows what it asked for, and therefore what a good reply looks like to the byte: for
// the next key it makes the header that should come and compares memory. Only what differs (the
// end of a get, a miss, an error) is parsed as text.
//
// What is verified: that replies come in the order of the requests, that each value's key was asked
// for (in the order asked; keys passed over are misses), flags 0, the length, the bytes, and the
// line end behind them. Values that arrive in pieces of more than 1 KiB are compared at the first
// and last 64 bytes of each piece, unless the workload wants them whole: comparing all would make
// the generator the slower one for large values, and what goes wrong in practice (a chunk missing,
// doubled or of another item) shifts all that follows.
#include "bench/load/reply_reader.h"

#include <charconv>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

constexpr std::string_view kValue = "VALUE ";
constexpr std::string_view kNoFlags = " 0 ";
constexpr std::string_view kEnd = "END\r\n";
constexpr std::string_view kMetaValue = "VA ";
constexpr std::string_view kMetaMiss = "EN\r\n";
constexpr std::string_view kStored = "STORED\r\n";
constexpr std::string_view kServerError = "SERVER_ERROR";
constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kWholePieceBytesMax = 1024;
constexpr size_t kSampleBytes = 64;

bool SameBytes(std::string_view a, std::string_view b) {
  return std::memcmp(a.data(), b.data(), a.size()) == 0;
}

// Of one line of a reply, fit to be shown.
std::string Printable(std::string_view line) {
  constexpr size_t kShownBytes = 160;
  const std::string_view shown = line.substr(0, kShownBytes);
  return absl::StrCat("\"", absl::CHexEscape({shown.data(), shown.size()}),
                      shown.size() < line.size() ? "...\"" : "\"");
}

}  // namespace

ReplyReader::ReplyReader(const Workload& workload, size_t requests_max)
    : workload_(workload),
      requests_(requests_max),
      ids_(requests_max * workload.spec.keys_per_get),
      header_(workload.spec.meta_gets ? kMetaValue : kValue),
      header_value_bytes_(~size_t{0}) {
  if (!workload.spec.meta_gets) header_.append(workload.spec.key_bytes, ' ').append(kNoFlags);
  header_fixed_bytes_ = header_.size();
}

void ReplyReader::ExpectGet(std::span<const uint32_t> ids, uint64_t start_ns) {
  for (const uint32_t id : ids) ids_.Push(id);
  requests_.Push(
      {.start_ns = start_ns, .keys_left = static_cast<uint32_t>(ids.size()), .is_get = true});
}

void ReplyReader::ExpectSet(uint64_t start_ns) {
  requests_.Push({.start_ns = start_ns, .keys_left = 0, .is_get = false});
}

absl::StatusOr<size_t> ReplyReader::Consume(std::string_view input, uint64_t now_ns, Tally& tally) {
  rest_ = input;
  Step step = Step::kTaken;
  while (!rest_.empty() && step == Step::kTaken) step = TakeOne(now_ns, tally);
  if (step == Step::kBroken) return absl::DataLossError(failure_);
  return input.size() - rest_.size();
}

ReplyReader::Step ReplyReader::TakeOne(uint64_t now_ns, Tally& tally) {
  if (in_value_) return TakeValue(now_ns, tally);
  if (pending() == 0) return Break("bytes that no request asked for", rest_);
  return requests_[0].is_get ? TakeGetReply(now_ns, tally) : TakeSetReply(now_ns, tally);
}

ReplyReader::Step ReplyReader::TakeGetReply(uint64_t now_ns, Tally& tally) {
  if (requests_[0].keys_left > 0) {
    const std::string_view value = workload_.values.Of(ids_[0]);
    const std::string_view header = HeaderOf(ids_[0], value.size());
    if (rest_.starts_with(header)) {
      rest_.remove_prefix(header.size());
      in_value_ = true;
      expected_ = value;
      return Step::kTaken;
    }
  }
  const std::string_view end = workload_.spec.meta_gets ? kMetaMiss : kEnd;
  if (rest_.starts_with(end)) {
    rest_.remove_prefix(end.size());
    FinishGet(now_ns, tally);
    return Step::kTaken;
  }
  return TakeRareGetReply(now_ns, tally);
}

ReplyReader::Step ReplyReader::TakeRareGetReply(uint64_t now_ns, Tally& tally) {
  const std::string_view before = rest_;
  std::string_view line;
  if (const Step step = TakeLine(line); step != Step::kTaken) return step;
  if (line.starts_with(kValue)) {
    rest_ = before;  // the line is taken when its key is the next one
    return SkipMissedKeys(line, tally);
  }
  if (line.starts_with(kServerError)) {
    CountError(line, tally);
    FinishGet(now_ns, tally);
    return Step::kTaken;
  }
  return Break("not a reply to a get", line);
}

ReplyReader::Step ReplyReader::SkipMissedKeys(std::string_view line, Tally& tally) {
  const std::string_view key =
      line.substr(kValue.size(), line.find(' ', kValue.size()) - kValue.size());
  const uint32_t keys_left = requests_[0].keys_left;
  uint32_t missed = 0;
  while (missed < keys_left && workload_.key_format.Key(ids_[missed]) != key) ++missed;
  if (missed == keys_left) return Break("the value of a key that was not asked for", line);
  if (missed == 0) return Break("a value of another length or with flags", line);
  ids_.Pop(missed);
  requests_[0].keys_left -= missed;
  tally.misses += missed;
  return Step::kTaken;
}

ReplyReader::Step ReplyReader::TakeValue(uint64_t now_ns, Tally& tally) {
  const std::string_view piece = rest_.substr(0, expected_.size());
  if (!Matches(piece)) {
    return Break("other bytes than were stored in the value of", workload_.key_format.Key(ids_[0]));
  }
  rest_.remove_prefix(piece.size());
  expected_.remove_prefix(piece.size());
  if (!expected_.empty() || rest_.size() < kLineEnd.size()) return Step::kNeedMore;
  if (!rest_.starts_with(kLineEnd)) return Break("a value without its line end, but", rest_);
  rest_.remove_prefix(kLineEnd.size());
  in_value_ = false;
  ids_.Pop();
  --requests_[0].keys_left;
  ++tally.hits;
  if (workload_.spec.meta_gets) FinishGet(now_ns, tally);
  return Step::kTaken;
}

ReplyReader::Step ReplyReader::TakeSetReply(uint64_t now_ns, Tally& tally) {
  if (rest_.starts_with(kStored)) {
    rest_.remove_prefix(kStored.size());
  } else {
    std::string_view line;
    if (const Step step = TakeLine(line); step != Step::kTaken) return step;
    if (!line.starts_with(kServerError)) return Break("not a reply to a set", line);
    CountError(line, tally);
  }
  ++tally.set_requests;
  tally.set_latency.Record(now_ns - requests_[0].start_ns);
  requests_.Pop();
  return Step::kTaken;
}

// Gives the line without its end.
ReplyReader::Step ReplyReader::TakeLine(std::string_view& line) {
  const size_t end = rest_.substr(0, kLineBytesMax).find('\n');
  if (end == rest_.npos) {
    return rest_.size() < kLineBytesMax ? Step::kNeedMore : Break("a line without end", rest_);
  }
  if (end == 0 || rest_[end - 1] != '\r') return Break("a line that ends in \\n alone", rest_);
  line = rest_.substr(0, end - 1);
  rest_.remove_prefix(end + 1);
  return Step::kTaken;
}

ReplyReader::Step ReplyReader::Break(std::string_view what, std::string_view line) {
  failure_ = absl::StrCat("the server sent ", std::string(what), ": ", Printable(line));
  return Step::kBroken;
}

void ReplyReader::FinishGet(uint64_t now_ns, Tally& tally) {
  const Request& request = requests_[0];
  tally.misses += request.keys_left;
  ids_.Pop(request.keys_left);
  ++tally.get_requests;
  tally.get_latency.Record(now_ns - request.start_ns);
  requests_.Pop();
}

void ReplyReader::CountError(std::string_view line, Tally& tally) {
  ++tally.errors;
  if (tally.first_error.empty()) tally.first_error = line;
}

bool ReplyReader::Matches(std::string_view piece) const {
  if (piece.size() <= kWholePieceBytesMax || workload_.spec.verify_whole_values) {
    return SameBytes(piece, expected_);
  }
  const size_t last = piece.size() - kSampleBytes;
  return SameBytes(piece.substr(0, kSampleBytes), expected_) &&
         SameBytes(piece.substr(last), expected_.substr(last));
}

std::string_view ReplyReader::HeaderOf(uint32_t id, size_t value_bytes) {
  if (!workload_.spec.meta_gets) {
    workload_.key_format.Write(id, header_.data() + kValue.size());
  }
  if (value_bytes != header_value_bytes_) {
    char digits[20];
    char* const end = std::to_chars(std::begin(digits), std::end(digits), value_bytes).ptr;
    header_.resize(header_fixed_bytes_);
    header_.append(std::begin(digits), end).append(kLineEnd);
    header_value_bytes_ = value_bytes;
  }
  return header_;
}

}  // namespace larder::bench
