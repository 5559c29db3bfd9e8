"""Replays what a client said to memcached 1.6.45 in the binary protocol: replay.py's, for that.

No command is put behind an exchange to end it, for many of these streams are broken: the recording
says what became of the connection. `open`: all that was recorded comes. `closed by the server`: it
does, and then the end. `nothing more`: the server waits for what never came, which is so if it says
no more when the client has closed its half.
"""

import base64
import json
import lzma
import pathlib
import socket
from collections.abc import Iterator
from typing import NamedTuple

import binary_wire
import harness

SECONDS_MAX = 10.0
FAILURES_SHOWN = 10
OPEN = "open"
NOTHING_MORE = "nothing more"
TOKEN_OFFSET = 16
TOKEN_BYTES = 8


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
                record["then"],
            )


class Tokens:
    """The tokens of this server that stand for those of the recorded one."""

    def __init__(self) -> None:
        self._own: dict[bytes, bytes] = {}

    def in_request(self, exchange: Exchange) -> bytes:
        request = bytearray(exchange.send)
        for offset, length in exchange.cas_sent:
            request[offset : offset + length] = self._own[exchange.send[offset : offset + length]]
        return bytes(request)

    def as_recorded(self, recorded: bytes, actual: bytes) -> bytes:
        """`actual` with the recorded tokens where it has this server's own for them."""
        result = bytearray(actual)
        position = 0
        for packet in binary_wire.split_packets(recorded):
            field = slice(position + TOKEN_OFFSET, position + TOKEN_OFFSET + TOKEN_BYTES)
            theirs, own = recorded[field], actual[field]
            if any(theirs) and any(own) and self._own.setdefault(theirs, own) == own:
                result[field] = theirs
            position += len(packet)
        return bytes(result)


def say(connection: socket.socket, request: bytes, exchange: Exchange) -> tuple[bytes, bool]:
    """What comes back, and whether the server closed the connection after it."""
    received = b""
    try:
        connection.sendall(request)
        if exchange.then == NOTHING_MORE:
            connection.shutdown(socket.SHUT_WR)
        while exchange.then != OPEN or len(received) < len(exchange.receive):
            chunk = connection.recv(1 << 20)
            if not chunk:
                return received, True
            received += chunk
    except TimeoutError:
        pass  # what came is shown as the difference that it is
    except ConnectionError:
        return received, True
    return received, False


def replay(program: str, path: pathlib.Path) -> int:
    """Prints what differs; returns how many exchanges do."""
    failures = exchanges = 0
    tokens = Tokens()
    with harness.Server(program, ["-m", "256", "-t", "1"]) as server:
        connection = None
        for number, exchange in enumerate(read_conversation(path)):
            if connection is None:
                connection = socket.create_connection((harness.HOST, server.port), SECONDS_MAX)
            request = tokens.in_request(exchange)
            received, closed = say(connection, request, exchange)
            received = tokens.as_recorded(exchange.receive, received)
            exchanges += 1
            if exchange.then != OPEN or closed:
                connection.close()
                connection = None
            if received == exchange.receive and closed == (exchange.then != OPEN):
                continue
            failures += 1
            print(f"{path.name}, exchange {number}, {exchange.then}:")
            print(f"  sent     {harness.shown(request, 2000)}")
            print(f"  recorded {harness.shown(exchange.receive, 2000)}")
            print(f"  got      {harness.shown(received, 2000)}{', and the end' if closed else ''}")
            if failures == FAILURES_SHOWN:
                break
        if connection is not None:
            connection.close()
    print(f"{path.name}: {exchanges} exchanges, {failures} differ")
    return failures
