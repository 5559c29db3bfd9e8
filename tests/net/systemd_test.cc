#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/net/listener.h"
#include "tests/net/client.h"
#include "tests/net/datagram_client.h"
#include "tests/net/process.h"

// The daemon as systemd runs it, by systemd's own variables and sockets; the test is the manager.

namespace larder {
namespace {

using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// The manager's end of sd_notify.
class NotifySocket {
 public:
  explicit NotifySocket(const std::filesystem::path& path)
      : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), path_(path) {
    SocketAddress address = {};
    address.local.sun_family = AF_UNIX;
    path_.string().copy(address.local.sun_path, sizeof(address.local.sun_path) - 1);
    EXPECT_EQ(bind(fd_.get(), &address.any, sizeof(address.local)), 0);
  }

  std::string variable() const { return "NOTIFY_SOCKET=" + path_.string(); }

  // The next message; empty, and the test fails, if there is none for too long.
  std::string Receive() const {
    pollfd ready = {.fd = fd_.get(), .events = POLLIN};
    constexpr int kDeadlineMilliseconds = 60'000;
    EXPECT_EQ(poll(&ready, 1, kDeadlineMilliseconds), 1);
    return ReceiveNow();
  }
  // The next message that is `state` or begins with it.
  std::string ReceiveState(std::string_view state) const {
    std::string message;
    do {
      message = Receive();
    } while (!message.starts_with(state) && !message.empty());
    return message;
  }
  // How often `state` is among the messages that are here already, which are taken.
  int CountNow(std::string_view state) const {
    int count = 0;
    for (std::string message; !(message = ReceiveNow()).empty();) count += message == state;
    return count;
  }

 private:
  std::string ReceiveNow() const {
    char message[4096];
    const ssize_t bytes = recv(fd_.get(), message, sizeof(message), MSG_DONTWAIT);
    return {message, static_cast<size_t>(std::max<ssize_t>(bytes, 0))};
  }

  const UniqueFd fd_;
  const std::filesystem::path path_;
};

// Holds up one thread of a child for as long as it lives.
class HeldThread {
 public:
  HeldThread(pid_t process, const std::string& name) : thread_(Find(process, name)) {
    EXPECT_EQ(ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr), 0);
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr), 0);
    int status = 0;
    EXPECT_EQ(waitpid(thread_, &status, __WALL), thread_);
    EXPECT_TRUE(WIFSTOPPED(status));
  }
  ~HeldThread() { EXPECT_EQ(ptrace(PTRACE_DETACH, thread_, nullptr, nullptr), 0); }
  HeldThread(const HeldThread&) = delete;
  HeldThread& operator=(const HeldThread&) = delete;

 private:
  static pid_t Find(pid_t process, const std::string& name) {
    const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      if (ReadFile(task.path() / "comm") != name + "\n") continue;
      const std::string id = task.path().filename();
      pid_t thread = 0;
      std::from_chars(id.data(), id.data() + id.size(), thread);
      return thread;
    }
    ADD_FAILURE() << "no thread " << name;
    return 0;
  }

  const pid_t thread_;
};

class SystemdTest : public ProcessTest {
 protected:
  const NotifySocket manager_{folder_ / "notify"};
};

TEST_F(SystemdTest, ReadyReloadAndStop) {
  Process larder(With({"-v"}), {.environment = {manager_.variable()}});
  EXPECT_EQ(manager_.Receive(), "READY=1");
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n");

  const auto microseconds = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  const auto before = microseconds();
  larder.Signal(SIGHUP);
  const std::string reloading = manager_.ReceiveState("RELOADING=1\nMONOTONIC_USEC=");
  decltype(microseconds()) when = 0;
  std::from_chars(reloading.data() + reloading.rfind('=') + 1, reloading.data() + reloading.size(),
                  when);
  EXPECT_GE(when, before);
  EXPECT_LE(when, microseconds());
  EXPECT_EQ(manager_.ReceiveState("READY=1"), "READY=1");

  larder.Signal(SIGTERM);
  EXPECT_EQ(manager_.ReceiveState("STOPPING=1"), "STOPPING=1\nSTATUS=Stopping");
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr("Z info: stopping: signal TERM\n"));
}

