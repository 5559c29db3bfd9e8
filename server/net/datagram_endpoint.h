#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/engine/output.h"
#include "server/engine/server_view.h"
#include "server/engine/session.h"
#include "server/net/address.h"
#include "server/net/connection.h"
#include "server/net/unique_fd.h"

// One worker's socket on a UDP port.
//
// A datagram is a client's whole dialogue: it begins with a header of eight bytes, and behind that
// are one command or more, each of them whole. Each command is answered by a message with the
// request id of the datagram, in as many datagrams of at most 1400 bytes as it takes:
//
//   bytes 0 1   request id, the client's choice
//         2 3   sequence number of the datagram in its message, from 0
//         4 5   how many datagrams the message has
//         6 7   0
//
// all of them big endian. A request of more than one datagram is not answered; nor is what is left
// of a datagram behind its last whole command. The dialect is that of the first byte behind the
// header.
//
// So there is nothing to remember between datagrams: each gets a fresh session, whose requests are
// run one by one so that their replies do not mix. Only if the socket is full does the endpoint
// wait, and takes no other datagram until the reply has gone.

namespace larder {

class DatagramEndpoint {
 public:
  // `fd` is bound and does not block. `worker` must outlive the endpoint.
  DatagramEndpoint(UniqueFd fd, EngineWorker* worker);

  // By the worker's thread, as the endpoint asked for: kInput or kRoom. Nothing ends an endpoint.
  [[nodiscard]] Connection::Wait OnReadable(LoopTurn* turn);
  [[nodiscard]] Connection::Wait OnWritable(LoopTurn* turn);

  int fd() const { return fd_.get(); }
  // Any thread, as long as the endpoint exists.
  ConnectionInfo Info() const;

 private:
  // The header, and of whom the datagram came.
  struct Client {
    SocketAddress address = {};
    socklen_t address_bytes = 0;
    uint16_t request_id = 0;
  };
  // The reply that is being sent: how many datagrams it has, and how many have left.
  struct Message {
    size_t datagrams = 0;
    size_t sent = 0;
  };

  bool Receive(LoopTurn* turn, std::string_view* request);
  bool Execute(std::string_view request, LoopTurn* turn);
  void BeginMessage();
  bool Send(LoopTurn* turn);
  ssize_t SendDatagram(LoopTurn* turn) const;

  const UniqueFd fd_;
  EngineWorker* const worker_;
  Output output_;
  Client client_;
  Message message_;
  // Of the datagram that is being executed; none between datagrams.
  std::optional<Session> session_;
  // What is left of it while its client's replies wait for room.
  std::string held_;
};

}  // namespace larder
