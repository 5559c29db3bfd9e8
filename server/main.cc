// The daemon: reads the command line, gets from the system what it needs, and joins store, engine
// and server. What can fail is done before the first client can connect, and what needs root before
// root is given up; whatever fails is one line on stderr and memcached's exit code for it.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/answer.h"
#include "server/config/options.h"
#include "server/config/report.h"
#include "server/daemon.h"
#include "server/engine/auth_file.h"
#include "server/engine/engine.h"
#include "server/lifecycle.h"
#include "server/memory_file.h"
#include "server/net/clock.h"
#include "server/net/listener.h"
#include "server/net/server.h"
#include "server/net/tls_context.h"
#include "server/ops/log.h"
#include "server/ops/service_manager.h"
#include "server/reload.h"
#include "server/sasl.h"
#include "server/sockets.h"
#include "slab/store.h"

namespace larder {

namespace {

// TERM and INT stop the server, and so does USR1, which says so.
constexpr std::array kStopSignals = {SIGTERM, SIGINT, SIGUSR1};

constexpr char kPortFileVariable[] = "MEMCACHED_PORT_FILENAME";

LogOptions ToStderr() {
  return {.stream = stderr, .journal = IsJournal(fileno(stderr), getenv("JOURNAL_STREAM"))};
}

int Fail(const absl::Status& status, int exit_code) {
  WriteStartError(ToStderr(), absl::StrCat(std::string(status.message()), "\n"));
  return exit_code;
}

// Sees to it that the server and `connections_max` clients have descriptors, or at least as many as
// memcached would ask for.
absl::Status RaiseDescriptorLimitFor(const Settings& settings) {
  constexpr uint64_t kListenersExpected = 32;
  const uint64_t clients = static_cast<uint64_t>(settings.connections_max);
  constexpr uint64_t kOfWorker = kDescriptorsOfWorker;
  const uint64_t of_worker = kOfWorker + (settings.udp_port != 0 ? 1 : 0);
  const uint64_t own = kDescriptorsOfProcess + of_worker * static_cast<uint64_t>(settings.threads);
  return RaiseDescriptorLimit(std::max(clients, own + 1), clients + own + kListenersExpected);
}

// Limits and user. `user` is who to become once the ports are open, if anybody.
int Prepare(const Options& options, std::optional<User>* user) {
  if (options.large_pages) {
    if (const absl::Status status = CheckLargePages(); !status.ok()) {
      return Fail(status, EXIT_FAILURE);
    }
  }
  if (options.core_files) {
    if (const absl::Status status = EnableCoreFiles(); !status.ok()) return Fail(status, EX_OSERR);
  }
  if (const absl::Status status = RaiseDescriptorLimitFor(options.settings); !status.ok()) {
    return Fail(status, EX_OSERR);
  }
  if (!IsRoot()) return EXIT_SUCCESS;
  if (options.user.empty()) {
    return Fail(absl::FailedPreconditionError("must add '-u root' to start as root"), EX_USAGE);
  }
  absl::StatusOr<User> found = FindUser(options.user);
  if (!found.ok()) return Fail(found.status(), EX_NOUSER);
  *user = *std::move(found);
  return EXIT_SUCCESS;
}

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// `how`: SIG_BLOCK or SIG_UNBLOCK.
void MaskStopSignals(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kStopSignals) sigaddset(&signals, signal);
  pthread_sigmask(how, &signals, nullptr);
}

void IgnoreSignal(int number) {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  sigaction(number, &action, nullptr);
}

// Whoever waits for the file will notice if it is not there; the server works without.
void AnnouncePorts(const std::string& ports) {
  const char* const path = getenv(kPortFileVariable);
  if (path == nullptr) return;
  if (const absl::Status status = WritePortFile(ports, path); !status.ok()) {
    fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  }
}

// Files that are no good leave those before them in use.
void SayReloaded(const Log& log, const Now& now, const char* what, const absl::Status& status) {
  if (status.ok()) {
    log.Info(now, absl::StrCat(what, " reloaded"));
  } else {
    log.Error(now, std::string(status.message()));
  }
}

// `memory_file` is null without -e.
absl::StatusOr<std::unique_ptr<Store>> MakeStore(const Settings& settings,
                                                 MemoryFile* memory_file) {
  const StoreOptions options = StoreOptionsFrom(settings, RandomSeed());
  if (memory_file == nullptr) return Store::Create(options);
  std::string lost;
  absl::StatusOr<std::unique_ptr<Store>> store = memory_file->MakeStore(options, &lost);
  if (!lost.empty()) fprintf(stderr, "%s\n", lost.c_str());
  return store;
}

// What the process was started with, and what was read of it.
struct Started {
  Sources sources;
  Configuration configuration;
};

// What only some options ask for; null without them.
struct Extras {
  MemoryFile* memory_file = nullptr;       // -e
  TlsContext* tls = nullptr;               // -Z
  Authenticator* authenticator = nullptr;  // -S
  AuthFile* auth_file = nullptr;           // -Y
  Background* background = nullptr;        // -d
};

// Options that are no good change nothing, nor does a file that they name and that is no good.
void ReloadAll(const Log& log, const Extras& extras, const Now& now, Reload* reload) {
  if (!reload->Run(now)) return;
  if (extras.tls != nullptr) {
    SayReloaded(log, now, "Certificates", extras.tls->Reload(now.tick));
  }
  if (extras.auth_file != nullptr) SayReloaded(log, now, "Authfile", extras.auth_file->Load());
}

int Serve(const Started& started, const Options& options, Sockets sockets, const Clock& clock,
          const Extras& extras) {
  const Settings& settings = options.settings;
  // From when the store takes its memory file over, only a graceful stop leaves what the next start
  // can use; so a signal that comes before the server watches for it waits until then.
  MaskStopSignals(SIG_BLOCK);
  absl::StatusOr<std::unique_ptr<Store>> store = MakeStore(settings, extras.memory_file);
  if (!store.ok()) return Fail(store.status(), EXIT_FAILURE);
  if (settings.lock_memory && !(*store)->memory_locked()) {
    fprintf(stderr, "warning: -k invalid, the system does not let larder lock its memory\n");
  }

  const std::string addresses = ListAddresses(sockets);
  const std::string ports = DescribePorts(sockets.listeners, sockets.datagram_ports);
  Server server(
      {.threads = settings.threads,
       .acceptor = {.refuse_over_limit = settings.maxconns_fast, .backlog = settings.backlog},
       .tls = extras.tls},
      std::move(sockets.listeners), &clock);
  server.AddDatagramPorts(std::move(sockets.datagram_ports));
  Engine engine(settings, store->get(), &server, clock.Read(), extras.authenticator,
                extras.auth_file);
  const Log log(ToStderr(), [&engine] { return engine.verbosity(); });
  Lifecycle lifecycle(&log, &clock, &server, &engine);
  Reload reload(started.sources, started.configuration, &engine, &log, RaiseDescriptorLimitFor);
  server.AddReload([&](const Now& now) {
    lifecycle.BeginReload();
    ReloadAll(log, extras, now, &reload);
    lifecycle.EndReload();
  });
  if (const absl::Status status = server.Start(&engine, kStopSignals); !status.ok()) {
    return Fail(status, EXIT_FAILURE);
  }
  MaskStopSignals(SIG_UNBLOCK);
  AnnouncePorts(ports);
  std::optional<PidFile> pid_file;
  if (!options.pid_file.empty()) pid_file.emplace(options.pid_file);
  if (extras.background != nullptr) {
    extras.background->Ready(settings.verbosity > 0, options.core_files);
  }

  log.Info(clock.Read(), SettingsLine(started.configuration.settings));
  lifecycle.Ready(addresses);
  const StopReason reason = server.Run();
  lifecycle.Stopping(reason);
  server.Drain();
  if (reason.signal == SIGUSR1) {
    fprintf(stderr, "Gracefully stopping\n");
    if (extras.memory_file != nullptr) {
      const absl::Status status = extras.memory_file->Save(store->get(), clock.Read());
      if (!status.ok()) return Fail(status, EXIT_FAILURE);
    }
  } else if (settings.verbosity > 0) {
    fprintf(stderr, "Exiting normally\n");
  }
  return EXIT_SUCCESS;
}

// Null without -Z. There is no clock yet: its first tick depends on what is opened later, as the
// user to be.
absl::StatusOr<std::unique_ptr<TlsContext>> MakeTls(const TlsSettings& settings) {
  if (!settings.enabled) return nullptr;
  return TlsContext::Create(settings, SystemClock::kFirstTick);
}

// Ticks go on from where the memory file has them.
Tick FirstTick(const MemoryFile* memory_file) {
  if (memory_file == nullptr) return SystemClock::kFirstTick;
  const int64_t wall_seconds = SystemClock().Read().wall_seconds;
  return memory_file->FirstTick(SystemClock::kFirstTick, wall_seconds);
}

int Start(const Started& started) {
  Options options = started.configuration.options;
  IgnoreSignal(SIGPIPE);
  IgnoreSignal(SIGHUP);
  std::unique_ptr<AuthFile> auth_file;
  if (!options.settings.auth_file.empty()) {
    auth_file = std::make_unique<AuthFile>(options.settings.auth_file);
    if (const absl::Status status = auth_file->Load(); !status.ok()) {
      return Fail(status, EXIT_FAILURE);
    }
  }
  // A key is often root's alone.
  absl::StatusOr<std::unique_ptr<TlsContext>> tls = MakeTls(options.settings.tls);
  if (!tls.ok()) return Fail(tls.status(), EX_USAGE);
  std::optional<User> user;
  if (const int exit_code = Prepare(options, &user); exit_code != EXIT_SUCCESS) return exit_code;

  const Settings& settings = options.settings;
  const absl::StatusOr<std::vector<InheritedSocket>> inherited = TakeInheritedSockets();
  if (!inherited.ok()) return Fail(inherited.status(), EX_OSERR);
  absl::StatusOr<Sockets> sockets =
      inherited->empty() ? OpenPorts(&options) : AdoptSockets(*inherited, &options);
  if (!sockets.ok()) return Fail(sockets.status(), EX_OSERR);
  if (user) {
    if (const absl::Status status = BecomeUser(*user); !status.ok()) return Fail(status, EX_OSERR);
  }
  if (inherited->empty()) {
    if (const absl::Status status = OpenUnixSocket(settings, &*sockets); !status.ok()) {
      return Fail(status, EX_OSERR);
    }
  }
  std::unique_ptr<MemoryFile> memory_file;
  if (!settings.memory_file.empty()) {
    absl::StatusOr<std::unique_ptr<MemoryFile>> file =
        MemoryFile::Open(settings.memory_file, RandomSeed());
    if (!file.ok()) return Fail(file.status(), EX_OSERR);
    memory_file = *std::move(file);
  }
  const SystemClock clock(FirstTick(memory_file.get()));
  if (*tls != nullptr) (*tls)->SetLoadedAt(clock.Read().tick);
  std::unique_ptr<Authenticator> authenticator;
  if (settings.sasl) {
    absl::StatusOr<std::unique_ptr<Authenticator>> sasl = MakeSaslAuthenticator(settings.verbosity);
    if (!sasl.ok()) return Fail(sasl.status(), EXIT_FAILURE);
    authenticator = *std::move(sasl);
  }
  Extras extras{.memory_file = memory_file.get(),
                .tls = tls->get(),
                .authenticator = authenticator.get(),
                .auth_file = auth_file.get()};
  if (!options.daemonize) {
    return Serve(started, options, *std::move(sockets), clock, extras);
  }
  absl::StatusOr<Background> background = Background::Enter();
  if (!background.ok()) return Fail(background.status(), EXIT_FAILURE);
  extras.background = &*background;
  return Serve(started, options, *std::move(sockets), clock, extras);
}

}  // namespace

}  // namespace larder

int main(int argc, char* argv[]) {
  larder::Started started = {.sources = larder::MakeSources(argc, argv, environ)};
  started.configuration = larder::ReadConfiguration(started.sources);
  const larder::Configuration& configuration = started.configuration;
  if (configuration.task != larder::Task::kServe) return larder::Answer(configuration);
  if (!configuration.problems.empty()) {
    larder::WriteStartError(larder::ToStderr(), configuration.Complaints());
    return configuration.exit_code();
  }
  fputs(configuration.Complaints().c_str(), stderr);
  return larder::Start(started);
}
