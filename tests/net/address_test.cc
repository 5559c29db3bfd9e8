#include "server/net/address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace larder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ListenAddress> Parse(std::string_view list) {
  absl::StatusOr<std::vector<ListenAddress>> addresses = ParseListenAddresses(list, 11211);
  EXPECT_TRUE(addresses.ok()) << addresses.status();
  return addresses.ok() ? *addresses : std::vector<ListenAddress>();
}

std::string Refusal(std::string_view list) {
  return std::string(ParseListenAddresses(list, 11211).status().message());
}

TEST(ParseListenAddressesTest, AnEmptyListIsEveryAddress) {
  EXPECT_THAT(Parse(""), ElementsAre(ListenAddress{"", 11211}));
  EXPECT_THAT(Parse(",;"), ElementsAre(ListenAddress{"", 11211}));
  EXPECT_THAT(Parse("*"), ElementsAre(ListenAddress{"", 11211}));
  EXPECT_THAT(Parse("*:80"), ElementsAre(ListenAddress{"", 80}));
}

TEST(ParseListenAddressesTest, ReadsHostsWithAndWithoutPorts) {
  EXPECT_THAT(Parse("127.0.0.1,cache-1.example.net:80;10.0.0.1:0"),
              ElementsAre(ListenAddress{"127.0.0.1", 11211},
                          ListenAddress{"cache-1.example.net", 80}, ListenAddress{"10.0.0.1", 0}));
}

TEST(ParseListenAddressesTest, ReadsIpv6Addresses) {
  EXPECT_THAT(Parse("::1,2001:db8::1,[::1],[2001:db8::1]:65535"),
              ElementsAre(ListenAddress{"::1", 11211}, ListenAddress{"2001:db8::1", 11211},
                          ListenAddress{"::1", 11211}, ListenAddress{"2001:db8::1", 65535}));
}

TEST(ParseListenAddressesTest, RefusesWhatIsNoPort) {
  EXPECT_EQ(Refusal("127.0.0.1:99999"), "Invalid port number: \"99999\"");
  EXPECT_EQ(Refusal("127.0.0.1:-1"), "Invalid port number: \"-1\"");
  EXPECT_EQ(Refusal("127.0.0.1:80x"), "Invalid port number: \"80x\"");
  EXPECT_EQ(Refusal("127.0.0.1,[::1]:"), "Invalid port number: \"\"");
}

TEST(ParseListenAddressesTest, RefusesBrokenBrackets) {
  EXPECT_EQ(Refusal("[::1"), "Invalid IPV6 address: \"[::1\"");
  EXPECT_EQ(Refusal("[::1]80"), "Invalid IPV6 address: \"[::1]80\"");
}

TEST(ParseListenAddressesTest, RefusesOptionsOfListeners) {
  for (const char* entry : {"proto[ascii]:127.0.0.1:11211", "tag[a]:127.0.0.1:11211",
                            "tag_a_:127.0.0.1:11211", "notls:127.0.0.1:11211"}) {
    EXPECT_THAT(Refusal(entry), HasSubstr("not available")) << entry;
  }
}

TEST(AddressTextTest, PrintsAsStatisticsDo) {
  TcpAddress address = {};
  address.v4.sin_family = AF_INET;
  address.v4.sin_port = htons(11211);
  inet_pton(AF_INET, "192.0.2.1", &address.v4.sin_addr);
  EXPECT_EQ(AddressText(address), "tcp:192.0.2.1:11211");
  EXPECT_EQ(AddressPort(address), 11211);

  address = {};
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(80);
  inet_pton(AF_INET6, "2001:db8::1", &address.v6.sin6_addr);
  EXPECT_EQ(AddressText(address), "tcp6:[2001:db8::1]:80");
  EXPECT_EQ(AddressPort(address), 80);
}

TEST(AddressTextTest, SaysOfWhatFamilyAnotherIs) {
  EXPECT_EQ(AddressText(LocalAddress(-1)), "<AF 0>");
  EXPECT_EQ(AddressPort(LocalAddress(-1)), 0);
}

}  // namespace
}  // namespace larder
