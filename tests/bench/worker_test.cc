#include "bench/load/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <charconv>
#include <map>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

using testing::HasSubstr;

constexpr uint64_t kLongNs = 60'000'000'000;

// A cache for one connection on a thread of its own: sets and gets of the text protocol, well
// formed. Ends with the connection.
class ToyServer {
 public:
  struct Manners {
    size_t piece_bytes = 1 << 20;  // how much of a reply it sends at once
    int close_after_requests = -1;
    int silent_after_requests = -1;
    int wrong_after_requests = -1;  // answers STORED to a get
  };

  ToyServer(Socket socket, Manners manners)
      : manners_(manners), socket_(std::move(socket)), thread_([this] { Serve(); }) {}
  ~ToyServer() { thread_.join(); }

  // To be read when the connection is closed and the server thus destroyed or about to end.
  const std::map<std::string, std::string>& items() const { return items_; }
  void Join() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
  }

 private:
  void Serve() {
    for (int served = 0;; ++served) {
      if (served == manners_.close_after_requests) {
        socket_ = Socket();
        return;
      }
      if (!ServeOne(served)) return;
    }
  }

  bool ServeOne(int served) {
    std::string line;
    if (!ReadLine(line)) return false;
    std::string reply = line.starts_with("set ") ? Set(line) : Get(line);
    if (served == manners_.wrong_after_requests) reply = "STORED\r\n";
    if (manners_.silent_after_requests >= 0 && served >= manners_.silent_after_requests)
      return true;
    return Send(reply);
  }

  bool Send(std::string_view reply) {
    while (!reply.empty()) {
      const std::string_view piece = reply.substr(0, manners_.piece_bytes);
      if (send(socket_.fd(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return false;
      reply.remove_prefix(piece.size());
    }
    return true;
  }

  std::string Set(const std::string& line) {
    const size_t key_end = line.find(' ', 4);
    size_t bytes = 0;
    std::from_chars(&line[line.rfind(' ') + 1], line.data() + line.size(), bytes);
    if (!ReadUntil(bytes + 2)) return "";
    items_[line.substr(4, key_end - 4)] = input_.substr(0, bytes);
    input_.erase(0, bytes + 2);
    return "STORED\r\n";
  }

  std::string Get(const std::string& line) {
    std::string reply;
    for (size_t at = line.find(' '); at != line.npos;) {
      const size_t end = line.find(' ', at + 1);
      const std::string key = line.substr(at + 1, end - at - 1);
      if (const auto item = items_.find(key); item != items_.end()) {
        absl::StrAppend(&reply, "VALUE ", key, " 0 ", item->second.size(), "\r\n", item->second,
                        "\r\n");
      }
      at = end;
    }
    return reply + "END\r\n";
  }

  bool ReadLine(std::string& line) {
    size_t end;
    while ((end = input_.find("\r\n")) == input_.npos) {
      if (!ReadUntil(input_.size() + 1)) return false;
    }
    line = input_.substr(0, end);
    input_.erase(0, end + 2);
    return true;
  }

  bool ReadUntil(size_t bytes) {
    while (input_.size() < bytes) {
      std::array<char, 4096> piece;
      const ssize_t count = recv(socket_.fd(), piece.data(), piece.size(), 0);
      if (count <= 0) return false;
      input_.append(piece.data(), static_cast<size_t>(count));
    }
    return true;
  }

  const Manners manners_;
  Socket socket_;
  std::string input_;
  std::map<std::string, std::string> items_;
  std::thread thread_;
};

// A worker and a toy server for each of its connections. The servers share nothing: with several,
// ids that were stored through one connection are missing on the others.
class WorkerTest : public testing::Test {
 protected:
  void Start(const WorkloadSpec& spec, int connections, size_t pipeline_max,
             ToyServer::Manners manners = {}, uint64_t reply_timeout_ns = kLongNs) {
    workload_ = std::make_unique<Workload>(spec);
    std::vector<Socket> near;
    for (int i = 0; i < connections; ++i) {
      std::array<int, 2> ends;
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
      near.emplace_back(ends[0]);
      servers_.push_back(std::make_unique<ToyServer>(Socket(ends[1]), manners));
    }
    auto worker = Worker::Make(
        *workload_, std::move(near),
        {.pipeline_max = pipeline_max, .seed = 7, .reply_timeout_ns = reply_timeout_ns});
    ASSERT_TRUE(worker.ok());
    worker_ = *std::move(worker);
  }

  absl::Status Run(const Phase& phase) {
    tally_ = std::make_unique<Tally>();
    return worker_->Run(phase, *tally_, stop_);
  }

  absl::Status StoreAll(size_t pipeline) {
    return Run({.store = Phase::IdsInOrder{.first = 0, .step = 1},
                .pipeline = pipeline,
                .requests = workload_->spec.key_count});
  }

  std::atomic<bool> stop_{false};
  std::unique_ptr<Workload> workload_;
  std::vector<std::unique_ptr<ToyServer>> servers_;
  std::unique_ptr<Tally> tally_;
  // Destroyed first, which closes the connections and thus ends the servers.
  std::unique_ptr<Worker> worker_;
};

WorkloadSpec SmallSpec() {
  return {.key_count = 500, .key_bytes = 16, .value_sizes = *ParseValueSizes("1-300")};
}

TEST_F(WorkerTest, StoresEveryIdOnceWithItsValue) {
  Start(SmallSpec(), 3, 16);
  ASSERT_TRUE(
      Run({.store = Phase::IdsInOrder{.first = 2, .step = 5}, .pipeline = 16, .requests = 60})
          .ok());
  EXPECT_EQ(tally_->set_requests, 60u);
  EXPECT_EQ(tally_->set_latency.Count(), 60u);
  EXPECT_EQ(worker_->requests_done(), 60u);
  worker_.reset();
  std::map<std::string, std::string> stored;
  for (const auto& server : servers_) {
    server->Join();
    for (const auto& item : server->items()) EXPECT_TRUE(stored.insert(item).second);
  }
  ASSERT_EQ(stored.size(), 60u);
  for (uint32_t i = 0; i < 60; ++i) {
    const uint32_t id = 2 + 5 * i;
    EXPECT_EQ(stored[workload_->key_format.Key(id)], workload_->values.Of(id));
  }
}

TEST_F(WorkerTest, FindsInAClosedLoopWhatItStored) {
  WorkloadSpec spec = SmallSpec();
  spec.keys_per_get = 5;
  spec.get_weight = 3;
  spec.set_weight = 1;
  Start(spec, 1, 8);
  ASSERT_TRUE(StoreAll(8).ok());
  ASSERT_TRUE(Run({.pipeline = 8, .requests = 1001}).ok());
  EXPECT_EQ(tally_->requests(), 1001u);
  EXPECT_EQ(tally_->hits, 5 * tally_->get_requests);
  EXPECT_EQ(tally_->misses, 0u);
  EXPECT_NEAR(static_cast<double>(tally_->get_requests), 750, 60);
  EXPECT_EQ(worker_->requests_done(), 1501u);
  EXPECT_EQ(worker_->keys_done(), 500 + tally_->keys());
}

TEST_F(WorkerTest, CountsMisses) {
  Start(SmallSpec(), 2, 1);
  ASSERT_TRUE(Run({.requests = 100}).ok());
  EXPECT_EQ(tally_->get_requests, 100u);
  EXPECT_EQ(tally_->misses, 100u);
}

TEST_F(WorkerTest, PassesLargeValuesThroughFullSockets) {
  WorkloadSpec spec = {.key_count = 20,
                       .value_sizes = *ParseValueSizes("500000-600000"),
                       .verify_whole_values = true};
  Start(spec, 2, 4);
  ASSERT_TRUE(StoreAll(4).ok());
  ASSERT_TRUE(Run({.pipeline = 4, .requests = 40}).ok());
  EXPECT_EQ(tally_->hits + tally_->misses, 40u);
  EXPECT_GT(tally_->hits, 0u);
}

// Which pieces arrive alone is up to the scheduler; of thousands many do.
TEST_F(WorkerTest, PutsRepliesTogetherThatComeInPieces) {
  Start(SmallSpec(), 1, 4, {.piece_bytes = 7});
  ASSERT_TRUE(StoreAll(4).ok());
  ASSERT_TRUE(Run({.pipeline = 4, .requests = 500}).ok());
  EXPECT_EQ(tally_->hits, 500u);
}

// The toy server reads nothing while it cannot send, as a server may: who waits for it to read
// before reading himself waits forever.
TEST_F(WorkerTest, ReadsWhileItCannotSend) {
  WorkloadSpec spec = {.key_count = 2,
                       .value_sizes = *ParseValueSizes("600000"),
                       .keys_per_get = 4,
                       .get_weight = 1,
                       .set_weight = 1};
  Start(spec, 1, 16);
  ASSERT_TRUE(StoreAll(16).ok());
  ASSERT_TRUE(Run({.pipeline = 16, .requests = 64}).ok());
  EXPECT_EQ(tally_->hits, 4 * tally_->get_requests);
}

TEST_F(WorkerTest, SendsInAnOpenLoopWhatFellDue) {
  Start(SmallSpec(), 2, 2);
  ASSERT_TRUE(StoreAll(2).ok());
  ASSERT_TRUE(Run({.arrivals = ArrivalSchedule::Spec{.per_second = 20'000},
                   .pipeline = 2,
                   .requests = 1000})
                  .ok());
  EXPECT_EQ(tally_->get_requests, 1000u);
  EXPECT_EQ(tally_->unsent, 0u);
  EXPECT_GT(tally_->hits, 0u);
}

// The one connection never answers: all that falls due behind its first request waits in vain. In a
// closed loop they would not have existed.
TEST_F(WorkerTest, CountsWhatASlowServerKeptFromBeingSent) {
  Start(SmallSpec(), 1, 1, {.silent_after_requests = 0}, 200'000'000);
  EXPECT_FALSE(Run({.arrivals = ArrivalSchedule::Spec{.per_second = 100'000, .even = true},
                    .duration_ns = 10'000'000})
                   .ok());
  EXPECT_EQ(tally_->unsent, 998u);  // 10 ms hold 999 requests before their end
}

TEST_F(WorkerTest, EndsWhenAConnectionIsClosed) {
  Start(SmallSpec(), 2, 1, {.close_after_requests = 10});
  EXPECT_THAT(std::string(Run({.requests = 1000}).message()),
              testing::AnyOf(HasSubstr("closed a connection"), HasSubstr("cannot receive"),
                             HasSubstr("cannot send")));
}

TEST_F(WorkerTest, EndsOnAWrongReply) {
  Start(SmallSpec(), 1, 1, {.wrong_after_requests = 10});
  EXPECT_THAT(std::string(Run({.requests = 1000}).message()), HasSubstr("not a reply to a get"));
  EXPECT_EQ(tally_->get_requests, 10u);
}

TEST_F(WorkerTest, EndsWhenTheServerFallsSilent) {
  Start(SmallSpec(), 1, 4, {.silent_after_requests = 8}, 1'000'000);
  EXPECT_THAT(std::string(Run({.pipeline = 4, .requests = 1000}).message()),
              HasSubstr("no reply within 1 ms, 4 requests in flight"));
}

TEST_F(WorkerTest, EndsWhenToldTo) {
  Start(SmallSpec(), 1, 1);
  stop_ = true;
  EXPECT_TRUE(Run({}).ok());
}

}  // namespace
}  // namespace larder::bench
