#include "server/net/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/client.h"
#include "tests/net/datagram_client.h"
#include "tests/net/test_engine.h"
#include "tests/net/test_server.h"

namespace larder {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kBigBytes = 900'000;
constexpr char kBigLine[] = "VALUE big 0 900000\r\n";

std::string SetBig() { return "set big 0 0 900000\r\n" + std::string(kBigBytes, 'v') + "\r\n"; }

// What `stats` says, by name.
std::map<std::string, std::string> Statistics(Client* client) {
  std::istringstream lines(client->Ask("stats\r\n", "END\r\n"));
  std::map<std::string, std::string> statistics;
  for (std::string stat, name, value; lines >> stat >> name >> value;) statistics[name] = value;
  return statistics;
}

TEST(ServerTest, MeasuresTurnsIfAsked) {
  Settings settings;
  settings.track_turn_times = true;
  TestServer server({.settings = settings});
  Client client(server.port());
  EXPECT_THAT(client.Ask("stats turns\r\n", "END\r\n"), StartsWith("STAT turns 0\r\n"));
  EXPECT_THAT(client.Ask("stats turns\r\n", "END\r\n"), StartsWith("STAT turns 1\r\n"));
  EXPECT_THAT(client.Ask("stats turns\r\n", "END\r\n"), Not(HasSubstr("cpu_us_max 0.0")));
}

TEST(ServerTest, AnswersAPipelineInOrder) {
  TestServer server;
  Client client(server.port());
  std::string requests;
  std::string replies;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    requests += "set key" + number + " 0 0 " + std::to_string(number.size()) + "\r\n" + number +
                "\r\nget key" + number + "\r\n";
    replies += "STORED\r\nVALUE key" + number + " 0 " + std::to_string(number.size()) + "\r\n" +
               number + "\r\nEND\r\n";
  }
  client.Send(requests);
  EXPECT_EQ(client.Receive(replies.size()), replies);
}

TEST(ServerTest, AnswersWhatArrivesByteByByte) {
  TestServer server;
  Client client(server.port());
  for (const char byte : std::string_view("set a 5 0 3\r\nabc\r\ngets none a\r\nbogus\r\n")) {
    client.Send({&byte, 1});
  }
  EXPECT_EQ(client.ReceiveThrough("STORED\r\n"), "STORED\r\n");
  EXPECT_THAT(client.ReceiveThrough("END\r\n"), HasSubstr("VALUE a 5 3 "));
  EXPECT_EQ(client.ReceiveThrough("\r\n"), "ERROR\r\n");
}

TEST(ServerTest, ServesOthersWhileAClientDoesNotRead) {
  TestServer server({.settings = {.threads = 1}});
  const std::string value(kBigBytes, 'v');
  Client slow(server.port());
  EXPECT_EQ(slow.Ask(SetBig()), "STORED\r\n");
  constexpr int kGets = 60;  // whose replies the kernel's buffers do not hold
  for (int i = 0; i < kGets; ++i) slow.Send("get big\r\n");

  Client other(server.port());
  EXPECT_EQ(other.Ask("get none\r\n"), "END\r\n");
  EXPECT_EQ(other.Ask("delete big\r\n"), "DELETED\r\n");

  // What it asked for before is whole, and once the value is gone its replies say so.
  int hits = 0;
  int misses = 0;
  while (hits + misses < kGets) {
    const std::string line = slow.ReceiveThrough("\r\n");
    if (line == "END\r\n") {
      ++misses;
      continue;
    }
    ASSERT_EQ(line, kBigLine);
    ASSERT_TRUE(slow.Receive(value.size()) == value);
    ASSERT_EQ(slow.ReceiveThrough("END\r\n"), "\r\nEND\r\n");
    ++hits;
  }
  EXPECT_GT(hits, 0);
  EXPECT_GT(misses, 0) << "all replies were made though nobody read them";
}

