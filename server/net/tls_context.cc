#include "server/net/tls_context.h"

#include <openssl/err.h>
#include <stdio.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace larder {

namespace {

// Records hold no more than this; smaller ones would only cost.
constexpr uint32_t kRecordBytesMin = 1 << 10;
constexpr uint32_t kRecordBytesMax = SSL3_RT_MAX_PLAIN_LENGTH;

// What memcached prints if no file is given, which comes of opening a null pointer.
constexpr char kNoChain[] =
    "Error loading the certificate chain: (null) : error:8000000E:system library::Bad address";

// The first error that OpenSSL has recorded. What led to it goes to stderr.
std::string TakeError() {
  char text[256] = "";
  if (const unsigned long error = ERR_get_error(); error != 0) {
    ERR_error_string_n(error, text, sizeof(text));
  }
  ERR_print_errors_fp(stderr);
  return text;
}

int VersionOf(TlsVersion version) {
  switch (version) {
    case TlsVersion::k1_0:
      return TLS1_VERSION;
    case TlsVersion::k1_1:
      return TLS1_1_VERSION;
    case TlsVersion::k1_2:
      return TLS1_2_VERSION;
    case TlsVersion::k1_3:
      break;
  }
  return TLS1_3_VERSION;
}

int VerifyModeOf(TlsVerify verify) {
  switch (verify) {
    case TlsVerify::kNone:
      return SSL_VERIFY_NONE;
    case TlsVerify::kRequest:
      return SSL_VERIFY_PEER;
    case TlsVerify::kRequire:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case TlsVerify::kOnce:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE;
}

// OpenSSL reads no key from an engine by the name of a file, and says so.
int FileTypeOf(TlsKeyFormat format) {
  constexpr int kEngine = 3;
  switch (format) {
    case TlsKeyFormat::kPem:
      return SSL_FILETYPE_PEM;
    case TlsKeyFormat::kDer:
      return SSL_FILETYPE_ASN1;
    case TlsKeyFormat::kEngine:
      break;
  }
  return kEngine;
}

absl::Status LoadCertificates(const TlsSettings& settings, SSL_CTX* context) {
  const std::string& chain = settings.chain_cert;
  const std::string& key = settings.key.empty() ? chain : settings.key;
  const std::string& ca = settings.ca_cert;
  if (chain.empty()) return absl::InvalidArgumentError(kNoChain);
  if (SSL_CTX_use_certificate_chain_file(context, chain.c_str()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Error loading the certificate chain: ", chain, " : ", TakeError()));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), FileTypeOf(settings.key_format)) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Error loading the key: ", key, " : ", TakeError()));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Error validating the certificate: ", TakeError()));
  }
  if (ca.empty()) return absl::OkStatus();
  if (SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Error loading the CA certificate: ", ca, " : ", TakeError()));
  }
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca.c_str()));
  return absl::OkStatus();
}

void SetOptions(const TlsSettings& settings, SSL_CTX* context) {
  // A connection that ends without close_notify has ended: requests and replies say themselves
  // where they end, so nothing can be cut short unseen.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // What is written may have been gathered into another buffer when it is tried again. Idle
  // connections hold no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  if (settings.kernel_offload) {
    SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
  } else {
    // One system call for all records that have arrived, and not two for each. The kernel's TLS
    // hands out records one by one.
    SSL_CTX_set_read_ahead(context, 1);
  }
}

}  // namespace

TlsContext::TlsContext(const TlsSettings& settings)
    : settings_(settings),
      record_bytes_(std::clamp(settings.write_buffer_bytes, kRecordBytesMin, kRecordBytesMax)) {}

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Create(const TlsSettings& settings,
                                                               Tick now) {
  std::unique_ptr<TlsContext> tls(new TlsContext(settings));
  if (absl::Status status = tls->Reload(now); !status.ok()) return status;
  return tls;
}

absl::Status TlsContext::Reload(Tick now) {
  absl::StatusOr<SslContextHandle> context = Load();
  ERR_clear_error();
  if (!context.ok()) return context.status();
  Publish(*std::move(context), now);
  return absl::OkStatus();
}

absl::StatusOr<SslContextHandle> TlsContext::Load() {
  SslContextHandle context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("Error creating the SSL context: ", TakeError()));
  }
  SSL_CTX_set_min_proto_version(context.get(), VersionOf(settings_.version_min));
  if (absl::Status status = LoadCertificates(settings_, context.get()); !status.ok()) return status;
  SSL_CTX_set_verify(context.get(), VerifyModeOf(settings_.verify), nullptr);
  if (!settings_.ciphers.empty() &&
      SSL_CTX_set_cipher_list(context.get(), settings_.ciphers.c_str()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Error setting the provided cipher(s): ", settings_.ciphers));
  }
  if (settings_.session_cache) {
    SSL_CTX_set_app_data(context.get(), this);
    SSL_CTX_sess_set_new_cb(context.get(), &CountSession);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_SERVER);
  } else {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  }
  SetOptions(settings_, context.get());
  return context;
}

// The old context is given up outside the lock: it may be the last that held all its sessions.
void TlsContext::Publish(SslContextHandle context, Tick now) {
  {
    const MutexLock lock(&mutex_);
    context_.swap(context);
  }
  SetLoadedAt(now);
}

SslHandle TlsContext::NewConnection(int fd, ListenerTls mode) const {
  SslHandle ssl;
  {
    const MutexLock lock(&mutex_);
    ssl.reset(SSL_new(context_.get()));
  }
  // A session can be resumed where it began and nowhere else: one that btls made without a
  // certificate must not open what mtls guards.
  const auto session_context = static_cast<unsigned char>(mode);
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1 ||
      SSL_set_session_id_context(ssl.get(), &session_context, sizeof(session_context)) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  if (mode == ListenerTls::kBasic) {
    SSL_set_verify(ssl.get(), SSL_VERIFY_NONE, nullptr);
  } else if (mode == ListenerTls::kMutual) {
    SSL_set_verify(ssl.get(), VerifyModeOf(TlsVerify::kRequire), nullptr);
  }
  SSL_set_accept_state(ssl.get());
  return ssl;
}

int TlsContext::CountSession(SSL* ssl, SSL_SESSION*) {
  auto* const self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->new_sessions_.fetch_add(1, std::memory_order_relaxed);
  return 0;  // the session is not kept here
}

}  // namespace larder
