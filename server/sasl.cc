#include "server/sasl.h"

#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>

#include <array>
#include <climits>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace larder {
namespace {

constexpr char kServiceName[] = "memcached";
constexpr char kPasswordFileVariable[] = "MEMCACHED_SASL_PWDB";
// User and password together; memcached's limit.
constexpr size_t kCredentialBytesMax = 252;

// Cyrus is called by all workers.
void* NewMutex() { return new std::mutex; }
int LockMutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->lock();
  return SASL_OK;
}
int UnlockMutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return SASL_OK;
}
void FreeMutex(void* mutex) { delete static_cast<std::mutex*>(mutex); }

// Cyrus takes functions of all kinds as functions of one kind, and calls them as what they are.
using Callback = decltype(sasl_callback_t::proc);
template <typename Function>
Callback AsCallback(Function* function) {
  return reinterpret_cast<Callback>(reinterpret_cast<void (*)()>(function));
}

class CyrusDialogue final : public AuthDialogue {
 public:
  explicit CyrusDialogue(sasl_conn_t* connection) : connection_(connection) {}
  ~CyrusDialogue() override { sasl_dispose(&connection_); }
  CyrusDialogue(const CyrusDialogue&) = delete;
  CyrusDialogue& operator=(const CyrusDialogue&) = delete;

  bool ListMechanisms(std::string* mechanisms) override {
    const char* list = nullptr;
    unsigned bytes = 0;
    const int result = sasl_listmech(connection_, /*user=*/nullptr, /*prefix=*/"",
                                     /*sep=*/" ", /*suffix=*/"", &list, &bytes, nullptr);
    if (result != SASL_OK) return false;
    mechanisms->assign(list, bytes);
    return true;
  }

  AuthResult Start(const std::string& mechanism, std::string_view data,
                   std::string* answer) override {
    const char* out = nullptr;
    unsigned bytes = 0;
    const int result =
        sasl_server_start(connection_, mechanism.c_str(), data.empty() ? nullptr : data.data(),
                          static_cast<unsigned>(data.size()), &out, &bytes);
    return ResultOf(result, out, bytes, answer);
  }

  AuthResult Step(std::string_view data, std::string* answer) override {
    const char* out = nullptr;
    unsigned bytes = 0;
    const int result = sasl_server_step(connection_, data.empty() ? nullptr : data.data(),
                                        static_cast<unsigned>(data.size()), &out, &bytes);
    return ResultOf(result, out, bytes, answer);
  }

 private:
  static AuthResult ResultOf(int result, const char* out, unsigned bytes, std::string* answer) {
    if (result == SASL_OK) return AuthResult::kAuthenticated;
    if (result != SASL_CONTINUE) return AuthResult::kRefused;
    if (out != nullptr) answer->assign(out, bytes);
    return AuthResult::kContinue;
  }

  sasl_conn_t* connection_;
};

class CyrusAuthenticator final : public Authenticator {
 public:
  explicit CyrusAuthenticator(int verbosity) : verbosity_(verbosity) {
    if (const char* const file = getenv(kPasswordFileVariable); file != nullptr) {
      password_file_ = file;
    } else if (verbosity > 0) {
      fprintf(stderr, "INFO: %s not specified. Internal passwd database disabled\n",
              kPasswordFileVariable);
    }
    size_t used = 0;
    if (!password_file_.empty()) {
      callbacks_[used++] = {SASL_CB_SERVER_USERDB_CHECKPASS, AsCallback(&CheckPassword), this};
    }
    callbacks_[used++] = {SASL_CB_LOG, AsCallback(&Log), this};
    callbacks_[used] = {SASL_CB_LIST_END, nullptr, nullptr};
  }
  ~CyrusAuthenticator() override {
    if (initialized_) sasl_server_done();
  }
  CyrusAuthenticator(const CyrusAuthenticator&) = delete;
  CyrusAuthenticator& operator=(const CyrusAuthenticator&) = delete;

