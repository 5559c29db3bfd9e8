"""larder beside Debian's memcached: what generated streams leave out, step by step.

steps.py LARDER [MEMCACHED]

- Long lines, where memcached's answer depends on how much of the line has come.
- Numbers from 2^63, of which memcached is not sure: see generator.py. There larder alone is asked.
- What 1.6.18 does otherwise than 1.6.45, or does not know: rules.py. There too larder alone.
- Times that fall due while the test waits: expiry, touches, flushes with a delay. Each is asked
  for until it has come about, and only that it does is tested, not when.
"""

import argparse
import dataclasses
import sys
import time

import differences
import harness
import rules
import wire

QUIET_SECONDS = 0.3
EXPIRY_SECONDS = 30.0
KEY_PADDED = b"k%099d"


@dataclasses.dataclass(frozen=True)
class LongLine:
    name: str
    start: bytes  # sent well ahead of the rest
    rest: tuple[bytes, ...]
    memcached_closes: bool  # the connection, without a reply, before the rest
    larder_closes: bool


def _multiget(name: bytes, keys: int) -> bytes:
    return name + b"".join(b" " + KEY_PADDED % number for number in range(keys)) + b"\r\n"


def _closes(name: str, start: bytes) -> LongLine:
    return LongLine(name, start, (), True, True)


def _answered(name: str, line: bytes, piece_bytes: int) -> LongLine:
    pieces = [line[at : at + piece_bytes] for at in range(0, len(line), piece_bytes)]
    return LongLine(name, pieces[0], tuple(pieces[1:]), False, False)


def _answered_by_larder(name: str, line: bytes) -> LongLine:
    return LongLine(name, line[:-2], (line[-2:],), True, False)


LONG_LINES = (
    _answered("a line of 2048 bytes in two parts", b"x" * 2046 + b"\r\n", 2046),
    _closes("2049 bytes without a line feed", b"x" * 2049),
    _closes("2049 bytes after a good command's name", b"set " + b"x" * 2045),
    _closes("2049 bytes after 101 spaces", b" " * 101 + _multiget(b"get", 30)[:-2]),
    _answered("a get of 3 KB", _multiget(b"get", 30), 2100),
    _answered("a gets of 3 KB", _multiget(b"gets", 30), 2100),
    _answered("a get of 20 KB", _multiget(b"get", 200), 5000),
    _answered("a get of 300 KB", _multiget(b"get", 3000), 9999),
    _answered("a get of one long key", b"get " + b"x" * 5000 + b"\r\n", 5004),
    # memcached makes no exception of these, and larder no difference to a get.
    _answered_by_larder("a gat of 3 KB", _multiget(b"gat 0", 30)),
    _answered_by_larder("a gats of 3 KB", _multiget(b"gats 0", 30)),
)


