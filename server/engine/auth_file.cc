#include "server/engine/auth_file.h"

#include <errno.h>
#include <stdio.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace larder {

namespace {

constexpr size_t kFileBytesMax = AuthFile::kEntriesMax * AuthFile::kLineBytesMax;

// Compares all the bytes, whatever the first ones are.
bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  // Volatile, so that no compiler leaves early.
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<uint8_t>(difference | static_cast<uint8_t>(a[i] ^ b[i]));
  }
  return difference == 0;
}

// As much of the file as can matter. Returns errno, or 0.
int ReadFile(const std::string& path, std::string* text) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "re"), &fclose);
  if (file == nullptr) return errno;
  text->resize(kFileBytesMax);
  text->resize(fread(text->data(), 1, text->size(), file.get()));
  return ferror(file.get()) != 0 ? errno : 0;
}

}  // namespace

absl::Status AuthFile::Load() {
  std::string text;
  if (const int error = ReadFile(path_, &text); error != 0) {
    // memcached says it twice.
    const std::string why = std::generic_category().message(error);
    return absl::UnavailableError(
        absl::StrCat("Could not open authfile [", path_, "] for reading, error ", why, ": ", why));
  }
  std::vector<Entry> entries;
  if (absl::Status status = Parse(text, &entries); !status.ok()) return status;
  const MutexLock lock(&mutex_);
  entries_ = std::move(entries);
  return absl::OkStatus();
}

absl::Status AuthFile::Parse(std::string_view text, std::vector<Entry>* entries) const {
  while (!text.empty() && entries->size() < kEntriesMax) {
    const size_t line_bytes = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, line_bytes);
    text.remove_prefix(line_bytes);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || line_bytes > kLineBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("Authfile [", path_, "] has a malformed entry. Should be 'user:password'"));
    }
    const std::string_view password = line.substr(colon + 1);
    entries->push_back(
        {.user = std::string(line.substr(0, colon)),
         .password = std::string(password.substr(0, password.find_first_of("\r\n")))});
  }
  return absl::OkStatus();
}

bool AuthFile::Allows(std::string_view user, std::string_view password) const {
  bool allowed = false;
  const MutexLock lock(&mutex_);
  for (const Entry& entry : entries_) {
    const bool same_user = SameBytes(user, entry.user);
    const bool same_password = SameBytes(password, entry.password);
    allowed |= same_user && same_password;
  }
  return allowed;
}

}  // namespace larder