  bool Init() {
    sasl_set_mutex(&NewMutex, &LockMutex, &UnlockMutex, &FreeMutex);
    initialized_ = sasl_server_init(callbacks_.data(), kServiceName) == SASL_OK;
    return initialized_;
  }

  std::unique_ptr<AuthDialogue> NewDialogue() override {
    sasl_conn_t* connection = nullptr;
    const int result = sasl_server_new(kServiceName, /*serverFQDN=*/nullptr, /*user_realm=*/nullptr,
                                       /*iplocalport=*/nullptr, /*ipremoteport=*/nullptr,
                                       /*callbacks=*/nullptr, /*flags=*/0, &connection);
    if (result != SASL_OK) {
      if (verbosity_ > 0) fprintf(stderr, "Failed to initialize SASL conn.\n");
      return nullptr;
    }
    return std::make_unique<CyrusDialogue>(connection);
  }

 private:
  static int CheckPassword(sasl_conn_t* /*connection*/, void* context, const char* user,
                           const char* password, unsigned password_bytes, propctx* /*propctx*/) {
    const auto* const self = static_cast<const CyrusAuthenticator*>(context);
    return self->PasswordIsRight(user, {password, password_bytes}) ? SASL_OK : SASL_NOAUTHZ;
  }

  bool PasswordIsRight(std::string_view user, std::string_view password) const {
    if (user.size() + password.size() > kCredentialBytesMax) {
      fprintf(stderr, "WARNING: Failed to authenticate <%s> due to too long password (%zu)\n",
              std::string(user).c_str(), password.size());
      return false;
    }
    std::ifstream file(password_file_);
    if (!file && verbosity_ > 0) {
      fprintf(stderr, "WARNING: Failed to open sasl database <%s>\n", password_file_.c_str());
    }
    if (file && PasswordFileHas(file, user, password)) return true;
    if (file && verbosity_ > 0) {
      fprintf(stderr, "INFO: User <%s> failed to authenticate\n", std::string(user).c_str());
    }
    return false;
  }

  static int Log(void* context, int level, const char* message) {
    const auto* const self = static_cast<const CyrusAuthenticator*>(context);
    if (self->verbosity_ >= VerbosityFor(level)) {
      fprintf(stderr, "SASL (severity %d): %s\n", level, message);
    }
    return SASL_OK;
  }

  // From where on messages of a level are logged.
  static int VerbosityFor(int level) {
    switch (level) {
      case SASL_LOG_NONE:
        return INT_MAX;
      case SASL_LOG_PASS:
      case SASL_LOG_TRACE:
      case SASL_LOG_DEBUG:
      case SASL_LOG_NOTE:
        return 2;
      case SASL_LOG_WARN:
      case SASL_LOG_FAIL:
        return 1;
      default:
        return 0;
    }
  }

  const int verbosity_;
  std::string password_file_;  // empty: Cyrus checks passwords as memcached.conf says
  std::array<sasl_callback_t, 3> callbacks_;
  bool initialized_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Authenticator>> MakeSaslAuthenticator(int verbosity) {
  auto authenticator = std::make_unique<CyrusAuthenticator>(verbosity);
  if (!authenticator->Init()) return absl::InternalError("Error initializing sasl.");
  if (verbosity > 0) fprintf(stderr, "Initialized SASL.\n");
  return authenticator;
}

bool PasswordFileHas(std::istream& file, std::string_view user, std::string_view password) {
  for (std::string line; std::getline(file, line);) {
    std::string_view rest = line;
    if (!rest.starts_with(user) || rest.substr(user.size()).substr(0, 1) != ":") continue;
    rest.remove_prefix(user.size() + 1);
    if (!rest.starts_with(password)) return false;
    rest.remove_prefix(password.size());
    return rest.empty() || rest.front() == ':' || rest.front() == '\r';
  }
  return false;
}

}  // namespace larder
