#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace larder::bench {

struct CpuTimes {
  double seconds = 0;  // all threads, those that ended too
  // How the kernel's sampling splits them; a few hundredths of a second coarse.
  double user_seconds = 0;
  double system_seconds = 0;

  CpuTimes operator-(const CpuTimes& earlier) const {
    return {.seconds = seconds - earlier.seconds,
            .user_seconds = user_seconds - earlier.user_seconds,
            .system_seconds = system_seconds - earlier.system_seconds};
  }
};

// Reads how much CPU time a process has used.
//
// The process's CPU-time clock is the scheduler's own account, in nanoseconds, of all threads; the
// ticks of /proc/PID/stat are hundredths of a second, too coarse for a run of a second. A thread
// that runs at this moment is counted up to its last timer tick: a few milliseconds at most.
class ProcessCpu {
 public:
  static absl::StatusOr<ProcessCpu> Of(pid_t pid);

  // Not found when the process has ended.
  absl::StatusOr<CpuTimes> Read() const;

 private:
  ProcessCpu(pid_t pid, clockid_t clock) : pid_(pid), clock_(clock) {}

  pid_t pid_;
  clockid_t clock_;
};

// Of this process.
double OwnCpuSeconds();

// VmRSS, in bytes: what the process has resident.
absl::StatusOr<uint64_t> ResidentBytes(pid_t pid);

}  // namespace larder::bench
