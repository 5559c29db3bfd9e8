#include "server/engine/sasl_session.h"

#include <string>

#include "server/engine/binary_reply.h"

namespace larder {

bool SaslSession::Allows(const Request& request) const {
  if (authenticated_) return true;
  switch (static_cast<BinaryOpcode>(request.opcode)) {
    case BinaryOpcode::kSaslList:
    case BinaryOpcode::kSaslAuth:
    case BinaryOpcode::kSaslStep:
    case BinaryOpcode::kVersion:
      return true;
    default:
      return false;
  }
}

// Null if there is none to be had.
AuthDialogue* SaslSession::Restart() {
  authenticated_ = false;
  if (dialogue_ == nullptr) dialogue_ = authenticator_->NewDialogue();
  return dialogue_.get();
}

void SaslSession::ExecuteList(const Turn& turn, const Request& request) {
  AuthDialogue* const dialogue = Restart();
  std::string mechanisms;
  if (dialogue == nullptr || !dialogue->ListMechanisms(&mechanisms)) {
    ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kAuthError);
    return;
  }
  ReplyBinary(&turn.out, EchoOf(request), /*cas=*/0, mechanisms);
}

void SaslSession::ExecuteStep(const Turn& turn, const Request& request, std::string_view data) {
  AuthDialogue* const dialogue = Restart();
  AuthResult result = AuthResult::kRefused;
  std::string answer;
  if (dialogue == nullptr) {
    started_ = false;
  } else if (request.command == Command::kSaslAuth) {
    result = dialogue->Start(std::string(request.key), data, &answer);
    started_ = result != AuthResult::kRefused;
  } else if (started_) {
    result = dialogue->Step(data, &answer);
  }
  switch (result) {
    case AuthResult::kAuthenticated:
      authenticated_ = true;
      turn.counters().auth_commands.Add(1);
      ReplyBinary(&turn.out, EchoOf(request), /*cas=*/0, "Authenticated");
      return;
    case AuthResult::kContinue:
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kAuthContinue, answer);
      return;
    case AuthResult::kRefused:
      turn.counters().auth_commands.Add(1);
      turn.counters().auth_errors.Add(1);
      ReplyBinaryError(&turn.out, EchoOf(request), BinaryStatus::kAuthError);
      return;
  }
}

}  // namespace larder
