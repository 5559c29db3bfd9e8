#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/config/options.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/ops/log.h"

// What HUP does about options: reads again all places that they came from, and brings what may
// change while larder runs to what they say now.
//
// Only what differs from the last good reading is changed. So what a client's command has set
// (cache_memlimit, verbosity) stays until the operator says something else than he did. If anything
// is wrong with the options, nothing changes; the reading before stays the last good one.

namespace larder {

class Reload {
 public:
  // `started` is what the server was started with, from `sources`. `raise_descriptor_limit` sees to
  // it that there can be as many clients as the settings allow. All must outlive the reload.
  Reload(Sources sources, const Configuration& started, Engine* engine, const Log* log,
         std::function<absl::Status(const Settings&)> raise_descriptor_limit);

  // Says what has changed, what would need a restart, or what is wrong. False if something is. By
  // one thread.
  bool Run(const Now& now);

 private:
  absl::Status Apply(std::string_view option, const Settings& settings);

  const Sources sources_;
  Engine* const engine_;
  const Log* const log_;
  const std::function<absl::Status(const Settings&)> raise_descriptor_limit_;
  // What the server does, by name: as started, and as changed since.
  std::map<std::string_view, std::optional<std::string>> in_force_;
};

}  // namespace larder