class Steps:
    """Both servers, asked the same."""

    def __init__(self, larder: harness.Server, reference: harness.Server):
        self._servers = {"larder": larder, "memcached": reference}
        self._connections = {name: server.connect() for name, server in self._servers.items()}
        self.failures = 0

    def check(self, what: str, holds: bool, detail: object = "") -> None:
        print(f"{'ok    ' if holds else 'FAILED'} {what}{'' if holds else f': {detail}'}")
        self.failures += not holds

    def ask(self, request: bytes, translated: bool = True) -> dict[str, bytes]:
        """Each server's reply, fenced by an `mn`."""
        for name, connection in self._connections.items():
            requests = wire.split_requests(request)
            if name == "memcached" and translated:
                requests = [differences.translate(request)[0] for request in requests]
            connection.queue([b"".join(map(bytes, requests)) + b"mn\r\n"])
        connections = list(self._connections.values())
        harness.pump(connections, lambda connection: connection.received.endswith(b"MN\r\n"))
        return {name: connection.take() for name, connection in self._connections.items()}

    def same(self, what: str, request: bytes, wanted: bytes | None = None) -> None:
        replies = self.ask(request)
        holds = replies["larder"] == replies["memcached"]
        if wanted is not None:
            holds = holds and replies["larder"] == wanted + b"MN\r\n"
        self.check(what, holds, {name: harness.shown(reply) for name, reply in replies.items()})

    def larder_says(self, what: str, request: bytes, wanted: bytes) -> None:
        reply = self._connections["larder"].ask(request + b"mn\r\n", b"MN\r\n")
        self.check(what, reply == wanted + b"MN\r\n", harness.shown(reply))

    def until(self, what: str, request: bytes, wanted: bytes) -> None:
        """Asks until both servers answer so."""
        wanted += b"MN\r\n"
        deadline = time.monotonic() + EXPIRY_SECONDS
        while set(replies := self.ask(request).values()) != {wanted}:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.check(what, set(replies) == {wanted}, list(replies))

    def long_line(self, case: LongLine) -> None:
        for name, server in self._servers.items():
            closes = case.memcached_closes if name == "memcached" else case.larder_closes
            with server.connect() as connection:
                reply, note = self._say(connection, case, closes, name == "memcached")
                state = "closed" if connection.closed else "open"
                holds = connection.closed == closes and bool(reply) != closes
                what = f"{case.name}: {'closed' if closes else 'answered'} by {name}"
                self.check(what, holds, f"{state}, {harness.shown(reply)}{note}")

    @staticmethod
    def _say(
        connection: harness.Connection, case: LongLine, closes: bool, as_reference: bool
    ) -> tuple[bytes, str]:
        start, rest = case.start, case.rest
        if closes:
            rest = ()
        else:
            if as_reference:
                whole = wire.Request(start + b"".join(rest))
                start, rest = bytes(differences.translate(whole)[0]), ()
            connection.queue([start])
            # The rest is held back until the server has had the time to refuse what came.
            try:
                harness.pump([connection], lambda _: False, QUIET_SECONDS)
            except harness.Deadline:
                pass
            start, rest = b"", (*rest, b"mn\r\n")
        connection.queue([start, *rest])
        try:
            harness.pump([connection], lambda c: c.received.endswith(b"MN\r\n"))
        except harness.Deadline as deadline:
            return connection.take(), f"; {deadline}"
        return connection.take(), ""


def long_lines(steps: Steps) -> None:
    for case in LONG_LINES:
        steps.long_line(case)


def large_numbers(steps: Steps) -> None:
    for start, change, result in (
        (2**63 - 1, b"incr n 1", 2**63),
        (2**63, b"incr n 1", 2**63 + 1),
        (2**63, b"decr n 1", 2**63 - 1),
        (2**64 - 1, b"incr n 1", 0),
        (2**64 - 1, b"incr n 18446744073709551615", 2**64 - 2),
        (2**64 - 1, b"decr n 18446744073709551615", 0),
        (0, b"incr n 18446744073709551615", 2**64 - 1),
        (5, b"decr n 9223372036854775808", 0),
    ):
        value, changed = b"%d" % start, b"%d" % result
        steps.larder_says(
            f"{change.decode()} of {start}",
            b"set n 0 0 %d\r\n%s\r\n%s\r\nget n\r\n" % (len(value), value, change),
            b"STORED\r\n%s\r\n" % changed + _get(b"n", changed.ljust(len(value))),
        )
    for value in (b" ", b"\t\r\n", b"-9223372036854775808", b"18446744073709551616"):
        steps.larder_says(
            f"incr of {value!r}",
            b"set n 0 0 %d\r\n%s\r\nincr n 1\r\n" % (len(value), value),
            b"STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        )


def _get(key: bytes, value: bytes = b"v") -> bytes:
    return b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(value), value)


