"""larder beside Debian's memcached: the same commands, and the replies byte for byte.

Conversations are generated from a seed (generator.py), run on fresh servers with the same options,
and compared round by round. What larder is to answer otherwise is listed in differences.py. A
difference that is not listed is shrunk to the few commands that show it, and printed with its
seed: `differential.py ... --seed S --conversation N` runs that conversation alone.
"""

import argparse
import collections
import dataclasses
import os
import re
import sys
import time

import binary_wire
import differences
import generator
import harness
import shrink
import wire
from binary_wire import Packet
from conversation import Command, Conversation, Round
from wire import Request

DEFAULT_SEED = 20261122
# Nothing is evicted, and nothing but its own pipeline holds an item in memcached, neither its
# background nor a worker that has just sent a reply: it then pads numbers, and keeps their items.
COMMON_OPTIONS = ["-m", "1024"]
REFERENCE_OPTIONS = ["-t", "1", "-o", "no_lru_maintainer,no_lru_crawler"]
SHRINK_SECONDS = 120.0
SHRINK_REPLY_SECONDS = 3.0
PROGRESS_SECONDS = 10.0

_KINDS = re.compile(
    rb"^(VALUE|END|STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|OK|MN|VERSION|ERROR|[0-9]+"
    rb"|HD|VA|EN|NF|NS|EX|ME|[a-z]+: status [0-9]+"
    rb"|CLIENT_ERROR [^\r]*|SERVER_ERROR [^\r]*)\b",
    re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class Programs:
    larder: str
    reference: str
    # For the test of this test: both are Debian's memcached, and both are asked what it is.
    same: bool = False


@dataclasses.dataclass(frozen=True)
class Mismatch:
    round_number: int
    larder: bytes
    reference: bytes
    note: str  # what else is known, such as the crash of a server


class Side:
    """One of the two servers, and the client's connections to it."""

    def __init__(self, server: harness.Server, asked_as_reference: bool, says_as_reference: bool):
        self.server = server
        self._asked_as_reference = asked_as_reference
        self._says_as_reference = says_as_reference
        self._connections: dict[int, harness.Connection] = {}
        self._tokens = wire.Tokens()
        self._text_reader = wire.ReplyReader(self._tokens)
        self._binary_reader = binary_wire.ReplyReader(self._tokens)
        self._reader = self._text_reader  # of this round
        self.closed = False  # the connection of this round

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_) -> None:
        for connection in self._connections.values():
            connection.close()

    def begin(self, round_: Round) -> harness.Connection:
        connection = self._connections.get(round_.connection)
        if connection is None:
            connection = self.server.connect()
            self._connections[round_.connection] = connection
        self._reader = self._binary_reader if round_.is_binary else self._text_reader
        stream = b"".join(self._bytes_of(command) for command in round_.commands)
        if not round_.quits:
            stream += bytes(binary_wire.FENCE) if round_.is_binary else b"mn\r\n"
        connection.queue(_pieces(stream, round_.cuts))
        return connection

    def read(self, connection: harness.Connection) -> int:
        """How many fences have come."""
        self._reader.feed(connection.take())
        return self._reader.fences

    def end(self, round_: Round) -> bytes:
        """The reply of the round."""
        connection = self._connections[round_.connection]
        self.closed = connection.closed
        if self.closed:
            connection.close()
            del self._connections[round_.connection]
        reply = self._reader.take()
        return differences.expected_reply(reply) if self._says_as_reference else reply

    def _bytes_of(self, command: Command) -> bytes:
        seen = self._tokens.by_key.get(command.token_key, [])
        token = seen[-1 - command.token_age] if len(seen) > command.token_age else None
        request = command.with_token(token)
        if isinstance(request, Packet):
            self._binary_reader.keys[request.opaque] = request.key
        elif self._asked_as_reference:
            request = differences.translate(request)[0]
        return bytes(request)


