#include "server/ops/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/ops/memory_stream.h"

namespace larder {
namespace {

// 2026-11-23T03:04:05.067891Z
constexpr Now kNow = {.tick = Tick{7}, .wall_seconds = 1795403045, .wall_microseconds = 67891};

// What is written of one line of each level.
std::string Levels(bool journal, int verbosity) {
  MemoryStream stream;
  const Log log({.stream = stream.get(), .journal = journal}, [=] { return verbosity; });
  log.Debug(kNow, "d");
  log.Info(kNow, "i");
  log.Warning(kNow, "w");
  log.Error(kNow, "e");
  return stream.Take();
}

TEST(LogTest, SaysTimeAndLevel) {
  EXPECT_EQ(Levels(/*journal=*/false, 2),
            "2026-11-23T03:04:05.067Z debug: d\n"
            "2026-11-23T03:04:05.067Z info: i\n"
            "2026-11-23T03:04:05.067Z warning: w\n"
            "2026-11-23T03:04:05.067Z error: e\n");
}

TEST(LogTest, TellsTheJournalPriorities) {
  EXPECT_EQ(Levels(/*journal=*/true, 1), "<7>d\n<6>i\n<4>w\n<3>e\n");
}

TEST(LogTest, VerbosityDecidesWhatIsSaid) {
  EXPECT_EQ(Levels(/*journal=*/false, 0),
            "2026-11-23T03:04:05.067Z warning: w\n"
            "2026-11-23T03:04:05.067Z error: e\n");
  EXPECT_EQ(Levels(/*journal=*/false, 1),
            "2026-11-23T03:04:05.067Z info: i\n"
            "2026-11-23T03:04:05.067Z warning: w\n"
            "2026-11-23T03:04:05.067Z error: e\n");
  EXPECT_EQ(Levels(/*journal=*/true, 0), "<6>i\n<4>w\n<3>e\n");
}

TEST(LogTest, FollowsTheVerbosity) {
  MemoryStream stream;
  int verbosity = 0;
  const Log log({.stream = stream.get(), .journal = true}, [&] { return verbosity; });
  log.Debug(kNow, "one");
  verbosity = 1;
  log.Debug(kNow, "two");
  verbosity = 0;
  log.Debug(kNow, "three");
  EXPECT_EQ(stream.Take(), "<7>two\n");
}

TEST(LogTest, ALineIsOneLine) {
  MemoryStream stream;
  const Log log({.stream = stream.get(), .journal = true}, [] { return 0; });
  log.Error(kNow, "a\n<0>b\r\x1b[1mc\td\x7f \xc3\xa4{}%n\n\n");
  log.Error(kNow, "");
  EXPECT_EQ(stream.Take(), "<3>a <0>b  [1mc d  \xc3\xa4{}%n\n<3>\n");
}

TEST(LogTest, TheJournalIsKnownByItsDeviceAndInode) {
  MemoryStream stream;
  FILE* const file = tmpfile();
  struct stat status = {};
  ASSERT_EQ(fstat(fileno(file), &status), 0);
  const std::string own = absl::StrCat(status.st_dev, ":", status.st_ino);
  const std::string other = absl::StrCat(status.st_dev, ":", status.st_ino + 1);
  EXPECT_TRUE(IsJournal(fileno(file), own.c_str()));
  EXPECT_FALSE(IsJournal(fileno(file), other.c_str()));
  EXPECT_FALSE(IsJournal(fileno(file), ""));
  EXPECT_FALSE(IsJournal(fileno(file), nullptr));
  fclose(file);
  EXPECT_FALSE(IsJournal(-1, own.c_str()));
}

TEST(LogTest, StartErrorsAreAsTheyAreButForTheJournal) {
  MemoryStream plain;
  WriteStartError({.stream = plain.get(), .journal = false}, "one\n -- two\n");
  EXPECT_EQ(plain.Take(), "one\n -- two\n");
  MemoryStream journal;
  WriteStartError({.stream = journal.get(), .journal = true}, "one\n -- two\nthree");
  EXPECT_EQ(journal.Take(), "<3>one\n<3> -- two\n<3>three");
}

}  // namespace
}  // namespace larder
