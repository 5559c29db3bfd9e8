#include <time.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/load/random.h"
#include "bench/load/zipf.h"
#include "bench/session_rig.h"

// What it costs workers to share a store: the same requests, nine reads to a write, by workers that
// all use one store and by workers that have one each. Both set-ups are there all the time and take
// turns of a quarter of a second, in alternating order, so that a machine that is faster at one
// time than at another is so for both. What counts is the ratio within a pair of turns; the median
// of them is printed, and the lowest and highest.
//
//   shared_store [workers]    2 if not given; as many CPUs should be free

namespace larder {
namespace {

constexpr uint32_t kItems = 1'000'000;
constexpr uint32_t kRequestsARead = 16;
constexpr uint32_t kReads = 8192;  // of each worker, again and again
constexpr int kPairs = 20;
constexpr std::chrono::milliseconds kTurn{250};

double ThreadCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

Settings SettingsOfBench() {
  Settings settings;
  settings.memory_bytes = uint64_t{512} << 20;
  return settings;
}

const std::string& Value() {
  static const std::string value(32, 'v');
  return value;
}

// A store that is filled.
struct Shelf {
  Shelf() : engine(SettingsOfBench()) {
    SessionRig session(&engine);
    for (uint32_t i = 0; i < kItems; ++i) {
      session.Run(SetOf(KeyOf(i), Value()));
      if (i % 1000 == 0) engine.Maintain();
    }
    engine.Maintain();
  }

  EngineRig engine;
};

// What one turn of one worker achieved.
struct Work {
  uint64_t requests = 0;
  double seconds = 0;
  double cpu_seconds = 0;
};

// A worker's requests and its sessions with the shared store and with its own.
class Client {
 public:
  Client(int number, EngineRig* shared, EngineRig* own, double theta)
      : sessions_{std::make_unique<SessionRig>(shared), std::make_unique<SessionRig>(own)} {
    bench::Random random(static_cast<uint64_t>(number) + 1);
    const bench::ZipfSampler sampler({.ranks = kItems, .theta = theta});
    for (uint32_t i = 0; i < kReads; ++i) {
      std::string& read = reads_.emplace_back();
      for (uint32_t j = 0; j < kRequestsARead; ++j) {
        const std::string key = KeyOf(sampler.Sample(random) - 1);
        read += random.Below(10) == 0 ? SetOf(key, Value()) : "get " + key + "\r\n";
      }
    }
  }

  Work Run(bool own) {
    SessionRig& session = *sessions_[own ? 1 : 0];
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = ThreadCpuSeconds();
    Work work;
    std::chrono::duration<double> passed{};
    while (passed < kTurn) {
      for (int i = 0; i < 64; ++i) {
        session.Run(reads_[next_]);
        if (++next_ == reads_.size()) next_ = 0;
      }
      work.requests += 64 * kRequestsARead;
      passed = std::chrono::steady_clock::now() - start;
    }
    work.seconds = passed.count();
    work.cpu_seconds = ThreadCpuSeconds() - cpu_start;
    return work;
  }

 private:
  std::array<std::unique_ptr<SessionRig>, 2> sessions_;  // with the shared store, with its own
  std::vector<std::string> reads_;
  size_t next_ = 0;
};

// Of all workers, by the clock and by their processor time.
struct Rates {
  double requests_a_second = 0;
  double requests_a_cpu_second = 0;
};

Rates RatesOf(const std::vector<Work>& works) {
  Rates rates;
  double requests = 0;
  double cpu_seconds = 0;
  for (const Work& work : works) {
    rates.requests_a_second += static_cast<double>(work.requests) / work.seconds;
    requests += static_cast<double>(work.requests);
    cpu_seconds += work.cpu_seconds;
  }
  rates.requests_a_cpu_second = requests / cpu_seconds;
  return rates;
}

// All workers at once, on the shared store or each on its own.
Rates RunTurn(std::vector<Client>* clients, bool own) {
  std::vector<Work> works(clients->size());
  std::barrier<> start(static_cast<std::ptrdiff_t>(clients->size()));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < clients->size(); ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      works[i] = (*clients)[i].Run(own);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return RatesOf(works);
}

void PrintRatios(const char* what, std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  std::printf("  shared / own, by %s: %.3f (%.3f to %.3f)\n", what, ratios[ratios.size() / 2],
              ratios.front(), ratios.back());
}

void Compare(const char* name, const std::vector<std::unique_ptr<Shelf>>& shelves, double theta) {
  std::vector<Client> clients;
  for (size_t i = 0; i < shelves.size(); ++i) {
    clients.emplace_back(static_cast<int>(i), &shelves[0]->engine, &shelves[i]->engine, theta);
  }
  std::vector<double> by_clock;
  std::vector<double> by_cpu;
  Rates last_shared;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool own_first = pair % 2 == 1;
    const Rates first = RunTurn(&clients, own_first);
    const Rates second = RunTurn(&clients, !own_first);
    const Rates& own = own_first ? first : second;
    last_shared = own_first ? second : first;
    by_clock.push_back(last_shared.requests_a_second / own.requests_a_second);
    by_cpu.push_back(last_shared.requests_a_cpu_second / own.requests_a_cpu_second);
  }
  std::printf("%s, %zu workers, %.1f million requests a second on one store\n", name,
              clients.size(), last_shared.requests_a_second / 1e6);
  PrintRatios("the clock", by_clock);
  PrintRatios("CPU time", by_cpu);
}

void CompareAll(size_t workers) {
  std::vector<std::unique_ptr<Shelf>> shelves;
  for (size_t i = 0; i < workers; ++i) shelves.push_back(std::make_unique<Shelf>());
  Compare("uniform", shelves, 0);
  Compare("Zipf 0.99", shelves, 0.99);
}

}  // namespace
}  // namespace larder

int main(int argc, char** argv) {
  const unsigned long workers = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2;
  if (workers < 1 || workers > 64) {
    std::fprintf(stderr, "usage: shared_store [workers, 1 to 64]\n");
    return 1;
  }
  larder::CompareAll(workers);
}
