#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "server/net/listener.h"
#include "tests/net/client.h"
#include "tests/net/datagram_client.h"
#include "tests/net/process.h"

// The daemon as a process: its exit codes, signals, files and words, which only a process has.

namespace larder {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

TEST_F(ProcessTest, TermAndIntStopItInOrder) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process larder(With({"-v"}));
    Client client(WaitForPort());
    EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
    larder.Signal(signal);
    EXPECT_EQ(client.ReceiveAll(), "");
    EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
    EXPECT_THAT(larder.errors(), EndsWith("\nExiting normally\n"));
    std::filesystem::remove(port_file_);
  }
}

TEST_F(ProcessTest, ALogSaysWhereItServes) {
  Process larder(With({"-v"}));
  const int port = WaitForPort();
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(),
              HasSubstr("Z info: larder " LARDER_VERSION " serves on tcp:127.0.0.1:" +
                        std::to_string(port) + "\n"));
}

TEST_F(ProcessTest, Usr1StopsItGracefully) {
  Process larder(With({}));
  WaitForPort();
  larder.Signal(SIGUSR1);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(larder.errors(), "Gracefully stopping\n");
}

TEST_F(ProcessTest, HupAndPipeAreNothing) {
  Process larder(With({}));
  Client client(WaitForPort());
  larder.Signal(SIGHUP);
  larder.Signal(SIGPIPE);
  EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(larder.errors(), "");
}

TEST_F(ProcessTest, APortInUseIsSaid) {
  absl::StatusOr<std::vector<Listener>> taken = OpenListeners({.listen = "127.0.0.1"});
  ASSERT_TRUE(taken.ok());
  const std::string port = std::to_string(AddressPort(taken->front().address));
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-p", port}, std::vector<std::string>{"-p", port, "-d"}}) {
    Process larder(With(options));
    EXPECT_EQ(larder.Wait(), EX_OSERR);
    EXPECT_EQ(larder.errors(),
              "failed to listen on one of interface(s) 127.0.0.1: Address already in use\n");
  }
  EXPECT_FALSE(std::filesystem::exists(port_file_));
}

TEST_F(ProcessTest, MemoryIsLockedAndOfLargePagesWhereThereAreAny) {
  const std::string pages = ReadFile("/sys/kernel/mm/transparent_hugepage/enabled");
  Process larder(With({"-k", "-L", "-m", "16"}));
  if (pages.empty() || pages.find("[never]") != std::string::npos) {
    EXPECT_NE(larder.Wait(), EXIT_SUCCESS);
    EXPECT_THAT(larder.errors(), HasSubstr("Transparent huge pages support"));
    return;
  }
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
}

TEST_F(ProcessTest, AUnixSocketIsInsteadOfPorts) {
  const std::string path = folder_ / "socket";
  std::vector<std::string> options = With({"-s", path, "-a", "0770"});
  Process larder(options);
  // It is bound before it listens.
  while (!std::filesystem::exists(port_file_)) usleep(1000);
  EXPECT_EQ(ReadFile(port_file_), "");
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()), 0770u);
  Client client(ConnectToPath(path));
  const std::string settings = client.Ask("stats settings\r\n", "END\r\n");
  EXPECT_THAT(settings, HasSubstr("STAT domain_socket " + path + "\r\nSTAT umask 770\r\n"));
  const std::string list = client.Ask("stats conns\r\n", "END\r\n");
  EXPECT_THAT(list, HasSubstr(":addr unix:" + path + "\r\n"));
  EXPECT_THAT(list, HasSubstr(":listen_addr unix:" + path + "\r\n"));
  EXPECT_THAT(list, testing::Not(HasSubstr("tcp")));
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  // Like memcached's it stays, and the next start takes its place.
  EXPECT_TRUE(std::filesystem::is_socket(path));
}

TEST_F(ProcessTest, AUnixSocketThatCannotBeIsSaid) {
  Process larder(With({"-s", "/nonexistent/x"}));
  EXPECT_EQ(larder.Wait(), EX_OSERR);
  EXPECT_EQ(larder.errors(),
            "bind(): No such file or directory\n"
            "failed to listen on UNIX socket: /nonexistent/x: Invalid argument\n");
}

