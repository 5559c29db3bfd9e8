#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "server/config/option.h"

// What most entries of the table are made of: how a field of the options is set and printed. A
// field is named by its pointer: &Options::user, &Settings::threads, &TlsSettings::ciphers.

namespace larder {

using Printed = std::optional<std::string>;

template <auto field, typename AnyOptions>
auto& FieldOf(AnyOptions& options) {
  using Field = decltype(field);
  if constexpr (std::is_invocable_v<Field, Options&>) {
    return options.*field;
  } else if constexpr (std::is_invocable_v<Field, Settings&>) {
    return options.settings.*field;
  } else {
    return options.settings.tls.*field;
  }
}

// yes or no, and what else says so; yes if there is no value. memcached looks at no value of a
// switch of -o, and so nothing is refused there.
MaybeRefusal ParseSwitch(const Given& given, bool* yes);

// What must have a value, in memcached's words for suboptions.
inline MaybeRefusal Missing(const Given& given) {
  return BadValue(absl::StrCat("Missing ", given.name, " argument"));
}
inline MaybeRefusal Unparsed(const Given& given) {
  return BadValue(absl::StrCat("could not parse argument to ", given.name));
}

// A switch that was given sets the field to `on`, and one that was given as "no" to the opposite.
template <auto field, bool on = true>
MaybeRefusal SetSwitch(const Given& given, OptionDraft* draft) {
  bool yes = true;
  if (MaybeRefusal refusal = ParseSwitch(given, &yes)) return refusal;
  FieldOf<field>(draft->options) = yes == on;
  return std::nullopt;
}
template <auto field, bool on = true>
Printed PrintSwitch(const Options& options) {
  return FieldOf<field>(options) == on ? "yes" : "no";
}

template <auto field>
MaybeRefusal SetText(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  FieldOf<field>(draft->options) = *given.value;
  return std::nullopt;
}
template <auto field>
Printed PrintText(const Options& options) {
  const std::string& text = FieldOf<field>(options);
  return text.empty() ? Printed() : text;
}

template <auto field>
Printed PrintNumber(const Options& options) {
  return absl::StrCat(FieldOf<field>(options));
}
// A size in kilobytes, as a number of bytes.
template <auto field>
MaybeRefusal SetKilobytes(const Given& given, OptionDraft* draft) {
  constexpr uint32_t kKilobytesMax = UINT32_MAX >> 10;
  if (!given.value) return Missing(given);
  uint32_t kilobytes = 0;
  if (!ParseNumber(*given.value, &kilobytes) || kilobytes > kKilobytesMax) return Unparsed(given);
  FieldOf<field>(draft->options) = kilobytes << 10;
  return std::nullopt;
}
// Of bytes, for an option in units of 2^shift bytes.
template <auto field, int shift>
Printed PrintShifted(const Options& options) {
  return absl::StrCat(FieldOf<field>(options) >> shift);
}

}  // namespace larder
