#include "bench/load/request_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "bench/load/socket.h"

namespace larder::bench {
namespace {

WorkloadSpec SpecWithValues(std::string_view sizes, uint32_t keys_per_get = 1) {
  return {.key_count = 1000,
          .key_bytes = 12,
          .value_sizes = *ParseValueSizes(sizes),
          .keys_per_get = keys_per_get};
}

std::string SetText(const Workload& workload, uint32_t id) {
  const std::string value(workload.values.Of(id));
  return absl::StrCat("set ", workload.key_format.Key(id), " 0 0 ", value.size(), "\r\n", value,
                      "\r\n");
}

// Two ends of a connection; what was flushed into one is read from the other.
class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    near_ = Socket(ends[0]);
    far_ = Socket(ends[1]);
  }

  // Flushes until `out` is empty, reading in between.
  std::string Transfer(SendBuffer& out) {
    std::string all;
    do {
      EXPECT_TRUE(out.Flush(near_, sent_bytes_).ok());
      std::array<char, 4096> piece;
      ssize_t count;
      while ((count = recv(far_.fd(), piece.data(), piece.size(), 0)) > 0) {
        all.append(piece.data(), static_cast<size_t>(count));
      }
    } while (!out.empty());
    return all;
  }

  Socket& near() { return near_; }
  Socket& far() { return far_; }
  uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  Socket near_;
  Socket far_;
  uint64_t sent_bytes_ = 0;
};

TEST(RequestWriter, WritesGets) {
  const Workload workload(SpecWithValues("5", 3));
  SendBuffer out(CapacityFor(workload, 2));
  const std::vector<uint32_t> three = {1, 22, 333};
  const std::vector<uint32_t> one = {4};
  AppendGet(workload, three, out);
  AppendGet(workload, one, out);
  EXPECT_EQ(Pipe().Transfer(out),
            "get key-00000001 key-00000022 key-00000333\r\nget key-00000004\r\n");
  EXPECT_TRUE(out.empty());
}

TEST(RequestWriter, WritesMetaGets) {
  WorkloadSpec spec = SpecWithValues("5");
  spec.meta_gets = true;
  const Workload workload(spec);
  SendBuffer out(CapacityFor(workload, 2));
  const char* first = out.Tail();
  const std::vector<uint32_t> one = {4};
  AppendGet(workload, one, out);
  AppendGet(workload, one, out);
  EXPECT_LE(static_cast<size_t>(out.Tail() - first), CapacityFor(workload, 2).text_bytes);
  EXPECT_EQ(Pipe().Transfer(out), "mg key-00000004 v\r\nmg key-00000004 v\r\n");
}

TEST(RequestWriter, WritesSetsOfEverySize) {
  for (const char* sizes : {"0", "5", "4096", "4097", "3000-6000", "300000"}) {
    const Workload workload(SpecWithValues(sizes));
    constexpr uint32_t kRequests = 20;
    SendBuffer out(CapacityFor(workload, kRequests));
    Pipe pipe;
    for (int round = 0; round < 2; ++round) {  // the buffer begins again when it was empty
      std::string expected;
      for (uint32_t id = 0; id < kRequests; ++id) {
        AppendSet(workload, id, out);
        expected += SetText(workload, id);
      }
      EXPECT_TRUE(pipe.Transfer(out) == expected) << sizes;
    }
    EXPECT_EQ(
        pipe.sent_bytes(), 2 *
                               [&] {
                                 size_t bytes = 0;
                                 for (uint32_t id = 0; id < kRequests; ++id)
                                   bytes += SetText(workload, id).size();
                                 return bytes;
                               }())
        << sizes;
  }
}

TEST(RequestWriter, CapacityIsEnoughForTheLongestGets) {
  WorkloadSpec spec = SpecWithValues("1", 100);
  spec.key_bytes = kKeyBytesMax;
  const Workload workload(spec);
  const std::vector<uint32_t> ids(100, kKeyCountMax - 1);
  SendBuffer out(CapacityFor(workload, 3));
  const char* first = out.Tail();
  for (int i = 0; i < 3; ++i) AppendGet(workload, ids, out);
  EXPECT_LE(static_cast<size_t>(out.Tail() - first), CapacityFor(workload, 3).text_bytes);
}

TEST(RequestWriter, CapacityIsEnoughForTheLongestSets) {
  for (const char* sizes : {"4096", "4999"}) {  // copied, and sent from where it lies
    const Workload workload(SpecWithValues(sizes));
    SendBuffer out(CapacityFor(workload, 3));
    const char* first = out.Tail();
    for (int i = 0; i < 3; ++i) AppendSet(workload, kKeyCountMax - 1, out);
    EXPECT_LE(static_cast<size_t>(out.Tail() - first), CapacityFor(workload, 3).text_bytes);
  }
}

TEST(SendBuffer, ReportsAConnectionThatIsGone) {
  const Workload workload(SpecWithValues("5"));
  SendBuffer out(CapacityFor(workload, 1));
  Pipe pipe;
  pipe.far() = Socket();
  AppendSet(workload, 1, out);
  uint64_t sent_bytes = 0;
  EXPECT_FALSE(out.Flush(pipe.near(), sent_bytes).ok());
}

}  // namespace
}  // namespace larder::bench
