"""Proxies in front of larder: nutcracker (twemproxy), and nginx's memcached module.

proxies.py SERVER nutcracker|nginx...

Each listens on a UNIX socket in a folder of its own, so that no port has to be guessed but the one
on which nutcracker tells its statistics.
"""

import argparse
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable

from pymemcache.client.base import Client

import harness

START_SECONDS = 30.0
STOP_SECONDS = 10.0
KEY_BYTES_MAX = 250
EXPIRY_SECONDS = 20.0
LARGE_VALUE = b"large value " * 75_000  # 900 kB

NUTCRACKER_SETTINGS = """larder:
  listen: {listener} 0666
  servers:
    - {server}:1
  hash: fnv1a_64
  distribution: ketama
  server_connections: 2
  timeout: 10000
"""
NGINX_SETTINGS = """daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream larder {{ server {server}; keepalive 4; }}
  server {{
    listen unix:{listener};
    default_type text/plain;
    location / {{
      set $memcached_key $arg_key;
      memcached_pass larder;
      memcached_gzip_flag 2;
      error_page 404 502 504 = @elsewhere;
    }}
    location @elsewhere {{ return 404 "elsewhere"; }}
  }}
}}
"""


class Checks:
    def __init__(self, of: str) -> None:
        self._of = of
        self._done = 0
        self.failures = 0

    def equal(self, what: str, got: object, wanted: object) -> None:
        self._done += 1
        if got != wanted:
            self.failures += 1
            print(f"FAILED {self._of}, {what}: got {repr(got)[:200]}, wanted {repr(wanted)[:200]}")

    def tell(self) -> None:
        print(f"{self._of}: {self._done} checks, {self.failures} failed")


class Proxy:
    """A running proxy, ended by its process id at the end of the with statement."""

    def __init__(self, command: list[str], listener: pathlib.Path, log: pathlib.Path):
        self._command = command
        self._listener = listener
        self._log = log

    def __enter__(self) -> "Proxy":
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=harness.die_with_parent,
            )
        if not harness.wait_until(self._listens, START_SECONDS) or self._process.poll() is not None:
            self.__exit__()
            sys.exit(f"{self._command[0]} did not start:\n{self._log.read_text()}")
        return self

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            return True
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._listener)) == 0

    def __exit__(self, *_) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((harness.HOST, 0))
        return probe.getsockname()[1]


def nutcracker(server: harness.Server, folder: pathlib.Path) -> int:
    listener, settings = folder / "listener", folder / "nutcracker.yml"
    settings.write_text(NUTCRACKER_SETTINGS.format(listener=listener, server=server.address))
    command = ["nutcracker", "-c", str(settings), "-p", str(folder / "pid")]
    command += ["-a", harness.HOST, "-s", str(free_port()), "-o", str(folder / "nutcracker.log")]
    checks = Checks("nutcracker")
    with Proxy(command, listener, folder / "output"):
        through_nutcracker(checks, Client(f"unix:{listener}", default_noreply=False))
    checks.tell()
    return checks.failures


def through_nutcracker(checks: Checks, client: Client) -> None:
    checks.equal("get, missing", client.get("a"), None)
    checks.equal("replace, missing", client.replace("a", b"1"), False)
    checks.equal("append, missing", client.append("a", b"1"), False)
    checks.equal("add", client.add("a", b"one"), True)
    checks.equal("add, there", client.add("a", b"two"), False)
    checks.equal("set", client.set("a", b"two"), True)
    checks.equal("replace", client.replace("a", b"three"), True)
    checks.equal("append", client.append("a", b" more"), True)
    checks.equal("prepend", client.prepend("a", b"no "), True)
    checks.equal("get", client.get("a"), b"no three more")
    value, token = client.gets("a")
    checks.equal("gets", value, b"no three more")
    checks.equal("cas", client.cas("a", b"new", token), True)
    checks.equal("cas, conflict", client.cas("a", b"newer", token), False)
    checks.equal("cas, missing", client.cas("none", b"newer", token), None)
    checks.equal("delete", client.delete("a"), True)
    checks.equal("delete, missing", client.delete("a"), False)
    client.set("n", b"10")
    checks.equal("incr", client.incr("n", 5), 15)
    checks.equal("decr", client.decr("n", 100), 0)
    checks.equal("incr, missing", client.incr("none", 1), None)
    values = {f"key{number}": f"value {number}".encode() for number in range(100)}
    checks.equal("set_many", client.set_many(values), [])
    checks.equal("get_many of 100", client.get_many(list(values)), values)
    long_key = "k" * KEY_BYTES_MAX
    client.set(long_key, b"long")
    checks.equal("get of a 250-byte key", client.get(long_key), b"long")
    client.set("large", LARGE_VALUE)
    checks.equal("get of 900 kB", client.get("large") == LARGE_VALUE, True)
    client.set("short", b"1", expire=1)
    comes_to(checks, "expiry in 1 s", None, lambda: client.get("short"))
    client.set("touched", b"1")
    checks.equal("touch", client.touch("touched", 1), True)
    comes_to(checks, "touch to 1 s", None, lambda: client.get("touched"))


