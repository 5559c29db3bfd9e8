#include <cstddef>
#include <string>
#include <string_view>

#include "benchmark/benchmark.h"
#include "protocol/request.h"
#include "protocol/text_encoder.h"
#include "protocol/text_parser.h"

// What parsing and answering cost without a store: nanoseconds a request, over a pipeline of
// requests with different keys that stays in the cache.

namespace larder {
namespace {

constexpr size_t kPipelined = 64;

// 24 bytes, as the load generator's.
std::string KeyOf(size_t number) {
  const std::string digits = std::to_string(number * 7919);
  return "key:" + std::string(20 - digits.size(), '0') + digits;
}

// Parses all of `input` again and again; values are stepped over.
void ParseAll(benchmark::State& state, std::string_view input) {
  size_t requests = 0;
  for (auto _ : state) {
    TextParser parser;
    std::string_view rest = input;
    Request request;
    while (!rest.empty()) {
      const ParseResult result = parser.Parse(rest, &request);
      benchmark::DoNotOptimize(request);
      rest.remove_prefix(result.consumed + result.swallow_bytes);
      if (IsStorage(request.command)) rest.remove_prefix(request.value_bytes + 2);
      ++requests;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(requests));
}

void BM_ParseGet(benchmark::State& state) {
  std::string input;
  for (size_t i = 0; i < kPipelined; ++i) input += "get " + KeyOf(i) + "\r\n";
  ParseAll(state, input);
}
BENCHMARK(BM_ParseGet);

void BM_ParseMultiGet(benchmark::State& state) {
  std::string input = "get";
  for (int64_t i = 0; i < state.range(0); ++i) {
    input += ' ';
    input += KeyOf(static_cast<size_t>(i));
  }
  input += "\r\n";
  ParseAll(state, input);
}
BENCHMARK(BM_ParseMultiGet)->Arg(10)->Arg(50)->Arg(1000);

void BM_ParseSet(benchmark::State& state) {
  std::string input;
  const std::string value(32, 'v');
  for (size_t i = 0; i < kPipelined; ++i) {
    input += "set " + KeyOf(i) + " 0 3600 32\r\n" + value + "\r\n";
  }
  ParseAll(state, input);
}
BENCHMARK(BM_ParseSet);

void BM_ParseDelete(benchmark::State& state) {
  std::string input;
  for (size_t i = 0; i < kPipelined; ++i) input += "delete " + KeyOf(i) + "\r\n";
  ParseAll(state, input);
}
BENCHMARK(BM_ParseDelete);

void BM_ParseIncrement(benchmark::State& state) {
  std::string input;
  for (size_t i = 0; i < kPipelined; ++i) input += "incr " + KeyOf(i) + " 1 noreply\r\n";
  ParseAll(state, input);
}
BENCHMARK(BM_ParseIncrement);

// No two neighbours alike, so that the branch predictor has work.
void BM_ParseMixed(benchmark::State& state) {
  std::string input;
  size_t choice = 1;
  for (size_t i = 0; i < 16 * kPipelined; ++i) {
    choice = choice * 6364136223846793005u + 1442695040888963407u;
    const std::string key = KeyOf(i);
    switch (choice >> 61) {
      case 0:
        input += "set " + key + " 5 0 2\r\nab\r\n";
        break;
      case 1:
        input += "delete " + key + "\r\n";
        break;
      case 2:
        input += "incr " + key + " 12\r\n";
        break;
      case 3:
        input.append("gets ").append(key).append(" ").append(key).append("\r\n");
        break;
      default:
        input += "get " + key + "\r\n";
        break;
    }
  }
  ParseAll(state, input);
}
BENCHMARK(BM_ParseMixed);

void BM_EncodeValueLine(benchmark::State& state) {
  const std::string key = KeyOf(1);
  char line[kValueLineBytesMax];
  for (auto _ : state) {
    benchmark::DoNotOptimize(EncodeValueLine(line, {.key = key, .value_bytes = 300}));
  }
}
BENCHMARK(BM_EncodeValueLine);

void BM_EncodeValueLineWithCas(benchmark::State& state) {
  const std::string key = KeyOf(1);
  char line[kValueLineBytesMax];
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        EncodeValueLine(line, {.key = key, .value_bytes = 300, .cas = 123456789012}));
  }
}
BENCHMARK(BM_EncodeValueLineWithCas);

}  // namespace
}  // namespace larder
