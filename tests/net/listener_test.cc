#include "server/net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/net/client.h"

namespace larder {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string Refusal(const ListenOptions& options) {
  return std::string(OpenListeners(options).status().message());
}

TEST(OpenListenersTest, ChoosesAFreePort) {
  absl::StatusOr<std::vector<Listener>> listeners = OpenListeners({.listen = "127.0.0.1"});
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  ASSERT_THAT(*listeners, SizeIs(1));
  const int port = AddressPort(listeners->front().address);
  EXPECT_GT(port, 0);
  Client client(port);
}

TEST(OpenListenersTest, OpensEachAddressOnce) {
  absl::StatusOr<std::vector<Listener>> first = OpenListeners({.listen = "127.0.0.1"});
  ASSERT_TRUE(first.ok());
  const int port = AddressPort(first->front().address);
  first->clear();
  absl::StatusOr<std::vector<Listener>> listeners =
      OpenListeners({.listen = "127.0.0.1,127.0.0.2,127.0.0.1", .port = port});
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  EXPECT_THAT(*listeners, SizeIs(2));
}

TEST(OpenListenersTest, SaysWhichPortIsInUse) {
  absl::StatusOr<std::vector<Listener>> taken = OpenListeners({.listen = "127.0.0.1"});
  ASSERT_TRUE(taken.ok());
  const int port = AddressPort(taken->front().address);
  EXPECT_EQ(Refusal({.listen = "127.0.0.1", .port = port}),
            "failed to listen on one of interface(s) 127.0.0.1: Address already in use");
  // A port that is taken for one of a machine's addresses is not to be had for all.
  EXPECT_EQ(Refusal({.port = port}),
            "failed to listen on TCP port " + std::to_string(port) + ": Address already in use");
}

TEST(OpenListenersTest, SaysWhichHostIsUnknown) {
  EXPECT_EQ(Refusal({.listen = "127.0.0.1,999.1.1.1"}),
            "failed to listen on one of interface(s) 127.0.0.1,999.1.1.1: Name or service not "
            "known");
}

TEST(OpenListenersTest, SaysThatTheMachineHasNoSuchAddress) {
  EXPECT_EQ(Refusal({.listen = "192.0.2.1"}),
            "failed to listen on one of interface(s) 192.0.2.1: Cannot assign requested address");
}

TEST(OpenListenersTest, AListenerKnowsWhatItsConnectionsGet) {
  absl::StatusOr<std::vector<Listener>> listeners =
      OpenListeners({.listen = "notls:proto[binary]:tag_jobs_:127.0.0.1,127.0.0.1:0",
                     .protocol = ProtocolChoice::kText,
                     .tls = true});
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  ASSERT_THAT(*listeners, SizeIs(1));  // they are the same address, but for what they say
  EXPECT_EQ(listeners->front().protocol, ProtocolChoice::kBinary);
  EXPECT_EQ(listeners->front().tls, ListenerTls::kNone);
  EXPECT_EQ(listeners->front().tag, "jobs");
  listeners = OpenListeners({.listen = "127.0.0.1", .protocol = ProtocolChoice::kText});
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  EXPECT_EQ(listeners->front().protocol, ProtocolChoice::kText);
  EXPECT_EQ(listeners->front().tls, ListenerTls::kDefault);
  EXPECT_EQ(listeners->front().tag, "");
}

TEST(OpenDatagramPortsTest, EachWorkerHasASocketOnThePort) {
  absl::StatusOr<std::vector<DatagramPort>> ports =
      OpenDatagramPorts({.listen = "127.0.0.1,127.0.0.2"}, 3);
  ASSERT_TRUE(ports.ok()) << ports.status();
  ASSERT_THAT(*ports, SizeIs(2));
  for (const DatagramPort& port : *ports) {
    EXPECT_GT(AddressPort(port.address), 0);
    ASSERT_THAT(port.fds, SizeIs(3));
    for (const UniqueFd& fd : port.fds) {
      EXPECT_EQ(AddressText(LocalAddress(fd.get())), AddressText(port.address));
    }
  }
}

TEST(OpenDatagramPortsTest, SaysWhichPortIsInUse) {
  absl::StatusOr<std::vector<DatagramPort>> taken = OpenDatagramPorts({.listen = "127.0.0.1"}, 2);
  ASSERT_TRUE(taken.ok()) << taken.status();
  const int port = AddressPort(taken->front().address);
  EXPECT_EQ(OpenDatagramPorts({.listen = "127.0.0.1", .port = port}, 2).status().message(),
            "failed to listen on one of interface(s) 127.0.0.1: Address already in use");
  EXPECT_EQ(OpenDatagramPorts({.port = port}, 1).status().message(),
            "failed to listen on UDP port " + std::to_string(port) + ": Address already in use");
}

class UnixListenerTest : public testing::Test {
 protected:
  UnixListenerTest() : path_(testing::TempDir() + "larder-" + std::to_string(getpid()) + ".sock") {
    std::filesystem::remove(path_);
  }
  ~UnixListenerTest() override { std::filesystem::remove(path_); }

