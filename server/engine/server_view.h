#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "server/engine/clock.h"

// What the engine cannot know of the server around it, and `stats` reports.

namespace larder {

// What `stats conns` tells of one socket.
struct ConnectionInfo {
  int id = 0;                  // file descriptor
  std::string address;         // "tcp:127.0.0.1:50314"; of a listener, its own
  std::string listen_address;  // where it was accepted; empty for a listener
  bool datagrams = false;      // a UDP socket, which many clients share
  const char* state = "";      // in memcached's words: conn_listening, conn_read, conn_parse_cmd...
  uint32_t idle_seconds = 0;   // since the last command
};

// The process and its sockets, at one moment.
struct ServerStats {
  pid_t pid = 0;
  std::string libevent_version;
  int64_t user_cpu_microseconds = 0;
  int64_t system_cpu_microseconds = 0;

  int64_t connections = 0;           // clients' now
  int64_t connections_accepted = 0;  // since the start
  int64_t connections_rejected = 0;  // since the start, by the limit
  int64_t connection_structures = 0;
  int64_t reserved_descriptors = 0;
  bool accepting = true;
  int64_t accepting_stopped = 0;               // times since the start
  int64_t accepting_stopped_microseconds = 0;  // in all

  int64_t read_buffers = 0;
  int64_t read_buffer_bytes = 0;
  int64_t read_buffer_bytes_free = 0;

  // With TLS only.
  int64_t tls_new_sessions = 0;        // that clients may resume, since the start
  uint32_t tls_certificates_tick = 0;  // when the certificates were read last, in seconds
};

// Implemented by the server around the engine. Called by workers' threads, by any of them at any
// time, when a client asks for statistics.
class ServerView {
 public:
  virtual ~ServerView() = default;
  virtual ServerStats Stats() const = 0;
  // Listeners and connections, in no particular order.
  virtual std::vector<ConnectionInfo> Connections(const Now& now) const = 0;
  // Reads the TLS certificates again, for connections that are made from now on. What is wrong with
  // them, in memcached's words, in which case nothing has changed; empty if nothing is.
  virtual std::string RefreshCertificates(const Now&) const { return "Error TLS not enabled"; }

  // `shutdown`: ends the server, soon, as the signals do that the operator sends: INT, or for a
  // graceful one USR1.
  virtual void Shutdown(bool graceful) const = 0;
};

}  // namespace larder