TEST(ServerTest, AHalfClosedClientGetsItsReplies) {
  TestServer server;
  Client client(server.port());
  EXPECT_EQ(client.Ask(SetBig()), "STORED\r\n");
  std::string requests;
  for (int i = 0; i < 30; ++i) requests += "get big\r\n";
  client.Send(requests);
  client.FinishSending();
  const std::string reply = kBigLine + std::string(kBigBytes, 'v') + "\r\nEND\r\n";
  EXPECT_EQ(client.ReceiveAll().size(), 30 * reply.size());
}

TEST(ServerTest, TellsClientsOverTheLimitSo) {
  TestServer server({.settings = {.connections_max = 3}});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    EXPECT_EQ(clients.back()->Ask("get a\r\n"), "END\r\n");
  }
  EXPECT_EQ(Client(server.port()).ReceiveAll(), "ERROR Too many open connections\r\n");
  std::map<std::string, std::string> statistics = Statistics(clients[0].get());
  EXPECT_EQ(statistics["curr_connections"], "3");
  EXPECT_EQ(statistics["total_connections"], "3");
  EXPECT_EQ(statistics["rejected_connections"], "1");
  EXPECT_EQ(statistics["accepting_conns"], "1");
  EXPECT_EQ(statistics["listen_disabled_num"], "0");

  // A place that becomes free is given again.
  EXPECT_EQ(clients[1]->Ask("quit\r\n", ""), "");
  EXPECT_EQ(clients[1]->ReceiveAll(), "");
  while (!HasFailure() && Statistics(clients[0].get())["curr_connections"] != "2") {
  }
  EXPECT_EQ(Client(server.port()).Ask("get a\r\n"), "END\r\n");
}

TEST(ServerTest, MayStopAcceptingAtTheLimitInstead) {
  TestServer server({.settings = {.connections_max = 2, .maxconns_fast = false}});
  Client first(server.port());
  EXPECT_EQ(first.Ask("get a\r\n"), "END\r\n");
  auto second = std::make_unique<Client>(server.port());
  EXPECT_EQ(second->Ask("get a\r\n"), "END\r\n");
  // The kernel takes it, and its request waits.
  Client third(server.port());
  third.Send("get a\r\n");
  while (!HasFailure() && Statistics(&first)["accepting_conns"] != "0") {
  }
  std::map<std::string, std::string> statistics = Statistics(&first);
  EXPECT_EQ(statistics["curr_connections"], "2");
  EXPECT_EQ(statistics["listen_disabled_num"], "1");
  EXPECT_EQ(statistics.count("rejected_connections"), 0u);  // nobody ever is

  second.reset();
  EXPECT_EQ(third.ReceiveThrough("\r\n"), "END\r\n");
  EXPECT_EQ(Statistics(&first)["accepting_conns"], "1");
  EXPECT_NE(Statistics(&first)["time_in_listen_disabled_us"], "0");
}

// Leaves this process, which the server is in, `more` descriptors for a while.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(dup(STDERR_FILENO));
    const rlimit limit = {.rlim_cur = static_cast<rlim_t>(next.get()) + more,
                          .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

TEST(ServerTest, WaitsForDescriptorsWhenThereAreNone) {
  TestServer server;
  Client first(server.port());
  EXPECT_EQ(first.Ask("get a\r\n"), "END\r\n");
  std::unique_ptr<Client> second;
  {
    const DescriptorLimit limit(1);
    second = std::make_unique<Client>(server.port());
    second->Send("get a\r\n");
    while (!HasFailure() && Statistics(&first)["accepting_conns"] != "0") {
    }
  }
  EXPECT_EQ(second->ReceiveThrough("\r\n"), "END\r\n");
  EXPECT_NE(Statistics(&first)["listen_disabled_num"], "0");
}

TEST(ServerTest, ClosesIdleConnections) {
  TestServer server({.settings = {.threads = 1, .idle_timeout_seconds = 10}});
  Client idle(server.port());
  EXPECT_EQ(idle.Ask("get a\r\n"), "END\r\n");
  Client in_a_value(server.port());
  EXPECT_EQ(in_a_value.Ask("get a\r\nset a 0 0 100000\r\nabc"), "END\r\n");
  server.clock().Advance(11);
  // Both end by themselves, and not before the time that a client may be silent for.
  EXPECT_EQ(idle.ReceiveAll(), "");
  EXPECT_EQ(in_a_value.ReceiveAll(), "");
  Client fresh(server.port());
  EXPECT_EQ(Statistics(&fresh)["idle_kicks"], "2");
}

TEST(ServerTest, GivesEachWorkerAsManyConnections) {
  TestServer server({.settings = {.threads = 4}});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    EXPECT_EQ(clients.back()->Ask("get a\r\n"), "END\r\n");
  }
  EXPECT_THAT(server.server().ConnectionsOfWorkers(), Each(2));
}