def comes_to(checks: Checks, what: str, wanted: object, get: Callable[[], object]) -> None:
    harness.wait_until(lambda: get() == wanted, EXPIRY_SECONDS)
    checks.equal(what, get(), wanted)


class HttpOverUnix(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path):
        super().__init__("localhost")
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def nginx(server: harness.Server, folder: pathlib.Path) -> int:
    listener, settings = folder / "listener", folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""
    text = NGINX_SETTINGS.format(folder=folder, listener=listener, server=server.address)
    settings.write_text(user + text)
    program = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
    command = [program, "-c", str(settings), "-p", str(folder), "-e", "stderr"]
    checks = Checks("nginx")
    with Proxy(command, listener, folder / "output"):
        through_nginx(checks, HttpOverUnix(listener), Client((harness.HOST, server.port)))
    checks.tell()
    return checks.failures


def through_nginx(checks: Checks, web: HttpOverUnix, client: Client) -> None:
    def get(key: str) -> tuple[int, bytes]:
        web.request("GET", f"/?key={key}")
        response = web.getresponse()
        return response.status, response.read()

    checks.equal("missing", get("page"), (404, b"elsewhere"))
    client.set("page", b"<p>page</p>", noreply=False)
    checks.equal("there", get("page"), (200, b"<p>page</p>"))
    client.set("page", b"", noreply=False)
    checks.equal("empty", get("page"), (200, b""))
    data = bytes(range(256)) + b"\r\nEND\r\n"
    client.set("bytes", data, noreply=False)
    checks.equal("any bytes", get("bytes"), (200, data))
    client.set("large", LARGE_VALUE, noreply=False)
    checks.equal("900 kB", get("large") == (200, LARGE_VALUE), True)
    long_key = "k" * KEY_BYTES_MAX
    client.set(long_key, b"long", noreply=False)
    checks.equal("a 250-byte key", get(long_key), (200, b"long"))
    # No such key can be: larder's error makes nginx look elsewhere.
    checks.equal("a 251-byte key", get("k" * (KEY_BYTES_MAX + 1)), (404, b"elsewhere"))
    checks.equal("after an error", get(long_key), (200, b"long"))
    client.set("zipped", b"zipped", flags=2, noreply=False)
    web.request("GET", "/?key=zipped", headers={"Accept-Encoding": "gzip"})
    response = web.getresponse()
    checks.equal("flags", response.getheader("Content-Encoding"), "gzip")
    checks.equal("of the flags", response.read(), b"zipped")
    for number in range(100):
        client.set(f"page{number}", b"%d" % number, noreply=True)
    checks.equal("set", client.get("page99"), b"99")
    found = [get(f"page{number}") for number in range(100)]
    checks.equal("100 pages", found, [(200, b"%d" % number) for number in range(100)])
    client.set("short", b"1", expire=1, noreply=False)
    comes_to(checks, "expiry in 1 s", 404, lambda: get("short")[0])


PROXIES = {"nutcracker": nutcracker, "nginx": nginx}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("server")
    parser.add_argument("proxies", nargs="+", choices=PROXIES)
    arguments = parser.parse_args()
    failures = 0
    for name in arguments.proxies:
        with (
            harness.Server(arguments.server, ["-m", "256"]) as server,
            tempfile.TemporaryDirectory(prefix=f"{name}-") as folder,
        ):
            failures += PROXIES[name](server, pathlib.Path(folder))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
