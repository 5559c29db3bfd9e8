#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// Who checks who a client is (-S). The engine carries the dialogue between the client and the
// library that knows mechanisms and passwords; that library is behind these interfaces, which the
// server implements and tests fake.

namespace larder {

enum class AuthResult : uint8_t {
  kAuthenticated,
  kContinue,  // the client is to answer what is said
  kRefused,
};

// One connection's dialogue. Used by its worker's thread only.
class AuthDialogue {
 public:
  virtual ~AuthDialogue() = default;

  // The mechanisms that may be started, parted by spaces; false if they cannot be told.
  [[nodiscard]] virtual bool ListMechanisms(std::string* mechanisms) = 0;
  // The first step, with the name of the mechanism, and the further ones. `*answer` is what the
  // client is told with kContinue.
  virtual AuthResult Start(const std::string& mechanism, std::string_view data,
                           std::string* answer) = 0;
  virtual AuthResult Step(std::string_view data, std::string* answer) = 0;
};

// Called by all workers' threads.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Null if none can be had; its client then cannot be authenticated. Must not outlive the
  // authenticator.
  virtual std::unique_ptr<AuthDialogue> NewDialogue() = 0;
};

}  // namespace larder
