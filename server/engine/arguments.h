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
  std::array<std::string_view, 12> words_;
  size_t count_ = 0;
};

// All of `word` as a decimal number; none if it is not one, or does not fit.
template <typename Number>
std::optional<Number> ParseArgument(std::string_view word) {
  Number number{};
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace larder
