#include "bench/load/process_stats.h"

#include <unistd.h>

#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

std::optional<double> ReadClock(clockid_t clock) {
  timespec time;
  if (clock_gettime(clock, &time) != 0) return std::nullopt;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

absl::Status NoProcess(pid_t pid) {
  return absl::NotFoundError(absl::StrCat("there is no process ", pid));
}

}  // namespace

absl::StatusOr<ProcessCpu> ProcessCpu::Of(pid_t pid) {
  clockid_t clock;
  if (clock_getcpuclockid(pid, &clock) != 0) return NoProcess(pid);
  return ProcessCpu(pid, clock);
}

absl::StatusOr<CpuTimes> ProcessCpu::Read() const {
  // The second field is the name in parentheses, which may hold anything.
  std::ifstream file(absl::StrCat("/proc/", pid_, "/stat"));
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i <= 13; ++i) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  const std::optional<double> seconds = ReadClock(clock_);
  if (!fields || !seconds) return NoProcess(pid_);

  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  return CpuTimes{.seconds = *seconds,
                  .user_seconds = user_ticks / ticks_per_second,
                  .system_seconds = system_ticks / ticks_per_second};
}

double OwnCpuSeconds() { return ReadClock(CLOCK_PROCESS_CPUTIME_ID).value_or(0); }

absl::StatusOr<uint64_t> ResidentBytes(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string name; file >> name;) {
    if (name == "VmRSS:") {
      uint64_t kibibytes = 0;
      file >> kibibytes;
      return kibibytes * 1024;
    }
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return NoProcess(pid);
}

}  // namespace larder::bench
