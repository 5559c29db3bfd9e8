#include "server/net/datagram_endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "server/net/errno_text.h"
#include "server/net/run_turn.h"

namespace larder {

namespace {

constexpr size_t kHeaderBytes = 8;
// What is sent at once: no more than a path without fragmentation carries, as a rule.
constexpr size_t kDatagramBytesMax = 1400;
constexpr size_t kPayloadBytesMax = kDatagramBytesMax - kHeaderBytes;
// What is received at once: all that UDP has.
constexpr size_t kReceiveBytesMax = size_t{64} << 10;
constexpr size_t kMessageDatagramsMax = UINT16_MAX;

// How many datagrams are taken before connections have a turn.
constexpr int kDatagramsPerTurn = 16;

constexpr std::string_view kTooLarge = "SERVER_ERROR reply too large for UDP\r\n";

using Header = std::array<uint8_t, kHeaderBytes>;

uint16_t Read16(const char* bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

Header MakeHeader(size_t request_id, size_t sequence, size_t total) {
  const auto high = [](size_t number) { return static_cast<uint8_t>(number >> 8); };
  const auto low = [](size_t number) { return static_cast<uint8_t>(number); };
  return {high(request_id),
          low(request_id),
          high(sequence),
          low(sequence),
          high(total),
          low(total),
          0,
          0};
}

// Cuts `pieces` where they pass `bytes_max`; returns those that are left, and their length.
std::span<iovec> Cut(std::span<iovec> pieces, size_t bytes_max, size_t* bytes) {
  *bytes = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    pieces[i].iov_len = std::min(pieces[i].iov_len, bytes_max - *bytes);
    *bytes += pieces[i].iov_len;
    if (*bytes == bytes_max) return pieces.first(i + 1);
  }
  return pieces;
}

bool IsBlocked(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

DatagramEndpoint::DatagramEndpoint(UniqueFd fd, EngineWorker* worker)
    : fd_(std::move(fd)), worker_(worker), output_(&worker->output_blocks()) {}

Connection::Wait DatagramEndpoint::OnReadable(LoopTurn* turn) {
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    std::string_view request;
    if (!Receive(turn, &request)) break;
    if (request.empty()) continue;
    session_.emplace(worker_, SessionOptions{.one_request = true});
    if (!Execute(request, turn)) return Connection::Wait::kRoom;
  }
  return Connection::Wait::kInput;
}

Connection::Wait DatagramEndpoint::OnWritable(LoopTurn* turn) {
  if (!Send(turn)) return Connection::Wait::kRoom;
  const std::string request = std::exchange(held_, {});
  if (session_ && !Execute(request, turn)) return Connection::Wait::kRoom;
  return Connection::Wait::kInput;
}

// False if nothing is waiting. `request` is left empty by a datagram that is not to be answered.
bool DatagramEndpoint::Receive(LoopTurn* turn, std::string_view* request) {
  char* const buffer = turn->input->AtLeast(kReceiveBytesMax);
  client_.address_bytes = sizeof(client_.address);
  const ssize_t received =
      recvfrom(fd(), buffer, kReceiveBytesMax, 0, &client_.address.any, &client_.address_bytes);
  if (received < 0) return false;
  const size_t bytes = static_cast<size_t>(received);
  if (bytes <= kHeaderBytes) return true;
  worker_->counters().bytes_read.Add(received);
  client_.request_id = Read16(buffer);
  const bool whole = Read16(buffer + 4) == 1;
  if (whole) *request = {buffer + kHeaderBytes, bytes - kHeaderBytes};
  return true;
}

// Runs what is left of a datagram. False if its replies wait for room.
bool DatagramEndpoint::Execute(std::string_view request, LoopTurn* turn) {
  while (true) {
    const Session::Result result = RunTurn(worker_, &*session_, request, turn->now, &output_);
    request.remove_prefix(result.consumed);
    const bool more = result.next == Session::Next::kYield || result.next == Session::Next::kFlush;
    if (!more) session_.reset();
    BeginMessage();
    if (!Send(turn)) {
      if (more) held_ = request;
      return false;
    }
    if (!more) return true;
  }
}

// Everything in the output becomes one message.
void DatagramEndpoint::BeginMessage() {
  const auto datagrams = [this] {
    return (output_.bytes() + kPayloadBytesMax - 1) / kPayloadBytesMax;
  };
  if (datagrams() > kMessageDatagramsMax) {
    output_.Clear();
    output_.Append(kTooLarge);
  }
  message_ = {.datagrams = datagrams()};
}

// Sends until the message has gone. False if the socket is full; a message that cannot be sent is
// dropped, as datagrams are.
bool DatagramEndpoint::Send(LoopTurn* turn) {
  while (!output_.empty()) {
    const ssize_t sent = SendDatagram(turn);
    if (sent < 0) {
      if (IsBlocked(errno)) return false;
      if (worker_->engine().verbosity() > 0) {
        fprintf(stderr, "<%d failed to send, and not due to blocking: %s\n", fd(),
                ErrnoText(errno).c_str());
      }
      output_.Clear();
      break;
    }
    worker_->counters().bytes_written.Add(sent);
    output_.Sent(static_cast<size_t>(sent) - kHeaderBytes);
    ++message_.sent;
  }
  return true;
}

ssize_t DatagramEndpoint::SendDatagram(LoopTurn* turn) const {
  Header header = MakeHeader(client_.request_id, message_.sent, message_.datagrams);
  turn->pieces[0] = {header.data(), header.size()};
  const std::span<iovec> room = turn->pieces.subspan(1);
  size_t bytes = 0;
  const std::span<iovec> payload = Cut(room.first(output_.Gather(room)), kPayloadBytesMax, &bytes);
  SocketAddress address = client_.address;
  const msghdr message = {.msg_name = &address,
                          .msg_namelen = client_.address_bytes,
                          .msg_iov = turn->pieces.data(),
                          .msg_iovlen = 1 + payload.size()};
  return sendmsg(fd(), &message, MSG_NOSIGNAL);
}

ConnectionInfo DatagramEndpoint::Info() const {
  return {.id = fd(),
          .address = AddressText(LocalAddress(fd()), /*datagrams=*/true),
          .datagrams = true,
          .state = "conn_read"};
}

}  // namespace larder
