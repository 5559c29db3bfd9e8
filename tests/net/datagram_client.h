#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/unique_fd.h"

namespace larder {

// A client of a UDP port of 127.0.0.1, which waits for what it asks for, but not for ever.
class DatagramClient {
 public:
  explicit DatagramClient(int port);

  struct Datagram {
    uint16_t request_id = 0;
    uint16_t sequence = 0;
    uint16_t total = 0;
    uint16_t reserved = 0;
    std::string payload;
  };

  // Sends `payload` behind a header that says so.
  void Send(uint16_t request_id, std::string_view payload, uint16_t sequence = 0,
            uint16_t total = 1);
  void SendRaw(std::string_view bytes);

  Datagram Receive();
  // All datagrams of the next message, which must come in order, put together.
  std::string ReceiveMessage(uint16_t request_id);

  // Send, then ReceiveMessage.
  std::string Ask(std::string_view payload);

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  uint16_t next_request_id_ = 1;
};

}  // namespace larder
