#include "slab/spin_lock.h"

#include <sched.h>

#include <chrono>
#include <thread>

namespace larder {
namespace {

constexpr int kSpins = 100;
constexpr int kYields = 100;
constexpr std::chrono::microseconds kNap{50};

inline void RelaxProcessor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

}  // namespace

void SpinWait::Pause() {
  if (rounds_ < kSpins) {
    RelaxProcessor();
  } else if (rounds_ < kSpins + kYields) {
    sched_yield();
  } else {
    std::this_thread::sleep_for(kNap);
    return;
  }
  ++rounds_;
}

}  // namespace larder
