#include "server/sasl.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace larder {
namespace {

bool FileHas(const std::string& file, std::string_view user, std::string_view password) {
  std::istringstream lines(file);
  return PasswordFileHas(lines, user, password);
}

TEST(PasswordFile, HasUsersWithPasswords) {
  const std::string file = "alice:secret\nbob:word:more:tokens\ndos:word\r\nalice:second\nlast:one";
  EXPECT_TRUE(FileHas(file, "alice", "secret"));
  EXPECT_TRUE(FileHas(file, "bob", "word"));
  EXPECT_TRUE(FileHas(file, "bob", "word:more"));
  EXPECT_TRUE(FileHas(file, "dos", "word"));
  EXPECT_TRUE(FileHas(file, "last", "one"));
  EXPECT_FALSE(FileHas(file, "alice", "secre"));
  EXPECT_FALSE(FileHas(file, "alice", "secrets"));
  EXPECT_FALSE(FileHas(file, "alice", ""));
  EXPECT_FALSE(FileHas(file, "alic", "e:secret"));
  EXPECT_FALSE(FileHas(file, "carol", "secret"));
  // Only a user's first line counts.
  EXPECT_FALSE(FileHas(file, "alice", "second"));
  EXPECT_FALSE(FileHas("", "alice", "secret"));
}

// Cyrus itself, with nothing but what it finds in a folder of the test's. It can be set up once a
// process, and so this is one test.
TEST(Sasl, ChecksPlainPasswords) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("larder_sasl_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "memcached.conf") << "mech_list: plain\n";
  std::ofstream(folder / "passwords") << "alice:secret\n";
  setenv("SASL_CONF_PATH", folder.c_str(), 1);
  setenv("MEMCACHED_SASL_PWDB", (folder / "passwords").c_str(), 1);
  {
    auto authenticator = MakeSaslAuthenticator(/*verbosity=*/0);
    ASSERT_TRUE(authenticator.ok()) << authenticator.status();
    const std::unique_ptr<AuthDialogue> dialogue = (*authenticator)->NewDialogue();
    ASSERT_NE(dialogue, nullptr);
    std::string mechanisms;
    EXPECT_TRUE(dialogue->ListMechanisms(&mechanisms));
    EXPECT_EQ(mechanisms, "PLAIN");
    using std::string_view_literals::operator""sv;
    std::string answer;
    EXPECT_EQ(dialogue->Start("PLAIN", "\0alice\0secret"sv, &answer), AuthResult::kAuthenticated);
    EXPECT_EQ(dialogue->Start("PLAIN", "\0alice\0wrong"sv, &answer), AuthResult::kRefused);
    EXPECT_EQ(dialogue->Start("PLAIN", "\0bob\0secret"sv, &answer), AuthResult::kRefused);
    EXPECT_EQ(dialogue->Start("PLAIN", "garbage", &answer), AuthResult::kRefused);
    EXPECT_EQ(dialogue->Start("NONE", "", &answer), AuthResult::kRefused);
    // Without its first data the mechanism asks for it.
    EXPECT_EQ(dialogue->Start("PLAIN", "", &answer), AuthResult::kContinue);
    EXPECT_EQ(answer, "");
    EXPECT_EQ(dialogue->Step("\0alice\0secret"sv, &answer), AuthResult::kAuthenticated);
    const std::string long_password(300, 'x');
    EXPECT_EQ(dialogue->Start("PLAIN", std::string("\0alice\0"sv) + long_password, &answer),
              AuthResult::kRefused);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace larder
