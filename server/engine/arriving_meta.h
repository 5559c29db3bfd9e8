#pragma once

#include <array>
#include <string_view>

#include "protocol/request.h"

namespace larder {

// The request of an ms whose value is still arriving, kept for its reply: what the request's views
// point at is copied, for the input that held it is long gone when the value is there.
class ArrivingMeta {
 public:
  explicit ArrivingMeta(const Request& request) : request_(request) {
    request_.key = Keep(request.key, key_.data());
    request_.arguments = Keep(request.arguments, opaque_.data());
  }
  ArrivingMeta(const ArrivingMeta&) = delete;
  ArrivingMeta& operator=(const ArrivingMeta&) = delete;

  const Request& request() const { return request_; }

 private:
  static std::string_view Keep(std::string_view bytes, char* to) {
    return {to, bytes.copy(to, bytes.size())};
  }

  Request request_;
  std::array<char, kRequestKeyBytesMax> key_;
  std::array<char, kMetaOpaqueBytesMax> opaque_;
};

}  // namespace larder
