#include "tests/engine/session_harness.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "gtest/gtest.h"

namespace larder {

EngineHarness::EngineHarness(const Settings& settings, Authenticator* authenticator,
                             const AuthFile* auth_file) {
  auto store = Store::Create(StoreOptionsFrom(settings, /*hash_seed=*/42));
  EXPECT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  engine_ =
      std::make_unique<Engine>(settings, store_.get(), &server, now, authenticator, auth_file);
  worker_ = engine_->AddWorker();
}

EngineHarness::~EngineHarness() { store_->CheckInvariants(); }

Client::Client(EngineHarness* harness, const Options& options)
    : harness_(harness),
      options_(options),
      output_(&harness->worker()->output_blocks()),
      session_(harness->worker(), options.session) {}

std::string Client::Send(std::string_view bytes) {
  Feed(bytes);
  received_ += Receive();
  return std::exchange(received_, "");
}

void Client::Feed(std::string_view bytes) {
  const size_t cut = options_.cut_bytes == 0 ? bytes.size() : options_.cut_bytes;
  while (!bytes.empty() && !closed_) {
    const size_t n = std::min(cut, bytes.size());
    Arrive(bytes.substr(0, n));
    bytes.remove_prefix(n);
  }
}

void Client::Arrive(std::string_view bytes) {
  if (options_.use_body_room && input_.empty()) {
    // As much as readv() would put there.
    const std::span<char> room = session_.BodyRoom();
    const size_t n = std::min(room.size(), bytes.size());
    if (n > 0) std::memcpy(room.data(), bytes.data(), n);
    session_.BodyReceived(n);
    bytes.remove_prefix(n);
  }
  input_ += bytes;
  RunAll();
}

void Client::RunAll() {
  while (true) {
    // A copy of exactly its size, so that reading past its end is seen.
    const auto copy = std::make_unique<char[]>(input_.size());
    std::memcpy(copy.get(), input_.data(), input_.size());
    const Session::Result result =
        session_.Run({copy.get(), input_.size()}, harness_->now, &output_);
    ASSERT_LE(result.consumed, input_.size());
    input_.erase(0, result.consumed);
    switch (result.next) {
      case Session::Next::kRead:
        ASSERT_GT(session_.min_input_bytes(), input_.size());
        return;
      case Session::Next::kYield:
        ASSERT_TRUE(!input_.empty() || session_.answering());
        ++yields_;
        break;
      case Session::Next::kFlush:
        ASSERT_TRUE(output_.full());
        ++flushes_;
        received_ += Receive(options_.send_bytes == 0 ? SIZE_MAX : options_.send_bytes);
        break;
      case Session::Next::kClose:
        closed_ = true;
        return;
    }
  }
}

std::string Client::Receive(size_t bytes) {
  std::string received;
  bytes = std::min(bytes, output_.bytes());
  while (received.size() < bytes) {
    std::array<iovec, 4> pieces;
    const size_t count = output_.Gather(pieces);
    size_t sent = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t n = std::min(pieces[i].iov_len, bytes - received.size());
      received.append(static_cast<const char*>(pieces[i].iov_base), n);
      sent += n;
    }
    EXPECT_GT(sent, 0u);
    output_.Sent(sent);
  }
  return received;
}

std::vector<std::pair<std::string, std::string>> ParseStats(const std::string& reply) {
  std::vector<std::pair<std::string, std::string>> stats;
  std::string_view rest = reply;
  while (rest.starts_with("STAT ")) {
    const std::string_view line = rest.substr(5, rest.find("\r\n") - 5);
    const size_t space = line.find(' ');
    stats.emplace_back(line.substr(0, space), line.substr(space + 1));
    rest.remove_prefix(line.size() + 7);
  }
  EXPECT_EQ(rest, "END\r\n");
  return stats;
}

std::string StatOf(const std::string& reply, const std::string& name) {
  for (const auto& [stat, value] : ParseStats(reply)) {
    if (stat == name) return value;
  }
  ADD_FAILURE() << "no stat " << name;
  return "";
}

}  // namespace larder
