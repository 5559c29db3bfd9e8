#include "bench/load/tls.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

constexpr size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

absl::Status TlsError(const char* what) {
  char text[256] = "the server closed the connection";
  if (const unsigned long error = ERR_get_error(); error != 0) {
    ERR_error_string_n(error, text, sizeof(text));
  }
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat(what, ": ", text));
}

}  // namespace

absl::StatusOr<TlsContext> MakeTlsContext(const std::string& ca_path) {
  TlsContext context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (context == nullptr) return TlsError("no TLS");
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (ca_path.empty()) return context;
  if (SSL_CTX_load_verify_locations(context.get(), ca_path.c_str(), nullptr) != 1) {
    return TlsError(ca_path.c_str());
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

absl::StatusOr<std::unique_ptr<TlsEnd>> TlsEnd::Connect(const TlsContext& context, int fd) {
  std::unique_ptr<TlsEnd> end(new TlsEnd(SSL_new(context.get())));
  if (end->ssl_ == nullptr || SSL_set_fd(end->ssl_.get(), fd) != 1 ||
      SSL_connect(end->ssl_.get()) != 1) {
    return TlsError("no TLS with the server");
  }
  return end;
}

ssize_t TlsEnd::Receive(char* buffer, size_t bytes) {
  size_t received = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer, bytes, &received);
  return result == 1 ? static_cast<ssize_t>(received) : Failed(result);
}

ssize_t TlsEnd::Send(std::span<const iovec> parts) {
  if (record_ == nullptr) record_ = std::make_unique_for_overwrite<char[]>(kRecordBytes);
  size_t bytes = 0;
  for (const iovec& part : parts) {
    const size_t taken = std::min(part.iov_len, kRecordBytes - bytes);
    std::memcpy(record_.get() + bytes, part.iov_base, taken);
    bytes += taken;
    if (bytes == kRecordBytes) break;
  }
  size_t sent = 0;
  const int result = SSL_write_ex(ssl_.get(), record_.get(), bytes, &sent);
  return result == 1 ? static_cast<ssize_t>(sent) : Failed(result);
}

ssize_t TlsEnd::Failed(int result) {
  const int error = errno;
  const int reason = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  if (reason == SSL_ERROR_ZERO_RETURN) return 0;
  const bool blocked = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
  if (blocked) {
    errno = EAGAIN;
  } else {
    errno = reason == SSL_ERROR_SYSCALL && error != 0 ? error : EPROTO;
  }
  return -1;
}

}  // namespace larder::bench
