#include "server/net/address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
namespace {

using testing::ElementsAre;

constexpr ListenDefaults kDefaults = {.port = 11211, .tls = true};

ListenAddress At(std::string host, int port) { return {.host = std::move(host), .port = port}; }

std::vector<ListenAddress> Parse(std::string_view list) {
  absl::StatusOr<std::vector<ListenAddress>> addresses = ParseListenAddresses(list, kDefaults);
  EXPECT_TRUE(addresses.ok()) << addresses.status();
  return addresses.ok() ? *addresses : std::vector<ListenAddress>();
}

std::string Refusal(std::string_view list) {
  return std::string(ParseListenAddresses(list, kDefaults).status().message());
}

TEST(ParseListenAddressesTest, AnEmptyListIsEveryAddress) {
  EXPECT_THAT(Parse(""), ElementsAre(At("", 11211)));
  EXPECT_THAT(Parse(",;"), ElementsAre(At("", 11211)));
  EXPECT_THAT(Parse("*"), ElementsAre(At("", 11211)));
  EXPECT_THAT(Parse("*:80"), ElementsAre(At("", 80)));
}

TEST(ParseListenAddressesTest, ReadsHostsWithAndWithoutPorts) {
  EXPECT_THAT(
      Parse("127.0.0.1,cache-1.example.net:80;10.0.0.1:0"),
      ElementsAre(At("127.0.0.1", 11211), At("cache-1.example.net", 80), At("10.0.0.1", 0)));
}

TEST(ParseListenAddressesTest, ReadsIpv6Addresses) {
  EXPECT_THAT(Parse("::1,2001:db8::1,[::1],[2001:db8::1]:65535"),
              ElementsAre(At("::1", 11211), At("2001:db8::1", 11211), At("::1", 11211),
                          At("2001:db8::1", 65535)));
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

TEST(ParseListenAddressesTest, ReadsTheOptionsOfAListener) {
  ListenAddress plain = At("127.0.0.1", 1);
  plain.tls = ListenerTls::kNone;
  ListenAddress tools = At("::1", 2);
  tools.tls = ListenerTls::kMutual;
  tools.protocol = ProtocolChoice::kText;
  tools.tag = "tools";
  ListenAddress jobs = At("10.0.0.1", 11211);
  jobs.tls = ListenerTls::kBasic;
  jobs.tag = "8 bytes!";
  ListenAddress all = At("", 3);
  all.protocol = ProtocolChoice::kBinary;
  EXPECT_THAT(Parse("notls:127.0.0.1:1,mtls:proto[ascii]:tag_tools_:[::1]:2;"
                    "btls:tag[8 bytes!]:10.0.0.1,proto[binary]:*:3"),
              ElementsAre(plain, tools, jobs, all));
}

TEST(ParseListenAddressesTest, AProtocolMayBeNegotiatedOnOneListener) {
  ListenDefaults defaults = kDefaults;
  defaults.protocol = ProtocolChoice::kBinary;
  for (const char* entry : {"proto[negotiating]:a:1", "proto[auto]:a:1"}) {
    absl::StatusOr<std::vector<ListenAddress>> addresses = ParseListenAddresses(entry, defaults);
    ASSERT_TRUE(addresses.ok()) << addresses.status();
    EXPECT_THAT(*addresses, ElementsAre(At("a", 1)));
  }
  EXPECT_EQ(ParseListenAddresses("a", defaults)->front().protocol, ProtocolChoice::kBinary);
}

TEST(ParseListenAddressesTest, RefusesBrokenOptions) {
  EXPECT_EQ(Refusal("proto[ascii:a:1"), "Invalid protocol spec: \"proto[ascii:a:1\"");
  EXPECT_EQ(Refusal("proto[ascii]a:1"), "Invalid protocol spec: \"proto[ascii]a:1\"");
  EXPECT_EQ(Refusal("proto[udp]:a:1"), "Invalid protocol spec: \"proto[udp]:a:1\"");
  EXPECT_EQ(Refusal("proto[proxy]:a:1"), "Server not built with proxy: \"proto[proxy]:a:1\"");
  EXPECT_EQ(Refusal("tag[a:1"), "Invalid tag in socket config: \"tag[a:1\"");
  EXPECT_EQ(Refusal("tag_a:1"), "Invalid tag in socket config: \"tag_a:1\"");
  EXPECT_EQ(Refusal("tag[]:a:1"), "Listener tags must be between 1 and 8 characters: \"\"");
  EXPECT_EQ(Refusal("tag_123456789_:a:1"),
            "Listener tags must be between 1 and 8 characters: \"123456789\"");
}

TEST(ParseListenAddressesTest, TlsOfAListenerNeedsTls) {
  for (const std::string name : {"notls", "btls", "mtls"}) {
    EXPECT_EQ(ParseListenAddresses(name + ":a:1", {.port = 1}).status().message(),
              "'" + name + "' option is valid only when SSL is enabled");
  }
}

TEST(AddressTextTest, PrintsAsStatisticsDo) {
  SocketAddress address = {};
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

TEST(AddressTextTest, PrintsPathsAndDatagrams) {
  SocketAddress address = {};
  address.v4.sin_family = AF_INET;
  address.v4.sin_port = htons(1);
  EXPECT_EQ(AddressText(address, /*datagrams=*/true), "udp:0.0.0.0:1");
  address = {};
  address.v6.sin6_family = AF_INET6;
  EXPECT_EQ(AddressText(address, /*datagrams=*/true), "udp6:[::]:0");
  address = {};
  address.local.sun_family = AF_UNIX;
  EXPECT_EQ(AddressText(address), "unix:<AF 1>");
  const std::string_view path = "/run/larder.sock";
  path.copy(address.local.sun_path, path.size());
  EXPECT_EQ(AddressText(address), "unix:/run/larder.sock");
  EXPECT_EQ(AddressPort(address), 0);
}

TEST(AddressTextTest, SaysOfWhatFamilyAnotherIs) {
  EXPECT_EQ(AddressText(LocalAddress(-1)), "<AF 0>");
  EXPECT_EQ(AddressPort(LocalAddress(-1)), 0);
}

}  // namespace
}  // namespace larder
