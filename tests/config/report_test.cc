#include "server/config/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/help.h"
#include "server/config/option.h"
#include "server/config/options.h"

// What is made from the table of options: it has every option, and what is printed can be read.

namespace larder {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ReportTest : public testing::Test {
 protected:
  ReportTest()
      : file_(std::filesystem::path(testing::TempDir()) /
              ("larder-report-test-" + std::to_string(getpid()))) {}
  ~ReportTest() override { std::filesystem::remove(file_); }

  Configuration Read(const std::string& text) const {
    std::ofstream(file_) << text;
    return ReadConfiguration({.arguments = {"--config", file_}});
  }

  const std::filesystem::path file_;
};

// Names and values, without where they come from.
std::vector<std::string> Values(const Configuration& configuration) {
  std::vector<std::string> values;
  for (const Setting& setting : configuration.settings) {
    values.push_back(
        absl::StrCat(View(setting.option->name), "=", setting.value.value_or("<none>")));
  }
  return values;
}

// Every line "#name = value" without its '#'.
std::string Uncommented(const std::string& text) {
  std::string uncommented;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ')
      absl::StrAppend(&uncommented, line.substr(1), "\n");
    begin = end + 1;
  }
  return uncommented;
}

TEST_F(ReportTest, EveryOptionIsDocumented) {
  const std::string help = HelpText();
  for (const Option* option : AllOptions()) {
    const std::string name(option->name);
    EXPECT_TRUE(option->help != "" || option->without_effect != nullptr) << name;
    EXPECT_EQ(option->value.empty(),
              option->argument == Argument::kNone || option->argument == Argument::kSwitch)
        << name;
    if (option->group == Group::kExtended) {
      EXPECT_THAT(help, HasSubstr(absl::StrCat("- ", name, ":")));
    } else {
      EXPECT_THAT(help, HasSubstr(absl::StrCat("--", name)));
    }
    EXPECT_EQ(FindOption(name), option) << "two are called so";
    if (option->letter != 0) {
      EXPECT_EQ(FindOptionByLetter(option->letter), option);
    }
    EXPECT_THAT(OptionsAsJson(), HasSubstr(absl::StrCat("\"name\": \"", name, "\"")));
  }
}

TEST_F(ReportTest, AFileMayHaveEveryOptionThatIsNoTask) {
  const std::string text = DefaultConfigText();
  for (const Option* option : AllOptions()) {
    const std::string name(option->name);
    if (option->places != Places::kEverywhere) {
      EXPECT_THAT(text, Not(HasSubstr(absl::StrCat("\n#", name, " =")))) << name;
      continue;
    }
    if (!option->opposite.empty() || name == "modern" || name == "no_modern") continue;
    const std::string line = option->print != nullptr ? absl::StrCat("\n#", name, " =")
                                                      : absl::StrCat("\n#   ", name, ": ");
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ReportTest, TheDefaultFileHasTheDefaults) {
  const Configuration defaults = ReadConfiguration({});
  EXPECT_THAT(Read(DefaultConfigText()).problems, IsEmpty());
  std::string lines = Uncommented(DefaultConfigText());
  // Without a value, which is the default of what has none, these are wrong.
  for (const char* name :
       {"slab-growth-factor", "prefix-delimiter", "slab_sizes", "sock_cookie_id"}) {
    const size_t at = lines.find(absl::StrCat(name, " =\n"));
    ASSERT_NE(at, std::string::npos) << name;
    lines.insert(at, 1, '#');
  }
  const Configuration read = Read(lines);
  EXPECT_THAT(read.Complaints(), "");
  std::vector<std::string> values = Values(read);
  // Given, it is listed though it has no effect.
  EXPECT_EQ(values, Values(defaults));
}

TEST_F(ReportTest, WhatIsPrintedMakesTheSameSettings) {
  const Configuration first = ReadConfiguration(
      {.arguments = {"-m", "1024", "-I", "3k", "-l", "127.0.0.1,::1", "-a", "0777", "-f", "1.25",
                     "-D", "#", "-vv", "-P", "/run/a \"b\" \\c", "-S", "-o",
                     "no_modern,slab_sizes=96-128-512,hash_algorithm=murmur3,idle_timeout=5,"
                     "ssl_keyformat=DER,sock_cookie_id=7,ssl_min_version=3"}});
  ASSERT_THAT(first.problems, IsEmpty());
  const std::string printed = PrintedConfig(first.settings);
  const Configuration second = Read(printed);
  EXPECT_THAT(second.problems, IsEmpty()) << second.Complaints();
  EXPECT_EQ(Values(second), Values(first));
  EXPECT_THAT(printed, HasSubstr("memory-limit = 1024 "));
  EXPECT_THAT(printed, HasSubstr("# command line\n"));
  EXPECT_THAT(printed, HasSubstr("threads = 4 "));
  EXPECT_THAT(printed, HasSubstr("# default\n"));
  EXPECT_THAT(printed, HasSubstr("protocol = binary "));
  EXPECT_THAT(printed, HasSubstr("# other options\n"));
  EXPECT_THAT(printed, HasSubstr("# command line; no effect: keys are always hashed with xxh3\n"));
}

TEST_F(ReportTest, TheLogHasWhatIsNoDefault) {
  const Configuration read = ReadConfiguration(
      {.arguments = {"-t", "2", "-S"}, .environment = {"LARDER_PIDFILE=/run/a b"}});
  EXPECT_EQ(SettingsLine(read.settings),
            "settings: pidfile = \"/run/a b\" (environment LARDER_PIDFILE), threads = 2 (command "
            "line), protocol = binary (other options), enable-sasl = yes (command line)");
  EXPECT_EQ(SettingsLine(ReadConfiguration({}).settings), "settings: the defaults");
}

TEST_F(ReportTest, TheEnvironmentsNamesAreMadeOfTheOptions) {
  EXPECT_EQ(EnvironmentName(*FindOption("memory-limit")), "LARDER_MEMORY_LIMIT");
  EXPECT_EQ(EnvironmentName(*FindOption("idle_timeout")), "LARDER_IDLE_TIMEOUT");
  std::vector<std::string> names;
  for (const Option* option : AllOptions()) names.push_back(EnvironmentName(*option));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST_F(ReportTest, HelpForPrograms) {
  EXPECT_EQ(ReadConfiguration({.arguments = {"--help-format=json"}}).text, OptionsAsJson());
  EXPECT_EQ(ReadConfiguration({.arguments = {"--help-format", "config"}}).text,
            DefaultConfigText());
  const Configuration wrong = ReadConfiguration({.arguments = {"--help-format=xml"}});
  EXPECT_EQ(wrong.Complaints(), "--help-format is json or config: xml\n");
}

}  // namespace
}  // namespace larder
