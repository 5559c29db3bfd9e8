"""The text protocols, classic and meta, as seen on the wire: requests cut apart, replies read.

Requests are cut as memcached 1.6.45 cuts them. A line ends at a line feed; a storage command whose
length is good is always followed by a data block of that length and two bytes, whatever else is
wrong with its line.
"""

import base64
import binascii
import dataclasses
import re

STORAGE_COMMANDS = {b"set", b"add", b"replace", b"append", b"prepend", b"cas"}
GET_COMMANDS = {b"get", b"gets"}
GAT_COMMANDS = {b"gat", b"gats"}
META_COMMANDS = {b"mg", b"ms", b"md", b"ma", b"me"}

KEY_BYTES_MAX = 250
DATA_BYTES_MAX = 2**31 - 3
CHOSEN_TOKENS = 10**12  # no server of a test counts so far

_LENGTH = re.compile(rb"[0-9]{1,11}")
_VALUE = re.compile(rb"VALUE ([^ ]+) [0-9]+ ([0-9]+)(?: ([0-9]+))?\r\n", re.DOTALL)
_META_VALUE = re.compile(rb"VA ([0-9]+)[ \r]")
_META_REPLY = re.compile(rb"(?:VA [0-9]+|HD|EN|NF|NS|EX)[ \r]")
_META_DEBUG = re.compile(rb"ME ([^ ]+) exp=(-?[0-9]+) la=[0-9]+ cas=([0-9]+) fetch=(yes|no) ")

# What is left of an item's time is told to the second, and so compared as one of these. No test
# takes as long as the steps between them.
_TTL_STEPS = (30, 300, 30_000, 1_000_000, 2_592_000)


@dataclasses.dataclass(frozen=True)
class Request:
    """A request line with its line end, and the data block that follows it, if one does."""

    line: bytes
    data: bytes = b""

    def __bytes__(self) -> bytes:
        return self.line + self.data

    @property
    def tokens(self) -> list[bytes]:
        return tokens(self.line)


def tokens(line: bytes) -> list[bytes]:
    """The words of a line. Only spaces part them: a tab is part of a word."""
    if line.endswith(b"\r\n"):
        line = line[:-2]
    elif line.endswith(b"\n"):
        line = line[:-1]
    return [word for word in line.split(b" ") if word]


def data_length(words: list[bytes]) -> int | None:
    """The length in a storage command's line, None where it is missing or bad."""
    place = 2 if words[0] == b"ms" else 4
    if len(words) <= place or not _LENGTH.fullmatch(words[place]):
        return None
    length = int(words[place])
    return length if length <= DATA_BYTES_MAX else None


def stores(words: list[bytes]) -> bool:
    """Whether these are the words of a command that is followed by data."""
    return bool(words) and (words[0] in STORAGE_COMMANDS or words[0] == b"ms")


def data_block_bytes(line: bytes) -> int:
    """How many bytes after the line belong to it."""
    if line.startswith(b" ") or len(line) < 4:
        return 0
    words = tokens(line)
    if not stores(words):
        return 0
    length = data_length(words)
    return 0 if length is None else length + 2


def decoded_key(word: bytes) -> bytes | None:
    """The key that a meta command's `b` makes of its key in base64; None where it is none."""
    try:
        return base64.b64decode(word, validate=True) or None
    except binascii.Error:
        return None


def split_requests(stream: bytes) -> list[Request]:
    """Cuts a stream of whole requests."""
    requests = []
    position = 0
    while position < len(stream):
        end = stream.index(b"\n", position) + 1
        line = stream[position:end]
        position = end + data_block_bytes(line)
        requests.append(Request(line, stream[end:position]))
    return requests


