#pragma once

#include <istream>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/engine/authenticator.h"

// -S: clients of the binary protocol authenticate by Cyrus SASL, under memcached's name, so that
// what an administrator set up for memcached serves larder too: memcached.conf, in the folder that
// SASL_CONF_PATH names or in one of Cyrus's own, with its mechanisms and its way to check
// passwords. If MEMCACHED_SASL_PWDB names a file, passwords are checked against that instead.

namespace larder {

// Cyrus is one a process, and so may be the authenticator. `verbosity`: how much is logged, on
// stderr.
absl::StatusOr<std::unique_ptr<Authenticator>> MakeSaslAuthenticator(int verbosity);

// Whether the first line for `user` in a password file has `password`: lines of "user:password",
// which may go on with another colon and anything.
bool PasswordFileHas(std::istream& file, std::string_view user, std::string_view password);

}  // namespace larder
