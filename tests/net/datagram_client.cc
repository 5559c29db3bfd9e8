#include "tests/net/datagram_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "server/net/errno_text.h"
#include "slab/assert.h"

namespace larder {

namespace {

constexpr size_t kHeaderBytes = 8;
constexpr timeval kDeadline = {.tv_sec = 60, .tv_usec = 0};

void Append16(uint16_t number, std::string* bytes) {
  bytes->push_back(static_cast<char>(number >> 8));
  bytes->push_back(static_cast<char>(number));
}

uint16_t Read16(const char* bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

}  // namespace

DatagramClient::DatagramClient(int port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  LARDER_CHECK(connect(fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof(kDeadline));
}

void DatagramClient::Send(uint16_t request_id, std::string_view payload, uint16_t sequence,
                          uint16_t total) {
  std::string bytes;
  for (const uint16_t number : {request_id, sequence, total, uint16_t{0}}) {
    Append16(number, &bytes);
  }
  SendRaw(bytes.append(payload));
}

void DatagramClient::SendRaw(std::string_view bytes) {
  ASSERT_EQ(send(fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()))
      << ErrnoText(errno);
}

DatagramClient::Datagram DatagramClient::Receive() {
  char buffer[1 << 16];
  const ssize_t received = recv(fd(), buffer, sizeof(buffer), 0);
  if (received < static_cast<ssize_t>(kHeaderBytes)) {
    ADD_FAILURE() << "no datagram came: " << ErrnoText(errno);
    return {};
  }
  return {.request_id = Read16(buffer),
          .sequence = Read16(buffer + 2),
          .total = Read16(buffer + 4),
          .reserved = Read16(buffer + 6),
          .payload = {buffer + kHeaderBytes, static_cast<size_t>(received) - kHeaderBytes}};
}

std::string DatagramClient::ReceiveMessage(uint16_t request_id) {
  std::string message;
  uint16_t total = 1;
  for (uint16_t sequence = 0; sequence < total; ++sequence) {
    const Datagram datagram = Receive();
    if (sequence == 0) total = datagram.total;
    EXPECT_EQ(datagram.request_id, request_id);
    EXPECT_EQ(datagram.sequence, sequence);
    EXPECT_EQ(datagram.total, total);
    EXPECT_EQ(datagram.reserved, 0);
    EXPECT_LE(datagram.payload.size(), 1392u);
    if (testing::Test::HasFailure()) break;
    message += datagram.payload;
  }
  return message;
}

std::string DatagramClient::Ask(std::string_view payload) {
  const uint16_t request_id = next_request_id_++;
  Send(request_id, payload);
  return ReceiveMessage(request_id);
}

}  // namespace larder
