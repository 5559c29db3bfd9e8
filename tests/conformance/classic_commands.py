"""Commands of the classic text protocol, good and broken."""

from conversation import NEVER_A_TOKEN, TOKEN_PLACE, Command, Kinds, plain
from stock import (
    BAD_EXPTIMES,
    COUNTER_KEYS,
    FLAGS,
    LARGE_KEYS,
    LONG_KEYS,
    NOT_NUMBERS,
    NUMBERS,
    Stock,
)
from wire import Request

BAD_FLAGS = [b"-1", b"a", b"1x", b"99999999999999999999", b"0x1"]
BAD_LENGTHS = [b"abc", b"-1", b"3x", b"+3", b"2147483646", b"4294967299", b"99999999999999999999"]
DELTAS = [b"0", b"1", b"5", b"10", b"99", b"123456789", b"+1", b"007"]
LARGE_DELTAS = [b"9223372036854775808", b"18446744073709551615"]
BAD_DELTAS = [b"-1", b"abc", b"1x", b"0x1", b"18446744073709551616", b"99999999999999999999999"]
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


class ClassicCommands(Stock):
    def kinds(self) -> Kinds:
        return [
            (20, self._get),
            (6, self._gat),
            (3, self._large_multiget),
            (20, self._store),
            (2, self._large),
            (9 * self._has_cas, self._cas),
            (7, self._number),
            (14, self._count),
            (6, self._touch),
            (7, self._delete),
            (1 * self._has_cas, self._flush),
            (4, self._simple),
            (8, self._broken_line),
            (6, self._broken_storage),
            (4, self._bad_chunk),
            (4, self._broken_key_command),
        ]

    # Commands as clients mean them.

    def _get(self) -> list[Command]:
        return [self._fetch(self._random.choice((b"get", b"gets")), self._few_keys())]

    def _gat(self) -> list[Command]:
        name = self._random.choice((b"gat", b"gats"))
        keys = self._few_keys()[:4]  # a line that may not pass 2048 bytes
        return [self._fetch(name + b" " + self._exptime(), keys)]

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
        return plain(self._line(*words))

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
        return [plain(line)]

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
        return [Command(Request(line, value)), plain(rest_line, fetches=frozenset([b"k1"]))]

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