TEST_F(ProcessTest, UdpIsServedBesideTcpOrAlone) {
  for (const bool tcp : {true, false}) {
    Process larder(With({"-p", tcp ? "-1" : "0", "-U", "-1"}));
    const int udp_port = WaitForPort();  // the last line's
    const std::string ports = ReadFile(port_file_);
    EXPECT_EQ(ports.starts_with("TCP INET: "), tcp) << ports;
    EXPECT_THAT(ports, HasSubstr("UDP INET: "));
    DatagramClient client(udp_port);
    EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
    EXPECT_THAT(client.Ask("stats settings\r\n"),
                HasSubstr("STAT udpport " + std::to_string(udp_port) + "\r\n"));
    larder.Signal(SIGTERM);
    EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
    EXPECT_EQ(larder.errors(), "");
    std::filesystem::remove(port_file_);
  }
}

TEST_F(ProcessTest, AListenerThatCannotBeReadIsSaid) {
  Process larder(With({"-l", "proto[ascii:127.0.0.1"}));
  EXPECT_EQ(larder.Wait(), EX_OSERR);
  EXPECT_EQ(larder.errors(), "Invalid protocol spec: \"proto[ascii:127.0.0.1\"\n");
}

TEST_F(ProcessTest, AnAuthFileThatIsNoGoodIsSaid) {
  Process missing(With({"-Y", "/nonexistent"}));
  EXPECT_EQ(missing.Wait(), EXIT_FAILURE);
  EXPECT_EQ(missing.errors(),
            "Could not open authfile [/nonexistent] for reading, error No such file or directory: "
            "No such file or directory\n");
  const std::string path = folder_ / "auth";
  std::ofstream(path) << "no password\n";
  Process malformed(With({"-Y", path}));
  EXPECT_EQ(malformed.Wait(), EXIT_FAILURE);
  EXPECT_EQ(malformed.errors(),
            "Authfile [" + path + "] has a malformed entry. Should be 'user:password'\n");
}

TEST_F(ProcessTest, HupReadsTheAuthFileAnew) {
  const std::string path = folder_ / "auth";
  std::ofstream(path) << "foo:bar\n";
  Process larder(With({"-Y", path}));
  const int port = WaitForPort();
  const auto log_in = [port](const char* password) {
    return Client(port).Ask(std::string("set a 0 0 7\r\nfoo ") + password + "\r\n");
  };
  Client client(port);
  EXPECT_EQ(client.Ask("version\r\n"), "CLIENT_ERROR unauthenticated\r\n");
  EXPECT_EQ(client.Ask("set a 0 0 7\r\nfoo bar\r\n"), "STORED\r\n");
  const std::string settings = client.Ask("stats settings\r\n", "END\r\n");
  EXPECT_THAT(settings, HasSubstr("STAT binding_protocol ascii\r\n"));
  EXPECT_THAT(settings, HasSubstr("STAT auth_enabled_ascii yes\r\n"));
  EXPECT_EQ(log_in("new"), "CLIENT_ERROR authentication failure\r\n");

  std::ofstream(path) << "foo:new\n";
  larder.Signal(SIGHUP);
  while (!HasFailure() && log_in("new") != "STORED\r\n") {
  }
  EXPECT_EQ(log_in("bar"), "CLIENT_ERROR authentication failure\r\n");
  EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");  // who is in stays in
  std::filesystem::remove(path);
  larder.Signal(SIGHUP);
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
}

