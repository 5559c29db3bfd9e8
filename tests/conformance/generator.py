"""Streams of commands of every protocol, good and broken, from a seed.

A Conversation is what one differential run does: servers with some options, and rounds. A Round is
a pipeline sent on one of a few connections, cut into sends at random places, and ended by a fence,
`mn` or a binary noop, whose reply tells that all others are there. Some connections speak text,
classic and meta commands mixed, some binary; all speak of the same keys. The same seed gives the
same conversation.

What is left out, so that the replies of two right servers cannot differ by chance:

- Expiry times that fall due while the test runs. All are 0, past, or decades ahead.
- Numbers shrinking in the round in which the item was fetched. memcached pads the shorter number
  with spaces in place, but not while an unsent reply holds the item.
- Lines over 2048 bytes but for get and gets. memcached closes the connection when that much came
  without a line feed, and so its answer depends on how the network cut the stream.
- flush_all under -C, where 1.6.18 knows what is flushed by the second alone.
- Numbers from 2^63, and values of white space alone. Reading a number, memcached goes on behind
  the item's end if there was nothing but white space, and looks there for a minus sign if the
  number has its highest bit set: what it finds is a matter of addresses and of former items.
- NUL bytes in lines, where 1.6.18 ends the line; values have them.
- What 1.6.18 cannot be asked at all, as it does not know it: meta_commands.py says what, and
  steps.py and the recordings have it.
"""

import random
from collections.abc import Sequence

from binary_commands import BinaryCommands
from classic_commands import ClassicCommands
from conversation import Command, Conversation, Kinds, Round, plain
from meta_commands import MetaCommands

ROUNDS_PER_CONVERSATION = 200
TEXT_CONNECTIONS = 3
BINARY_CONNECTIONS = 2

OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("-t", "1", "-R", "1"),
    ("-I", "512k"),
    ("-C",),
    ("-I", "4m"),
    ("-f", "1.08", "-n", "8"),
)


PROTOCOLS = ("classic", "meta", "binary")


class Generator:
    """Makes one conversation, in those protocols."""

    def __init__(self, seed: str, options: tuple[str, ...], protocols: Sequence[str]):
        self._random = random.Random(seed)
        self._options = options
        classic = ClassicCommands(self._random, options).kinds() if "classic" in protocols else []
        meta = MetaCommands(self._random, options).kinds() if "meta" in protocols else []
        self._of_text = [kinds for kinds in (classic, meta, classic + meta) if kinds]
        self._binary = BinaryCommands(self._random, options)
        first = 0 if self._of_text else TEXT_CONNECTIONS
        last = TEXT_CONNECTIONS + BINARY_CONNECTIONS if "binary" in protocols else TEXT_CONNECTIONS
        self._connections = range(first, last)

    def conversation(self) -> Conversation:
        rounds: list[Round] = []
        while len(rounds) < ROUNDS_PER_CONVERSATION:
            connection = self._random.choice(self._connections)
            if connection < TEXT_CONNECTIONS:
                rounds += self._text_rounds(connection)
            else:
                rounds += self._binary_rounds(connection)
        return Conversation(self._options, tuple(rounds))

    def _text_rounds(self, connection: int) -> list[Round]:
        batches = self._batches(self._random.choice(self._of_text))
        quits = self._random.random() < 0.01
        if quits:
            batches[-1].append(plain(self._random.choice((b"quit\r\n", b"quit now\r\n"))))
        return self._rounds(connection, batches, quits)

    def _binary_rounds(self, connection: int) -> list[Round]:
        batches = self._batches(self._binary.kinds())
        quits = self._random.random() < 0.15
        if quits:
            batches[-1] += self._binary.last()
        return self._rounds(connection, batches, quits)

    def _rounds(self, connection: int, batches: list[list[Command]], quits: bool) -> list[Round]:
        rounds = [Round(connection, tuple(batch), self._cuts(batch)) for batch in batches]
        if quits:
            # Uncut: what arrives after the server closed would make the network drop its reply.
            rounds[-1] = Round(connection, rounds[-1].commands, (), quits=True)
        return rounds

    def _batches(self, kinds: Kinds) -> list[list[Command]]:
        """One pipeline, in several where a number that was fetched may shrink."""
        wanted = self._random.choice((1, 1, 2, 3, 5, 8, 13, 20, 40, 60))
        weights = [weight for weight, _ in kinds]
        commands: list[Command] = []
        while len(commands) < wanted:
            commands += self._random.choices(kinds, weights)[0][1]()
        batches: list[list[Command]] = [[]]
        fetched: set[bytes] = set()
        for command in commands:
            if command.counts in fetched:
                batches.append([])
                fetched = set()
            batches[-1].append(command)
            fetched |= command.fetches
        return batches

    def _cuts(self, batch: list[Command]) -> tuple[float, ...]:
        bytes_in_all = sum(len(bytes(command.request)) for command in batch)
        kind = self._random.random()
        if kind < 0.3:
            return ()
        if kind < 0.4 and bytes_in_all < 150:
            return tuple(place / bytes_in_all for place in range(1, bytes_in_all))
        count = self._random.choice((1, 1, 2, 3, 5, 9, 20))
        return tuple(sorted(self._random.random() for _ in range(count)))


def conversation(
    seed: int, number: int, protocols: Sequence[str] = PROTOCOLS
) -> Conversation:
    """The conversation of that number; its options go round."""
    return Generator(f"{seed}/{number}", OPTIONS[number % len(OPTIONS)], protocols).conversation()
