#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/settings.h"
#include "server/net/listener.h"
#include "slab/mutex.h"
#include "slab/tick.h"

// The server's certificate, and by which rules TLS connections are made.
//
// What is read from files can be read again while the server runs: a whole new SSL_CTX is made, and
// takes the place of the old one only if nothing is wrong with it. A connection keeps the one that
// it began with, which OpenSSL counts references to, so that no connection notices.

namespace larder {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslHandle = std::unique_ptr<SSL, FreeSsl>;
using SslContextHandle = std::unique_ptr<SSL_CTX, FreeSsl>;

// Every member may be called from any thread.
class TlsContext {
 public:
  // Reads the files that `settings` name. Fails in memcached's words, for the operator; what
  // OpenSSL has to say beyond the first error goes to stderr.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Create(const TlsSettings& settings, Tick now);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Reads the files again, for connections that are made from now on. On failure nothing changes.
  absl::Status Reload(Tick now) ABSL_LOCKS_EXCLUDED(mutex_);

  // That the files were read `now`, if no clock could tell at the time.
  void SetLoadedAt(Tick now) { loaded_at_.store(now.seconds, std::memory_order_relaxed); }

  // The server's end of a new connection on the socket `fd`, which must outlive it, before the
  // handshake. `mode` is not kNone. Null if there is no memory for it.
  SslHandle NewConnection(int fd, ListenerTls mode) const ABSL_LOCKS_EXCLUDED(mutex_);

  // How much goes into one record at most.
  size_t record_bytes() const { return record_bytes_; }
  // When the files were last read with success.
  Tick loaded_at() const { return {loaded_at_.load(std::memory_order_relaxed)}; }
  // Sessions that clients could resume, since the start; counted with the session cache only.
  int64_t new_sessions() const { return new_sessions_.load(std::memory_order_relaxed); }

 private:
  explicit TlsContext(const TlsSettings& settings);

  static int CountSession(SSL* ssl, SSL_SESSION* session);
  absl::StatusOr<SslContextHandle> Load();
  void Publish(SslContextHandle context, Tick now) ABSL_LOCKS_EXCLUDED(mutex_);

  const TlsSettings settings_;
  const size_t record_bytes_;
  std::atomic<uint32_t> loaded_at_ = 0;
  std::atomic<int64_t> new_sessions_ = 0;

  mutable Mutex mutex_;
  SslContextHandle context_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace larder
