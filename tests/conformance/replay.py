"""Replays what clients said to memcached 1.6.45, and compares the replies byte for byte.

replay.py LARDER [CONVERSATION...]       larder must answer as it was recorded
replay.py --reference MEMCACHED          proves differences.py: Debian's memcached, asked in its
                                         stead what the differences say, answers as recorded

A conversation in data/ is one client's, with a fresh server: an exchange a line, `send` and
`receive` in base64, each ended by a command whose reply tells that all others are there. Where that
did not come, `then` says why: the server closed the connection, or waited for what never came. That
it waits is so if it says no more when the client has closed its half. At the offsets in `cas_sent`
stand tokens that the recorded server chose: this server's own are sent. In a binary header its own
token stands for any that was handed out before.
"""

import argparse
import base64
import json
import lzma
import pathlib
import socket
import sys
from collections.abc import Iterator
from typing import NamedTuple

import binary_wire
import differences
import harness
import wire

DATA = pathlib.Path(__file__).parent / "data"
FAILURES_SHOWN = 10
NOTHING_MORE = "nothing more"
# To tell whether a number from 2^63 is negative, memcached looks for a minus sign behind the item's
# end too, where one time in fifty the bytes of an address have it: the number is then refused.
REFERENCE_ATTEMPTS = 4
# Those that 1.6.18 can be asked: it does not know half of the flags in the others.
FOR_REFERENCE = ("text", "bad", "binary")
NEVER_A_TOKEN = b"1000000000000000000"


class Exchange(NamedTuple):
    send: bytes
    cas_sent: list[tuple[int, int]]  # offset and length in `send`
    receive: bytes
    then: str


def read_conversation(path: pathlib.Path) -> Iterator[Exchange]:
    with lzma.open(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            yield Exchange(
                base64.b64decode(record["send"]),
                [(offset, length) for offset, length in record["cas_sent"]],
                base64.b64decode(record["receive"]),
                record.get("then", ""),
            )


class Replay:
    """One conversation with one server."""

    def __init__(self, server: harness.Server, as_reference: bool):
        self._server = server
        self._connection = server.connect()
        self._as_reference = as_reference
        self._recorded_tokens = wire.Tokens(keeps_chosen=True)
        self._own_tokens = wire.Tokens(keeps_chosen=True)

    def __enter__(self) -> "Replay":
        return self

    def __exit__(self, *_) -> None:
        self._connection.close()

    def run(self, exchange: Exchange) -> tuple[bytes, bytes]:
        """The reply as recorded and as it came, made comparable."""
        is_binary = exchange.send[:1] == b"\x80"
        reader_type = binary_wire.ReplyReader if is_binary else wire.ReplyReader
        if is_binary:
            stream = b"".join(map(self._own_packet, binary_wire.split_packets(exchange.send)))
        else:
            stream = b"".join(map(self._asked, wire.split_requests(self._own_lines(exchange))))
        recorded = reader_type(self._recorded_tokens)
        recorded.feed(exchange.receive)
        wanted = recorded.take()
        self._connection.queue([stream])
        actual = self._read(reader_type(self._own_tokens), wanted, exchange.then)
        if self._as_reference:
            actual = differences.expected_reply(actual)
        if exchange.then or self._connection.closed:
            self._connection.close()
            self._connection = self._server.connect()
        return wanted, actual

    def _read(
        self, reader: wire.ReplyReader | binary_wire.ReplyReader, wanted: bytes, then: str
    ) -> bytes:
        last_line = wanted[wanted.rstrip(b"\n").rfind(b"\n") + 1 :]

        def done(connection: harness.Connection) -> bool:
            reader.feed(connection.take())
            return not then and reader.ends_with(last_line)

        try:
            if then == NOTHING_MORE:
                harness.pump([self._connection], lambda _: True)
                self._connection.socket.shutdown(socket.SHUT_WR)
            harness.pump([self._connection], done)
        except harness.Deadline:
            pass  # what came is shown as the difference that it is
        reader.feed(self._connection.take())
        closed = self._connection.closed
        note = b"" if closed == bool(then) else b"<closed>" if closed else b"<open>"
        return reader.take() + note

    def _asked(self, request: wire.Request) -> bytes:
        return bytes(differences.translate(request)[0] if self._as_reference else request)

    def _own(self, recorded: bytes) -> bytes:
        """This server's token for one of the recorded server's."""
        own_tokens = list(self._own_tokens.numbers)
        number = self._recorded_tokens.numbers.get(recorded, len(own_tokens))
        return own_tokens[number] if number < len(own_tokens) else NEVER_A_TOKEN

    def _own_lines(self, exchange: Exchange) -> bytes:
        parts = []
        position = 0
        for offset, length in exchange.cas_sent:
            token = self._own(exchange.send[offset : offset + length])
            parts += [exchange.send[position:offset], token]
            position = offset + length
        return b"".join(parts) + exchange.send[position:]

    def _own_packet(self, packet: bytes) -> bytes:
        cas = int.from_bytes(packet[16:24], "big")
        if len(packet) < binary_wire.HEADER.size or cas == 0 or cas >= wire.CHOSEN_TOKENS:
            return packet
        return packet[:16] + int(self._own(b"%d" % cas)).to_bytes(8, "big") + packet[24:]


def replay(program: str, path: pathlib.Path, as_reference: bool) -> int:
    """Prints what differs; returns how many exchanges do."""
    failures = exchanges = 0
    # Nothing in the background of the reference may hold an item while a number in it shrinks:
    # memcached then leaves out the padding.
    options = ["-t", "1", "-o", "no_lru_maintainer,no_lru_crawler"] if as_reference else []
    with (
        harness.Server(program, ["-m", "256", *options]) as server,
        Replay(server, as_reference) as conversation,
    ):
        for number, exchange in enumerate(read_conversation(path)):
            recorded, actual = conversation.run(exchange)
            exchanges += 1
            if recorded == actual:
                continue
            failures += 1
            print(f"{path.name}, exchange {number} {exchange.then}:")
            print(f"  sent     {harness.shown(exchange.send, 2000)}")
            print(f"  recorded {harness.shown(recorded, 2000)}")
            print(f"  got      {harness.shown(actual, 2000)}")
            if failures == FAILURES_SHOWN or not server.alive():
                break
    print(f"{path.name}: {exchanges} exchanges, {failures} differ")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("server", help="the program to talk to")
    parser.add_argument("conversations", nargs="*", type=pathlib.Path, help="default: all in data/")
    parser.add_argument("--reference", action="store_true", help="it is Debian's memcached")
    arguments = parser.parse_args()
    paths = arguments.conversations or sorted(DATA.glob("conversation-*.jsonl.xz"))
    if arguments.reference and not arguments.conversations:
        paths = [DATA / f"conversation-{name}.jsonl.xz" for name in FOR_REFERENCE]
    if not paths:
        sys.exit(f"no conversations in {DATA}")
    attempts = REFERENCE_ATTEMPTS if arguments.reference else 1
    failed = 0
    for path in paths:
        tries = (replay(arguments.server, path, arguments.reference) for _ in range(attempts))
        failed += not any(differing == 0 for differing in tries)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
