#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/net/tls_context.h"
#include "tests/net/client.h"

namespace larder {

struct TlsClientOptions {
  int version = 0;          // the only one to speak, as OpenSSL numbers them; 0: what it likes
  std::string certificate;  // a file with its key; empty: none
  SSL_SESSION* session = nullptr;  // to resume
  std::string ciphers;             // of TLS 1.2, as OpenSSL names them; empty: what it likes
};

// A client that speaks TLS and trusts everybody. The bytes go through memory, so that a test may
// cut them as it likes.
class TlsClient {
 public:
  explicit TlsClient(int port, const TlsClientOptions& options = {});
  // On a connected socket.
  explicit TlsClient(Client socket, const TlsClientOptions& options = {});

  // How what TLS has to send is sent; by default at once.
  void SendBy(std::function<void(std::string_view)> send) { send_ = std::move(send); }

  // False if the server refused. With TLS 1.3 it may refuse later: the first answer never comes.
  bool Handshake();
  // Sends the first message of the handshake, and waits for nothing.
  void Greet();
  // A record for each call, sent with the next Flush.
  void Write(std::string_view bytes);
  void Flush();
  void Send(std::string_view bytes) {
    Write(bytes);
    Flush();
  }
  // Past TLS.
  void SendRaw(std::string_view bytes) { socket_.Send(bytes); }
  // Shakes hands if need be. What comes up to and with `end`, or all there was at the end of the
  // stream.
  std::string ReceiveThrough(std::string_view end);
  std::string Ask(std::string_view request, std::string_view end = "\r\n");
  // Everything until the stream's end; `*orderly` tells whether the server said goodbye.
  std::string ReceiveAll(bool* orderly);

  int fd() const { return socket_.fd(); }

  // Once connected.
  std::string_view version() const { return SSL_get_version(ssl_.get()); }
  std::string ServerName() const;
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // Null or to be freed with SSL_SESSION_free.
  SSL_SESSION* TakeSession() { return SSL_get1_session(ssl_.get()); }

 private:
  bool Pump();
  bool ReadMore();

  Client socket_;
  SslContextHandle context_;
  SslHandle ssl_;
  BIO* input_;   // the connection's
  BIO* output_;  // the connection's
  std::function<void(std::string_view)> send_;
  std::string received_;
};

}  // namespace larder
