#include "bench/replay/trace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "bench/load/keys.h"
#include "bench/load/numbers.h"
#include "bench/replay/trace_file.h"

namespace larder::bench {
namespace {

// Numbers what it is asked for in the order in which it is asked.
template <typename Name>
class Numbering {
 public:
  uint32_t Of(const Name& name) {
    return numbers_.try_emplace(name, static_cast<uint32_t>(numbers_.size())).first->second;
  }
  size_t size() const { return numbers_.size(); }

 private:
  std::unordered_map<Name, uint32_t> numbers_;
};

absl::Status CheckKeyCount(size_t keys) {
  if (keys <= kKeyCountMax) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("there are more than ", kKeyCountMax, " keys"));
}

// oracleGeneral: records of 24 bytes, little-endian. What the last field says, when the object is
// asked for next, is for simulations of what nobody can know.
constexpr size_t kRecordBytes = 24;
constexpr size_t kObjectAt = 4;
constexpr size_t kSizeAt = 12;
constexpr uint32_t kSizeUnknown = 1;

template <typename Field>
Field FieldAt(const char* record, size_t at) {
  Field field;
  std::memcpy(&field, record + at, sizeof(field));
  return field;
}

absl::StatusOr<Trace> ReadOracleGeneral(TraceFile file, uint64_t requests_max) {
  Trace trace;
  Numbering<uint64_t> keys;
  std::optional<uint32_t> first_time;
  std::array<char, 4096 * kRecordBytes> block;
  while (trace.requests.size() < requests_max) {
    const auto bytes = file.Read(block);
    if (!bytes.ok()) return bytes.status();
    if (*bytes % kRecordBytes != 0) return absl::DataLossError("the last record is cut off");
    if (*bytes == 0) break;
    for (size_t at = 0; at < *bytes && trace.requests.size() < requests_max; at += kRecordBytes) {
      const char* record = block.data() + at;
      const auto size = FieldAt<uint32_t>(record, kSizeAt);
      if (size > kValueBytesMax) return absl::OutOfRangeError(absl::StrCat("a size of ", size));
      trace.sizes_known = trace.sizes_known || size != kSizeUnknown;
      const auto time = FieldAt<uint32_t>(record, 0);
      first_time = first_time.value_or(time);
      if (time < *first_time) return absl::OutOfRangeError("time goes back");
      trace.requests.push_back({.second = time - *first_time,
                                .key = keys.Of(FieldAt<uint64_t>(record, kObjectAt)),
                                .value_bytes = size});
    }
  }
  trace.key_count = static_cast<uint32_t>(keys.size());
  return trace;
}

// CSV: time,key,size[,op[,ttl]].
constexpr size_t kFieldsMin = 3;
constexpr size_t kFieldsMax = 5;
using Fields = std::array<std::string_view, kFieldsMax>;

// How many there are; 0 if too many.
size_t Split(std::string_view line, Fields* fields) {
  size_t count = 0;
  while (count < kFieldsMax) {
    const size_t comma = line.find(',');
    (*fields)[count++] = line.substr(0, comma);
    if (comma == line.npos) return count;
    line.remove_prefix(comma + 1);
  }
  return 0;
}

std::optional<Op> ParseOp(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Op>, 10> kOps = {{
      {"get", Op::kGet},
      {"gets", Op::kGet},
      {"set", Op::kSet},
      {"add", Op::kSet},
      {"replace", Op::kSet},
      {"cas", Op::kSet},
      {"append", Op::kSet},
      {"prepend", Op::kSet},
      {"incr", Op::kGet},
      {"decr", Op::kGet},
  }};
  if (text == "delete") return Op::kDelete;
  const auto* found =
      std::find_if(kOps.begin(), kOps.end(), [&](const auto& op) { return op.first == text; });
  if (found == kOps.end()) return std::nullopt;
  return found->second;
}

struct CsvRequest {
  double time = 0;
  std::string_view key;
  Request rest;  // but its key and its time
};

std::optional<CsvRequest> ParseCsvLine(std::string_view line) {
  Fields fields;
  const size_t count = Split(line, &fields);
  if (count < kFieldsMin || fields[1].empty()) return std::nullopt;
  const auto time = ParseNumber<double>(fields[0]);
  const auto size = ParseNumber<uint32_t>(fields[2]);
  const auto op = count > 3 ? ParseOp(fields[3]) : Op::kGet;
  const auto ttl = count > 4 ? ParseNumber<uint32_t>(fields[4]) : 0;
  if (!time || !size || !op || !ttl || *size > kValueBytesMax) return std::nullopt;
  return CsvRequest{.time = *time,
                    .key = fields[1],
                    .rest = {.value_bytes = *size, .ttl_seconds = *ttl, .op = *op}};
}

absl::StatusOr<Trace> ReadCsv(TraceFile file, uint64_t requests_max) {
  Trace trace{.sizes_known = true};
  Numbering<std::string> keys;
  std::optional<double> first_time;
  std::string line;
  for (uint64_t number = 1; trace.requests.size() < requests_max; ++number) {
    const auto there_is_one = file.ReadLine(&line);
    if (!there_is_one.ok()) return there_is_one.status();
    if (!*there_is_one) break;
    if (line.empty() || line.starts_with('#')) continue;
    if (number == 1 && line.starts_with("time,")) continue;
    auto parsed = ParseCsvLine(line);
    if (!parsed) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " is not time,key,size[,op[,ttl]]: ", line));
    }
    first_time = first_time.value_or(parsed->time);
    const double second = std::floor(parsed->time - *first_time);
    if (second < 0 || second > std::numeric_limits<int32_t>::max()) {
      return absl::OutOfRangeError(absl::StrCat("line ", number, " is of no time: ", line));
    }
    parsed->rest.second = static_cast<uint32_t>(second);
    parsed->rest.key = keys.Of(std::string(parsed->key));
    trace.has_ttls = trace.has_ttls || parsed->rest.ttl_seconds != 0;
    trace.requests.push_back(parsed->rest);
  }
  trace.key_count = static_cast<uint32_t>(keys.size());
  return trace;
}

}  // namespace

absl::StatusOr<Trace> ReadTrace(const std::string& path, uint64_t requests_max) {
  auto file = TraceFile::Open(path);
  if (!file.ok()) return file.status();
  const bool is_csv = path.find(".csv") != path.npos;
  auto trace = is_csv ? ReadCsv(*std::move(file), requests_max)
                      : ReadOracleGeneral(*std::move(file), requests_max);
  absl::Status status = trace.status();
  if (status.ok()) status = CheckKeyCount(trace->key_count);
  if (status.ok() && trace->requests.empty()) status = absl::DataLossError("there is no request");
  if (status.ok()) return trace;
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

Request TraceLoad::Next() {
  const uint64_t copy = next_ % spec_.copies;
  uint64_t position = next_ / spec_.copies;
  ++next_;
  // The time is that of the first copy, which does not go back.
  const uint32_t second = trace_.requests[position].second;
  if (spec_.staggered) {
    position += copy * trace_.requests.size() / spec_.copies;
    position %= trace_.requests.size();
  }
  Request request = trace_.requests[position];
  request.second = second;
  request.key += static_cast<uint32_t>(copy) * trace_.key_count;
  if (spec_.value_sizes != nullptr) request.value_bytes = spec_.value_sizes->BytesOf(request.key);
  return request;
}

}  // namespace larder::bench
