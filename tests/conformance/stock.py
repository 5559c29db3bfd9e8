"""What commands of every protocol are made of: keys, values, times."""

import random

ITEM_BYTES_MAX = {"512k": 512 << 10, "1m": 1 << 20, "4m": 4 << 20}

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
LIVE_EXPTIMES = [b"0"] * 6 + [b"2592000", b"1000000", b"2000000000", b"2147483647", b"+0"]
DEAD_EXPTIMES = [b"-1", b"-2147483648", b"2592001", b"1000000000", b"2147483648", b"4294967295"]
BAD_EXPTIMES = [b"a", b"1x", b"99999999999999999999", b"0x10"]
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


class Stock:
    """Draws from the one random sequence of a conversation."""

    def __init__(self, sequence: random.Random, options: tuple[str, ...]):
        self._random = sequence
        self._options = options
        item_option = options[options.index("-I") + 1] if "-I" in options else "1m"
        self._item_bytes_max = ITEM_BYTES_MAX[item_option]
        self._has_cas = "-C" not in options

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

    def _few_keys(self) -> list[bytes]:
        count = self._random.choice((1, 1, 1, 1, 2, 3, 6))
        counters = self._random.choice((0, 0, 0, 1, 2))
        keys = [self._random.choice(COUNTER_KEYS) for _ in range(counters)]
        return keys + [self._key() for _ in range(count)]