TEST(ServerTest, ListsListenersAndConnections) {
  TestServer server;
  Client client(server.port());
  client.Send("stats conns\r\n");
  const std::string list = client.ReceiveThrough("END\r\n");
  const std::string listener = "addr tcp:127.0.0.1:" + std::to_string(server.port()) + "\r\n";
  EXPECT_THAT(list, HasSubstr(":" + listener));
  EXPECT_THAT(list, HasSubstr(":listen_" + listener));
  EXPECT_THAT(list, HasSubstr(":state conn_listening\r\n"));
  EXPECT_THAT(list, HasSubstr(":state conn_parse_cmd\r\n"));
}

TEST(ServerTest, AListenersProtocolIsItsConnections) {
  TestServer server({.listen = {"proto[ascii]:127.0.0.1", "proto[binary]:tag_jobs_:127.0.0.1",
                                "tag[any]:127.0.0.1"}});
  std::string version(24, '\0');
  version[0] = '\x80';
  version[1] = '\x0b';
  Client text(server.port(0));
  EXPECT_EQ(text.Ask(version + "\r\n"), "ERROR\r\n");
  EXPECT_EQ(text.Ask("version\r\n"), "VERSION 1.6.45\r\n");
  Client binary(server.port(1));
  binary.Send(version);
  EXPECT_EQ(binary.Receive(30).substr(24), "1.6.45");
  Client text_on_binary(server.port(1));
  text_on_binary.Send("version\r\nversion\r\nversion\r\n");
  EXPECT_EQ(text_on_binary.ReceiveAll(), "");
  for (const bool is_binary : {true, false}) {
    Client any(server.port(2));
    any.Send(is_binary ? version : "version\r\n");
    EXPECT_THAT(any.Receive(16), StartsWith(is_binary ? "\x81" : "VERSION 1.6.45"));
  }
}

TEST(ServerTest, EveryWorkerTakesDatagrams) {
  TestServer server({.settings = {.threads = 3}});
  // The kernel chooses the worker by the client's port: with so many, each has some.
  for (int i = 0; i < 30; ++i) {
    DatagramClient client(server.udp_port());
    EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
    const std::string key = "key" + std::to_string(i);
    EXPECT_EQ(client.Ask("set " + key + " 0 0 1\r\nx\r\n"), "STORED\r\n");
  }
  Client client(server.port());
  std::map<std::string, std::string> statistics = Statistics(&client);
  EXPECT_EQ(statistics["curr_items"], "30");
  EXPECT_EQ(statistics["curr_connections"], "1");
  EXPECT_EQ(statistics["total_connections"], "1");
  const std::string list = client.Ask("stats conns\r\n", "END\r\n");
  const std::string port = std::to_string(server.udp_port());
  size_t sockets = 0;
  for (size_t at = 0; (at = list.find(":UDP UDP\r\n", at)) != std::string::npos; ++at) ++sockets;
  EXPECT_EQ(sockets, 3u);
  EXPECT_THAT(list, HasSubstr(":addr udp:127.0.0.1:" + port + "\r\n"));
}

TEST(ServerTest, StopsThoughDatagramsCome) {
  TestServer server({.settings = {.threads = 1}});
  DatagramClient client(server.udp_port());
  EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
  std::atomic<bool> stopped = false;
  std::thread flood([&] {
    while (!stopped) {
      // Fails when nobody takes them any more.
      [[maybe_unused]] const ssize_t sent =
          send(client.fd(), "\0\0\0\0\0\1\0\0mn\r\n", 12, MSG_DONTWAIT);
    }
  });
  server.Stop();
  server.Join();
  stopped = true;
  flood.join();
}

