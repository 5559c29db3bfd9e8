#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/config/option.h"

// The places that options are read from. Each is read to its end, whatever is wrong on the way, in
// the order in which it has the options; no value is looked at.

namespace larder {

// The arguments of a command line, without the program's name, as getopt_long takes them: letters
// in clusters, long forms that may be cut while they are clear, and -o's list. Words that are no
// options are warned of, as memcached ignores them. `origin` is that of all of them.
std::vector<Assignment> ReadWords(const std::vector<std::string>& words, const Origin& origin);

// Variables LARDER_... by the order of the table, whatever theirs is; one that is empty counts as
// not given. Of one that is no option's there is a warning only, for it may be somebody else's.
std::vector<Assignment> ReadEnvironment(const std::vector<std::string>& environment);

// larder's own file: lines of
//
//   # a comment
//   memory-limit = 1024          # another
//   unix-socket = "/run/a # b"   # in quotes \" is a quote and \\ is a backslash
//   lock-memory                  # a switch needs no value
//
// Blanks around names and values do not count.
std::vector<Assignment> ReadConfigFile(const std::string& path);
std::vector<Assignment> ParseConfigText(std::string_view text, const std::string& path);

// /etc/memcached.conf as Debian's scripts read it for memcached. See memcached_conf.cc.
std::vector<Assignment> ReadMemcachedConf(const std::string& path);
std::vector<Assignment> ParseMemcachedConf(std::string_view text, const std::string& path);

// That there is no such option, and which one may have been meant.
Refusal UnknownOption(std::string_view name);

// The whole of a small file. False, and why in `*problem`, if it cannot be had.
bool ReadSmallFile(const std::string& path, std::string* text, Assignment* problem);

}  // namespace larder
