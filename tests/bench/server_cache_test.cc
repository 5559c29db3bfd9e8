#include "bench/replay/server_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kKeyBytes = 8;  // the number alone

// A cache that never forgets, for one connection on a thread of its own, which writes down what it
// is told. Ends with the connection.
class ToyServer {
 public:
  ToyServer(Socket socket, std::string_view reply_to_sets)
      : reply_to_sets_(reply_to_sets), socket_(std::move(socket)), thread_([this] { Serve(); }) {}
  ~ToyServer() { thread_.join(); }

  // Every command without its flags. To be read when all commands have been answered.
  const std::vector<std::string>& commands() const { return commands_; }

 private:
  void Serve() {
    std::array<char, 4096> piece;
    for (ssize_t bytes = 1; bytes > 0;) {
      bytes = socket_.Receive(piece.data(), piece.size());
      if (bytes > 0) input_.append(piece.data(), static_cast<size_t>(bytes));
      for (size_t end = input_.find("\r\n"); end != input_.npos; end = input_.find("\r\n")) {
        const std::string line = input_.substr(0, end);
        input_.erase(0, end + 2);
        const std::string reply = Answer(line);
        send(socket_.fd(), reply.data(), reply.size(), MSG_NOSIGNAL);
      }
    }
  }

  std::string Answer(const std::string& line) {
    // The data of a set.
    if (line.starts_with("v")) {
      absl::StrAppend(&commands_.back(), " ", line.size());
      return reply_to_sets_;
    }
    const std::string command = line.substr(0, 2);
    commands_.push_back(line.substr(0, 11));
    if (command == "mn") return "MN\r\n";
    const std::string key = line.substr(3, kKeyBytes);
    if (command == "mg") return keys_.contains(key) ? "HD\r\n" : "EN\r\n";
    if (command == "ms") keys_.insert(key);
    if (command == "md") keys_.erase(key);
    return "";
  }

  const std::string reply_to_sets_;
  std::string input_;
  std::set<std::string> keys_;
  std::vector<std::string> commands_;
  Socket socket_;
  std::thread thread_;
};

struct Ends {
  Socket ours;
  Socket its;
};

Ends SocketPair() {
  std::array<int, 2> fds{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
  return {Socket(fds[0]), Socket(fds[1])};
}

// The server outlives the cache, whose end ends its connection.
class ServerCacheTest : public testing::Test {
 protected:
  void Start(std::string_view reply_to_sets = "") {
    Ends ends = SocketPair();
    server_ = std::make_unique<ToyServer>(std::move(ends.its), reply_to_sets);
    auto cache = ServerCache::Create(std::move(ends.ours), getpid(), kKeyBytes);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  Counts Do(const std::vector<Request>& requests) {
    Counts counts;
    const absl::Status status = cache_->Do(requests, counts);
    EXPECT_TRUE(status.ok()) << status;
    return counts;
  }

  std::unique_ptr<ToyServer> server_;
  std::unique_ptr<ServerCache> cache_;
};

TEST_F(ServerCacheTest, StoresWhatItMisses) {
  Start();
  const Counts counts = Do({{.key = 1, .value_bytes = 5}, {.key = 2, .value_bytes = 6}});
  EXPECT_EQ(counts.gets, 2u);
  EXPECT_EQ(counts.misses, 2u);
  EXPECT_THAT(server_->commands(),
              ElementsAre("mg 00000001", "mg 00000002", "ms 00000001 5", "ms 00000002 6", "mn"));
  EXPECT_EQ(Do({{.key = 1}}).misses, 0u);
}

// As a client would that waits for each reply.
TEST_F(ServerCacheTest, AsksOnceMoreForWhatWasMissedInTheSameWindow) {
  Start();
  const Counts counts = Do({{.key = 1, .value_bytes = 5},
                            {.key = 2, .value_bytes = 5},
                            {.key = 1, .value_bytes = 5},
                            {.key = 1, .value_bytes = 5}});
  EXPECT_EQ(counts.gets, 4u);
  EXPECT_EQ(counts.misses, 2u);
  EXPECT_THAT(server_->commands(),
              ElementsAre("mg 00000001", "mg 00000002", "mg 00000001", "mg 00000001",
                          "ms 00000001 5", "ms 00000002 5", "mg 00000001", "mg 00000001", "mn"));
}

TEST_F(ServerCacheTest, SetsAndDeletes) {
  Start();
  const Counts counts = Do({{.key = 1, .value_bytes = 5, .op = Op::kSet},
                            {.key = 1},
                            {.key = 1, .op = Op::kDelete},
                            {.key = 1, .value_bytes = 7}});
  EXPECT_EQ(counts.gets, 2u);
  EXPECT_EQ(counts.misses, 1u);
  EXPECT_THAT(server_->commands(), ElementsAre("ms 00000001 5", "mg 00000001", "md 00000001",
                                               "mg 00000001", "ms 00000001 7", "mn"));
}

TEST_F(ServerCacheTest, ManyWindowsMissEveryKeyOnce) {
  Start();
  std::vector<Request> requests;
  for (uint32_t i = 0; i < 5000; ++i) requests.push_back({.key = i % 700, .value_bytes = 1});
  const Counts counts = Do(requests);
  EXPECT_EQ(counts.gets, 5000u);
  EXPECT_EQ(counts.misses, 700u);
}

TEST_F(ServerCacheTest, CountsRefusals) {
  Start("SERVER_ERROR out of memory storing object\r\n");
  const Counts counts = Do({{.key = 1, .value_bytes = 5}, {.key = 2, .value_bytes = 5}});
  EXPECT_EQ(counts.gets, 2u);
  EXPECT_EQ(counts.refused, 2u);
}

TEST_F(ServerCacheTest, BelievesNoOtherReply) {
  Start("STORED\r\n");
  Counts counts;
  const Request request = {.key = 1, .value_bytes = 5};
  EXPECT_THAT(cache_->Do({&request, 1}, counts).ToString(), HasSubstr("the server replied STORED"));
}

TEST(ServerCache, SaysThatTheServerHasGone) {
  Ends ends = SocketPair();
  const auto cache = ServerCache::Create(std::move(ends.ours), getpid(), kKeyBytes);
  ASSERT_TRUE(cache.ok()) << cache.status();
  shutdown(ends.its.fd(), SHUT_WR);
  Counts counts;
  const Request request = {.key = 1};
  EXPECT_THAT((*cache)->Do({&request, 1}, counts).ToString(), HasSubstr("closed the connection"));
}

}  // namespace
}  // namespace larder::bench