TEST_F(SystemdTest, TheStatusIsToldWhileItRuns) {
  Process larder(With({}), {.environment = {manager_.variable()}});
  EXPECT_THAT(manager_.ReceiveState("STATUS="), EndsWith(" items, no gets, 0 connections"));
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("set a 0 0 1\r\nx\r\nget a\r\nget b\r\n", "x\r\nEND\r\nEND\r\n"),
            "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\nEND\r\n");
  const std::string status = "STATUS=1 items, hit ratio 50.0 %, 1 connections";
  EXPECT_EQ(manager_.ReceiveState(status), status);
}

TEST_F(SystemdTest, AReasonToStopMayBeACommand) {
  Process larder(With({"-v", "-A"}));
  Client client(WaitForPort());
  client.Send("shutdown\r\n");
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr("Z info: stopping: the shutdown command\n"));
}

// A worker is held up as by a lock that is never released: the others go on, and so does the thread
// that feeds the watchdog.
TEST_F(SystemdTest, AWorkerThatStandsStillStarvesTheWatchdog) {
  Process larder(With({}), {.environment = {manager_.variable(), "WATCHDOG_USEC=400000"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager_.ReceiveState("WATCHDOG=1"), "WATCHDOG=1");
  {
    const HeldThread held(larder.pid(), "larder-worker1");
    // Before it was held, it may have answered once more than was seen here.
    manager_.CountNow("WATCHDOG=1");
    larder.WaitForError("Z error: worker 1 has stood still for ");
    EXPECT_LE(manager_.CountNow("WATCHDOG=1"), 1);
  }
  EXPECT_EQ(manager_.ReceiveState("WATCHDOG=1"), "WATCHDOG=1");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr("Z warning: worker 1 goes on after "));
  EXPECT_THAT(larder.errors(), testing::Not(HasSubstr("worker 0")));
}

TEST_F(SystemdTest, WithoutALimitThereIsNoWatchdog) {
  Process larder(With({}), {.environment = {manager_.variable()}});
  manager_.ReceiveState("STATUS=");
  larder.Signal(SIGTERM);
  for (std::string message; !message.starts_with("STOPPING=1");) {
    message = manager_.Receive();
    ASSERT_THAT(message, AnyOf(StartsWith("STATUS="), StartsWith("STOPPING=1")));
  }
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
}

TEST_F(SystemdTest, TheJournalIsToldPriorities) {
  Process larder(With({}), {.journal = true});
  WaitForPort();
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), StartsWith("<6>"));
  EXPECT_THAT(larder.errors(), HasSubstr("<6>larder " LARDER_VERSION " serves on tcp:127.0.0.1:"));
  EXPECT_THAT(larder.errors(), EndsWith("\n<6>stopping: signal TERM\n"));

  Process refused(With({"-l", "proto[ascii:127.0.0.1"}), {.journal = true});
  EXPECT_EQ(refused.Wait(), EX_OSERR);
  EXPECT_THAT(refused.errors(), StartsWith("<3>"));
  EXPECT_EQ(std::ranges::count(refused.errors(), '\n'), 1);
}

// Sockets that the manager holds, and hands to each larder that it starts.
class SocketsTest : public ProcessTest {
 protected:
  SocketsTest() {
    absl::StatusOr<std::vector<Listener>> opened = OpenListeners({.listen = "127.0.0.1"});
    EXPECT_TRUE(opened.ok());
    tcp_ = std::move(opened->front());
    absl::StatusOr<Listener> local = OpenUnixListener({.path = folder_ / "socket"});
    EXPECT_TRUE(local.ok());
    unix_ = *std::move(local);
    absl::StatusOr<std::vector<DatagramPort>> ports =
        OpenDatagramPorts({.listen = "127.0.0.1"}, /*workers=*/2);
    EXPECT_TRUE(ports.ok());
    udp_ = std::move(ports->front());
  }

  int port() const { return AddressPort(tcp_.address); }

