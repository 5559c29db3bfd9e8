"""Commands of the meta protocol, good and broken.

What 1.6.18 does not know cannot be compared with it, and is left out here: `C` of mg, `s` of ms,
`x` of md, `N` of an append or prepend, and `q` of an ma that creates. `E` is here: 1.6.18 is not
told of it, and gives a token of its own, which is as new. But no `I` of ms, which compares tokens
by size, on keys that were given one.
"""

import base64

from conversation import NEVER_A_TOKEN, TOKEN_PLACE, Command, Kinds, plain
from stock import COUNTER_KEYS, LARGE_KEYS, LONG_KEYS, NOT_NUMBERS, NUMBERS, Stock
from wire import Request

CHOSEN_TOKEN_KEYS = [b"e%d" % number for number in range(6)]
# Without line ends: an item that a get in base64 made has its key told as it is.
BYTES_KEYS = [b"k1", b"\x00\x01\x02", b"with\ttab", b"\xff" * 30, b"b" * 186, b"k2"]

FLAGS = [b"0", b"1", b"9", b"65535", b"4294967295"]
LIVE_EXPTIMES = [b"0", b"0", b"0", b"1000000", b"2592000"]
# None is one of those times: which is later would be a matter of when they were set.
RECACHE_TIMES = [b"0", b"30", b"30000", b"1500000", b"-1"]
OPAQUES = [b"O1", b"Oq24", b"Oopaque", b"O" + b"o" * 31, b"O", b"O\xff"]
OPAQUE_TOO_LONG = b"O" + b"o" * 32
NOT_BASE64 = [b"===", b"a", b"a*=="]
SET_MODES = [b"MS", b"MS", b"ME", b"MR", b"MA", b"MP", b"MEE"]
COUNT_MODES = [b"MI", b"M+", b"MD", b"M-", b"MIx"]
BAD_NUMBERS = [b"x", b"1x", b"", b"99999999999999999999"]
SHORT_LINES = [b"mg", b"md", b"ma", b"ms", b"ms k1", b"me", b"mg ", b"ms k1 "]
BAD_LENGTHS = [b"abc", b"-1", b"S3", b"3x", b"2147483646", b"99999999999999999999"]


