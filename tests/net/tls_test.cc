#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "server/engine/session.h"
#include "server/net/tls_context.h"
#include "tests/net/certificates.h"
#include "tests/net/client.h"
#include "tests/net/test_server.h"
#include "tests/net/tls_client.h"

// TLS as clients meet it, with a server in this process and certificates made for the test.

namespace larder {
namespace {

using testing::StartsWith;

constexpr size_t kBigBytes = 1'000'000;

std::string Big() { return std::string(kBigBytes, 'v'); }

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    settings_.threads = 1;  // all connections share a worker, so one that blocks it is noticed
    settings_.tls.enabled = true;
    settings_.tls.chain_cert = authority_.Issue("first", "server.pem");
    settings_.tls.ca_cert = authority_.file();
  }

  void Start(const std::vector<std::string>& listen = {"127.0.0.1"}) {
    server_ =
        std::make_unique<TestServer>(TestServerOptions{.settings = settings_, .listen = listen});
  }
  int port() const { return server_->port(); }

  // Whether a client is served; not only that its handshake is through.
  static bool IsServed(int port, const TlsClientOptions& options = {}) {
    TlsClient client(port, options);
    if (!client.Handshake()) return false;
    return client.Ask("mn\r\n") == "MN\r\n";
  }

  std::map<std::string, std::string> Statistics(const std::string& request = "stats\r\n") const {
    TlsClient client(port());
    std::istringstream lines(client.Ask(request, "END\r\n"));
    std::map<std::string, std::string> statistics;
    for (std::string stat, name, value; lines >> stat >> name >> value;) statistics[name] = value;
    return statistics;
  }

  const CertificateAuthority authority_;
  Settings settings_;
  std::unique_ptr<TestServer> server_;
};

class TlsVersionTest : public TlsTest, public testing::WithParamInterface<int> {
 protected:
  TlsVersionTest() : client_(StartedPort(), {.version = GetParam()}) {}

  int StartedPort() {
    Start();
    return port();
  }

  TlsClient client_;
};

