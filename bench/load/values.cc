#include "bench/load/values.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "bench/load/numbers.h"

namespace larder::bench {
namespace {

constexpr std::string_view kLogNormal = "lognormal:";

double NormalDistribution(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

// By bisection: it runs a few thousand times at start and never again.
double NormalQuantile(double probability) {
  double low = -10;
  double high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (NormalDistribution(middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

// The sizes at the middle of `count` equally probable parts of the distribution below its cut.
std::vector<uint32_t> LogNormalQuantiles(const ValueSizeSpec& spec, size_t count) {
  const double below_cut = NormalDistribution(std::log(spec.max / spec.median) / spec.sigma);
  std::vector<uint32_t> sizes(count);
  for (size_t i = 0; i < count; ++i) {
    const double probability =
        below_cut * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    const double size = spec.median * std::exp(spec.sigma * NormalQuantile(probability));
    sizes[i] = static_cast<uint32_t>(std::clamp<double>(std::round(size), spec.min, spec.max));
  }
  return sizes;
}

std::optional<ValueSizeSpec> ParseLogNormal(std::string_view text) {
  const size_t first = text.find(',');
  const size_t second = text.find(',', first == text.npos ? first : first + 1);
  if (second == text.npos) return std::nullopt;
  const auto median = ParseNumber<double>(text.substr(0, first));
  const auto sigma = ParseNumber<double>(text.substr(first + 1, second - first - 1));
  const auto max = ParseNumber<uint32_t>(text.substr(second + 1));
  if (!median || !sigma || !max) return std::nullopt;
  if (*median < 1 || *sigma <= 0 || *max < *median) return std::nullopt;
  return ValueSizeSpec{.kind = ValueSizeSpec::Kind::kLogNormal,
                       .min = 1,
                       .max = *max,
                       .median = *median,
                       .sigma = *sigma};
}

std::optional<ValueSizeSpec> ParseRange(std::string_view text) {
  const size_t dash = text.find('-');
  const auto min = ParseNumber<uint32_t>(text.substr(0, dash));
  const auto max = dash == text.npos ? min : ParseNumber<uint32_t>(text.substr(dash + 1));
  if (!min || !max || *min > *max) return std::nullopt;
  const auto kind = *min == *max ? ValueSizeSpec::Kind::kFixed : ValueSizeSpec::Kind::kUniform;
  return ValueSizeSpec{.kind = kind, .min = *min, .max = *max};
}

}  // namespace

absl::StatusOr<ValueSizeSpec> ParseValueSizes(std::string_view text) {
  const auto spec = text.starts_with(kLogNormal) ? ParseLogNormal(text.substr(kLogNormal.size()))
                                                 : ParseRange(text);
  if (spec && spec->max <= kValueBytesMax) return *spec;
  return absl::InvalidArgumentError(
      "value sizes are BYTES, MIN-MAX or lognormal:MEDIAN,SIGMA,MAX, at most 67108864 bytes");
}

ValueSource::ValueSource(const ValueSizeSpec& sizes) : min_(sizes.min), max_(sizes.max) {
  if (sizes.kind == ValueSizeSpec::Kind::kLogNormal) {
    quantiles_ = LogNormalQuantiles(sizes, size_t{1} << kQuantileBits);
    max_ = quantiles_.back();
  }
  block_.resize(max_ + kWindows);
  Random random{kIdSalt};
  for (char& byte : block_) byte = static_cast<char>(random.Next());
}

double ValueSource::mean_bytes() const {
  if (quantiles_.empty()) return (static_cast<double>(min_) + max_) / 2;
  const double sum = std::accumulate(quantiles_.begin(), quantiles_.end(), 0.0);
  return sum / static_cast<double>(quantiles_.size());
}

}  // namespace larder::bench
