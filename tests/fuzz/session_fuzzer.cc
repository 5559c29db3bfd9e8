#include "gtest/gtest.h"

// What the programs that fuzz sessions have besides their target.

// Address sanitizer holds back 256 MiB of freed memory by default, in each run of other sizes: with
// replies of all sizes that grows past the fuzzer's limit on resident memory, though nothing leaks.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=16"; }

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  testing::GTEST_FLAG(break_on_failure) = true;
  return 0;
}
