#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/net/certificates.h"
#include "tests/net/process.h"
#include "tests/net/tls_client.h"

// The daemon with TLS.

namespace larder {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using TlsProcessTest = ProcessTest;

TEST_F(TlsProcessTest, TlsNeedsACertificate) {
  struct Case {
    std::vector<std::string> options;
    const char* last_line;
  };
  for (const auto& [options, last_line] :
       {Case{{"-Z"},
             "Error loading the certificate chain: (null) : error:8000000E:system library::Bad "
             "address\n"},
        Case{{"-Z", "-o", "ssl_chain_cert=/nonexistent/x"},
             "Error loading the certificate chain: /nonexistent/x : error:80000002:system "
             "library::No such file or directory\n"}}) {
    Process larder(With(options));
    EXPECT_EQ(larder.Wait(), EX_USAGE);
    EXPECT_THAT(larder.errors(), EndsWith(last_line));
  }
}

TEST_F(TlsProcessTest, HangupReadsTheCertificateAgain) {
  const CertificateAuthority authority;
  const std::string file = authority.Issue("first", "server.pem");
  Process larder(With({"-v", "-Z", "-o", "ssl_chain_cert=" + file}));
  const int port = WaitForPort();
  TlsClient old(port);
  EXPECT_EQ(old.Ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n");
  EXPECT_EQ(old.ServerName(), "first");

  authority.Issue("second", "server.pem");
  larder.Signal(SIGHUP);
  // If it never is, the test runs out of time.
  for (std::string name = "first"; name != "second";) {
    TlsClient next(port);
    ASSERT_TRUE(next.Handshake());
    name = next.ServerName();
  }
  EXPECT_EQ(old.Ask("get a\r\n", "END\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");

  std::ofstream(file) << "no certificate";
  larder.Signal(SIGHUP);
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr("Certificates reloaded\n"));
  EXPECT_THAT(larder.errors(), HasSubstr("Error loading the certificate chain: " + file +
                                         " : error:0480006C:PEM routines::no start line\n"));
}

// Others than root stay who they are, so what they can read once they can read again.
TEST_F(TlsProcessTest, AKeyOfRootsIsReadBeforeRootIsGivenUp) {
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  const CertificateAuthority authority;
  const std::string file = authority.Issue("first", "server.pem");
  std::filesystem::permissions(authority.Path(""), std::filesystem::perms::all);
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  Process larder(
      {"-l", "127.0.0.1", "-p", "0", "-u", "nobody", "-v", "-Z", "-o", "ssl_chain_cert=" + file});
  const int port = WaitForPort();
  EXPECT_EQ(TlsClient(port).Ask("mn\r\n"), "MN\r\n");

  // As nobody it cannot be read again, which is said, and what was read stays in use.
  const bool root = getuid() == 0;
  EXPECT_EQ(TlsClient(port).Ask("refresh_certs\r\n"),
            root ? "Error loading the certificate chain: " + file +
                       " : error:8000000D:system library::Permission denied\r\n"
                 : "OK\r\n");
  EXPECT_EQ(TlsClient(port).Ask("mn\r\n"), "MN\r\n");
  larder.Signal(SIGHUP);
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr(root ? "Permission denied\n" : "Certificates reloaded\n"));
}

}  // namespace
}  // namespace larder