TEST_F(ProcessTest, WhoLogsInIsNotPrinted) {
  const std::string path = folder_ / "auth";
  std::ofstream(path) << "user:password\n";
  Process larder(With({"-vv", "-Y", path}));
  Client client(WaitForPort());
  // The last line says too short a length, and the rest is a line of its own.
  for (const char* attempt : {"set x 0 0 +13\r\nuser passwore\r\n", "user password\r\n",
                              "set x 0 0 2\r\nuser password\r\n"}) {
    EXPECT_THAT(client.Ask(attempt), testing::StartsWith("CLIENT_ERROR "));
  }
  EXPECT_EQ(client.Ask("set x 0 0 +13\r\nuser password\r\nget a\r\n", "END\r\n"),
            "CLIENT_ERROR unauthenticated\r\nSTORED\r\nEND\r\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_THAT(larder.errors(), HasSubstr(" get a\n"));
  EXPECT_THAT(larder.errors(), testing::Not(HasSubstr("passwor")));
}

TEST_F(ProcessTest, NewClientsArePrintedWithTheirProtocol) {
  for (const auto& [protocol, words] :
       {std::pair{"auto", "new auto-negotiating client connection\n"},
        std::pair{"ascii", "new ascii client connection.\n"},
        std::pair{"binary", "new binary client connection.\n"}}) {
    Process larder(With({"-vv", "-B", protocol}));
    Client client(WaitForPort());
    client.FinishSending();
    EXPECT_EQ(client.ReceiveAll(), "");
    larder.Signal(SIGTERM);
    EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
    EXPECT_THAT(larder.errors(), HasSubstr(words));
    std::filesystem::remove(port_file_);
  }
}

TEST_F(ProcessTest, AListenerIsNoWayAroundAuthentication) {
  const std::string path = folder_ / "auth";
  std::ofstream(path) << "foo:bar\n";
  Process larder(With({"-Y", path, "-l", "proto[negotiating]:127.0.0.2"}));
  EXPECT_EQ(larder.Wait(), EX_OSERR);
  EXPECT_EQ(
      larder.errors(),
      "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.\n");
}

TEST_F(ProcessTest, WithSaslAListenerThatNegotiatesIsBinary) {
  using std::string_literals::operator""s;
  for (const char* protocol : {"auto", "negotiating"}) {
    std::vector<std::string> options = With({"-S"});
    options[1] = "proto["s + protocol + "]:127.0.0.1";
    Process larder(options);
    const int port = WaitForPort();
    Client text(port);
    text.Send("version and more words\r\n");
    text.FinishSending();
    EXPECT_EQ(text.ReceiveAll(), "");
    // Who has not signed in may not even ask for nothing.
    Client binary(port);
    binary.Send("\x80\x0a"s + std::string(22, '\0'));
    EXPECT_EQ(binary.Receive(8), "\x81\x0a\0\0\0\0\0\x20"s);
    larder.Signal(SIGTERM);
    EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
    std::filesystem::remove(port_file_);
  }
  std::vector<std::string> options = With({"-S"});
  options[1] = "proto[ascii]:127.0.0.1";
  Process larder(options);
  EXPECT_EQ(larder.Wait(), EX_OSERR);
  EXPECT_EQ(larder.errors(), "ERROR: You cannot allow the ASCII protocol while using SASL.\n");
}

TEST_F(ProcessTest, ALimitThatCannotBeHadIsSaid) {
  // A thread has four descriptors or five: the first of these is 2^32 of them.
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-c", "2000000000"}, std::vector<std::string>{"-t", "1073741824"},
        std::vector<std::string>{"-t", "2147483647"}}) {
    Process larder(With(options));
    EXPECT_EQ(larder.Wait(), EX_OSERR);
    EXPECT_THAT(larder.errors(), EndsWith("failed to set rlimit for open files. Try starting as "
                                          "root or requesting smaller maxconns value.\n"));
  }
}

// Only root can become somebody else, and so only root is asked who.
TEST_F(ProcessTest, RootMustSayWhoToBeAndOthersNeedNot) {
  Process nobody_named({"-l", "127.0.0.1", "-p", "0"});
  if (getuid() == 0) {
    EXPECT_EQ(nobody_named.Wait(), EX_USAGE);
    EXPECT_EQ(nobody_named.errors(), "must add '-u root' to start as root\n");
    Process unknown({"-l", "127.0.0.1", "-p", "0", "-u", "no such user"});
    EXPECT_EQ(unknown.Wait(), EX_NOUSER);
    EXPECT_EQ(unknown.errors(), "can't find the user no such user to switch to\n");
    return;
  }
  WaitForPort();
  nobody_named.Signal(SIGTERM);
  EXPECT_EQ(nobody_named.Wait(), EXIT_SUCCESS);
}

TEST_F(ProcessTest, RootBecomesTheUserNamedAndOthersStayWhoTheyAre) {
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  Process larder({"-l", "127.0.0.1", "-p", "0", "-u", "nobody"});
  WaitForPort();
  const std::string status =
      ReadFile(std::filesystem::path("/proc") / std::to_string(larder.pid()) / "status");
  const auto four = [](unsigned id) {
    const std::string text = "\t" + std::to_string(id);
    return text + text + text + text + "\n";
  };
  constexpr unsigned kNobody = 65534;
  const bool root = getuid() == 0;
  EXPECT_THAT(status, HasSubstr("Uid:" + four(root ? kNobody : getuid())));
  EXPECT_THAT(status, HasSubstr("Gid:" + four(root ? kNobody : getgid())));
  if (root) {
    EXPECT_THAT(status, testing::ContainsRegex("Groups:\t *\n"));
  }
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
}