def expiry(steps: Steps) -> None:
    steps.same("set to live", b"set lives 0 1000 1\r\nv\r\n", b"STORED\r\n")
    steps.same("set with a short life", b"set short 0 1 1\r\nv\r\n", b"STORED\r\n")
    soon = b"%d" % (int(time.time()) + 2)
    steps.same("set until a moment", b"set moment 0 " + soon + b" 1\r\nv\r\n", b"STORED\r\n")
    for name in (b"touched", b"gat", b"gats"):
        steps.same("set", b"set " + name + b" 0 0 1\r\nv\r\n", b"STORED\r\n")
    steps.same("touch to a short life", b"touch touched 1\r\n", b"TOUCHED\r\n")
    steps.same("gat to a short life", b"gat 1 gat\r\n", _get(b"gat"))
    steps.same("touch to live on", b"touch gats 1\r\ntouch gats 1000\r\n", b"TOUCHED\r\n" * 2)
    for name in (b"short", b"moment", b"touched", b"gat"):
        steps.until(f"{name.decode()} has expired", b"get " + name + b"\r\n", b"END\r\n")
    steps.same("the others live", b"get lives gats\r\n", _get(b"lives")[:-5] + _get(b"gats"))
    after_expiry(steps)


def of_1_6_45(steps: Steps) -> None:
    for rule in rules.RULES:
        steps.larder_says(f"1.6.45: {rule.difference}: {rule.ask[:60]!r}", rule.ask, rule.reply)


AFTER_EXPIRY = (
    b"get %s\r\n",
    b"gets %s\r\n",
    b"gat 100 %s\r\n",
    b"touch %s 100\r\n",
    b"delete %s\r\n",
    b"incr %s 1\r\n",
    b"replace %s 0 0 1\r\nw\r\n",
    b"append %s 0 0 1\r\nw\r\n",
    b"prepend %s 0 0 1\r\nw\r\n",
    b"cas %s 0 0 1 1000000000000000000\r\nw\r\n",
    b"add %s 0 0 1\r\n7\r\nincr %s 1\r\n",
    b"set %s 0 0 1\r\nw\r\nget %s\r\n",
)


def after_expiry(steps: Steps) -> None:
    """Each command meets an item that has expired and that no get has cleared away."""
    keys = [b"expired%d" % number for number in range(len(AFTER_EXPIRY))]
    for key in keys:
        steps.ask(b"set " + key + b" 0 1 1\r\n5\r\n")
    # Stored after them, so it expires with them or later.
    steps.ask(b"set last 0 1 1\r\n5\r\n")
    steps.until("all have expired", b"get last\r\n", b"END\r\n")
    for key, command in zip(keys, AFTER_EXPIRY):
        name = command.partition(b" ")[0].decode()
        steps.same(f"{name} of what has expired", command.replace(b"%s", key))


def flushes(steps: Steps) -> None:
    steps.same("set", b"set flushed 0 0 1\r\nv\r\n", b"STORED\r\n")
    steps.same("a flush in the past", b"flush_all -1\r\nget flushed\r\n", b"OK\r\nEND\r\n")
    steps.same("set", b"set flushed 0 0 1\r\nv\r\n", b"STORED\r\n")
    steps.ask(b"flush_all 1\r\n", translated=False)
    steps.until("a flush in a second", b"get flushed\r\n", b"END\r\n")
    # memcached also drops what is stored in the second in which the flush fell due.
    steps.until(
        "a set after it lives",
        b"set flushed 0 0 1\r\nv\r\nget flushed\r\n",
        b"STORED\r\n" + _get(b"flushed"),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("larder")
    parser.add_argument("reference", nargs="?", default="/usr/bin/memcached")
    arguments = parser.parse_args()
    with (
        harness.Server(arguments.larder, ["-m", "64"]) as larder,
        harness.Server(arguments.reference, ["-m", "64"]) as reference,
    ):
        steps = Steps(larder, reference)
        long_lines(steps)
        large_numbers(steps)
        of_1_6_45(steps)
        expiry(steps)
        flushes(steps)
        print(f"{steps.failures} steps failed")
    return 1 if steps.failures else 0


if __name__ == "__main__":
    sys.exit(main())
