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

}  // namespace larder
