#include "tests/net/tls_client.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "slab/assert.h"

namespace larder {

TlsClient::TlsClient(int port, const TlsClientOptions& options)
    : TlsClient(Client(port), options) {}

TlsClient::TlsClient(Client socket, const TlsClientOptions& options)
    : socket_(std::move(socket)),
      context_(SSL_CTX_new(TLS_client_method())),
      input_(BIO_new(BIO_s_mem())),
      output_(BIO_new(BIO_s_mem())),
      send_([this](std::string_view bytes) { socket_.Send(bytes); }) {
  SSL_CTX* const context = context_.get();
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
  }
  if (!options.ciphers.empty()) {
    LARDER_CHECK(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1);
  }
  if (!options.certificate.empty()) {
    const char* const file = options.certificate.c_str();
    LARDER_CHECK(SSL_CTX_use_certificate_chain_file(context, file) == 1);
    LARDER_CHECK(SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1);
  }
  ssl_.reset(SSL_new(context));
  SSL_set_bio(ssl_.get(), input_, output_);
  SSL_set_connect_state(ssl_.get());
  if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
}

void TlsClient::Greet() {
  ASSERT_EQ(SSL_do_handshake(ssl_.get()), -1);
  ERR_clear_error();
  Flush();
}

bool TlsClient::Handshake() {
  while (true) {
    const int result = SSL_do_handshake(ssl_.get());
    const bool waits = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    Flush();
    if (!waits) return result == 1;
    if (!Pump()) return false;
  }
}

void TlsClient::Write(std::string_view bytes) {
  ASSERT_TRUE(SSL_is_init_finished(ssl_.get()) == 1 || Handshake());
  ASSERT_EQ(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())),
            static_cast<int>(bytes.size()));
}

void TlsClient::Flush() {
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(output_, &bytes);
  if (count <= 0) return;
  const std::string out(bytes, static_cast<size_t>(count));
  BIO_reset(output_);
  send_(out);
}

// Hands TLS what the socket has, waiting for it. False at the end of the stream.
bool TlsClient::Pump() {
  char buffer[1 << 16];
  const ssize_t bytes = recv(socket_.fd(), buffer, sizeof(buffer), 0);
  if (bytes <= 0) return false;
  BIO_write(input_, buffer, static_cast<int>(bytes));
  return true;
}

bool TlsClient::ReadMore() {
  while (true) {
    char buffer[1 << 16];
    const int bytes = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    if (bytes > 0) {
      received_.append(buffer, static_cast<size_t>(bytes));
      return true;
    }
    const bool waits = SSL_get_error(ssl_.get(), bytes) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    if (!waits || !Pump()) return false;
  }
}

std::string TlsClient::ReceiveThrough(std::string_view end) {
  if (SSL_is_init_finished(ssl_.get()) != 1 && !Handshake()) return {};
  for (size_t searched = 0;;) {
    if (const size_t found = received_.find(end, searched); found != std::string::npos) {
      std::string taken = received_.substr(0, found + end.size());
      received_.erase(0, taken.size());
      return taken;
    }
    searched = received_.size() - std::min(received_.size(), end.size() - 1);
    if (!ReadMore()) return std::exchange(received_, {});
  }
}

std::string TlsClient::Ask(std::string_view request, std::string_view end) {
  Send(request);
  return ReceiveThrough(end);
}

std::string TlsClient::ReceiveAll(bool* orderly) {
  while (ReadMore()) {
  }
  *orderly = (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  return std::exchange(received_, {});
}

std::string TlsClient::ServerName() const {
  char name[64] = "";
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  return name;
}

}  // namespace larder
