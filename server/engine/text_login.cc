#include "server/engine/text_login.h"

#include <array>
#include <charconv>
#include <system_error>

#include "protocol/text_encoder.h"
#include "protocol/text_parser.h"
#include "protocol/text_tokens.h"
#include "server/engine/session.h"

namespace larder {

namespace {

using Outcome = LoginStep::Outcome;

// set, key, flags, exptime, length; what follows them is of no interest.
constexpr size_t kWordsNeeded = 5;

// How long the value is that `line` announces; false if it is no attempt.
bool ParseAttempt(std::string_view line, uint32_t* value_bytes) {
  std::array<std::string_view, kWordsNeeded> words;
  for (std::string_view& word : words) word = TakeWord(&line);
  if (words.front() != "set") return false;
  std::string_view number = words.back();
  if (number.starts_with('+')) number.remove_prefix(1);
  const char* const end = number.data() + number.size();
  const auto [stopped, error] = std::from_chars(number.data(), end, *value_bytes);
  return error == std::errc() && stopped == end;
}

LoginStep Judge(std::string_view value, const AuthFile& auth_file) {
  if (!value.ends_with(kLineEnd)) {
    return {.outcome = Outcome::kNotAttempted,
            .reply = "CLIENT_ERROR bad command line termination\r\n"};
  }
  value.remove_suffix(kLineEnd.size());
  const std::string_view user = TakeWord(&value);
  const std::string_view password = TakeWord(&value);
  if (password.empty()) {
    return {.outcome = Outcome::kNotAttempted,
            .reply = "CLIENT_ERROR bad authentication token format\r\n"};
  }
  if (!auth_file.Allows(user, password)) {
    return {.outcome = Outcome::kFailed, .reply = "CLIENT_ERROR authentication failure\r\n"};
  }
  return {.outcome = Outcome::kAuthenticated, .reply = kStoredReply};
}

}  // namespace

LoginStep ReadLogin(std::string_view input, const AuthFile& auth_file) {
  const size_t line_bytes = input.substr(0, kLineBytesMax).find('\n') + 1;
  if (line_bytes == 0) {
    if (input.size() >= kLineBytesMax) return {.outcome = Outcome::kClose};
    return {.min_input_bytes = input.size() + 1};
  }
  std::string_view line = input.substr(0, line_bytes - 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  uint32_t value_bytes = 0;
  if (!ParseAttempt(line, &value_bytes)) {
    return {.outcome = Outcome::kNotAttempted,
            .consumed = line_bytes,
            .reply = "CLIENT_ERROR unauthenticated\r\n"};
  }
  const size_t total_bytes = line_bytes + value_bytes + kLineEnd.size();
  if (total_bytes > kSessionInputBytes) return {.outcome = Outcome::kClose};
  if (input.size() < total_bytes) return {.min_input_bytes = total_bytes};
  LoginStep step = Judge(input.substr(line_bytes, total_bytes - line_bytes), auth_file);
  step.consumed = total_bytes;
  return step;
}

}  // namespace larder
