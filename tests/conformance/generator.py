"""Streams of classic text commands, good and broken, from a seed.

A Conversation is what one differential run does: servers with some options, and rounds. A Round is
a pipeline sent on one of a few connections, cut into sends at random places, and ended by `mn`,
whose reply tells that all others are there. The same seed gives the same conversation.

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
"""

import dataclasses
import random
from collections.abc import Callable

from wire import Request

ROUNDS_PER_CONVERSATION = 130
CONNECTIONS = 3

OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("-t", "1", "-R", "1"),
    ("-I", "512k"),
    ("-C",),
    ("-I", "4m"),
    ("-f", "1.08", "-n", "8"),
)
ITEM_BYTES_MAX = {"512k": 512 << 10, "1m": 1 << 20, "4m": 4 << 20}

TOKEN_PLACE = b"{token}"
NEVER_A_TOKEN = b"1000000000000000000"

HOT_KEYS = [b"k%d" % number for number in range(12)]
ODD_KEYS = [
    b"a",
    b"z" * 250,
    b"z" * 249,
    b"tab\tkey",
    b"cr\rkey",
    b"\xff\xfe\x80high",
    b"noreply",
    b"get",
    b"0",
    b"key:" + b"y" * 40,
    b"VALUE",
    b"END",
]
# Apart, so that gets of hundreds of keys stay within a few megabytes.
LARGE_KEYS = [b"large:%d" % number for number in range(6)]
COUNTER_KEYS = [b"n%d" % number for number in range(6)]
LONG_KEYS = [b"x" * 251, b"x" * 252, b"x" * 256, b"x" * 300, b"x" * 1200]

FLAGS = [b"0"] * 6 + [b"1", b"42", b"65535", b"4294967295", b"4294967296", b"4294967301", b"+7"]
BAD_FLAGS = [b"-1", b"a", b"1x", b"99999999999999999999", b"0x1"]
LIVE_EXPTIMES = [b"0"] * 6 + [b"2592000", b"1000000", b"2000000000", b"2147483647", b"+0"]
DEAD_EXPTIMES = [b"-1", b"-2147483648", b"2592001", b"1000000000", b"2147483648", b"4294967295"]
BAD_EXPTIMES = [b"a", b"1x", b"99999999999999999999", b"0x10"]
BAD_LENGTHS = [b"abc", b"-1", b"3x", b"+3", b"2147483646", b"4294967299", b"99999999999999999999"]
DELTAS = [b"0", b"1", b"5", b"10", b"99", b"123456789", b"+1", b"007"]
LARGE_DELTAS = [b"9223372036854775808", b"18446744073709551615"]
BAD_DELTAS = [b"-1", b"abc", b"1x", b"0x1", b"18446744073709551616", b"99999999999999999999999"]
# Digits and what ends a number alike, so that no number gets long.
ALPHABETS = [b"\r\n\x00 ab\xff", b"012 3a9b\r", b"v", b"\r\nEND\r\nSTORED"]
NUMBERS = [
    b"0",
    b"1",
    b"9",
    b"10",
    b"100",
    b"99999",
    b"4294967296",
    b"4611686018427387904",
    b"007",
    b" 5",
    b"5 ",
    b"+5",
    b"5\r\n",
    b"5\x00junk",
    b"000000000000000000000000000012",
]
NOT_NUMBERS = [b"", b"abc", b"-5", b"5x", b"18446744073709551616", b"0x10", b"\x00"]
WHOLE_LINES = [
    *(b"get k1", b"gets k1", b"gat 0 k1", b"gats 0 k1", b"incr n1 1", b"decr n1 1"),
    *(b"touch k1 0", b"delete k1", b"set k1 0 0 3", b"add k1 0 0 3", b"cas k1 0 0 3"),
    *(b"append k1 0 0 3", b"prepend k1 0 0 3", b"replace k1 0 0 3"),
]
NONSENSE = [
    b"nonsense",
    b"GET k1",
    b"Set k1 0 0 1",
    b"getx k1",
    b"versionn",
    b"MN",
    b"aa",
    b"k1",
    b"get\tk1",
    b"\xff\xff\xff\xff",
    b"VALUE k1 0 1",
    b"STORED",
    b"misc " * 30,
    b"x" * 1500,
    b"x" * 2030,
]


