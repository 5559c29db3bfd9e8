"""The binary protocol as seen on the wire: packets made, right and wrong, and replies read."""

import dataclasses
import struct

import wire

HEADER = struct.Struct(">BBHBBHIIQ")
REQUEST_MAGIC = 0x80
REPLY_MAGIC = 0x81

GET = 0x00
SET = 0x01
ADD = 0x02
REPLACE = 0x03
DELETE = 0x04
INCREMENT = 0x05
DECREMENT = 0x06
QUIT = 0x07
FLUSH = 0x08
GETQ = 0x09
NOOP = 0x0A
VERSION = 0x0B
GETK = 0x0C
GETKQ = 0x0D
APPEND = 0x0E
PREPEND = 0x0F
STAT = 0x10
SETQ = 0x11
ADDQ = 0x12
REPLACEQ = 0x13
DELETEQ = 0x14
INCREMENTQ = 0x15
DECREMENTQ = 0x16
QUITQ = 0x17
FLUSHQ = 0x18
APPENDQ = 0x19
PREPENDQ = 0x1A
VERBOSITY = 0x1B
TOUCH = 0x1C
GAT = 0x1D
GATQ = 0x1E
SASL_LIST = 0x20
SASL_AUTH = 0x21
SASL_STEP = 0x22
GATK = 0x23
GATKQ = 0x24

QUIET = {
    GET: GETQ,
    GETK: GETKQ,
    SET: SETQ,
    ADD: ADDQ,
    REPLACE: REPLACEQ,
    DELETE: DELETEQ,
    INCREMENT: INCREMENTQ,
    DECREMENT: DECREMENTQ,
    QUIT: QUITQ,
    FLUSH: FLUSHQ,
    APPEND: APPENDQ,
    PREPEND: PREPENDQ,
    GAT: GATQ,
    GATK: GATKQ,
}
NAMES = {
    number: name.lower()
    for name, number in list(globals().items())
    if isinstance(number, int) and name not in ("REQUEST_MAGIC", "REPLY_MAGIC")
}

FENCE_OPAQUE = 0x5EEDBEEF


@dataclasses.dataclass(frozen=True)
class Packet:
    """A request. Lengths that are given stand in the header instead of the true ones."""

    opcode: int
    key: bytes = b""
    extras: bytes = b""
    value: bytes = b""
    cas: int = 0
    opaque: int = 0
    magic: int = REQUEST_MAGIC
    data_type: int = 0
    vbucket: int = 0
    key_bytes: int | None = None
    extras_bytes: int | None = None
    body_bytes: int | None = None
    behind: bytes = b""  # sent after it

    def __bytes__(self) -> bytes:
        body = self.extras + self.key + self.value
        header = HEADER.pack(
            self.magic,
            self.opcode,
            len(self.key) if self.key_bytes is None else self.key_bytes,
            len(self.extras) if self.extras_bytes is None else self.extras_bytes,
            self.data_type,
            self.vbucket,
            len(body) if self.body_bytes is None else self.body_bytes,
            self.opaque,
            self.cas,
        )
        return header + body + self.behind


FENCE = Packet(NOOP, opaque=FENCE_OPAQUE)


def shown(packet: Packet) -> str:
    """For a reader: the opcode's name and what is not at its default."""
    fields = [
        f"{field.name}={getattr(packet, field.name)!r}"
        for field in dataclasses.fields(packet)[1:]
        if getattr(packet, field.name) != field.default
    ]
    name = NAMES.get(packet.opcode, hex(packet.opcode))
    return " ".join([name, *(text if len(text) < 90 else text[:80] + "..." for text in fields)])


def split_packets(stream: bytes) -> list[bytes]:
    """Cuts a stream by what its headers say; the rest, from a packet that is not whole, is one."""
    packets = []
    position = 0
    while position < len(stream):
        end = len(stream)
        if position + HEADER.size <= len(stream):
            end = min(end, position + HEADER.size + HEADER.unpack_from(stream, position)[6])
        packets.append(stream[position:end])
        position = end
    return packets


class ReplyReader(wire.Reader):
    """Reads replies as they come, as text with tokens made comparable. A fence is FENCE's."""

    def __init__(self, tokens_seen: wire.Tokens | None = None) -> None:
        super().__init__(tokens_seen)
        self.keys: dict[int, bytes] = {}  # opaque -> key, of what was asked

    def feed(self, received: bytes) -> None:
        self._unread += received
        position = 0
        while position + HEADER.size <= len(self._unread):
            header = HEADER.unpack_from(self._unread, position)
            end = position + HEADER.size + header[6]
            if header[0] != REPLY_MAGIC or end > len(self._unread):
                break
            self._text += self._shown(header)
            self._text += self._unread[position + HEADER.size : end] + b"\n"
            position = end
        del self._unread[:position]

    def _shown(self, header: tuple[int, ...]) -> bytes:
        _, opcode, key_bytes, extras_bytes, data_type, status, _, opaque, cas = header
        self.fences += opcode == NOOP and opaque == FENCE_OPAQUE
        name = NAMES.get(opcode, hex(opcode)).encode()
        token = self.tokens.name_of(b"%d" % cas, self.keys.get(opaque))
        said = b"%s: status %d, opaque %x, cas %s" % (name, status, opaque, token)
        return said + b", extras %d, key %d, type %d: " % (extras_bytes, key_bytes, data_type)
