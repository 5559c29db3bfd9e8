#include "server/help.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/engine/settings.h"

namespace larder {

namespace {

// The defaults are printed from the settings that have them.
constexpr char kHelp[] =
    R"(-p, --port=<num>          TCP port to listen on (default: %d)
                          0 or -1: a free port; with MEMCACHED_PORT_FILENAME in
                          the environment, the ports are written to that file
-l, --listen=<addr>       interface to listen on (default: INADDR_ANY)
                          can be given several times, or several comma separated:
                          <host>, <host>:<port>, [<ipv6>], [<ipv6>]:<port>, *
-d, --daemon              run as a daemon
-r, --enable-coredumps    maximize core file limit
-u, --user=<user>         assume identity of <username> (only when run as root)
-m, --memory-limit=<num>  item memory in megabytes (default: %d)
-M, --disable-evictions   return error on memory exhausted instead of evicting
-c, --conn-limit=<num>    max simultaneous connections (default: %d)
-k, --lock-memory         lock down item memory
-v, --verbose             verbose (print errors/warnings while in event loop)
-vv                       very verbose (also print client commands)
-vvv                      extremely verbose (internal state transitions)
-h, --help                print this help and exit
-V, --version             print version and exit
-P, --pidfile=<file>      save PID in <file>
-f, --slab-growth-factor=<num> chunk size growth factor
                          (default: eight sizes for each power of two)
-n, --slab-min-size=<bytes> min space used for key+value+flags (default: %d)
-L, --enable-largepages   fail if large memory pages are not available
                          (they are always used where they are)
-t, --threads=<num>       number of threads to use (default: %d)
-R, --max-reqs-per-event  maximum number of requests per event, limits the
                          requests processed per connection to prevent
                          starvation (default: %d)
-C, --disable-cas         disable use of CAS
-b, --listen-backlog=<num> set the backlog queue limit (default: %d)
-B, --protocol=<name>     protocol - one of ascii or auto (default: auto)
-I, --max-item-size=<num> adjusts max item size
                          (default: %dm, min: 1k, max: 1024m)
-o, --extended            comma separated list of extended options
   - maxconns_fast:       immediately close new connections after limit (default: enabled)
   - no_maxconns_fast:    stop accepting connections at the limit instead
   - idle_timeout:        timeout for idle connections in seconds (default: %d, no timeout)
   - track_sizes:         enable dynamic reports for 'stats sizes' command
)";

}  // namespace

std::string VersionText() {
  return absl::StrCat("larder ", LARDER_VERSION, " (behaves as memcached ", kCompatibleVersion,
                      ")\n");
}

std::string HelpText() {
  const Settings defaults;
  return absl::StrCat(
      VersionText(),
      absl::StrFormat(kHelp, defaults.tcp_port, defaults.memory_bytes >> 20,
                      defaults.connections_max, defaults.value_bytes_min, defaults.threads,
                      defaults.requests_per_event, defaults.backlog, defaults.item_bytes_max >> 20,
                      defaults.idle_timeout_seconds));
}

}  // namespace larder
