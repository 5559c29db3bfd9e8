#pragma once

#include <string_view>

#include "server/engine/arguments.h"
#include "server/engine/commands.h"

// What operators ask, a file for each family of commands. Each returns its whole reply; empty if it
// has none, or has left a stream that goes on answering.
//
// Words, order of checks and replies are memcached 1.6.45's. Subcommands are told apart by the
// whole word.

namespace larder {

// administration_crawler.cc
std::string_view AdministerCrawler(const Turn& turn, const Arguments& words);
std::string_view AdministerCachedump(const Turn& turn, const Arguments& words);
// administration_store.cc
std::string_view AdministerLru(const Turn& turn, const Arguments& words);
std::string_view AdministerSlabs(const Turn& turn, const Arguments& words);
std::string_view AdministerMemoryLimit(const Turn& turn, const Arguments& words);
// administration_watch.cc
std::string_view AdministerWatch(const Turn& turn, const Arguments& words);
// administration.cc
std::string_view AdministerDetail(const Turn& turn, const Arguments& words);
std::string_view AdministerShutdown(const Turn& turn, const Arguments& words);
std::string_view AdministerExternalStorage(const Arguments& words);

}  // namespace larder
