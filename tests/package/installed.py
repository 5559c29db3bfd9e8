"""The package in a Debian of its own: installed, served, upgraded, removed and purged.

installed.py PACKAGE.deb

makes a minimal Debian 12 in a temporary folder, from the mirrors that this machine's apt knows, and
takes the package through its life there, in memcached's place, too. No systemd runs in it, so what
the unit says is done here: its ExecStart with its user, groups, limits, environment and folders, a
socket to notify, its ExecReload. After the purge the system must be what it was before the
installation, but for what dpkg itself keeps and the user's account, which Debian's packages leave:
files that were the user's must never come to be another's.

It needs root, for a chroot with users in it, and runs in namespaces of its own: no port of the
machine is taken, and no process is left. It takes a minute.
"""

import fcntl
import hashlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

SUITE = "bookworm"
PORT = 11211
OTHER_PORT = 11311
REPLY_SECONDS = 30.0
ACCOUNT = "larder"
CONFIGURATION = "/etc/larder/larder.conf"
UNIT = "/lib/systemd/system/larder.service"
# What Debian's says, but for the memory.
MEMCACHED_CONF = """# memcached default config file
-d
logfile /var/log/memcached.log
# -v
-m 48
-p 11211
-u memcache
-l 127.0.0.1
-P /var/run/memcached/memcached.pid
"""

# By which Debian's systemd knows what is enabled.
ENABLED = ("/etc/systemd/system/multi-user.target.wants/larder.service",
           "/var/lib/systemd/deb-systemd-helper-enabled/")

# What dpkg, apt and the account's tools keep for themselves, and what is mounted.
NOT_COMPARED = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/cache", "/var/lib/apt",
                "/var/lib/dpkg", "/var/log")
OF_ACCOUNTS = ("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/.pwd.lock")


def say(text: str) -> None:
    print(f"-- {text}", flush=True)


def run(*command: str, **options) -> str:
    """Its output. What it says on stderr is shown."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


# ---- The system.

def mirrors() -> str:
    """Debian's, as this machine's apt has them, in the format of a sources.list."""
    def known() -> str:
        return run("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
                   "Created-By: Packages", "Origin: Debian")
    if not known():
        run("apt-get", "update", "--quiet", "--quiet")
    lines = sorted({line for line in known().splitlines() if SUITE in line})
    if not lines:
        sys.exit(f"installed.py: apt has no mirror of Debian's {SUITE}")
    return "\n".join(lines) + "\n"


def ways_to_mirrors() -> list[str]:
    """What this machine's apt is told of proxies, and of believing mirrors, as mmdebstrap has it."""
    told = ("Acquire::http", "Acquire::https", "Acquire::Check")
    return [f"--aptopt={line}" for line in run("apt-config", "dump").splitlines()
            if line.startswith(told)]


def make_system(root: pathlib.Path, package: pathlib.Path) -> None:
    """A minimal Debian with what the package depends on, but without the package."""
    depends = run("dpkg-deb", "--field", str(package), "Depends", "Pre-Depends")
    satisfied = ", ".join(line.partition(": ")[2] for line in depends.splitlines())
    satisfy = f'chroot "$1" apt-get satisfy --yes --no-install-recommends {shlex.quote(satisfied)}'
    run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", *ways_to_mirrors(),
        f"--customize-hook={satisfy}", SUITE, str(root), "-", input=mirrors())


