#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/engine/auth_file.h"

// What a text client must say first if there is an AuthFile: a storage command, so that every
// client library can say it, whose value is "user password".
//
//   set <any> <any> <any> 8\r\n
//   user pass\r\n
//
// Until then every line but this is answered "CLIENT_ERROR unauthenticated", and nothing is known
// of what a line would mean: what follows a refused `set` as its value is read as a line, too.

namespace larder {

struct LoginStep {
  enum class Outcome : uint8_t {
    kNeedInput,      // a line, or the value behind it, is not wholly there; nothing was consumed
    kNotAttempted,   // the line was no attempt
    kFailed,         // an attempt with a wrong user or password
    kAuthenticated,  // what follows are commands
    kClose,          // no client of ours
  };
  Outcome outcome = Outcome::kNeedInput;
  size_t consumed = 0;
  std::string_view reply;      // with its line end
  size_t min_input_bytes = 0;  // kNeedInput: how many must be there; never over kSessionInputBytes
};

// Takes one line, with what belongs to it, off the start of `input`.
LoginStep ReadLogin(std::string_view input, const AuthFile& auth_file);

}  // namespace larder