class Tokens:
    """The CAS tokens of one server, made comparable with those of another.

    A token is a number of the server's own choosing. Each is replaced by `#n`, n being its place in
    the order in which the server's tokens were first seen: two servers that hand out the same
    token, or a new one, at the same places give the same text. 0 is no token, and stays; so may
    those from CHOSEN_TOKENS, which a client has chosen.
    """

    def __init__(self, keeps_chosen: bool = False) -> None:
        self._keeps_chosen = keeps_chosen
        self.numbers: dict[bytes, int] = {}  # as received -> the number it is replaced by
        self.by_key: dict[bytes, list[bytes]] = {}  # as received, the latest last

    def name_of(self, token: bytes, key: bytes | None = None) -> bytes:
        if token == b"0" or (self._keeps_chosen and int(token) >= CHOSEN_TOKENS):
            return token
        if key is not None:
            seen = self.by_key.setdefault(key, [])
            if not seen or seen[-1] != token:
                seen.append(token)
        return b"#%d" % self.numbers.setdefault(token, len(self.numbers))


class Reader:
    """What has been received on one connection, and as what text it is compared."""

    def __init__(self, tokens_seen: Tokens | None) -> None:
        self.fences = 0  # replies to a fence read since the last take()
        self.tokens = tokens_seen or Tokens()
        self._text = bytearray()
        self._unread = bytearray()

    def ends_with(self, text: bytes) -> bool:
        return not self._unread and self._text.endswith(text)

    def take(self) -> bytes:
        """The text read since the last call, and what is left over half-read."""
        taken = bytes(self._text + self._unread)
        self._text.clear()
        self._unread.clear()
        self.fences = 0
        return taken


class ReplyReader(Reader):
    """Reads replies as they come, with tokens and times made comparable. A fence is MN."""

    def __init__(self, tokens_seen: Tokens | None = None) -> None:
        super().__init__(tokens_seen)

    def feed(self, received: bytes) -> None:
        self._unread += received
        position = 0
        while True:
            line_end = self._unread.find(b"\r\n", position) + 2
            if line_end < 2:
                break
            line = bytes(self._unread[position:line_end])
            next_position = line_end
            if value := _VALUE.fullmatch(line):
                next_position += int(value[2]) + 2
                if next_position > len(self._unread):
                    break
                if value[3]:
                    name = self.tokens.name_of(value[3], value[1])
                    line = line[: value.start(3)] + name + b"\r\n"
            elif line == b"MN\r\n":
                self.fences += 1
            elif _META_REPLY.match(line):
                if value := _META_VALUE.match(line):
                    next_position += int(value[1]) + 2
                    if next_position > len(self._unread):
                        break
                line = self._meta_line(line)
            elif debug := _META_DEBUG.match(line):
                line = self._debug_line(debug)
            self._text += line
            self._text += self._unread[line_end:next_position]
            position = next_position
        del self._unread[:position]

    def _meta_line(self, line: bytes) -> bytes:
        words = line[:-2].split(b" ")
        keys = [word[1:] for word in words[1:] if word.startswith(b"k")]
        key = keys[0] if keys else None
        if key is not None and b"b" in words[1:]:
            key = decoded_key(key)
        return b" ".join(self._meta_word(word, key) for word in words) + b"\r\n"

    def _meta_word(self, word: bytes, key: bytes | None) -> bytes:
        flag, argument = word[:1], word[1:]
        if not argument.isdigit():
            return word
        if flag == b"c":
            return b"c" + self.tokens.name_of(argument, key)
        if flag == b"t":
            return b"t" + _rough_ttl(int(argument))
        return b"l<seconds>" if flag == b"l" else word

    def _debug_line(self, debug: re.Match[bytes]) -> bytes:
        """Without the class and the size, which are larder's own."""
        expires = debug[2] if debug[2] == b"-1" else b"<time>"
        token = self.tokens.name_of(debug[3])
        return b"ME %s exp=%s cas=%s fetch=%s\r\n" % (debug[1], expires, token, debug[4])


def _rough_ttl(seconds: int) -> bytes:
    if seconds >= 2**31:
        return b"<past>"
    for step in _TTL_STEPS:
        if seconds <= step:
            return b"<%d" % step
    return b"<later>"
