#include <gnu/libc-version.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <valgrind/callgrind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/session_rig.h"
#include "server/net/connection.h"
#include "server/net/lent_buffer.h"
#include "server/net/stream.h"
#include "server/net/unique_fd.h"
#include "slab/assert.h"

// What bench/instructions runs under callgrind: every kind of request, one kind after the other,
// with the counting on around the session's turns alone, or a connection's. Prints what it was
// built with and, for each kind, how many operations were counted and its name; callgrind writes as
// many dumps, each with that name.
//
// Counts are comparable between runs, and between machines, because nothing here is left to chance:
// seed, clock, keys and their order are fixed, and there is one thread. Under anything but
// callgrind this only checks the replies.

namespace larder {
namespace {

constexpr uint32_t kItems = 10'000;
constexpr uint32_t kWarmUps = 50;
constexpr uint32_t kCounted = 500;
constexpr size_t kValueBytes = 32;

struct Kind {
  const char* name;
  // The n-th request, as one read from the socket; all of it one operation, or so many.
  std::function<std::string(uint32_t n)> request;
  std::string_view reply;  // how the reply begins
  int operations = 1;
  // What is asked before the n-th request, not counted.
  std::function<std::string(uint32_t n)> prepare = nullptr;
  // A store that is full and evicts.
  bool full = false;
  // By a connection that reads from a socket and sends to it.
  bool socket = false;
};

// A connection at one end of a socket pair and its client at the other: what a turn of the loop
// executes for one ready socket, but for the loop itself.
class SocketRig {
 public:
  explicit SocketRig(EngineRig* rig) {
    int ends[2];
    LARDER_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    client_ = UniqueFd(ends[0]);
    connection_ = std::make_unique<Connection>(Stream(UniqueFd(ends[1])), ConnectionTraits{},
                                               rig->engine().AddWorker(), kBenchNow);
    turn_.now = kBenchNow;
    turn_.input = &input_;
    turn_.pieces = pieces_;
  }

  // Answers what one read takes in.
  void Run(std::string_view request) { Exchange(request); }
  std::string Ask(std::string_view request) { return {reply_.data(), Exchange(request)}; }

 private:
  // The reply's length.
  size_t Exchange(std::string_view request) {
    const ssize_t sent = send(client_.get(), request.data(), request.size(), 0);
    LARDER_CHECK(sent == static_cast<ssize_t>(request.size()));
    LARDER_CHECK(connection_->OnReadable(&turn_) == Connection::Wait::kInput);
    const ssize_t received = recv(client_.get(), reply_.data(), reply_.size(), 0);
    LARDER_CHECK(received > 0);
    return static_cast<size_t>(received);
  }

