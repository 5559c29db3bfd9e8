"""Starting servers, and talking to them with deadlines.

A Server is a memcached or a larder on a port of its own choosing, found through the file that
MEMCACHED_PORT_FILENAME names: no port is guessed, so tests may run side by side. It is ended by
its process id, and a crash, a sanitizer's report or an exit status that is not 0 is an error of
the test that used it.

A Connection neither blocks nor sleeps: pump() moves bytes on any number of connections at once
until each has what it waits for. Both servers of a comparison so run at the same time, and a
server that stops reading because its replies are not taken cannot lock the test up.
"""

import collections
import ctypes
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
REPLY_SECONDS = 20.0
STDERR_SHOWN_BYTES = 4000

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ServerError(Exception):
    """A server did not start, died, or did not end well."""


class Deadline(Exception):
    """A reply did not come in time."""


def die_with_parent() -> None:
    """Run in a new process before its program: a test that is killed leaves no server behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def is_larder(program: str) -> bool:
    """Told by the name, for the few options that the two do not share."""
    return "larder" in pathlib.Path(program).name


def root_options() -> list[str]:
    """memcached refuses to run as root unless told so; tests in containers are root."""
    return ["-u", "root"] if os.geteuid() == 0 else []


class Server:
    """A running server. Use it in a with statement, at whose end larder must end well."""

    def __init__(self, program: str, options: Sequence[str] = ()):
        self.program = program
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        folder = pathlib.Path(self._folder.name)
        port_file = folder / "port"
        self._stderr_path = folder / "stderr"
        # memcached takes 0 for "no TCP" and -1 for "any free port".
        any_port = "0" if is_larder(program) else "-1"
        self.command = [program, *root_options(), "-l", HOST, "-p", any_port, *options]
        with open(self._stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env={**os.environ, "MEMCACHED_PORT_FILENAME": str(port_file)},
                preexec_fn=die_with_parent,
            )
        try:
            self.port = self._wait_for_port(port_file)
        except BaseException:
            self.process.kill()
            self.process.wait()
            self._folder.cleanup()
            raise

    def _wait_for_port(self, port_file: pathlib.Path) -> int:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(f"{self.command} did not start: {self.failure()}")
            if port_file.exists():
                for line in port_file.read_text().splitlines():
                    kind, _, port = line.partition(":")
                    if kind.startswith("TCP"):
                        return int(port)
            time.sleep(0.002)
        raise ServerError(f"{self.command} opened no port in {START_SECONDS:.0f} s")

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def stderr(self) -> str:
        text = self._stderr_path.read_bytes()[-STDERR_SHOWN_BYTES:]
        return text.decode("utf-8", "replace")

    def failure(self) -> str:
        return f"exit status {self.process.poll()}, stderr:\n{self.stderr()}"

    def alive(self) -> bool:
        return self.process.poll() is None

    def connect(self) -> "Connection":
        return Connection(self.port)

    def stop(self) -> None:
        """Ends the server as an operator does, and raises ServerError if it does not end well."""
        if not self.alive():
            raise ServerError(f"{self.program} died: {self.failure()}")
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{self.program} did not end within {STOP_SECONDS:.0f} s of SIGTERM")
        if status != 0:
            raise ServerError(f"{self.program} ended badly: {self.failure()}")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind, value, traceback) -> None:
        try:
            # How memcached ends is not in question, and it takes a second over it.
            if kind is None and is_larder(self.program):
                self.stop()
        finally:
            self.process.kill()
            self.process.wait()
            self._folder.cleanup()


class Connection:
    """One client connection. Bytes to send are queued; pump() sends and receives."""

    def __init__(self, port: int):
        self.socket = socket.create_connection((HOST, port), timeout=REPLY_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = bytearray()
        self.closed = False  # by the server
        self._outgoing: collections.deque[memoryview] = collections.deque()

    def fileno(self) -> int:
        return self.socket.fileno()

    def queue(self, pieces: Iterable[bytes]) -> None:
        """Each piece goes out by a send of its own."""
        self._outgoing.extend(memoryview(piece) for piece in pieces if piece)

    def sending(self) -> bool:
        return bool(self._outgoing) and not self.closed

    def send_some(self) -> None:
        piece = self._outgoing.popleft()
        try:
            sent = self.socket.send(piece)
        except BlockingIOError:
            sent = 0
        except OSError:
            # A reply may still be waiting: the server closed after it, and reading will tell.
            self._outgoing.clear()
            return
        if sent < len(piece):
            self._outgoing.appendleft(piece[sent:])

    def receive_some(self) -> None:
        try:
            chunk = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self.received += chunk
        self.closed = not chunk

    def take(self) -> bytes:
        """What was received since the last call."""
        taken = bytes(self.received)
        self.received.clear()
        return taken

    def close(self) -> None:
        self.socket.close()

    def ask(self, request: bytes, end: bytes = b"\r\n", seconds: float = REPLY_SECONDS) -> bytes:
        """Sends the request and returns what is received until it ends with `end`."""
        self.queue([request])
        pump([self], lambda connection: connection.received.endswith(end), seconds)
        return self.take()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def pump(
    connections: Sequence[Connection],
    done: Callable[[Connection], bool],
    seconds: float = REPLY_SECONDS,
) -> None:
    """Sends and receives until every connection is done or closed; raises Deadline after that."""
    deadline = time.monotonic() + seconds
    while True:
        waiting = [c for c in connections if not c.closed and (c.sending() or not done(c))]
        if not waiting:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise Deadline(f"no complete reply within {seconds:.0f} s")
        sending = [c for c in waiting if c.sending()]
        readable, writable, _ = select.select(waiting, sending, [], left)
        for connection in readable:
            connection.receive_some()
        for connection in writable:
            if not connection.closed:
                connection.send_some()


def wait_until(
    condition: Callable[[], bool], seconds: float = REPLY_SECONDS, interval: float = 0.05
) -> bool:
    """Asks again and again; whether the condition came to hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def shown(text: bytes, longest: int = 600) -> str:
    """Bytes for a reader: runs of one byte as b'x'*250, the middle of what is long left out."""
    parts: list[str] = []
    plain = bytearray()
    position = 0
    while position < len(text):
        run = 1
        while position + run < len(text) and text[position + run] == text[position]:
            run += 1
        if run > 20:
            if plain:
                parts.append(repr(bytes(plain)))
                plain.clear()
            parts.append(f"{text[position : position + 1]!r}*{run}")
        else:
            plain += text[position : position + run]
        position += run
    if plain or not parts:
        parts.append(repr(bytes(plain)))
    whole = " + ".join(parts)
    if len(whole) <= longest:
        return whole
    return f"{whole[: longest // 2]} ...{len(text)} bytes... {whole[-longest // 2 :]}"
