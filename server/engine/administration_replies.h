#pragma once

#include <string_view>

namespace larder {

inline constexpr std::string_view kBadLineReply = "CLIENT_ERROR bad command line format\r\n";
inline constexpr std::string_view kBadClassReply = "BADCLASS invalid class id\r\n";
inline constexpr std::string_view kCrawlerOffReply = "CLIENT_ERROR lru crawler disabled\r\n";
inline constexpr std::string_view kCrawlerBusyReply =
    "BUSY currently processing crawler request\r\n";

}  // namespace larder