class MetaCommands(Stock):
    def kinds(self) -> Kinds:
        return [
            (20, self._get),
            (18, self._set),
            (2, self._large),
            (10 * self._has_cas, self._compare),
            (6, self._delete),
            (6, self._number),
            (12, self._count),
            (2, self._debug),
            (2, self._noop),
            (6, self._broken_flags),
            (3, self._broken_line),
            (3, self._broken_set),
        ]

    # What they are made of.

    def _meta_key(self) -> tuple[bytes, bytes, list[bytes]]:
        """A key, as it is written, and the flag that says how."""
        kind = self._random.random()
        if kind < 0.15:
            key = self._random.choice(BYTES_KEYS)
            return key, base64.b64encode(key), [b"b"]
        key = self._random.choice(CHOSEN_TOKEN_KEYS) if kind < 0.3 else self._key()
        return key, key, []

    def _some(self, *flags: bytes) -> list[bytes]:
        """Some of these flags, each at most once, in any order."""
        chosen = self._random.choice((0, 0, 1, 1, 2, 3, 5, 9))
        return self._random.sample(flags, min(chosen, len(flags)))

    def _exptime_flag(self, flag: bytes) -> bytes:
        dead = self._random.random() < 0.05
        return flag + (b"-1" if dead else self._random.choice(LIVE_EXPTIMES))

    def _opaque(self) -> bytes:
        return self._random.choice(OPAQUES)

    def _chosen_token(self, key: bytes) -> list[bytes]:
        if key not in CHOSEN_TOKEN_KEYS or not self._has_cas or self._random.random() < 0.3:
            return []
        # Never the same twice, and larger than what a server counts up to.
        return [b"E%d" % self._random.randrange(10**12, 10**15)]

    def _token_flag(self) -> list[bytes]:
        return [b"c"] if self._has_cas else []

    def _meta(
        self, name: bytes, written: bytes, words: list[bytes], data: bytes = b"", **of_command
    ) -> Command:
        """The flags, which are the last of the words, may stand in any order."""
        line = self._line(name, written, *words)
        return Command(Request(line, data), **of_command)

    def _shuffled(self, flags: list[bytes]) -> list[bytes]:
        return self._random.sample(flags, len(flags))

    # Commands as clients mean them.

    def _get(self) -> list[Command]:
        key, written, how = self._meta_key()
        if self._random.random() < 0.15:
            key = written = self._random.choice(COUNTER_KEYS + LARGE_KEYS)
            how = []
        flags = how + self._token_flag()[: self._random.randrange(2)]
        flags += self._some(
            *(b"v", b"v", b"f", b"h", b"k", b"s", b"t", b"l", b"q", b"u", self._opaque())
        )
        if b"c" in flags and b"k" not in flags:
            flags.append(b"k")  # whose token it is
        if self._random.random() < 0.1:
            flags.append(self._exptime_flag(b"T"))
        if self._random.random() < 0.1:
            flags.append(b"R" + self._random.choice(RECACHE_TIMES))
        if self._random.random() < 0.12 and key not in LARGE_KEYS:
            flags += [self._exptime_flag(b"N"), *self._chosen_token(key)]
        flags = list(dict.fromkeys(flags))
        return [self._meta(b"mg", written, self._shuffled(flags), fetches=frozenset([key]))]

    def _set(self) -> list[Command]:
        key, written, how = self._meta_key()
        flags = how + self._chosen_token(key) + self._of_set(key)
        return [self._storage(key, written, self._value(), flags)]

    def _of_set(self, key: bytes) -> list[bytes]:
        flags = self._some(
            *(b"k", b"q", b"F" + self._random.choice(FLAGS), self._exptime_flag(b"T")),
            *(b"I", self._opaque(), *self._token_flag()),
        )
        if self._random.random() < 0.3:
            flags.append(self._random.choice(SET_MODES))
        if b"c" in flags and b"k" not in flags:
            flags.append(b"k")
        return flags

    def _storage(
        self, key: bytes, written: bytes, value: bytes, flags: list[bytes], age: int = 0
    ) -> Command:
        words = [b"%d" % len(value), *self._shuffled(flags)]
        token_key = key if b"C" + TOKEN_PLACE in flags else b""
        return self._meta(
            b"ms", written, words, value + b"\r\n", token_key=token_key, token_age=age
        )

    def _large(self) -> list[Command]:
        key = self._random.choice(LARGE_KEYS)
        if self._random.random() < 0.4:
            return [self._meta(b"mg", key, [b"v"], fetches=frozenset([key]))]
        flags = [self._random.choice(SET_MODES)] if self._random.random() < 0.5 else []
        return [self._storage(key, key, self._large_value(key), flags)]

    def _compare(self) -> list[Command]:
        """Commands with a token: the latest, the one before it, or none that there ever was."""
        key, written, how = self._meta_key()
        if self._random.random() < 0.3:
            words = self._shuffled([b"k", b"c", *how])
            return [self._meta(b"mg", written, words, fetches=frozenset([key]))]
        kind = self._random.random()
        age = int(kind < 0.2)
        token = TOKEN_PLACE if kind < 0.9 else self._random.choice((NEVER_A_TOKEN, b"1"))
        flags = [b"C" + token, *how]
        token_key = key if token == TOKEN_PLACE else b""
        what = self._random.random()
        if what < 0.6:
            flags += self._of_set(key)
            if key in CHOSEN_TOKEN_KEYS:
                flags = [flag for flag in flags if flag != b"I"]
            flags += self._chosen_token(key)
            return [self._storage(key, written, self._value(), flags, age)]
        if what < 0.8:
            flags += self._some(b"I", b"q", b"k", self._exptime_flag(b"T"), self._opaque())
            words = self._shuffled(flags)
            return [self._meta(b"md", written, words, token_key=token_key, token_age=age)]
        key = self._random.choice(COUNTER_KEYS)
        words = self._shuffled([b"C" + token, *self._some(b"k", b"q", b"v")])
        token_key = key if token_key else b""
        return [self._meta(b"ma", key, words, token_key=token_key, token_age=age, counts=key)]

    def _delete(self) -> list[Command]:
        _, written, how = self._meta_key()
        flags = how + self._some(b"I", b"I", b"q", b"k", self._exptime_flag(b"T"), self._opaque())
        return [self._meta(b"md", written, self._shuffled(list(dict.fromkeys(flags))))]

    def _number(self) -> list[Command]:
        key = self._random.choice(COUNTER_KEYS)
        value = self._random.choice(NUMBERS if self._random.random() < 0.8 else NOT_NUMBERS)
        return [self._storage(key, key, value, self._some(b"k", b"q", *self._token_flag()))]

    def _count(self) -> list[Command]:
        key = self._random.choice(COUNTER_KEYS)
        written, how = key, []
        if self._random.random() < 0.1:
            key, written, how = self._meta_key()
        flags = how + self._some(
            *(b"k", b"t", b"v", self._opaque(), self._random.choice(COUNT_MODES)),
            b"J" + self._random.choice((b"0", b"13", b"99999")),
            *(b"D" + self._random.choice((b"0", b"1", b"7", b"99", b"123456789")),),
            *self._token_flag(),
        )
        if b"c" in flags and b"k" not in flags:
            flags.append(b"k")
        if b"MD" in flags:
            # Where the number outgrows its item, memcached sets the time of the old one.
            flags.append(self._exptime_flag(b"T"))
        if self._random.random() < 0.2:
            flags.append(self._exptime_flag(b"N"))
        elif self._random.random() < 0.2:
            flags.append(b"q")
        return [self._meta(b"ma", written, self._shuffled(flags), counts=key)]

    def _debug(self) -> list[Command]:
        _, written, how = self._meta_key()
        return [self._meta(b"me", written, how)]

    def _noop(self) -> list[Command]:
        return [plain(self._random.choice((b"mn\r\n", b"mn x\r\n")))]

    # Commands as no client should mean them. Each has one fault.

    def _broken_flags(self) -> list[Command]:
        name = self._random.choice((b"mg", b"ms", b"md", b"ma"))
        key, written, _ = self._meta_key()
        if self._random.random() < 0.5:
            key = written = self._random.choice(COUNTER_KEYS)
        kind = self._random.randrange(5)
        if kind == 0:
            flags = [b"k", b"k"]
        elif kind == 1:
            flags = [self._random.choice((b"Y", b"y", b"_", b"z", b"!", b"1", b"-"))]
        elif kind == 2:
            flag = self._random.choice(b"TNRCEJD").to_bytes(1, "big")
            flags = [flag + self._random.choice(BAD_NUMBERS)]
        elif kind == 3:
            written, flags = self._random.choice(NOT_BASE64), [b"b"]
        elif name == b"ms":
            flags = [b"F" + self._random.choice((b"-1", b"a", b"4294967296"))]
        elif name == b"ma":
            flags = [self._random.choice((b"Mi", b"Mx", b"M0"))]
        else:
            # Without u memcached takes the item to be read, in spite of the fault.
            flags = [OPAQUE_TOO_LONG, b"u"]
        flags += self._some(b"q", b"O1", b"v") if kind not in (0, 4) else []
        words, data = self._shuffled(flags), b""
        if name == b"ms":
            words, data = [b"3", *words], b"abc\r\n"
        counts = key if name == b"ma" else b""
        return [self._meta(name, written, words, data, fetches=frozenset([key]), counts=counts)]

    def _broken_line(self) -> list[Command]:
        if self._random.random() < 0.5:
            return [plain(self._random.choice(SHORT_LINES) + self._line_end())]
        name = self._random.choice((b"mg", b"md", b"ma"))
        return [self._meta(name, self._random.choice(LONG_KEYS), self._some(b"q", b"k"))]

    def _broken_set(self) -> list[Command]:
        _, written, how = self._meta_key()
        kind = self._random.randrange(4)
        if kind == 0:
            return [self._meta(b"ms", written, [self._random.choice(BAD_LENGTHS), *how])]
        words = [b"3", *how, *self._some(b"q", b"k")]
        if kind == 1:
            return [self._meta(b"ms", self._random.choice(LONG_KEYS), [b"3"], b"abc\r\n")]
        if kind == 2:
            words.append(self._random.choice((b"Me", b"Mx", b"M0")))
            return [self._meta(b"ms", written, words, b"abc\r\n")]
        # The data does not end where its length says; what is left over is a line.
        return [self._meta(b"ms", written, words, b"abcde"), plain(b"cd\r\n")]
