#include <cstdio>
#include <string>

#include "protocol/text_encoder.h"
#include "server/engine/stats.h"

namespace larder {

void StatLines::Add(std::string_view name, std::string_view value) {
  if (echo_) {
    AppendBinaryStat(out_, *echo_, name, value);
    return;
  }
  std::string line(kStatOverheadBytes + name.size() + value.size(), '\0');
  const char* const end = EncodeStat(line.data(), name, value);
  out_->Append({line.data(), end});
}

void StatLines::AddNumber(std::string_view name, uint64_t value) {
  if (echo_) {
    AppendBinaryStat(out_, *echo_, name, std::to_string(value));
    return;
  }
  std::string line(kStatOverheadBytes + name.size() + kNumberBytesMax, '\0');
  const char* const end = EncodeStat(line.data(), name, value);
  out_->Append({line.data(), end});
}

void StatLines::End() {
  if (echo_) {
    AppendBinaryStat(out_, *echo_, /*name=*/"", /*value=*/"");
  } else {
    out_->Append(kEndReply);
  }
}

void StatLines::AddDecimal(std::string_view name, double value, int digits) {
  char text[64];
  const int bytes = std::snprintf(text, sizeof(text), "%.*f", digits, value);
  Add(name, std::string_view(text, static_cast<size_t>(bytes)));
}

void AddConnections(const std::vector<ConnectionInfo>& connections, StatLines* lines) {
  for (const ConnectionInfo& connection : connections) {
    const std::string prefix = std::to_string(connection.id) + ":";
    if (connection.datagrams) lines->Add(prefix + "UDP", "UDP");
    lines->Add(prefix + "addr", connection.address);
    if (!connection.listen_address.empty()) {
      lines->Add(prefix + "listen_addr", connection.listen_address);
    }
    lines->Add(prefix + "state", connection.state);
    lines->Add(prefix + "secs_since_last_cmd", connection.idle_seconds);
  }
}

void AddTurnTimes(const Engine& engine, StatLines* lines) {
  if (!engine.settings().track_turn_times) return lines->Add("turns_status", "disabled");
  const TurnTimeTotals times = engine.TurnTimesOfAll();
  const auto add_microseconds = [&](const std::string& name, uint64_t nanoseconds) {
    lines->AddDecimal(name, static_cast<double>(nanoseconds) / 1000, /*digits=*/1);
  };
  lines->Add("turns", times.Count());
  add_microseconds("cpu_us_p50", times.Percentile(50));
  add_microseconds("cpu_us_p99", times.Percentile(99));
  add_microseconds("cpu_us_p99.9", times.Percentile(99.9));
  add_microseconds("cpu_us_p99.99", times.Percentile(99.99));
  add_microseconds("cpu_us_max", times.longest_nanoseconds);
  times.ForEachOctave([&](uint64_t end_nanoseconds, uint64_t turns) {
    lines->Add("below_ns_" + std::to_string(end_nanoseconds), turns);
  });
}

}  // namespace larder