@dataclasses.dataclass(frozen=True)
class Command:
    """A request; `{token}` in its line stands for a CAS token that the server has handed out."""

    request: Request
    token_key: bytes = b""  # the key whose token it is
    token_age: int = 0  # 0: the latest that was seen, 1: the one before
    fetches: frozenset[bytes] = frozenset()
    counts: bytes = b""  # the key whose number it may shrink

    def with_token(self, token: bytes | None) -> Request:
        """The request as it is sent, or one whose token is refused where none was handed out."""
        if not self.token_key:
            return self.request
        line = self.request.line.replace(TOKEN_PLACE, token or NEVER_A_TOKEN)
        return Request(line, self.request.data)


@dataclasses.dataclass(frozen=True)
class Round:
    connection: int
    commands: tuple[Command, ...]
    cuts: tuple[float, ...]  # where the stream is cut, as parts of its length
    quits: bool = False


@dataclasses.dataclass(frozen=True)
class Conversation:
    options: tuple[str, ...]
    rounds: tuple[Round, ...]

    def command_count(self) -> int:
        return sum(len(round_.commands) for round_ in self.rounds)


class Generator:
    """Makes one conversation."""

    def __init__(self, seed: str, options: tuple[str, ...]):
        self._random = random.Random(seed)
        self._options = options
        item_option = options[options.index("-I") + 1] if "-I" in options else "1m"
        self._item_bytes_max = ITEM_BYTES_MAX[item_option]
        self._kinds: list[tuple[int, Callable[[], list[Command]]]] = [
            (20, self._get),
            (6, self._gat),
            (3, self._large_multiget),
            (20, self._store),
            (2, self._large),
            (0 if "-C" in options else 9, self._cas),
            (7, self._number),
            (14, self._count),
            (6, self._touch),
            (7, self._delete),
            (0 if "-C" in options else 1, self._flush),
            (4, self._simple),
            (8, self._broken_line),
            (6, self._broken_storage),
            (4, self._bad_chunk),
            (4, self._broken_key_command),
        ]
        self._weights = [weight for weight, _ in self._kinds]

    def conversation(self) -> Conversation:
        rounds = []
        while len(rounds) < ROUNDS_PER_CONVERSATION:
            rounds += self._rounds()
        return Conversation(self._options, tuple(rounds))

    def _rounds(self) -> list[Round]:
        """One pipeline, in several rounds where a number that was fetched may shrink."""
        wanted = self._random.choice((1, 1, 2, 3, 5, 8, 13, 20, 40, 60))
        commands: list[Command] = []
        while len(commands) < wanted:
            kind = self._random.choices(self._kinds, self._weights)[0][1]
            commands += kind()
        connection = self._random.randrange(CONNECTIONS)
        batches: list[list[Command]] = [[]]
        fetched: set[bytes] = set()
        for command in commands:
            if command.counts in fetched:
                batches.append([])
                fetched = set()
            batches[-1].append(command)
            fetched |= command.fetches
        quits = self._random.random() < 0.01
        if quits:
            batches[-1].append(_plain(self._random.choice((b"quit\r\n", b"quit now\r\n"))))
        return [
            Round(connection, tuple(batch), self._cuts(batch), quits and batch is batches[-1])
            for batch in batches
        ]

    def _cuts(self, batch: list[Command]) -> tuple[float, ...]:
        bytes_in_all = sum(len(bytes(command.request)) for command in batch)
        kind = self._random.random()
        if kind < 0.3:
            return ()
        if kind < 0.4 and bytes_in_all < 150:
            return tuple(place / bytes_in_all for place in range(1, bytes_in_all))
        count = self._random.choice((1, 1, 2, 3, 5, 9, 20))
        return tuple(sorted(self._random.random() for _ in range(count)))

    # What commands are made of.

    def _key(self) -> bytes:
        kind = self._random.random()
        if kind < 0.75:
            return self._random.choice(HOT_KEYS)
        if kind < 0.9:
            return self._random.choice(ODD_KEYS)
        return b"cold:%d" % self._random.randrange(2000)

    def _exptime(self) -> bytes:
        return self._random.choice(DEAD_EXPTIMES if self._random.random() < 0.05 else LIVE_EXPTIMES)

    def _noreply(self) -> bytes:
        return b" noreply" if self._random.random() < 0.15 else b""

    def _line_end(self) -> bytes:
        return b"\n" if self._random.random() < 0.05 else b"\r\n"

    def _space(self) -> bytes:
        return b" " * self._random.choice((1,) * 30 + (2, 3, 9))

    def _line(self, *words: bytes) -> bytes:
        line = words[0]
        for word in words[1:]:
            line += self._space() + word
        if self._random.random() < 0.02:
            line += b" "
        return line + self._line_end()

    def _value(self) -> bytes:
        if self._random.random() < 0.8:
            size = self._random.choice((0, 1, 2, 3, 7, 30, 64, 100)) + self._random.randrange(3)
        else:
            size = self._random.randrange(2500)
        alphabet = self._random.choice(ALPHABETS)
        value = bytes(self._random.choices(alphabet, k=size))
        return b"w" * size if value.isspace() else value

    def _large_value(self, key: bytes) -> bytes:
        size = self._large_value_bytes(key)
        return self._random.randbytes(16) + b"v" * (size - 16)

    def _large_value_bytes(self, key: bytes) -> int:
        if self._random.random() < 0.7:
            size = self._random.choice((4000, 16_000, 65_535, 100_000, 300_000))
            return size + self._random.randrange(400)
        # The largest that fits: an item is a header, the token, the key and a NUL, the flags
        # unless they are 0, the value and a line end.
        largest = self._item_bytes_max - 48 - 8 - len(key) - 1 - 2
        return largest + self._random.choice((-5, -4, -3, -1, 0, 0, 1, 2, 4, 8, 9, 100, largest))

    # Commands as clients mean them.

    def _get(self) -> list[Command]:
        return [self._fetch(self._random.choice((b"get", b"gets")), self._few_keys())]

    def _gat(self) -> list[Command]:
        name = self._random.choice((b"gat", b"gats"))
        keys = self._few_keys()[:4]  # a line that may not pass 2048 bytes
        return [self._fetch(name + b" " + self._exptime(), keys)]

    def _few_keys(self) -> list[bytes]:
        count = self._random.choice((1, 1, 1, 1, 2, 3, 6))
        counters = self._random.choice((0, 0, 0, 1, 2))
        keys = [self._random.choice(COUNTER_KEYS) for _ in range(counters)]
        return keys + [self._key() for _ in range(count)]

    def _large_multiget(self) -> list[Command]:
        name = self._random.choice((b"get", b"gets"))
        return [self._fetch(name, [self._key() for _ in range(self._random.randrange(20, 400))])]

    def _large(self) -> list[Command]:
        key = self._random.choice(LARGE_KEYS)
        kind = self._random.random()
        if kind < 0.4:
            return [self._fetch(self._random.choice((b"get", b"gets", b"gat 0")), [key])]
        value = self._large_value(key)
        if kind < 0.5 and "-C" not in self._options:
            return [self._fetch(b"gets", [key]), self._storage(b"cas", key, value, TOKEN_PLACE)]
        name = self._random.choice((b"set",) * 3 + (b"add", b"replace", b"append", b"prepend"))
        return [self._storage(name, key, value)]

    def _fetch(self, name: bytes, keys: list[bytes]) -> Command:
        return Command(Request(self._line(name, *keys)), fetches=frozenset(keys))

    def _store(self) -> list[Command]:
        name = self._random.choice((b"set",) * 4 + (b"add", b"replace", b"append", b"prepend"))
        key = self._key()
        return [self._storage(name, key, self._value())]

    def _cas(self) -> list[Command]:
        key = self._key()
        if self._random.random() < 0.3:
            return [self._fetch(b"gets", [key])]
        kind = self._random.random()
        if kind < 0.85:
            token = TOKEN_PLACE
        else:
            token = self._random.choice((NEVER_A_TOKEN, b"18446744073709551615"))
        return [self._storage(b"cas", key, self._value(), token, age=int(kind < 0.1))]

    def _number(self) -> list[Command]:
        value = self._random.choice(NUMBERS if self._random.random() < 0.8 else NOT_NUMBERS)
        return [self._storage(b"set", self._random.choice(COUNTER_KEYS), value)]

    def _storage(
        self, name: bytes, key: bytes, value: bytes, token: bytes = b"", age: int = 0
    ) -> Command:
        words = [name, key, self._random.choice(FLAGS), self._exptime(), b"%d" % len(value)]
        words += [token] if token else []
        if self._random.random() < 0.02:
            words += [b"4", b"5", b"6"][: self._random.randrange(4)]
        if self._random.random() < 0.15:
            words.append(b"noreply")
        request = Request(self._line(*words), value + b"\r\n")
        return Command(request, token_key=key if token == TOKEN_PLACE else b"", token_age=age)

    def _count(self) -> list[Command]:
        name, deltas = self._random.choice(((b"incr", DELTAS), (b"decr", DELTAS + LARGE_DELTAS)))
        key = self._random.choice(COUNTER_KEYS) if self._random.random() < 0.9 else self._key()
        line = self._line(name, key, self._random.choice(deltas) + self._noreply())
        return [Command(Request(line), counts=key)]

    def _touch(self) -> list[Command]:
        return [self._simple_line(b"touch", self._key(), self._exptime() + self._noreply())]

    def _delete(self) -> list[Command]:
        more = self._random.choice((b"",) * 6 + (b" 0", b" 5", b" 1 2 3"))
        return [self._simple_line(b"delete", self._key() + more + self._noreply())]

    def _flush(self) -> list[Command]:
        when = self._random.choice((b"", b"", b" 0", b" -1", b" 1000000"))
        return [self._simple_line(b"flush_all" + when + self._noreply())]

    def _simple(self) -> list[Command]:
        return [
            self._simple_line(
                self._random.choice(
                    (b"mn", b"mn", b"mn x", b"version", b"version noreply", b"verbosity 0")
                    + (b"verbosity 0 noreply", b"verbosity 0 1 2 3", b"verbosity", b"verbosity abc")
                    + (b"verbosity noreply", b"verbosity -1", b"verbosity abc noreply")
                )
            )
        ]

    def _simple_line(self, *words: bytes) -> Command:
        return _plain(self._line(*words))

    # Commands as no client should mean them.

    def _broken_line(self) -> list[Command]:
        kind = self._random.randrange(5)
        if kind == 0:
            line = self._random.choice((b"\n", b"\r\n", b"a\n", b"a\r\n", b"ab\n", b"mn\n", b" \n"))
        elif kind == 1:
            line = self._random.choice(NONSENSE) + self._noreply() + self._line_end()
        elif kind == 2:
            line = b" " * self._random.randrange(1, 5) + b"get " + self._key() + b"\r\n"
        else:
            line = self._too_few_words()
        return [_plain(line)]

    def _too_few_words(self) -> bytes:
        words = self._random.choice(WHOLE_LINES).split()
        words = words[: self._random.randrange(1, len(words))]
        # `delete noreply` has words enough: see _broken_key_command.
        if len(words) > 1 and self._random.random() < 0.2 and words[0] not in (b"gat", b"gats"):
            words[-1] = b"noreply"
        return self._line(*words)

    def _broken_storage(self) -> list[Command]:
        name = self._random.choice(
            (b"set", b"set", b"add", b"replace", b"append", b"prepend", b"cas")
        )
        words = [name, self._key(), b"0", b"0", b"3"]
        words += [NEVER_A_TOKEN] if name == b"cas" else []
        data = b"abc\r\n"
        kind = self._random.randrange(6 if name == b"cas" else 4)
        if kind == 0:
            words[1] = self._random.choice(LONG_KEYS)
        elif kind == 1:
            words[2] = self._random.choice(BAD_FLAGS)
        elif kind == 2:
            words[3] = self._random.choice(BAD_EXPTIMES)
        elif kind == 3:
            words[4] = self._random.choice(BAD_LENGTHS)
            data = b""
        elif kind == 4:
            words[5] = self._random.choice((b"abc", b"1x", b"-1", b"18446744073709551616"))
        else:
            words.pop()
        words += [b"noreply"] if self._random.random() < 0.2 else []
        return [Command(Request(self._line(*words), data))]

    def _bad_chunk(self) -> list[Command]:
        """A data block that does not end where its length says."""
        key = self._key()
        length = self._random.choice((0, 1, 3, 10, 100))
        value = bytes(self._random.choices(b"ab\x00 ", k=length + 2))
        rest = self._random.choice((b"", b"cd", b"\r", b"def", b"get k1", b" x"))
        if rest.startswith(b"\r"):
            value = value[:-1] + b"\r"
            rest = b""
        name = self._random.choice((b"set", b"set", b"add", b"replace", b"append", b"prepend"))
        line = self._line(name, key, b"0", b"0", b"%d" % length + self._noreply())
        rest_line = rest + self._random.choice((b"\n", b"\r\n"))
        return [Command(Request(line, value)), _plain(rest_line, fetches=frozenset([b"k1"]))]

    def _broken_key_command(self) -> list[Command]:
        key = self._random.choice(LONG_KEYS) if self._random.random() < 0.5 else self._key()
        bad_exptime = self._random.choice(BAD_EXPTIMES)
        words = self._random.choice(
            (
                [b"get", key],
                [b"get", self._key(), self._random.choice(LONG_KEYS), self._key()],
                [b"gets", self._random.choice(LONG_KEYS)],
                [b"gat", bad_exptime, key],
                [b"gats", b"0", self._random.choice(LONG_KEYS), self._key()],
                [b"incr", key, self._random.choice(BAD_DELTAS)],
                [b"decr", key, self._random.choice(BAD_DELTAS)],
                [b"incr", self._random.choice(LONG_KEYS), b"1"],
                [b"incr", b"n1", b"1", b"2", b"3"],
                [b"incr", key, b"noreply"],
                [b"touch", key, bad_exptime],
                [b"touch", key, b"0", b"x", b"y"],
                [b"touch", key, b"noreply"],
                [b"touch", self._random.choice(LONG_KEYS), b"0"],
                [b"delete", self._random.choice(LONG_KEYS)],
                [b"delete", b"noreply"],
                [b"flush_all", b"abc"],
            )
        )
        line = self._line(*words[:-1], words[-1] + self._noreply())
        counted = words[1] if words[0] in (b"incr", b"decr") else b""
        return [Command(Request(line), fetches=frozenset(words[1:]), counts=counted)]


def _plain(line: bytes, fetches: frozenset[bytes] = frozenset()) -> Command:
    return Command(Request(line), fetches=fetches)


def conversation(seed: int, number: int) -> Conversation:
    """The conversation of that number; its options go round."""
    return Generator(f"{seed}/{number}", OPTIONS[number % len(OPTIONS)]).conversation()