class System:
    """A Debian below a folder, and commands in it."""

    def __init__(self, root: pathlib.Path):
        self.root = root

    def path(self, name: str) -> pathlib.Path:
        return self.root / name.lstrip("/")

    def run(self, *command: str) -> str:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                       "DEBIAN_FRONTEND": "noninteractive"}
        return run("chroot", str(self.root), *command, env=environment, stdin=subprocess.DEVNULL)

    def install(self, package: pathlib.Path) -> None:
        shutil.copy(package, self.path("/tmp/larder.deb"))
        self.run("dpkg", "--install", "/tmp/larder.deb")

    def snapshot(self) -> dict[str, tuple]:
        """All that is there and compared, by its path."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            here = "/" + os.path.relpath(folder, self.root).removeprefix(".")
            folders[:] = [name for name in folders
                          if os.path.join(here, name) not in NOT_COMPARED]
            for name in folders + names:
                path = pathlib.Path(folder, name)
                status = path.lstat()
                content = ""
                if path.is_symlink():
                    content = os.readlink(path)
                elif path.is_file():
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                found[os.path.join(here, name)] = (status.st_mode, status.st_uid, status.st_gid,
                                                   content)
        return found


def differences(before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys()
                  if before.get(path) != after.get(path)
                  and path.removesuffix("-") not in OF_ACCOUNTS)


# ---- The service, started as systemd would.

class Unit:
    """The section [Service] of a unit file."""

    def __init__(self, text: str):
        self._values: dict[str, list[str]] = {}
        section = ""
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and line and line[0] not in "#;":
                name, _, value = line.partition("=")
                self._values.setdefault(name.strip(), []).append(value.strip())

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def one(self, name: str, otherwise: str = "") -> str:
        return (self.all(name) or [otherwise])[-1]

    def command(self, name: str, **variables: str) -> list[str]:
        words = [variables.get(word.removeprefix("$"), word)
                 for word in shlex.split(self.one(name))]
        assert words and not any("$" in word or "%" in word for word in words), self.one(name)
        return words


# Of the units' limits, as prlimit calls them.
LIMITS = {"LimitCORE": "core", "LimitMEMLOCK": "memlock", "LimitNOFILE": "nofile"}


def limit_options(unit: Unit) -> list[str]:
    """systemd may raise a limit. Where this process may not, what it has is kept, and said."""
    options = []
    for name, of_prlimit in LIMITS.items():
        if not (value := unit.one(name)):
            continue
        option = f"--{of_prlimit}={value.replace('infinity', 'unlimited')}"
        if subprocess.run(["prlimit", option, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            options.append(option)
        else:
            say(f"{name}={value} is more than this machine lets root have: kept as it is")
    return options


def privilege_options(unit: Unit) -> list[str]:
    user = unit.one("User")
    options = [f"--reuid={user}", f"--regid={unit.one('Group', user)}", "--init-groups"]
    if unit.one("NoNewPrivileges") == "yes":
        options.append("--no-new-privs")
    if unit.all("CapabilityBoundingSet") == [""]:
        options += ["--inh-caps=-all", "--bounding-set=-all"]
    return options


class Service:
    """larder, running as its unit says."""

    def __init__(self, system: System):
        self.unit = Unit(system.path(UNIT).read_text())
        self._system = system
        assert self.unit.one("Type") == "notify"
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = system.path("/run/notify")
        address.unlink(missing_ok=True)
        self._notified.bind(str(address))
        address.chmod(0o666)
        self._notified.settimeout(REPLY_SECONDS)

        self.user = pwd_entry(system, self.unit.one("User"))
        for name in self.unit.one("RuntimeDirectory").split():
            folder = system.path(f"/run/{name}")
            folder.mkdir(exist_ok=True)
            os.chown(folder, *self.user)
        environment = dict(line.split("=", 1) for line in self.unit.all("Environment"))
        environment |= {"PATH": "/usr/sbin:/usr/bin", "NOTIFY_SOCKET": "/run/notify",
                        "WATCHDOG_USEC": self.unit.one("WatchdogSec", "0") + "000000"}
        self.process = subprocess.Popen(
            ["chroot", str(system.root), "prlimit", *limit_options(self.unit),
             "setpriv", *privilege_options(self.unit), *self.unit.command("ExecStart")],
            env=environment, umask=int(self.unit.one("UMask", "0022"), 8))
        self.wait_for("READY=1")

    def wait_for(self, state: str) -> None:
        """Takes what is notified until a message has the line."""
        while state not in self._notified.recv(65536).decode().splitlines():
            pass

    def reload(self) -> None:
        self._system.run(*self.unit.command("ExecReload", MAINPID=str(self.process.pid)))
        self.wait_for("RELOADING=1")
        self.wait_for("READY=1")

    def stop(self) -> None:
        self.process.send_signal(signal.Signals[self.unit.one("KillSignal", "SIGTERM")])
        status = self.process.wait(REPLY_SECONDS)
        assert status == 0, f"exit status {status}"
        self._notified.close()


def pwd_entry(system: System, name: str) -> tuple[int, int]:
    """User and group id of the account in the system."""
    for line in system.path("/etc/passwd").read_text().splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2]), int(fields[3])
    raise AssertionError(f"no account {name}")


def ask(request: str, last: str, port: int = PORT) -> str:
    """The reply, which ends with the line `last`."""
    with socket.create_connection(("127.0.0.1", port), timeout=REPLY_SECONDS) as connection:
        connection.sendall(request.encode())
        reply = b""
        while not reply.endswith(f"{last}\r\n".encode()):
            part = connection.recv(65536)
            assert part, f"closed after {reply!r}"
            reply += part
    return reply.decode()


def stat(name: str, port: int = PORT) -> str:
    for line in ask("stats\r\n", "END", port).splitlines():
        if line.startswith(f"STAT {name} "):
            return line.split()[2]
    raise AssertionError(f"no stat {name}")


def status_of(service: Service) -> dict[str, list[str]]:
    """/proc's, of the process itself: every program before it in the command has become it."""
    lines = pathlib.Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}


