#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/option_values.h"
#include "server/config/options.h"

// An option: everything that larder knows about one, in one place. The command line, the
// environment, the files, --help, --print-config, the default configuration file, what a reload may
// change and what manuals say are all read from the table of these.

namespace larder {

// Where a setting was given.
struct Origin {
  enum class Kind : uint8_t { kDefault, kFile, kEnvironment, kCommandLine };

  Kind kind = Kind::kDefault;
  std::string name;  // of the file or the variable
  int line = 0;      // of the file, from 1; 0: none of its lines

  // For the operator: "/etc/larder/larder.conf:12", "environment LARDER_PORT", "command line".
  std::string Text() const;
};

// The value of an option, as a source has it.
struct Given {
  std::string name;  // in the source's own words: "-m", "idle_timeout", "memory-limit"
  std::optional<std::string> value;
  // memcached's own ways of giving options: a number is what atoi reads of it.
  bool as_memcached = false;
  // The first of its source: what adds up (-l) starts anew, and does not add to another source's.
  bool first = true;
};

struct OptionDraft;

enum class Argument : uint8_t {
  kNone,      // asks for something at once: --help
  kSwitch,    // yes or no; yes if there is no value
  kRequired,  // has a value
  kOptional,
};

// Whose option it is, and so how a command line has it.
enum class Group : uint8_t {
  kMemcached,  // -m, --memory-limit
  kExtended,   // -o idle_timeout
  kLarder,     // --config
};

// Where an option may be given.
enum class Places : uint8_t { kEverywhere, kNotInFiles, kCommandLine };

struct Option {
  // In files; in the environment in capitals, behind LARDER_, with '_' for '-'; long form of those
  // that are not -o's.
  std::string_view name;
  char letter = 0;  // 0: none
  Group group = Group::kMemcached;
  Argument argument = Argument::kRequired;
  std::string_view value;  // what the value is, for readers: "num"
  // For --help: lines, the first of which is a sentence by itself. The default is added to it.
  std::string_view help;
  // Takes what was given. Refuses with a message that names what is wrong. Null: nothing to do.
  MaybeRefusal (*apply)(const Given& given, OptionDraft* draft) = nullptr;
  // The value that `options` has, as a file would give it; nothing if there is none. Null: larder
  // keeps no such value.
  std::optional<std::string> (*print)(const Options& options) = nullptr;
  const char* without_effect = nullptr;  // why it has none; null if it has
  bool live = false;                     // a reload changes it while larder runs
  bool adds_up = false;                  // may be given more than once
  Places places = Places::kEverywhere;
  std::string_view opposite = {};  // a switch: the name of that which it turns off
};

// All there are, in the order of the help.
std::span<const Option* const> AllOptions();

// Null if there is none.
const Option* FindOption(std::string_view name);
const Option* FindOptionByLetter(char letter);

// As a file would give it; nothing if it is no value.
std::optional<std::string> DefaultOf(const Option& option);

// LARDER_MEMORY_LIMIT
std::string EnvironmentName(const Option& option);

// One option in one source; or, without an option, what is wrong with that place of the source.
struct Assignment {
  const Option* option = nullptr;
  Given given;
  Origin origin;
  MaybeRefusal refusal;
  std::string warning;  // a line, if there is nothing to refuse
};

// An option that was given and changes nothing, and why.
struct WithoutEffect {
  std::string name;
  const char* why;
};

// Settings while they are read.
struct OptionDraft {
  Options options;
  std::vector<WithoutEffect> without_effect;
  std::vector<std::string> warnings;  // lines

  // The last that was taken of each option, by the name of it or of that which it is the opposite
  // of.
  std::map<std::string_view, Assignment> taken;
  bool Gave(std::string_view name) const { return taken.contains(name); }

  // Only checked.
  int warm_percent = 40;
  uint32_t chunk_bytes_max = 512 << 10;
  int napi_ids = 0;
  std::string slab_sizes;
};

// The part of a number that is a number. In memcached's own places the rest is only warned of, so
// that unit files which memcached starts with are good here; elsewhere it is refused.
template <typename Number = int64_t, int base = 10>
MaybeRefusal TakeNumber(const Given& given, OptionDraft* draft, std::string_view* number) {
  const std::string_view value = given.value ? std::string_view(*given.value) : "";
  *number = LeadingNumber<Number, base>(value);
  if (value.ends_with(*number)) return std::nullopt;
  if (!given.as_memcached) return NotANumber(given.name, value);
  draft->warnings.push_back(TakenAs(given.name, value, *number));
  return std::nullopt;
}

// What can be told only when everything has been read: what follows from one option for others, and
// what does not go together. Nothing is said of options for which `is_refused` is true.
struct Conflict {
  Refusal refusal;
  std::vector<std::string_view> options;  // which do not go together
};
std::vector<Conflict> FinishOptions(OptionDraft* draft,
                                    const std::function<bool(std::string_view)>& is_refused);

// The parts of the table.
std::span<const Option> MemcachedOptions();
std::span<const Option> ExtendedOptions();
std::span<const Option> TlsOptions();
std::span<const Option> OwnOptions();

}  // namespace larder