  UniqueFd client_;
  std::unique_ptr<Connection> connection_;
  LoopTurn turn_;
  LentBuffer input_;
  std::array<iovec, 16> pieces_;
  std::array<char, 64 * 1024> reply_;
};

// Keys that are there, in an order in which none comes twice before all have come.
std::string Hit(uint32_t n) { return KeyOf(n * 7919 % kItems); }
std::string Miss(uint32_t n) { return KeyOf(100'000'000 + n); }
std::string Value(size_t bytes = kValueBytes) { return std::string(bytes, 'v'); }

std::function<std::string(uint32_t)> Pipelined(int requests, std::string (*one)(uint32_t)) {
  return [=](uint32_t n) {
    std::string all;
    for (int i = 0; i < requests; ++i) all += one(n * static_cast<uint32_t>(requests) + i);
    return all;
  };
}

std::string Get(uint32_t n) { return "get " + Hit(n) + "\r\n"; }
std::string MetaGet(uint32_t n) { return "mg " + Hit(n) + " v\r\n"; }
std::string Set(uint32_t n) { return SetOf(Hit(n), Value()); }
std::string SetNew(uint32_t n) { return SetOf(Miss(n), Value()); }

std::string GetOfManyKeys(uint32_t n) {
  std::string line = "get";
  for (uint32_t i = 0; i < 50; ++i) line.append(" ").append(Hit(n * 50 + i));
  return line + "\r\n";
}

// A binary request whose extras and value are as given.
std::string Packet(uint8_t opcode, const std::string& extras, const std::string& key,
                   const std::string& value) {
  std::string packet(24, '\0');
  const auto put = [&](size_t at, size_t number) { packet[at] = static_cast<char>(number); };
  put(0, 0x80);
  put(1, opcode);
  put(3, key.size());
  put(4, extras.size());
  put(11, extras.size() + key.size() + value.size());
  return packet + extras + key + value;
}

std::string BinaryGet(uint32_t n) { return Packet(0x00, "", Hit(n), ""); }
std::string BinarySet(uint32_t n) { return Packet(0x01, std::string(8, '\0'), Hit(n), Value()); }

std::vector<Kind> Kinds() {
  const auto line = [](const char* before, const char* after) {
    return [=](uint32_t n) { return before + Hit(n) + after + "\r\n"; };
  };
  const auto miss = [](const char* before, const char* after) {
    return [=](uint32_t n) { return before + Miss(n) + after + "\r\n"; };
  };
  const auto sized = [](const char* command, size_t bytes) {
    return [=](uint32_t n) {
      return command + Hit(n) + " 0 0 " + std::to_string(bytes) + "\r\n" + Value(bytes) + "\r\n";
    };
  };
  const auto number = [](uint32_t n) { return SetOf(Hit(n), "41"); };
  constexpr size_t kLarge = 100'000;
  return {
      {"get, hit", Get, "VALUE "},
      {"get, hit, 16 pipelined", Pipelined(16, Get), "VALUE ", 16},
      {"get, hit, 50 keys", GetOfManyKeys, "VALUE ", 50},
      {"get, miss", miss("get ", ""), "END"},
      {"gets, hit", line("gets ", ""), "VALUE "},
      {"gat, hit", line("gat 100 ", ""), "VALUE "},
      {"touch, hit", line("touch ", " 100"), "TOUCHED"},
      {"mg v, hit", MetaGet, "VA "},
      {"mg v, hit, 16 pipelined", Pipelined(16, MetaGet), "VA ", 16},
      {"mg s v t c f k O, hit", line("mg ", " s v t c f k O123"), "VA "},
      {"mg, miss", miss("mg ", " v"), "EN"},
      {"get, hit, 4 KiB", line("get ", ""), "VALUE ", 1, sized("set ", 4096)},
      {"get, hit, 100 kB", line("get ", ""), "VALUE ", 1, sized("set ", kLarge)},
      {"set, same size", Set, "STORED"},
      {"set, same size, 16 pipelined", Pipelined(16, Set), "STORED", 16},
      {"set, other size", sized("set ", 200), "STORED"},
      {"set, new", SetNew, "STORED"},
      {"set, new, evicting", SetNew, "STORED", 1, nullptr, /*full=*/true},
      {"set, 4 KiB", sized("set ", 4096), "STORED"},
      {"set, 100 kB", sized("set ", kLarge), "STORED"},
      {"add, exists", sized("add ", kValueBytes), "NOT_STORED"},
      {"append", sized("append ", 8), "STORED"},
      {"ms", [](uint32_t n) { return "ms " + Hit(n) + " 32\r\n" + Value() + "\r\n"; }, "HD"},
      {"incr", line("incr ", " 1"), "42", 1, number},
      {"ma", line("ma ", " v"), "VA 2\r\n42", 1, number},
      {"delete, hit", line("delete ", ""), "DELETED"},
      {"delete, miss", miss("delete ", ""), "NOT_FOUND"},
      {"md, hit", line("md ", ""), "HD"},
      {"binary get, hit", BinaryGet, "\x81"},
      {"binary get, hit, 16 pipelined", Pipelined(16, BinaryGet), "\x81", 16},
      {"binary set, same size", BinarySet, "\x81"},
      {"get, hit, by a socket", Get, "VALUE ", 1, nullptr, false, /*socket=*/true},
      {"get, hit, 16 pipelined, by a socket", Pipelined(16, Get), "VALUE ", 16, nullptr, false,
       /*socket=*/true},
      {"set, same size, by a socket", Set, "STORED", 1, nullptr, false, /*socket=*/true},
  };
}

void Fill(EngineRig* engine, uint32_t items) {
  SessionRig session(engine);
  for (uint32_t i = 0; i < items; ++i) {
    session.Run(SetOf(KeyOf(i), Value()));
    if (i % 1000 == 0) engine->Maintain();
  }
  engine->Maintain();
}

template <typename ClientRig>
void CountRequests(EngineRig* engine, const Kind& kind, const std::vector<std::string>& requests) {
  ClientRig client(engine);
  for (uint32_t n = 0; n < kWarmUps; ++n) {
    LARDER_CHECK(client.Ask(requests[n]).starts_with(kind.reply));
  }
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  for (uint32_t n = kWarmUps; n < requests.size(); ++n) client.Run(requests[n]);
  CALLGRIND_DUMP_STATS_AT(kind.name);
  CALLGRIND_STOP_INSTRUMENTATION;
}

void Count(const Kind& kind) {
  Settings settings;
  settings.memory_bytes = uint64_t{kind.full ? 8u : 256u} << 20;
  settings.requests_per_event = 64;
  EngineRig engine(settings);
  const uint32_t stored = kind.full ? 20 * kItems : kItems;
  Fill(&engine, stored);
  LARDER_CHECK((engine.store().Stats().items < stored) == kind.full);

  std::vector<std::string> requests;
  SessionRig preparing(&engine);
  for (uint32_t n = 0; n < kWarmUps + kCounted; ++n) {
    if (kind.prepare != nullptr) preparing.Run(kind.prepare(n));
    requests.push_back(kind.request(n));
  }
  // By a client that has not chosen its protocol yet.
  kind.socket ? CountRequests<SocketRig>(&engine, kind, requests)
              : CountRequests<SessionRig>(&engine, kind, requests);
  std::printf("%u %s\n", kCounted * static_cast<uint32_t>(kind.operations), kind.name);
}

}  // namespace
}  // namespace larder

int main() {
  std::printf("gcc %s, glibc %s\n", __VERSION__, gnu_get_libc_version());
  for (const larder::Kind& kind : larder::Kinds()) larder::Count(kind);
}