  const std::string path_;
};

TEST_F(UnixListenerTest, AcceptsAtItsPath) {
  absl::StatusOr<Listener> listener =
      OpenUnixListener({.path = path_, .protocol = ProtocolChoice::kText});
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(AddressText(listener->address), "unix:" + path_);
  EXPECT_EQ(AddressText(LocalAddress(listener->fd.get())), "unix:" + path_);
  EXPECT_EQ(listener->protocol, ProtocolChoice::kText);
  EXPECT_EQ(listener->tls, ListenerTls::kNone);
  const Client client(ConnectToPath(path_));
}

TEST_F(UnixListenerTest, TheMaskIsItsPermissions) {
  for (const unsigned mask : {0700u, 0666u}) {
    absl::StatusOr<Listener> listener = OpenUnixListener({.path = path_, .mask = mask});
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path_).permissions()), mask);
  }
  // The process's own mask is as it was.
  const mode_t mask = umask(022);
  umask(mask);
  EXPECT_NE(mask, ~0666u & 0777u);
}

TEST_F(UnixListenerTest, TakesThePlaceOfASocketButOfNoOtherFile) {
  ASSERT_TRUE(OpenUnixListener({.path = path_}).ok());
  EXPECT_TRUE(std::filesystem::is_socket(path_));  // left behind
  EXPECT_TRUE(OpenUnixListener({.path = path_}).ok());
  std::filesystem::remove(path_);
  std::ofstream(path_) << "precious";
  EXPECT_EQ(OpenUnixListener({.path = path_}).status().message(),
            "bind(): Address already in use\nfailed to listen on UNIX socket: " + path_ +
                ": Invalid argument");
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(UnixListenerTest, SaysWhyItCannot) {
  EXPECT_EQ(OpenUnixListener({.path = "/nonexistent/x"}).status().message(),
            "bind(): No such file or directory\n"
            "failed to listen on UNIX socket: /nonexistent/x: Invalid argument");
  const std::string too_long(108, 'x');
  EXPECT_EQ(OpenUnixListener({.path = too_long}).status().message(),
            "failed to listen on UNIX socket: " + too_long + ": File name too long");
}

class PortFileTest : public testing::Test {
 protected:
  PortFileTest() : path_(testing::TempDir() + "larder-port-file-test") {
    std::filesystem::remove(path_);
  }
  ~PortFileTest() override { std::filesystem::remove(path_); }

  const std::string path_;
};

TEST_F(PortFileTest, HasALineForEachListener) {
  absl::StatusOr<std::vector<Listener>> listeners =
      OpenListeners({.listen = "127.0.0.1,127.0.0.2"});
  ASSERT_TRUE(listeners.ok());
  ASSERT_TRUE(WritePortFile(DescribePorts(*listeners), path_).ok());
  std::ostringstream expected;
  for (const Listener& listener : *listeners) {
    expected << "TCP INET: " << AddressPort(listener.address) << "\n";
  }
  std::ostringstream found;
  found << std::ifstream(path_).rdbuf();
  EXPECT_EQ(found.str(), expected.str());
  EXPECT_FALSE(std::filesystem::exists(path_ + ".lck"));
}

TEST_F(PortFileTest, TellsTheFamilies) {
  std::vector<Listener> listeners(2);
  listeners[0].address.v6.sin6_family = AF_INET6;
  listeners[0].address.v6.sin6_port = htons(1);
  listeners[1].address.v4.sin_family = AF_INET;
  listeners[1].address.v4.sin_port = htons(2);
  std::vector<DatagramPort> datagram_ports(1);
  datagram_ports[0].address.v4.sin_family = AF_INET;
  datagram_ports[0].address.v4.sin_port = htons(3);
  listeners.emplace_back().address.local.sun_family = AF_UNIX;
  EXPECT_EQ(DescribePorts(listeners, datagram_ports), "TCP INET6: 1\nTCP INET: 2\nUDP INET: 3\n");
}

TEST_F(PortFileTest, SaysWhatCannotBeWritten) {
  EXPECT_THAT(std::string(WritePortFile("", "/nonexistent/ports").message()),
              HasSubstr("Failed to open \"/nonexistent/ports.lck\": No such file"));
}

}  // namespace
}  // namespace larder
