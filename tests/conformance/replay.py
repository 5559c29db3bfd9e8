"""Replays what clients said to memcached 1.6.45, and compares the replies byte for byte.

replay.py LARDER [CONVERSATION...]       larder must answer as it was recorded
replay.py --reference MEMCACHED          proves differences.py: Debian's memcached, asked in its
                                         stead what the differences say, answers as recorded

A conversation in data/ is one client's, with a fresh server: an exchange a line, `send` and
`receive` in base64. The `mn` that fences each exchange is added here. At the
offsets in `cas_sent` stand tokens that the recorded server chose: this server's own are sent.
The binary protocol's are in binary_replay.py's hands.
"""

import argparse
import base64
import json
import lzma
import pathlib
import sys
from collections.abc import Iterator
from typing import NamedTuple

import binary_replay
import differences
import harness
import wire

DATA = pathlib.Path(__file__).parent / "data"
FENCE = wire.Request(b"mn\r\n")
FENCE_REPLY = b"MN\r\n"
FAILURES_SHOWN = 10
# To tell whether a number from 2^63 is negative, memcached looks for a minus sign behind the item's
# end too, where one time in fifty the bytes of an address have it: the number is then refused.
REFERENCE_ATTEMPTS = 4


class Exchange(NamedTuple):
    send: bytes
    cas_sent: list[tuple[int, int]]  # offset and length in `send`
    receive: bytes


def read_conversation(path: pathlib.Path) -> Iterator[Exchange]:
    with lzma.open(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            yield Exchange(
                base64.b64decode(record["send"]),
                [(offset, length) for offset, length in record["cas_sent"]],
                base64.b64decode(record["receive"]),
            )


class Replay:
    """One conversation with one server."""

    def __init__(self, connection: harness.Connection, as_reference: bool):
        self._connection = connection
        self._as_reference = as_reference
        self._recorded = wire.ReplyReader()
        self._actual = wire.ReplyReader()

    def run(self, exchange: Exchange) -> tuple[bytes, bytes]:
        """The reply as recorded and as it came, tokens numbered in both."""
        requests = wire.split_requests(self._with_own_tokens(exchange)) + [FENCE]
        if self._as_reference:
            requests = [differences.translate(request)[0] for request in requests]
        self._recorded.feed(exchange.receive + FENCE_REPLY)
        fences = self._recorded.fences
        self._connection.queue([b"".join(map(bytes, requests))])
        try:
            harness.pump([self._connection], lambda c: self._read(c) >= fences)
        except harness.Deadline:
            pass  # what came is shown as the difference that it is
        actual = self._actual.take()
        if self._as_reference:
            actual = differences.expected_reply(actual)
        return self._recorded.take(), actual

    def _read(self, connection: harness.Connection) -> int:
        self._actual.feed(connection.take())
        return self._actual.fences

    def _with_own_tokens(self, exchange: Exchange) -> bytes:
        own_tokens = list(self._actual.tokens.numbers)
        parts = []
        position = 0
        for offset, length in exchange.cas_sent:
            number = self._recorded.tokens.numbers[exchange.send[offset : offset + length]]
            parts += [exchange.send[position:offset], own_tokens[number]]
            position = offset + length
        return b"".join(parts) + exchange.send[position:]


def replay(program: str, path: pathlib.Path, as_reference: bool) -> int:
    """Prints what differs; returns how many exchanges do."""
    failures = requests = exchanges = 0
    # Nothing in the background of the reference may hold an item while a number in it shrinks:
    # memcached then leaves out the padding.
    options = ["-t", "1", "-o", "no_lru_maintainer,no_lru_crawler"] if as_reference else []
    with harness.Server(program, ["-m", "256", *options]) as server:
        with server.connect() as connection:
            conversation = Replay(connection, as_reference)
            for number, exchange in enumerate(read_conversation(path)):
                recorded, actual = conversation.run(exchange)
                exchanges += 1
                requests += len(wire.split_requests(exchange.send))
                if recorded == actual:
                    continue
                failures += 1
                print(f"{path.name}, exchange {number}:")
                print(f"  sent     {harness.shown(exchange.send, 2000)}")
                print(f"  recorded {harness.shown(recorded, 2000)}")
                print(f"  got      {harness.shown(actual, 2000)}")
                if connection.closed or failures == FAILURES_SHOWN:
                    break
    print(f"{path.name}: {exchanges} exchanges, {requests} requests, {failures} differ")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("server", help="the program to talk to")
    parser.add_argument("conversations", nargs="*", type=pathlib.Path, help="default: all in data/")
    parser.add_argument("--reference", action="store_true", help="it is Debian's memcached")
    arguments = parser.parse_args()
    paths = arguments.conversations or sorted(DATA.glob("conversation-*.jsonl.xz"))
    if not paths:
        sys.exit(f"no conversations in {DATA}")
    attempts = REFERENCE_ATTEMPTS if arguments.reference else 1
    failed = 0
    for path in paths:
        if "-binary." in path.name:
            failed += binary_replay.replay(arguments.server, path) > 0
            continue
        tries = (replay(arguments.server, path, arguments.reference) for _ in range(attempts))
        failed += not any(differing == 0 for differing in tries)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
