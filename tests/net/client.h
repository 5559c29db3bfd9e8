#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/net/unique_fd.h"

namespace larder {

// A socket that is connected to the UNIX socket at `path`.
UniqueFd ConnectToPath(const std::string& path);

// A client's end of a connection, which waits for what it asks for, but not for ever: a server that
// does not answer within the deadline makes the test fail with what has come until then.
class Client {
 public:
  // To 127.0.0.1.
  explicit Client(int port);
  // Takes over a connected socket.
  explicit Client(UniqueFd fd);

  void Send(std::string_view bytes);
  // Sends as much as goes without waiting; returns how much that was.
  size_t SendSome(std::string_view bytes);
  // Closes this end for sending.
  void FinishSending();

  // The next `bytes` bytes.
  std::string Receive(size_t bytes);
  // Everything up to and with the next `end`.
  std::string ReceiveThrough(std::string_view end);
  // Everything until the server closes or resets the connection.
  std::string ReceiveAll();

  // Waits for more, which the next call that receives returns; false at the end of the stream.
  bool ReceiveMore();

  // Send, then ReceiveThrough.
  std::string Ask(std::string_view request, std::string_view end = "\r\n");

  // Makes the buffers of this end as small as they get, so that a slow reader is one soon.
  void ShrinkBuffers();

  int fd() const { return fd_.get(); }

 private:
  std::string Take(size_t bytes);

  UniqueFd fd_;
  std::string received_;
};

}  // namespace larder
