"""What operators ask: larder's replies against those that were recorded from memcached 1.6.45.

administration.py PROGRAM

data/administration.txt has a command behind each "> ", and what 1.6.45 answered. Every one of them
is said to the program, whose reply must have the same shape: numbers that depend on the server and
the time are masked (MASKED), and the lines of a dump may come in any order. No reply differs
otherwise; one that is to would be listed here, with its reason.
"""

import argparse
import pathlib
import re
import sys

import harness
from stats import Checks

RECORDED = pathlib.Path(__file__).parent / "data" / "administration.txt"
OPTIONS = ("-m", "64", "-o", "track_sizes")

# What the recorded server had been told, and, with `stats detail on`, was told then. Here the items
# live longer, so that a slow machine has all of them.
BEFORE = (
    b"set a 0 1000 3\r\nabc\r\n"
    b"set b:1 5 1000 5\r\nhello\r\n"
    b"set big 0 0 5000\r\n" + b"v" * 5000 + b"\r\n"
    b"get a\r\n"
    b"mn\r\n"
)
WITH_DETAIL = b"set b:2 0 0 1\r\nx\r\nget b:1\r\nmn\r\n"

# What was said on another connection while `watch` was on, before one came and went.
WATCHED = (
    b"set w 0 0 1\r\nx\r\nget w\r\ndelete w\r\nget w\r\n"
    b"ms w 1 T100\r\nx\r\nmg w v\r\nmd w\r\nmn\r\n"
)

MASKED = (
    (re.compile(r"\b(ts|gid|la|cas|cls|clsid|cfd|rport)=[0-9.]+"), r"\1=N"),
    (re.compile(r"\bexp=[0-9]+"), "exp=N"),  # -1, never, is no number
    (re.compile(r"(key|ME)(.* )size=[0-9]+(?= flags|$)", re.MULTILINE), r"\1\2size=N"),
    (re.compile(r"; [1-9][0-9]* s\]"), "; N s]"),
)


def read_recorded() -> list[tuple[str, str]]:
    """Commands and replies. A flush that falls due comes last, so that it empties nothing."""
    blocks = RECORDED.read_text().split("> ")[1:]
    pairs = [(command, reply) for command, _, reply in (b.partition("\n") for b in blocks)]
    return sorted(pairs, key=lambda pair: pair[0].startswith("flush_all"))


def shape_of(command: str, reply: str) -> list[str]:
    for pattern, replacement in MASKED:
        reply = pattern.sub(replacement, reply)
    lines = reply.splitlines()
    is_dump = "dump" in command
    return sorted(lines) if is_dump else lines


def end_of(reply: str) -> bytes:
    return reply.rsplit("\n", 2)[-2].encode() + b"\r\n"


class Asking:
    """One connection, and how what was recorded in prose is done."""

    def __init__(self, server: harness.Server, connection: harness.Connection):
        self._server = server
        self._connection = connection

    def ask(self, command: str, recorded: str) -> str:
        if command.startswith("watch fetchers"):
            return self._watch(command.partition(" (")[0], recorded.count("\n"))
        if command.startswith("stats cachedump"):
            return self._cachedump()
        if command.endswith("noreply"):
            reply = self._say(command.encode() + b"\r\nmn\r\n", b"MN\r\n")
            return reply.removesuffix("MN\n") or "(nothing)\n"
        end = b"\r\n"
        for dump_end in (b"END\r\n", b"EN\r\n"):
            if recorded.count("\n") > 1 and end_of(recorded) == dump_end:
                end = dump_end
        reply = self._say(command.encode() + b"\r\n", end)
        if command == "stats detail on":
            self._say(WITH_DETAIL, b"MN\r\n")
        return reply

    def _say(self, request: bytes, end: bytes) -> str:
        return self._connection.ask(request, end).decode("latin-1").replace("\r\n", "\n")

    def _cachedump(self) -> str:
        """The small items are of one class in memcached, and may be of several here."""
        lines = ""
        classes = set()
        for key in ("a", "b:1", "b:2"):
            found = re.search(r" cls=([0-9]+)", self._say(f"me {key}\r\n".encode(), b"\r\n"))
            classes.add(found[1] if found else "0")
        for class_id in sorted(classes):
            reply = self._say(f"stats cachedump {class_id} 10\r\n".encode(), b"END\r\n")
            lines += reply.removesuffix("END\n")
        return lines + "END\n"

    def _watch(self, command: str, lines: int) -> str:
        with self._server.connect() as watcher:
            watcher.queue([command.encode() + b"\r\n"])
            harness.pump([watcher], lambda c: c.received.endswith(b"OK\r\n"))
            self._say(WATCHED, b"MN\r\n")
            # Lest the new connection's worker be quicker than this one's.
            harness.pump([watcher], lambda c: c.received.count(b"\n") >= lines - 2)
            self._server.connect().close()
            harness.pump([watcher], lambda c: c.received.count(b"\n") >= lines)
            return watcher.take().decode("latin-1").replace("\r\n", "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program")
    arguments = parser.parse_args()
    checks = Checks()
    with harness.Server(arguments.program, OPTIONS) as server, server.connect() as connection:
        connection.ask(BEFORE, b"MN\r\n")
        asking = Asking(server, connection)
        for command, recorded in read_recorded():
            wanted = shape_of(command, recorded)
            found = shape_of(command, asking.ask(command, recorded))
            checks.check(command.partition(" (")[0], found == wanted, f"{found}, not {wanted}")
    print(f"{checks.failures} checks failed")
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())
