#include "server/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/report.h"
#include "server/daemon.h"
#include "server/engine/auth_file.h"
#include "server/net/address.h"
#include "server/net/clock.h"
#include "server/net/tls_context.h"

namespace larder {

namespace {

Problem ProblemOf(const Configuration& configuration, std::string_view option,
                  const absl::Status& status, int exit_code) {
  std::string where = configuration.OriginOf(option);
  if (where == "command line" || where == "default") where.clear();
  return {std::move(where), std::string(status.message()), exit_code};
}

// What a start would find wrong with what the options name: files, how addresses are written, and
// the user. What may be otherwise at a start is left to it: what names resolve to, whether ports
// are free and memory is there.
std::vector<Problem> CheckNamed(const Configuration& configuration) {
  const Options& options = configuration.options;
  const Settings& settings = options.settings;
  std::vector<Problem> problems;
  const auto add = [&](std::string_view option, const absl::Status& status, int exit_code) {
    if (!status.ok()) problems.push_back(ProblemOf(configuration, option, status, exit_code));
  };
  if (!settings.auth_file.empty()) {
    add("auth-file", AuthFile(settings.auth_file).Load(), EXIT_FAILURE);
  }
  if (settings.tls.enabled) {
    add("ssl_chain_cert", TlsContext::Create(settings.tls, SystemClock::kFirstTick).status(),
        EX_USAGE);
  }
  if (!options.user.empty()) add("user", FindUser(options.user).status(), EX_NOUSER);
  if (settings.unix_socket.empty()) {
    add("listen",
        ParseListenAddresses(settings.listen,
                             {.protocol = settings.protocol, .tls = settings.tls.enabled})
            .status(),
        EX_OSERR);
  }
  return problems;
}

int Check(const Configuration& configuration) {
  for (const std::string& warning : configuration.warnings)
    fprintf(stderr, "%s\n", warning.c_str());
  std::vector<Problem> problems = configuration.problems;
  if (problems.empty()) problems = CheckNamed(configuration);
  for (const Problem& problem : problems) fprintf(stderr, "%s\n", problem.Text().c_str());
  if (!problems.empty()) return problems.front().exit_code;
  puts("The configuration is good.");
  return EXIT_SUCCESS;
}

}  // namespace

int Answer(const Configuration& configuration) {
  switch (configuration.task) {
    case Task::kCheck:
      return Check(configuration);
    case Task::kPrintConfig:
      if (configuration.problems.empty()) {
        fputs(PrintedConfig(configuration.settings).c_str(), stdout);
        return EXIT_SUCCESS;
      }
      [[fallthrough]];
    case Task::kPrint:
    case Task::kServe:
      break;
  }
  fputs(configuration.text.c_str(), stdout);
  if (!configuration.problems.empty()) fputs(configuration.Complaints().c_str(), stderr);
  return configuration.exit_code();
}

}  // namespace larder
