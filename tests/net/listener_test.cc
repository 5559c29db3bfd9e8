#include "server/net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  EXPECT_EQ(DescribePorts(listeners), "TCP INET6: 1\nTCP INET: 2\n");
}

TEST_F(PortFileTest, SaysWhatCannotBeWritten) {
  EXPECT_THAT(std::string(WritePortFile("", "/nonexistent/ports").message()),
              HasSubstr("Failed to open \"/nonexistent/ports.lck\": No such file"));
}

}  // namespace
}  // namespace larder