def listening_addresses() -> set[str]:
    """Of TCP, in this network's namespace."""
    rows = [line.split() for name in ("tcp", "tcp6")
            for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A"}


# ---- The package's life.

def check_installed(system: System) -> None:
    say("installed")
    assert system.run("systemctl", "is-enabled", "larder.service").strip() == "enabled"
    for name in (CONFIGURATION, UNIT, "/usr/share/man/man1/larder.1.gz",
                 "/usr/share/bash-completion/completions/larder"):
        assert system.path(name).exists(), name
    system.run("systemd-analyze", "verify", "--man=no", "larder.service")
    system.run("larder", "--check-config", "--config", CONFIGURATION)


def check_service(system: System) -> None:
    say("serves as its unit runs it")
    service = Service(system)
    status = status_of(service)
    user, group = (str(number) for number in service.user)
    assert status["Name"] == ["larder"] and user != "0", status["Name"]
    assert set(status["Uid"]) == {user} and set(status["Gid"]) == {group}, status
    assert set(status["Groups"]) <= {group}, status["Groups"]
    assert status["NoNewPrivs"] == ["1"] and int(status["CapBnd"][0], 16) == 0, status
    assert listening_addresses() == {f"0100007F:{PORT:04X}"}, listening_addresses()
    assert ask("set a 0 0 5\r\nhello\r\nget a\r\n", "END") == (
        "STORED\r\nVALUE a 0 5\r\nhello\r\nEND\r\n")

    say("reloads")
    with system.path(CONFIGURATION).open("a") as file:
        file.write("memory-limit = 100\n")
    service.reload()
    assert stat("limit_maxbytes") == str(100 << 20), stat("limit_maxbytes")
    assert stat("curr_items") == "1"

    say("stops")
    service.stop()


def check_upgrade(system: System, package: pathlib.Path, scratch: pathlib.Path) -> None:
    say("upgraded: the configuration is the administrator's")
    tree, newer = scratch / "newer", scratch / "newer.deb"
    run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control = tree / "DEBIAN/control"
    version = run("dpkg-deb", "--field", str(package), "Version").strip()
    control.write_text(control.read_text().replace(f"Version: {version}", f"Version: {version}.1"))
    run("dpkg-deb", "--build", str(tree), str(newer))
    before = system.path(CONFIGURATION).read_text()
    system.install(newer)
    assert system.run("dpkg-query", "--show", "--showformat=${Version}", "larder") == f"{version}.1"
    assert system.path(CONFIGURATION).read_text() == before
    assert os.listdir(system.path("/etc/larder")) == ["larder.conf"]
    service = Service(system)
    assert stat("limit_maxbytes") == str(100 << 20), stat("limit_maxbytes")
    service.stop()


def check_takeover(system: System) -> None:
    say("takes memcached's configuration, as the README says")
    system.run("useradd", "--system", "memcache")  # as memcached's package does
    system.path("/etc/memcached.conf").write_text(MEMCACHED_CONF)
    options = ["--memcached-conf", f"--port={OTHER_PORT}"]
    system.run("larder", *options, "--check-config")
    lines = system.run("larder", *options, "--print-config").splitlines(keepends=True)
    system.path(CONFIGURATION).write_text(
        "".join(line for line in lines if not line.startswith(("user ", "pidfile "))))
    service = Service(system)
    assert listening_addresses() == {f"0100007F:{OTHER_PORT:04X}"}, listening_addresses()
    assert stat("limit_maxbytes", OTHER_PORT) == str(48 << 20)
    service.stop()
    system.path("/etc/memcached.conf").unlink()


def check_removal(system: System, before: dict[str, tuple]) -> None:
    say("removed: the configuration is left")
    system.run("dpkg", "--remove", "larder")
    left = set(differences(before, system.snapshot()))
    # That the service is enabled is configuration of the administrator's, too.
    left -= {path for path in left if path.startswith(ENABLED)}
    assert left == {"/etc/larder", CONFIGURATION}, left

    say("purged: nothing is left but the account, which owns nothing")
    system.run("dpkg", "--purge", "larder")
    after = system.snapshot()
    left = differences(before, after)
    assert not left, left
    user, group = pwd_entry(system, ACCOUNT)
    owned = [path for path, found in after.items() if found[1] == user or found[2] == group]
    assert not owned, owned


def check_life(root: pathlib.Path, package: pathlib.Path, scratch: pathlib.Path) -> None:
    """In namespaces of its own, with this process as the first of them."""
    set_loopback_up()
    run("mount", "-t", "proc", "proc", "/proc")
    run("mount", "--rbind", "/proc", str(root / "proc"))
    system = System(root)
    before = system.snapshot()
    system.install(package)
    check_installed(system)
    check_service(system)
    check_upgrade(system, package, scratch)
    check_takeover(system)
    check_removal(system, before)


def set_loopback_up() -> None:
    set_flags, up = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up))


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("installed.py: needs root, for a chroot with users in it")
    if sys.argv[1] == "--inside":
        check_life(*(pathlib.Path(name) for name in sys.argv[2:]))
        return
    package = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="larder-package-") as name:
        scratch = pathlib.Path(name)
        root = scratch / "root"
        say(f"making a minimal {SUITE}")
        make_system(root, package)
        subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                        sys.executable, "-B", __file__, "--inside", str(root), str(package),
                        str(scratch)], check=True)


if __name__ == "__main__":
    main()
