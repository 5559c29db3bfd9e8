"""The classic text protocol as seen on the wire: requests cut apart, replies read.

Requests are cut as memcached 1.6.45 cuts them. A line ends at a line feed; a storage command whose
length is good is always followed by a data block of that length and two bytes, whatever else is
wrong with its line.
"""

import dataclasses
import re

STORAGE_COMMANDS = {b"set", b"add", b"replace", b"append", b"prepend", b"cas"}
GET_COMMANDS = {b"get", b"gets"}
GAT_COMMANDS = {b"gat", b"gats"}

KEY_BYTES_MAX = 250
DATA_BYTES_MAX = 2**31 - 3

_LENGTH = re.compile(rb"[0-9]{1,11}")
_VALUE = re.compile(rb"VALUE ([^ ]+) [0-9]+ ([0-9]+)(?: ([0-9]+))?\r\n", re.DOTALL)


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
    if len(words) < 5 or not _LENGTH.fullmatch(words[4]) or int(words[4]) > DATA_BYTES_MAX:
        return None
    return int(words[4])


def data_block_bytes(line: bytes) -> int:
    """How many bytes after the line belong to it."""
    if line.startswith(b" ") or len(line) < 4:
        return 0
    words = tokens(line)
    if not words or words[0] not in STORAGE_COMMANDS:
        return 0
    length = data_length(words)
    return 0 if length is None else length + 2


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


class ReplyReader:
    """Reads replies as they come, and makes those of two servers comparable.

    A CAS token is a number of the server's own choosing. Each is replaced by `#n`, n being its
    place in the order in which this client saw the server's tokens first: two servers that hand
    out the same token, or a new one, at the same places give the same text.
    """

    def __init__(self) -> None:
        self.fences = 0  # MN lines read since the last take()
        self.tokens: dict[bytes, int] = {}  # as received -> the number it is replaced by
        self.tokens_by_key: dict[bytes, list[bytes]] = {}  # as received, the latest last
        self._text = bytearray()
        self._unread = bytearray()

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
                    line = line[: value.start(3)] + self._number_of(value[1], value[3]) + b"\r\n"
            elif line == b"MN\r\n":
                self.fences += 1
            self._text += line
            self._text += self._unread[line_end:next_position]
            position = next_position
        del self._unread[:position]

    def _number_of(self, key: bytes, token: bytes) -> bytes:
        seen = self.tokens_by_key.setdefault(key, [])
        if not seen or seen[-1] != token:
            seen.append(token)
        return b"#%d" % self.tokens.setdefault(token, len(self.tokens))

    def take(self) -> bytes:
        """The text read since the last call, and what is left over half-read."""
        taken = bytes(self._text + self._unread)
        self._text.clear()
        self._unread.clear()
        self.fences = 0
        return taken