TEST(ServerTest, CountsItsOwnBytes) {
  TestServer server;
  Client client(server.port());
  EXPECT_EQ(client.Ask("get a\r\n"), "END\r\n");
  std::map<std::string, std::string> statistics = Statistics(&client);
  EXPECT_EQ(statistics["bytes_read"], "14");
  EXPECT_EQ(statistics["bytes_written"], "5");
  EXPECT_EQ(statistics["pid"], std::to_string(getpid()));
}

// Asks for more than the kernel's buffers take, so that replies wait in the server.
void AskForMuch(Client* client) {
  EXPECT_EQ(client->Ask(SetBig()), "STORED\r\n");
  client->Send("get big big big big big big big big big big big big big big big big\r\n");
}

TEST(ServerTest, StoppingAnswersWhatHasArrivedAndClosesAll) {
  TestServer server({.settings = {.threads = 2}});
  Client silent(server.port());
  EXPECT_EQ(silent.Ask("get a\r\n"), "END\r\n");
  Client client(server.port());
  AskForMuch(&client);
  const std::string start = client.Receive(1);  // it is being answered
  server.Stop();
  const std::string value = kBigLine + std::string(kBigBytes, 'v') + "\r\n";
  const std::string all = start + client.ReceiveAll();
  EXPECT_EQ(all.size(), 16 * value.size() + std::string_view("END\r\n").size());
  EXPECT_TRUE(all.starts_with(value));
  EXPECT_TRUE(all.ends_with("END\r\n"));
  EXPECT_EQ(silent.ReceiveAll(), "");
  server.Join();
  server.store().CheckInvariants();
}

TEST(ServerTest, StoppingLetsClientsFinishTheirRequests) {
  TestServer server({.settings = {.threads = 1}});
  Client done(server.port());
  // What has begun to arrive has been read once what was sent with it is answered: of a command, of
  // a value that is waited for, and of one that is received into its item.
  const std::string value(100'000, 'v');
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"ge", "t b\r\n"},
      {"set a 0 0 10\r\n01234", "56789\r\n"},
      {"set b 0 0 100000\r\n" + value.substr(0, 50'000), value.substr(50'000) + "\r\n"}};
  std::vector<std::unique_ptr<Client>> clients;
  for (const auto& [start, rest] : requests) {
    clients.push_back(std::make_unique<Client>(server.port()));
    EXPECT_EQ(clients.back()->Ask("mn\r\n" + start), "MN\r\n");
  }
  Client newcomer(server.port());
  EXPECT_EQ(done.Ask("mn\r\n"), "MN\r\n");
  while (server.server().Stats().connections < 5) std::this_thread::yield();
  server.Stop();
  EXPECT_EQ(done.ReceiveAll(), "");  // now the others are waited for
  const std::vector<std::string> replies = {"END\r\n", "STORED\r\n", "STORED\r\n"};
  for (size_t i = 0; i < requests.size(); ++i) {
    clients[i]->Send(requests[i].second);
    EXPECT_EQ(clients[i]->ReceiveAll(), replies[i]);
  }
  EXPECT_EQ(newcomer.Ask("get a\r\n", "END\r\n"), "VALUE a 0 10\r\n0123456789\r\nEND\r\n");
  EXPECT_EQ(newcomer.ReceiveAll(), "");
  server.Join();
}

TEST(ServerTest, StoppingDoesNotWaitLongForTheRestOfARequest) {
  TestServer server({.drain_time = std::chrono::milliseconds(1)});
  Client client(server.port());
  EXPECT_EQ(client.Ask("mn\r\nset a 0 0 10\r\n01234"), "MN\r\n");
  server.Stop();
  EXPECT_EQ(client.ReceiveAll(), "");
  server.Join();
}

TEST(ServerTest, WhatIsToBeDoneAtTimesIsDoneUntilItStops) {
  const ManualClock clock;
  const std::unique_ptr<Store> store = CreateTestStore({});
  Server server({.threads = 1}, {}, &clock);
  Engine engine({}, store.get(), &server, clock.Read());
  int calls = 0;
  server.Every(std::chrono::milliseconds(1), [&](const Now& now) {
    EXPECT_EQ(now.tick.seconds, clock.Read().tick.seconds);
    if (++calls == 3) server.Stop();
  });
  ASSERT_TRUE(server.Start(&engine, {}).ok());
  EXPECT_EQ(server.Run().signal, 0);
  server.Drain();
  EXPECT_EQ(calls, 3);
}

