#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/text_parser.h"

// The meta commands' lines, for TextParser, which finds the lines and knows their first word:
//
//   mg <key> <flag>*              ms <key> <value bytes> <flag>*
//   md <key> <flag>*              ma <key> <flag>*               me <key> [b]
//
// A flag is a letter, with an argument right behind it where it takes one. What a flag is good for
// depends on the command, but every command takes every flag and ignores what means nothing to it.
// The README has the table.

namespace larder {

// Reads the line of which `words` follow the command word. `line_bytes` is its length, end
// included.
ParseResult ParseMeta(Command command, size_t line_bytes, std::string_view words, Request* request);

}  // namespace larder
