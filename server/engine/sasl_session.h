#pragma once

#include <memory>
#include <string_view>

#include "server/engine/authenticator.h"
#include "server/engine/commands.h"

// What a connection of the binary protocol may do on a server that wants to know its clients, and
// the commands by which it is told who they are. Every list or start begins anew: whoever was
// authenticated is not any more.

namespace larder {

// More than any mechanism sends at once, and little enough to be waited for in one piece.
inline constexpr uint32_t kSaslDataBytesMax = 60 * 1024;

class SaslSession {
 public:
  // `authenticator` must outlive the session.
  explicit SaslSession(Authenticator* authenticator) : authenticator_(authenticator) {}

  bool authenticated() const { return authenticated_; }
  // Whether this may be executed now, whoever asks.
  bool Allows(const Request& request) const;

  void ExecuteList(const Turn& turn, const Request& request);
  // The first step and the further ones.
  void ExecuteStep(const Turn& turn, const Request& request, std::string_view data);

 private:
  AuthDialogue* Restart();

  Authenticator* const authenticator_;
  std::unique_ptr<AuthDialogue> dialogue_;
  bool started_ = false;
  bool authenticated_ = false;
};

}  // namespace larder