TEST(ServerTest, StoppingDoesNotWaitLongForClientsThatDoNotRead) {
  TestServer server({.drain_time = std::chrono::milliseconds(1)});
  Client client(server.port());
  AskForMuch(&client);
  const std::string start = client.Receive(1);
  server.Stop();
  server.Join();
  EXPECT_LT(client.ReceiveAll().size(), 16 * kBigBytes);
}

TEST(ServerTest, ServesNobodyOnceItHasStopped) {
  TestServer server;
  server.Stop();
  server.Join();
  absl::StatusOr<std::vector<Listener>> port_is_free =
      OpenListeners({.listen = "127.0.0.1", .port = server.port()});
  EXPECT_TRUE(port_is_free.ok()) << port_is_free.status();
}

TEST(ServerTest, AWatcherIsToldOfConnectionsAndCommands) {
  TestServer server;
  Client watcher(server.port());
  EXPECT_EQ(watcher.Ask("watch fetchers connevents\r\n"), "OK\r\n");
  {
    Client client(server.port());
    client.Ask("get a\r\n", "END\r\n");
  }
  std::string told = watcher.ReceiveThrough("type=conn_close");
  told += watcher.ReceiveThrough("\n");
  EXPECT_THAT(told, HasSubstr(" type=conn_new rip=127.0.0.1 rport="));
  EXPECT_THAT(told, HasSubstr(" type=item_get key=a status=not_found clsid=0 cfd="));
  EXPECT_THAT(told, HasSubstr(" transport=tcp reason=normal cfd="));
  Client other(server.port());
  // Its worker says so once the reply has been sent.
  while (!HasFailure() && other.Ask("stats conns\r\n", "END\r\n").find("state conn_watch\r\n") ==
                              std::string::npos) {
  }
}

TEST(ServerTest, AClientMayEndTheServer) {
  TestServer server({.settings = [] {
    Settings settings;
    settings.shutdown_command = true;
    return settings;
  }()});
  Client client(server.port());
  client.Send("shutdown\r\n");
  EXPECT_EQ(client.ReceiveAll(), "");
  server.Join();
}

TEST(ServerTest, AnOperatorsMemoryLimitIsReached) {
  TestServer server({.settings = {.memory_bytes = uint64_t{16} << 20}});
  Client client(server.port());
  const std::string value = std::string(100'000, 'v') + "\r\n";
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(client.Ask("set k" + std::to_string(n) + " 0 0 100000\r\n" + value), "STORED\r\n");
  }
  constexpr uint64_t kLimit = uint64_t{8} << 20;
  EXPECT_GT(server.store().Stats().memory_bytes, kLimit);
  EXPECT_EQ(client.Ask("cache_memlimit 8\r\n"), "OK\r\n");
  // Maintenance gives the memory back; if it never does, the test runs out of time.
  while (server.store().Stats().memory_bytes > kLimit) std::this_thread::yield();
  EXPECT_THAT(client.Ask("stats\r\n", "END\r\n"), HasSubstr("STAT limit_maxbytes 8388608\r\n"));
  EXPECT_EQ(client.Ask("set new 0 0 100000\r\n" + value), "STORED\r\n");
}

TEST(ServerTest, AnOperatorMovesPagesAndCrawls) {
  TestServer server;
  Client client(server.port());
  EXPECT_EQ(client.Ask("slabs reassign 1 1\r\n"), "SAME src and dst class are identical\r\n");
  EXPECT_EQ(client.Ask("slabs reassign 1 2\r\n"), "NOSPARE source class has no spare pages\r\n");
  EXPECT_EQ(client.Ask("set k 0 0 1\r\nv\r\n"), "STORED\r\n");
  EXPECT_EQ(client.Ask("lru_crawler crawl all\r\n"), "OK\r\n");
}

}  // namespace
}  // namespace larder
