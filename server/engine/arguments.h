#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

#include "protocol/text_tokens.h"

namespace larder {

// The words that follow an administrative command.
class Arguments {
 public:
  explicit Arguments(std::string_view text) {
    for (std::string_view word = TakeWord(&text); !word.empty(); word = TakeWord(&text)) {
      if (count_ < words_.size()) words_[count_] = word;
      ++count_;
    }
  }

  size_t count() const { return count_; }
  // Empty if there are not so many, or it is beyond those that any command knows.
  std::string_view operator[](size_t i) const { return i < words_.size() ? words_[i] : ""; }

 private:
  // memcached cuts a line into 24 tokens: the command, these, and what ends them.
  std::array<std::string_view, 22> words_;
  size_t count_ = 0;
};

// All of `word` as a decimal number, with a + before it or without; none if it is not one, or does
// not fit.
template <typename Number>
std::optional<Number> ParseArgument(std::string_view word) {
  Number number{};
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace larder