def _pieces(stream: bytes, cuts: tuple[float, ...]) -> list[bytes]:
    places = [0, *(int(cut * len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in zip(places, places[1:])]


def run(
    programs: Programs,
    conversation: Conversation,
    seconds: float = harness.REPLY_SECONDS,
    replies: collections.Counter | None = None,
) -> Mismatch | None:
    """Runs the conversation on fresh servers up to the first difference."""
    options = [*COMMON_OPTIONS, *conversation.options]
    larder_options = REFERENCE_OPTIONS if programs.same else []
    with (
        harness.Server(programs.larder, [*options, *larder_options]) as larder_server,
        harness.Server(programs.reference, [*options, *REFERENCE_OPTIONS]) as reference_server,
        Side(larder_server, programs.same, programs.same) as larder,
        Side(reference_server, True, True) as reference,
    ):
        for number, round_ in enumerate(conversation.rounds):
            note = _run_round(larder, reference, round_, seconds)
            larder_reply, reference_reply = larder.end(round_), reference.end(round_)
            if larder.closed != reference.closed:
                note = "closed the connection: " + ("larder" if larder.closed else "memcached")
            if not larder_server.alive():
                note = f"larder died: {larder_server.failure()}"
            if note or larder_reply != reference_reply:
                return Mismatch(number, larder_reply, reference_reply, note)
            if replies is not None:
                replies.update(_kinds_of(reference_reply))
    return None


def _run_round(larder: Side, reference: Side, round_: Round, seconds: float) -> str:
    """Sends the round to both and reads the replies; a note of what did not come."""
    fences = 1 + sum(_is_fence(command.request) for command in round_.commands)
    sides = {side.begin(round_): side for side in (larder, reference)}

    def done(connection: harness.Connection) -> bool:
        return sides[connection].read(connection) >= fences and not round_.quits

    try:
        harness.pump(list(sides), done, seconds)
    except harness.Deadline as deadline:
        return str(deadline)
    finally:
        for connection, side in sides.items():
            side.read(connection)
    return ""


def _is_fence(request: Request | Packet) -> bool:
    """Whether 1.6.45 answers it as it does a fence."""
    if isinstance(request, Packet):
        return False
    return request.tokens[:1] == [b"mn"] and len(request.line) >= 4


def _kinds_of(reply: bytes) -> list[str]:
    """What the lines of a reply say, to show what was reached."""
    kinds = (kind.decode() for kind in _KINDS.findall(reply))
    return ["a number" if kind.isdigit() else kind for kind in kinds]


def report(
    programs: Programs, conversation: Conversation, mismatch: Mismatch, headline: str
) -> None:
    """Prints the difference, shrunk."""
    print(f"\nDIFFERENCE in {headline}, round {mismatch.round_number}; shrinking ...", flush=True)
    upto = dataclasses.replace(
        conversation, rounds=conversation.rounds[: mismatch.round_number + 1]
    )

    def shows(candidate: Conversation) -> bool:
        return run(programs, candidate, SHRINK_REPLY_SECONDS) is not None

    if not shows(upto):
        print("  It did not show again in the same conversation. As it was seen:")
        _print_conversation(dataclasses.replace(upto, rounds=upto.rounds[-1:]), mismatch)
        return
    shortest = shrink.shrink(upto, shows, SHRINK_SECONDS)
    again = run(programs, shortest, SHRINK_REPLY_SECONDS)
    _print_conversation(shortest, again or mismatch)


def _print_conversation(conversation: Conversation, mismatch: Mismatch) -> None:
    print(f"  options: {' '.join([*COMMON_OPTIONS, *conversation.options])}")
    for round_ in conversation.rounds:
        cut = f", cut at {len(round_.cuts)} places" if round_.cuts else ""
        print(f"  connection {round_.connection}{cut}:")
        for command in round_.commands:
            if isinstance(command.request, Packet):
                token = " with its token" if command.token_key else ""
                print(f"    {binary_wire.shown(command.request)}{token}")
                continue
            request, cases = differences.translate(command.with_token(None))
            print(f"    {harness.shown(bytes(command.request))}")
            if cases:
                print(f"      as {', '.join(cases)}; memcached: {harness.shown(bytes(request))}")
    print(f"  larder:    {harness.shown(mismatch.larder, 2000)}")
    print(f"  memcached: {harness.shown(mismatch.reference, 2000)}")
    if mismatch.note:
        print(f"  {mismatch.note}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("larder")
    parser.add_argument("reference", nargs="?", default="/usr/bin/memcached")
    parser.add_argument("--commands", type=int, default=100_000, help="at least so many")
    seed = int(os.environ.get("LARDER_SEED", DEFAULT_SEED))
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--conversation", type=int, help="only the one of this number")
    parser.add_argument("--protocols", nargs="+", default=generator.PROTOCOLS, help="default: all")
    parser.add_argument("--same", action="store_true", help="both programs are Debian's memcached")
    arguments = parser.parse_args()
    programs = Programs(arguments.larder, arguments.reference, arguments.same)
    print(f"seed {arguments.seed}", flush=True)

    first = number = arguments.conversation or 0
    commands = 0
    listed: collections.Counter[str] = collections.Counter()
    replies: collections.Counter[str] = collections.Counter()
    began = printed = time.monotonic()
    while commands < arguments.commands:
        conversation = generator.conversation(arguments.seed, number, arguments.protocols)
        mismatch = run(programs, conversation, replies=replies)
        if mismatch:
            headline = f"seed {arguments.seed}, conversation {number}"
            report(programs, conversation, mismatch, headline)
            return 1
        commands += conversation.command_count()
        for round_ in conversation.rounds:
            for command in round_.commands:
                if isinstance(request := command.with_token(None), Request):
                    listed.update(differences.translate(request)[1])
        number += 1
        if arguments.conversation is not None:
            break
        if time.monotonic() - printed > PROGRESS_SECONDS:
            printed = time.monotonic()
            print(f"{commands} commands, {number - first} conversations", flush=True)
    print("replies compared:")
    for kind, count in replies.most_common(60):
        print(f"  {count:7} {kind}")
    print("of them by a listed difference:")
    for difference in differences.DIFFERENCES:
        print(f"  {listed[difference.name]:7} {difference.name}")
    seconds = time.monotonic() - began
    done = f"{commands} commands, {number - first} conversations"
    print(f"{done}, no unlisted difference, {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
