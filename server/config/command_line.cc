#include <getopt.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/sources.h"

namespace larder {

namespace {

// What getopt returns for the long form of an option without a letter: this and its index.
constexpr int kFirstWithoutLetter = 256;

std::string ShortOptions() {
  std::string letters = ":";  // a missing argument is reported as ':', and nothing is printed
  for (const Option* option : AllOptions()) {
    if (option->letter == 0) continue;
    letters += option->letter;
    if (option->argument == Argument::kRequired) letters += ':';
  }
  return letters;
}

int GetoptArgument(Argument argument) {
  switch (argument) {
    case Argument::kNone:
      return no_argument;
    case Argument::kRequired:
      return required_argument;
    case Argument::kSwitch:
    case Argument::kOptional:
      break;
  }
  return optional_argument;
}

std::vector<option> LongOptions() {
  std::vector<option> options;
  const std::span<const Option* const> all = AllOptions();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]->group == Group::kExtended) continue;
    const int value =
        all[i]->letter != 0 ? all[i]->letter : kFirstWithoutLetter + static_cast<int>(i);
    options.push_back({all[i]->name.data(), GetoptArgument(all[i]->argument), nullptr, value});
  }
  options.push_back({});
  return options;
}

const Option* OptionFor(int result) {
  if (result == '?' || result == ':') return nullptr;
  if (result < kFirstWithoutLetter) return FindOptionByLetter(static_cast<char>(result));
  return AllOptions()[static_cast<size_t>(result - kFirstWithoutLetter)];
}

// What getopt_long found wrong, in the words that it would print.
std::string GetoptError(int result, const char* word) {
  const bool is_long = std::string_view(word).starts_with("--");
  const std::string letter(1, static_cast<char>(optopt));
  if (result == ':') {
    return is_long ? absl::StrCat("option '", word, "' requires an argument")
                   : absl::StrCat("option requires an argument -- '", letter, "'");
  }
  if (optopt == 0) return absl::StrCat("unrecognized option '", word, "'");
  // One that is known was refused for the argument that its long form came with.
  return OptionFor(optopt) != nullptr ? absl::StrCat("option '", word, "' takes no argument")
                                      : absl::StrCat("invalid option -- '", letter, "'");
}

Refusal UnknownSuboption(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('='));
  if (name.starts_with("ext_") || name.starts_with("proxy_")) return UnknownOption(name);
  return BadValue(absl::StrCat("Illegal suboption \"", View(text), "\""));
}

void ReadSuboptions(std::string_view list, const Origin& origin, std::vector<Assignment>* read) {
  while (!list.empty()) {
    const std::string_view text = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), text.size() + 1));
    const std::string_view name = text.substr(0, text.find('='));
    Assignment assignment = {.origin = origin};
    assignment.given = {.name = std::string(name), .as_memcached = true};
    if (name.size() < text.size()) assignment.given.value = text.substr(name.size() + 1);
    const Option* const option = FindOption(name);
    if (option != nullptr && option->group == Group::kExtended) {
      assignment.option = option;
    } else {
      assignment.refusal = UnknownSuboption(text);
    }
    read->push_back(std::move(assignment));
  }
}

// The word behind an option whose value need not be there, if it is no option itself.
char* NextWord(int argc, char* const argv[]) {
  if (optind >= argc || argv[optind][0] == '-') return nullptr;
  return argv[optind++];
}

}  // namespace

std::vector<Assignment> ReadWords(const std::vector<std::string>& words, const Origin& origin) {
  std::vector<std::string> copies = {"larder"};
  copies.insert(copies.end(), words.begin(), words.end());
  std::vector<char*> argv;
  argv.reserve(copies.size() + 1);
  for (std::string& word : copies) argv.push_back(word.data());
  const int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  const std::string short_options = ShortOptions();
  const std::vector<option> long_options = LongOptions();

  std::vector<Assignment> read;
  optind = 0;  // glibc: start anew
  for (int result; (result = getopt_long(argc, argv.data(), short_options.c_str(),
                                         long_options.data(), nullptr)) != -1;) {
    const Option* const option = OptionFor(result);
    if (option == nullptr) {
      read.push_back(
          {.origin = origin,
           .refusal = BadValue(absl::StrCat(
               "larder: ", GetoptError(result, argv[static_cast<size_t>(optind - 1)])))});
      continue;
    }
    if (option->letter == 'o') {
      ReadSuboptions(optarg, origin, &read);
      continue;
    }
    if (option->argument == Argument::kOptional && optarg == nullptr) {
      optarg = NextWord(argc, argv.data());
    }
    Assignment assignment = {.option = option, .origin = origin};
    assignment.given.name =
        option->letter != 0 ? std::string{'-', option->letter} : std::string(option->name);
    // That a switch is given a value is larder's own.
    assignment.given.as_memcached = option->argument != Argument::kSwitch;
    if (optarg != nullptr) assignment.given.value = optarg;
    read.push_back(std::move(assignment));
  }
  for (int i = optind; i < argc; ++i) {
    read.push_back({.origin = origin,
                    .warning = absl::StrCat("WARNING: the argument \"",
                                            argv[static_cast<size_t>(i)], "\" is ignored")});
  }
  return read;
}

}  // namespace larder