  // How a start ends that is to fail, and with which words.
  std::pair<int, std::string> Fail(const ProcessStart& start, std::vector<std::string> more = {}) {
    Process larder(With(std::move(more)), start);
    const int exit_code = larder.Wait();
    return {exit_code, larder.errors()};
  }

  Listener tcp_;
  Listener unix_;
  DatagramPort udp_;
};

TEST_F(SocketsTest, TakeThePlaceOfTheOptions) {
  absl::StatusOr<std::vector<DatagramPort>> ports =
      OpenDatagramPorts({.listen = "127.0.0.1"}, /*workers=*/1);
  ASSERT_TRUE(ports.ok());
  const DatagramPort& single_udp = ports->front();
  // Nobody can listen there.
  Process larder(With({"-v", "-l", "192.0.2.1", "-p", "1"}),
                 {.sockets = {unix_.fd.get(), tcp_.fd.get(), single_udp.fds[0].get()},
                  .socket_names = "memcached:memcached:memcached"});
  const std::string tcp_port = std::to_string(port());
  const std::string udp_port = std::to_string(AddressPort(single_udp.address));
  const std::string path = folder_ / "socket";
  Client client(port());
  const std::string settings = client.Ask("stats settings\r\n", "END\r\n");
  EXPECT_THAT(settings, HasSubstr("STAT tcpport " + tcp_port + "\r\n"));
  EXPECT_THAT(settings, HasSubstr("STAT udpport " + udp_port + "\r\n"));
  EXPECT_THAT(settings, HasSubstr("STAT inter 127.0.0.1:" + tcp_port + "\r\n"));
  EXPECT_THAT(settings, HasSubstr("STAT domain_socket " + path + "\r\n"));
  EXPECT_EQ(Client(ConnectToPath(path)).Ask("mn\r\n"), "MN\r\n");
  EXPECT_EQ(DatagramClient(AddressPort(single_udp.address)).Ask("mn\r\n"), "MN\r\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr("serves on unix:" + path + ", tcp:127.0.0.1:" + tcp_port +
                                         ", udp:127.0.0.1:" + udp_port + " (inherited)\n"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(SocketsTest, DatagramSocketsOfAPortAreSharedOut) {
  const ProcessStart start = {.sockets = {udp_.fds[0].get(), udp_.fds[1].get()},
                              .socket_names = "memcached:memcached"};
  Process larder(With({"-t", "2"}), start);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(DatagramClient(AddressPort(udp_.address)).Ask("mn\r\n"), "MN\r\n");
  }
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(Fail(start, {"-t", "1"}).second,
            "a UDP port with 2 sockets, but only 1 workers (-t)\n");
}

TEST_F(SocketsTest, WhatCannotBeServedIsSaid) {
  const std::string failed = "failed to take the inherited socket \"";
  EXPECT_EQ(
      Fail({.sockets = {tcp_.fd.get(), tcp_.fd.get()}, .socket_names = "memcached:discovery"}),
      std::pair(EX_OSERR, failed + "discovery\": its name is none of memcached, "
                                   "memcached-notls, memcached-btls, memcached-mtls\n"));
  EXPECT_EQ(Fail({.sockets = {tcp_.fd.get()}, .socket_names = "memcached-btls"}).second,
            failed + "memcached-btls\": it needs TLS (-Z)\n");
  EXPECT_EQ(Fail({.sockets = {udp_.fds[0].get()}, .socket_names = "memcached-notls"}).second,
            failed + "memcached-notls\": UDP is not encrypted\n");
  const UniqueFd unbound(socket(AF_INET, SOCK_STREAM, 0));
  const UniqueFd unbound_udp(socket(AF_INET, SOCK_DGRAM, 0));
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const UniqueFd reader(pipe_ends[0]);
  const UniqueFd writer(pipe_ends[1]);
  for (const UniqueFd* fd : {&unbound, &reader}) {
    EXPECT_EQ(Fail({.sockets = {fd->get()}, .socket_names = "memcached"}).second,
              failed + "memcached\": not a listening socket of TCP or UNIX\n");
  }
  EXPECT_EQ(Fail({.sockets = {unbound_udp.get()}, .socket_names = "memcached"}).second,
            failed + "memcached\": it is bound to no UDP port\n");
}

TEST_F(SocketsTest, AuthenticationHoldsForThemToo) {
  const std::string file = folder_ / "auth";
  std::ofstream(file) << "user:password\n";
  EXPECT_EQ(
      Fail({.sockets = {tcp_.fd.get()}, .socket_names = "memcached"}, {"-Y", file, "-B", "binary"})
          .first,
      EX_USAGE);
  Process larder(With({"-Y", file}), {.sockets = {tcp_.fd.get()}, .socket_names = "memcached"});
  EXPECT_EQ(Client(port()).Ask("get a\r\n"), "CLIENT_ERROR unauthenticated\r\n");
}

TEST_F(SocketsTest, ClientsQueueThoughTheLastServerHadStoppedAccepting) {
  const ProcessStart start = {.sockets = {tcp_.fd.get()}, .socket_names = "memcached"};
  Process full(With({"-c", "1", "-o", "no_maxconns_fast"}), start);
  Client first(port());
  EXPECT_EQ(first.Ask("mn\r\n"), "MN\r\n");
  Client second(port());
  while (first.Ask("stats\r\n", "END\r\n").find("accepting_conns 0") == std::string::npos) {
  }
  full.Signal(SIGTERM);
  EXPECT_EQ(full.Wait(), EXIT_SUCCESS);
  // Here a queue of one would be full.
  std::vector<std::unique_ptr<Client>> queued;
  for (int i = 0; i < 8; ++i) queued.push_back(std::make_unique<Client>(port()));
  Process next(With({}), start);
  EXPECT_EQ(second.Ask("mn\r\n"), "MN\r\n");
  for (const auto& client : queued) EXPECT_EQ(client->Ask("mn\r\n"), "MN\r\n");
}

// One client of a server that is restarted again and again.
class SteadyClient {
 public:
  SteadyClient(int port, bool keeps_connection)
      : port_(port), keeps_connection_(keeps_connection) {}

  void RunUntil(const std::atomic<bool>& stopped) {
    const std::string request = "set key 0 0 5\r\nvalue\r\nget key\r\n";
    const std::string reply = "STORED\r\nVALUE key 0 5\r\nvalue\r\nEND\r\n";
    while (!stopped) {
      Client client(port_);  // which fails the test if it is refused
      int answered = 0;
      do {
        client.SendSome(request);
        // Between two requests the server may go; before the first and within one it may not.
        if (!client.ReceiveMore() && answered > 0) break;
        ASSERT_EQ(client.Receive(reply.size()), reply) << "after " << answered << " requests";
        ++answered;
        ++requests_;
      } while (keeps_connection_ && !stopped);
    }
  }
  int64_t requests() const { return requests_; }

 private:
  const int port_;
  const bool keeps_connection_;
  std::atomic<int64_t> requests_ = 0;
};

TEST_F(SocketsTest, ARestartRefusesNobodyAndCutsNoRequest) {
  const ProcessStart start = {.sockets = {tcp_.fd.get()}, .socket_names = "memcached"};
  auto larder = std::make_unique<Process>(With({}), start);
  std::atomic<bool> stopped = false;
  std::vector<std::unique_ptr<SteadyClient>> clients;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<SteadyClient>(port(), /*keeps_connection=*/i % 2 == 0));
    threads.emplace_back([&, i] { clients[static_cast<size_t>(i)]->RunUntil(stopped); });
  }
  for (int restart = 0; restart < 8; ++restart) {
    // All of them are being served.
    for (const auto& client : clients) {
      const int64_t before = client->requests();
      while (client->requests() < before + 20 && !HasFailure()) std::this_thread::yield();
    }
    larder->Signal(restart % 2 == 0 ? SIGTERM : SIGUSR1);
    EXPECT_EQ(larder->Wait(), EXIT_SUCCESS);
    larder = std::make_unique<Process>(With({}), start);
  }
  stopped = true;
  for (std::thread& thread : threads) thread.join();
  larder->Signal(SIGTERM);
  EXPECT_EQ(larder->Wait(), EXIT_SUCCESS);
}

}  // namespace
}  // namespace larder