TEST_F(ProcessTest, ThePidFileIsThereAsLongAsTheProcess) {
  const std::filesystem::path pid_file = folder_ / "pid";
  std::ofstream(pid_file) << getpid() << "\n";
  Process larder(With({"-P", pid_file}));
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");  // it serves once the file is written
  EXPECT_EQ(ReadFile(pid_file), std::to_string(larder.pid()) + "\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(larder.errors(), "WARNING: The pid file contained the following (running) pid: " +
                                 std::to_string(getpid()) + "\n");
  EXPECT_FALSE(std::filesystem::exists(pid_file));
}

TEST_F(ProcessTest, APidFileThatCannotBeWrittenIsSaid) {
  Process larder(With({"-P", "/nonexistent/pid"}));
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(larder.errors(),
            "Could not open the pid file /nonexistent/pid.tmp for writing: No such file or "
            "directory\n");
}

TEST_F(ProcessTest, AsADaemonItIsReadyWhenTheCommandEnds) {
  // The daemon becomes a child of this process when the command has ended, and so can be waited
  // for.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const std::filesystem::path pid_file = folder_ / "pid";
  Process command(With({"-d", "-P", pid_file}));
  EXPECT_EQ(command.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(command.errors(), "");
  const std::string text = ReadFile(pid_file);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  ASSERT_GT(pid, 0);
  EXPECT_EQ(getsid(pid), pid);
  EXPECT_EQ(Client(WaitForPort()).Ask("version\r\n"), "VERSION 1.6.45\r\n");
  kill(pid, SIGTERM);
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(std::filesystem::exists(pid_file));
}

// What goes wrong behind the fork, here a file that cannot be a cache's memory, is the exit code
// and the word of the command that was given.
TEST_F(ProcessTest, ADaemonsFailureIsItsCommands) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-e", "/dev/null"},
        std::vector<std::string>{"-e", "/dev/null", "-d"}}) {
    Process larder(With(options));
    EXPECT_EQ(larder.Wait(), EXIT_FAILURE);
    EXPECT_EQ(larder.errors(), "ftruncate failed: Invalid argument\n");
  }
  EXPECT_FALSE(std::filesystem::exists(port_file_));
}

TEST_F(ProcessTest, SwitchesAreNoReasonForAWord) {
  Process larder(With({"-r", "-C", "-M"}));
  Client client(WaitForPort());
  EXPECT_EQ(client.Ask("version\r\n"), "VERSION 1.6.45\r\n");
  larder.Signal(SIGTERM);
  EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  EXPECT_EQ(larder.errors(), "");
}

TEST_F(ProcessTest, SpeaksTheProtocolsThatItIsTold) {
  const std::string noop = std::string("\x80\x0a", 2) + std::string(22, '\0');
  const std::string noop_reply = std::string("\x81\x0a", 2) + std::string(22, '\0');
  // A noop's second byte is a line feed.
  const std::string as_lines = "CLIENT_ERROR bad command line format\r\nERROR\r\n";
  const std::string version = "version and more words\r\n";
  const std::string version_reply = "VERSION 1.6.45\r\n";
  struct Case {
    const char* protocol;
    std::string to_text;
    std::string to_binary;
  };
  for (const Case& c : {Case{"auto", version_reply, noop_reply},
                        Case{"ascii", version_reply, as_lines}, Case{"binary", "", noop_reply}}) {
    SCOPED_TRACE(c.protocol);
    std::filesystem::remove(port_file_);
    Process larder(With({"-B", c.protocol}));
    const int port = WaitForPort();
    Client text(port);
    text.Send(version);
    text.FinishSending();
    EXPECT_EQ(text.ReceiveAll(), c.to_text);
    Client binary(port);
    binary.Send(noop + "\r\n");  // the end of a line, of which binary waits for the rest
    binary.FinishSending();
    EXPECT_EQ(binary.ReceiveAll(), c.to_binary);
    larder.Signal(SIGTERM);
    EXPECT_EQ(larder.Wait(), EXIT_SUCCESS);
  }
}

}  // namespace
}  // namespace larder
