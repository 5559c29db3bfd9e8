#include "server/engine/auth_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace larder {
namespace {

class AuthFileTest : public testing::Test {
 protected:
  ~AuthFileTest() override { std::filesystem::remove(path_); }

  void Write(std::string_view text) { std::ofstream(path_, std::ios::binary) << text; }
  std::string Load(std::string_view text) {
    Write(text);
    return std::string(file_.Load().message());
  }

  const std::string path_ =
      testing::TempDir() + "larder-auth-file-test-" + std::to_string(getpid());
  const std::string malformed_ =
      "Authfile [" + path_ + "] has a malformed entry. Should be 'user:password'";
  AuthFile file_{path_};
};

TEST_F(AuthFileTest, HasAnEntryALine) {
  EXPECT_EQ(Load("foo:bar\nbaz:bun:x\nsome:windows\r\nempty:\nlast:no newline"), "");
  EXPECT_TRUE(file_.Allows("foo", "bar"));
  EXPECT_TRUE(file_.Allows("baz", "bun:x"));
  EXPECT_TRUE(file_.Allows("some", "windows"));
  EXPECT_TRUE(file_.Allows("empty", ""));
  EXPECT_TRUE(file_.Allows("last", "no newline"));
  EXPECT_FALSE(file_.Allows("foo", "baz"));
  EXPECT_FALSE(file_.Allows("foo", "bar "));
  EXPECT_FALSE(file_.Allows("foo", "ba"));
  EXPECT_FALSE(file_.Allows("foo", "bun:x"));
  EXPECT_FALSE(file_.Allows("fo", "bar"));
  EXPECT_FALSE(file_.Allows("", ""));
}

TEST_F(AuthFileTest, AllowsNobodyBeforeItIsLoadedOrIfItIsEmpty) {
  EXPECT_FALSE(file_.Allows("", ""));
  EXPECT_EQ(Load(""), "");
  EXPECT_FALSE(file_.Allows("", ""));
}

TEST_F(AuthFileTest, SaysWhyItCannotBeRead) {
  EXPECT_EQ(AuthFile("/nonexistent").Load().message(),
            "Could not open authfile [/nonexistent] for reading, error No such file or directory: "
            "No such file or directory");
  EXPECT_EQ(AuthFile("/").Load().message(),
            "Could not open authfile [/] for reading, error Is a directory: Is a directory");
}

TEST_F(AuthFileTest, SaysThatALineIsNoEntry) {
  EXPECT_EQ(Load("foo:bar\nbaz\n"), malformed_);
  EXPECT_EQ(Load("foo:bar\n\n"), malformed_);
  EXPECT_EQ(Load("\n"), malformed_);
  EXPECT_EQ(Load("foo:" + std::string(250, 'x') + "\n"), "");  // 255 bytes
  EXPECT_EQ(Load("foo:" + std::string(251, 'x') + "\n"), malformed_);
}

TEST_F(AuthFileTest, KeepsWhatItHasIfTheFileIsNoGood) {
  EXPECT_EQ(Load("foo:bar\n"), "");
  EXPECT_EQ(Load("foo:new\nbaz\n"), malformed_);
  EXPECT_TRUE(file_.Allows("foo", "bar"));
  EXPECT_FALSE(file_.Allows("foo", "new"));
  std::filesystem::remove(path_);
  EXPECT_FALSE(file_.Load().ok());
  EXPECT_TRUE(file_.Allows("foo", "bar"));
  EXPECT_EQ(Load("foo:new\n"), "");
  EXPECT_FALSE(file_.Allows("foo", "bar"));
  EXPECT_TRUE(file_.Allows("foo", "new"));
}

TEST_F(AuthFileTest, TakesTheFirstEight) {
  std::string text;
  for (int i = 1; i <= 9; ++i) text += "user" + std::to_string(i) + ":x\n";
  EXPECT_EQ(Load(text + "no entry\n"), "");
  EXPECT_TRUE(file_.Allows("user8", "x"));
  EXPECT_FALSE(file_.Allows("user9", "x"));
}

TEST_F(AuthFileTest, TakesEightOfTheLongest) {
  std::string text;
  for (int i = 1; i <= 8; ++i) text += std::to_string(i) + ":" + std::string(252, 'x') + "\n";
  EXPECT_EQ(Load(text), "");
  EXPECT_TRUE(file_.Allows("8", std::string(252, 'x')));
}

}  // namespace
}  // namespace larder
