"""What the scripts of this folder share: servers that end with the script, CPUs, the generator.

A server runs on one CPU and the generator on another, so that neither takes from the other what is
measured. A server is killed by the kernel when this process ends, however it ends.
"""

import argparse
import ctypes
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 10
SETTLE_SECONDS_MAX = 60
_TREE = pathlib.Path(__file__).resolve().parent.parent
_PR_SET_PDEATHSIG = 1


class RigError(Exception):
    """Something that the user should read, and no more than that."""


def add_arguments(parser: argparse.ArgumentParser, generator: str = "larder-bench") -> None:
    """The options that all scripts have; `generator` is the program that makes the load."""
    parser.add_argument("--larder", metavar="PATH", help="larder's binary [newest in build/]")
    parser.add_argument("--memcached", metavar="PATH", default="/usr/bin/memcached",
                        help="memcached's binary [%(default)s]")
    parser.add_argument("--generator", metavar="PATH", help=f"{generator} [newest in build/]")
    parser.add_argument("--server-cpu", type=int, metavar="N", help="CPU of the servers [the last]")
    parser.add_argument("--generator-cpus", metavar="N,N...",
                        help="CPUs of the generator [all others]")
    parser.add_argument("-t", "--threads", type=int, default=1,
                        help="the servers' -t [%(default)s]")
    parser.add_argument("--json", metavar="FILE", help="write all results to this file")


def find_built(name: str, given: str | None) -> str:
    """The path `given`, or that of the newest executable `name` under build/."""
    if given is not None:
        if not os.access(given, os.X_OK):
            raise RigError(f"{given} is not an executable")
        return given
    found = [path for path in _TREE.glob(f"build/**/{name}")
             if path.is_file() and os.access(path, os.X_OK)]
    if not found:
        raise RigError(f"no {name} under {_TREE / 'build'}: build it, or give its path")
    return str(max(found, key=lambda path: path.stat().st_mtime))


class Rig:
    """Where servers and generator run, and with which binaries."""

    def __init__(self, arguments: argparse.Namespace, generator: str = "larder-bench"):
        self.generator = find_built(generator, arguments.generator)
        self.threads = arguments.threads
        cpus = sorted(os.sched_getaffinity(0))
        server_cpu = cpus[-1] if arguments.server_cpu is None else arguments.server_cpu
        self.server_cpus = {server_cpu}
        if self.threads > 1:
            # More workers than one CPU has room for: the upper half of the machine is theirs.
            self.server_cpus = set(cpus[len(cpus) // 2:])
        if arguments.generator_cpus is not None:
            self.generator_cpus = {int(cpu) for cpu in arguments.generator_cpus.split(",")}
        else:
            self.generator_cpus = set(cpus) - self.server_cpus
        if not self.generator_cpus:
            raise RigError("server and generator need a CPU each, and there is only one")

    def load(self, server: "Server", *options: str) -> dict:
        """Puts load on `server` and returns what was measured."""
        return self.generate("--host", HOST, "--port", str(server.port),
                             "--server-pid", str(server.pid), "--quiet", *options)

    def generate(self, *options: str) -> dict:
        """Runs the generator and returns what it says."""
        command = [self.generator, "--json", "-", *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False,
                              preexec_fn=lambda: _begin_child(self.generator_cpus))
        if done.returncode != 0:
            raise RigError(f"the generator failed: {' '.join(command)}")
        return json.loads(done.stdout)


class Certificate:
    """A server's certificate that nobody has signed; a context manager that removes its files."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="larder-bench-")
        self.chain = str(pathlib.Path(self._folder.name, "chain.pem"))
        self.key = str(pathlib.Path(self._folder.name, "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                        "-out", self.chain, "-keyout", self.key],
                       check=True, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "Certificate":
        return self

    def __exit__(self, *_) -> None:
        self._folder.cleanup()


class Server:
    """A server process on a free port; a context manager that ends it."""

    def __init__(self, rig: Rig, name: str, binary: str, memory_mib: int,
                 certificate: "Certificate | None" = None, options: tuple[str, ...] = ()):
        self.name = name
        self.port = _free_port()
        command = [binary, "-l", HOST, "-p", str(self.port), "-t", str(rig.threads),
                   "-m", str(memory_mib), "-c", "1024", *options]
        if os.geteuid() == 0:
            command += ["-u", "root"]
        if certificate is not None:
            command += ["-Z", "-o", f"ssl_chain_cert={certificate.chain},"
                                    f"ssl_key={certificate.key}"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                         preexec_fn=lambda: _begin_child(rig.server_cpus))
        self._wait_until_it_listens()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def pause(self) -> None:
        """Stops its threads, so that it takes nothing from another server on its CPU."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self._process.poll() is None:
            os.kill(self.pid, signal.SIGCONT)

    def settle(self) -> None:
        """Waits until it does nothing: hash tables grow and lists are sorted for a while yet."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while time.monotonic() < deadline:
            before = self._cpu_ticks()
            time.sleep(0.2)
            if self._cpu_ticks() == before:
                return
        print(f"{self.name} is still busy after {SETTLE_SECONDS_MAX} s", file=sys.stderr)

    def stats(self, group: str = "") -> dict[str, str]:
        """What `stats` says, or `stats` with the name of a group of them."""
        with socket.create_connection((HOST, self.port), START_SECONDS_MAX) as connection:
            connection.sendall(f"stats {group}".rstrip().encode() + b"\r\n")
            reply = b""
            while not reply.endswith(b"END\r\n"):
                piece = connection.recv(65536)
                if not piece:
                    raise RigError(f"{self.name} closed the connection instead of its statistics")
                reply += piece
        lines = (line.split(" ", 2) for line in reply.decode().splitlines()[:-1])
        return {name: value for _, name, value in lines}

    def _cpu_ticks(self) -> int:
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            if self._process.poll() is not None:
                raise RigError(f"{self.name} ended at once with {self._process.returncode}")
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    self._process.kill()
                    raise RigError(f"{self.name} does not listen on port {self.port}") from None
                time.sleep(0.02)


def _begin_child(cpus: set[int]) -> None:
    """Runs in the child before its program: it dies with its parent and stays on its CPUs."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, cpus)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def version_of(binary: str) -> str:
    done = subprocess.run([binary, "-V"], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip().partition("\n")[0]


def machine() -> str:
    """One line on what this ran on."""
    model = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}"


def write_json(path: str, results: object) -> None:
    pathlib.Path(path).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def run_main(main) -> None:
    """Calls `main` so that servers end on signals too, and errors are one line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main())
    except RigError as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


# Tables

def table(rows: list[list[str]], markdown: bool) -> str:
    """`rows`, the first of which is the heading; the first column to the left, others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row: list[str]) -> str:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip()

    lines = [line(row) for row in rows]
    if markdown:
        rule = [":" + "-" * (width - 1) if i == 0 else "-" * (width - 1) + ":"
                for i, width in enumerate(max(width, 2) for width in widths)]
        lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def grouped(number: float) -> str:
    return f"{number:,.0f}"


def median(numbers) -> float:
    return statistics.median(numbers)