INSTANTIATE_TEST_SUITE_P(, TlsVersionTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(TlsVersionTest, AnswersInOrder) {
  EXPECT_EQ(client_.Ask("set a 5 0 3\r\nabc\r\n"), "STORED\r\n");
  EXPECT_EQ(client_.version(), GetParam() == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
  std::string requests;
  std::string replies;
  for (int i = 0; i < 1000; ++i) {
    requests += "get a\r\nget none\r\n";
    replies += "VALUE a 5 3\r\nabc\r\nEND\r\nEND\r\n";
  }
  EXPECT_EQ(client_.Ask(requests + "mn\r\n", "MN\r\n"), replies + "MN\r\n");
}

TEST_P(TlsVersionTest, LargeValuesGoBothWays) {
  EXPECT_EQ(client_.Ask("set big 0 0 1000000\r\n" + Big() + "\r\n"), "STORED\r\n");
  const std::string value = "VALUE big 0 1000000\r\n" + Big() + "\r\nEND\r\n";
  // Three of them at once, so that the socket is full before the first is sent.
  client_.Send("get big\r\nget big\r\nget big\r\nmn\r\n");
  EXPECT_EQ(client_.ReceiveThrough("MN\r\n"), value + value + value + "MN\r\n");
}

TEST_P(TlsVersionTest, WhatArrivesInManyRecordsAtOnceIsNotForgotten) {
  EXPECT_EQ(client_.Ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n");
  std::string replies;
  for (int i = 0; i < 3000; ++i) {
    client_.Write("get a\r\n");
    replies += "VALUE a 0 1\r\nx\r\nEND\r\n";
  }
  client_.Write("mn\r\n");
  client_.Flush();
  EXPECT_EQ(client_.ReceiveThrough("MN\r\n"), replies + "MN\r\n");
}

// The first record fills the worker's buffer to the byte, and the second has come with it: nothing
// that the socket could show is left.
TEST_P(TlsVersionTest, WhatAFullBufferLeavesIsNotForgotten) {
  ASSERT_TRUE(client_.Handshake());
  std::string record;
  std::string replies;
  while (record.size() + 10 < kSessionInputBytes) {
    record += "get none\r\n";
    replies += "END\r\n";
  }
  record += "mn\r\n";
  ASSERT_EQ(record.size(), kSessionInputBytes);
  client_.Write(record);
  client_.Write("get none\r\nmn\r\n");
  client_.Flush();
  EXPECT_EQ(client_.ReceiveThrough("END\r\nMN\r\n"), replies + "MN\r\n");
  EXPECT_EQ(client_.ReceiveThrough("MN\r\n"), "END\r\nMN\r\n");
}

TEST_P(TlsVersionTest, TheEndIsOrderly) {
  client_.Send("mn\r\nquit\r\n");
  bool orderly = false;
  EXPECT_EQ(client_.ReceiveAll(&orderly), "MN\r\n");
  EXPECT_TRUE(orderly);
}

TEST_P(TlsVersionTest, AHandshakeByteByByteHoldsUpNobody) {
  TlsClient other(port());
  TlsClient slow(port(), {.version = GetParam()});
  ASSERT_TRUE(other.Handshake());
  // Each byte is a segment of its own, and between them the worker answers somebody else.
  slow.SendBy([&](std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      slow.SendRaw(bytes.substr(i, 1));
      if (i % 16 == 0) {
        ASSERT_EQ(other.Ask("mn\r\n"), "MN\r\n");
      }
    }
  });
  ASSERT_TRUE(slow.Handshake());
  EXPECT_EQ(slow.Ask("mn\r\n"), "MN\r\n");
}

TEST_F(TlsTest, VersionsBelowTheMinimumAreRefused) {
  settings_.tls.version_min = TlsVersion::k1_3;
  Start();
  EXPECT_FALSE(IsServed(port(), {.version = TLS1_2_VERSION}));
  EXPECT_TRUE(IsServed(port(), {.version = TLS1_3_VERSION}));
  EXPECT_EQ(Statistics()["ssl_handshake_errors"], "1");
}

TEST_F(TlsTest, OtherCiphersAreRefused) {
  settings_.tls.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  Start();
  EXPECT_TRUE(
      IsServed(port(), {.version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"}));
  EXPECT_FALSE(
      IsServed(port(), {.version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}));
}

TEST_F(TlsTest, AKeyMayBeDer) {
  settings_.tls.key = authority_.ConvertKeyToDer(settings_.tls.chain_cert, "server.der");
  settings_.tls.key_format = TlsKeyFormat::kDer;
  Start();
  EXPECT_TRUE(IsServed(port()));
}

TEST_F(TlsTest, APlainClientIsRefused) {
  Start();
  Client plain(port());
  plain.Send("get a\r\n");
  // At most an alert, which is no reply.
  EXPECT_LT(plain.ReceiveAll().size(), 8u);
  const auto statistics = Statistics();
  EXPECT_EQ(statistics.at("ssl_handshake_errors"), "1");
  EXPECT_EQ(statistics.at("ssl_proto_errors"), "0");
}

TEST_F(TlsTest, BrokenRecordsEndTheConnection) {
  Start();
  TlsClient client(port());
  EXPECT_EQ(client.Ask("mn\r\n"), "MN\r\n");
  client.SendRaw("this is no record of anybody's");
  bool orderly = false;
  EXPECT_EQ(client.ReceiveAll(&orderly), "");
  const auto statistics = Statistics();
  EXPECT_EQ(statistics.at("ssl_proto_errors"), "1");
  EXPECT_EQ(statistics.at("ssl_handshake_errors"), "0");
}

struct VerifyCase {
  TlsVerify verify;
  bool without;   // a client without certificate is served
  bool stranger;  // one with a certificate of somebody else's
};

class TlsVerifyTest : public TlsTest, public testing::WithParamInterface<VerifyCase> {};

INSTANTIATE_TEST_SUITE_P(, TlsVerifyTest,
                         testing::Values(VerifyCase{TlsVerify::kNone, true, true},
                                         VerifyCase{TlsVerify::kRequest, true, false},
                                         VerifyCase{TlsVerify::kRequire, false, false},
                                         VerifyCase{TlsVerify::kOnce, false, false}));

TEST_P(TlsVerifyTest, ClientsCertificates) {
  settings_.tls.verify = GetParam().verify;
  Start();
  const CertificateAuthority other;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(IsServed(port(), {.version = version}), GetParam().without);
    EXPECT_TRUE(IsServed(
        port(), {.version = version, .certificate = authority_.Issue("client", "client.pem")}));
    EXPECT_EQ(IsServed(port(), {.version = version,
                                .certificate = other.Issue("stranger", "stranger.pem")}),
              GetParam().stranger);
  }
}

TEST_F(TlsTest, ListenersHaveTheirOwnWay) {
  settings_.tls.verify = TlsVerify::kRequire;
  Start({"127.0.0.1", "notls:127.0.0.1", "btls:127.0.0.1", "mtls:127.0.0.1"});
  const TlsClientOptions with = {.certificate = authority_.Issue("client", "client.pem")};
  EXPECT_FALSE(IsServed(server_->port(0)));
  EXPECT_TRUE(IsServed(server_->port(0), with));
  EXPECT_EQ(Client(server_->port(1)).Ask("mn\r\n"), "MN\r\n");
  EXPECT_TRUE(IsServed(server_->port(2)));
  EXPECT_FALSE(IsServed(server_->port(3)));
  EXPECT_TRUE(IsServed(server_->port(3), with));
}

TEST_F(TlsTest, ASessionIsResumedWhereItBeganOnly) {
  settings_.tls.session_cache = true;
  Start({"127.0.0.1", "btls:127.0.0.1", "mtls:127.0.0.1"});
  TlsClient first(server_->port(1), {.version = TLS1_2_VERSION});
  ASSERT_EQ(first.Ask("mn\r\n"), "MN\r\n");
  EXPECT_FALSE(first.resumed());
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(first.TakeSession(),
                                                                          &SSL_SESSION_free);
  const TlsClientOptions resuming = {.version = TLS1_2_VERSION, .session = session.get()};
  TlsClient second(server_->port(1), resuming);
  EXPECT_EQ(second.Ask("mn\r\n"), "MN\r\n");
  EXPECT_TRUE(second.resumed());
  EXPECT_FALSE(IsServed(server_->port(2), resuming));
  // As OpenSSL counts: not what TLS 1.2 puts into a ticket, and both tickets that TLS 1.3 sends,
  // here to whoever asks.
  EXPECT_EQ(Statistics()["ssl_new_sessions"], "2");
}

TEST_F(TlsTest, CertificatesAreReplacedUnderLiveConnections) {
  Start();
  TlsClient old(port());
  EXPECT_EQ(old.Ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n");
  EXPECT_EQ(old.ServerName(), "first");
  authority_.Issue("second", "server.pem");
  server_->clock().Advance(10);
  EXPECT_EQ(Statistics()["time_since_server_cert_refresh"], "10");
  EXPECT_EQ(old.Ask("refresh_certs\r\n"), "OK\r\n");
  EXPECT_EQ(Statistics()["time_since_server_cert_refresh"], "0");
  TlsClient fresh(port());
  EXPECT_EQ(fresh.Ask("get a\r\n", "END\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
  EXPECT_EQ(fresh.ServerName(), "second");
  EXPECT_EQ(old.Ask("get a\r\n", "END\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
}

TEST_F(TlsTest, ABrokenCertificateChangesNothing) {
  Start();
  TlsClient client(port());
  std::ofstream(settings_.tls.chain_cert) << "no certificate";
  EXPECT_THAT(client.Ask("refresh_certs\r\n"),
              StartsWith("Error loading the certificate chain: " + settings_.tls.chain_cert +
                         " : error:0480006C:PEM routines::no start line\r\n"));
  TlsClient next(port());
  EXPECT_EQ(next.Ask("mn\r\n"), "MN\r\n");
  EXPECT_EQ(next.ServerName(), "first");
}

TEST_F(TlsTest, WithoutTlsThereIsNothingToRefresh) {
  settings_.tls.enabled = false;
  Start();
  EXPECT_EQ(Client(port()).Ask("refresh_certs\r\n"), "Error TLS not enabled\r\n");
}

TEST_F(TlsTest, KernelTlsAndSmallRecordsServeTheSame) {
  settings_.tls.kernel_offload = true;
  settings_.tls.write_buffer_bytes = 1;  // as small as records get
  Start();
  TlsClient client(port(), {.version = TLS1_2_VERSION});
  EXPECT_EQ(client.Ask("set big 0 0 1000000\r\n" + Big() + "\r\n"), "STORED\r\n");
  EXPECT_EQ(client.Ask("get big\r\n", "END\r\n"),
            "VALUE big 0 1000000\r\n" + Big() + "\r\nEND\r\n");
}

TEST_F(TlsTest, AHandshakeThatStopsIsIdle) {
  settings_.idle_timeout_seconds = 10;
  Start();
  Client silent(port());
  silent.Send("\x16\x03\x01");
  EXPECT_TRUE(IsServed(port()));  // by when the other has been accepted
  server_->clock().Advance(11);
  EXPECT_EQ(silent.ReceiveAll(), "");
}

TEST_F(TlsTest, SettingsAreReported) {
  settings_.tls.verify = TlsVerify::kRequest;
  settings_.tls.ciphers = "ECDHE+AESGCM";
  Start();
  const auto statistics = Statistics("stats settings\r\n");
  EXPECT_EQ(statistics.at("ssl_enabled"), "yes");
  EXPECT_EQ(statistics.at("ssl_chain_cert"), settings_.tls.chain_cert);
  EXPECT_EQ(statistics.at("ssl_key"), "(null)");
  EXPECT_EQ(statistics.at("ssl_verify_mode"), "1");
  EXPECT_EQ(statistics.at("ssl_keyformat"), "1");
  EXPECT_EQ(statistics.at("ssl_ciphers"), "ECDHE+AESGCM");
  EXPECT_EQ(statistics.at("ssl_ca_cert"), authority_.file());
  EXPECT_EQ(statistics.at("ssl_wbuf_size"), "16384");
  EXPECT_EQ(statistics.at("ssl_session_cache"), "no");
  EXPECT_EQ(statistics.at("ssl_kernel_tls"), "no");
  EXPECT_EQ(statistics.at("ssl_min_version"), "tlsv1.2");
}

TEST_F(TlsTest, WhatIsWrongAtStartIsTold) {
  const auto message = [](const TlsSettings& settings) {
    return std::string(TlsContext::Create(settings, Tick{1}).status().message());
  };
  TlsSettings tls = settings_.tls;
  EXPECT_EQ(message(tls), "");
  tls.chain_cert.clear();
  EXPECT_EQ(message(tls),
            "Error loading the certificate chain: (null) : error:8000000E:system library::Bad "
            "address");
  tls.chain_cert = "/nonexistent";
  EXPECT_EQ(message(tls),
            "Error loading the certificate chain: /nonexistent : error:80000002:system library::No "
            "such file or directory");
  tls = settings_.tls;
  tls.key = authority_.Issue("other", "other.pem");
  EXPECT_EQ(message(tls), "Error loading the key: " + tls.key +
                              " : error:05800074:x509 certificate routines::key values mismatch");
  tls = settings_.tls;
  tls.key_format = TlsKeyFormat::kEngine;
  EXPECT_EQ(message(tls), "Error loading the key: " + tls.chain_cert +
                              " : error:0A00007C:SSL routines::bad ssl filetype");
  tls = settings_.tls;
  tls.ca_cert = "/nonexistent";
  EXPECT_THAT(message(tls), StartsWith("Error loading the CA certificate: /nonexistent : error:"));
  tls = settings_.tls;
  tls.ciphers = "foo";
  EXPECT_EQ(message(tls), "Error setting the provided cipher(s): foo");
}

}  // namespace
}  // namespace larder
