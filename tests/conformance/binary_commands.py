"""Commands of the binary protocol, good and broken.

A packet that its server takes for a fault of the protocol closes the connection, and so can only be
the last of its round: last() makes those. A packet of an unknown opcode does not, but memcached
drops so many bytes more after it as it had of extras and key; `behind` feeds it those.
"""

import dataclasses

import binary_wire as binary
from binary_wire import Packet
from conversation import NEVER_A_TOKEN, Command, Kinds
from stock import COUNTER_KEYS, HOT_KEYS, LARGE_KEYS, NOT_NUMBERS, NUMBERS, Stock

BYTES_KEYS = [b"\x00\x01\x02", b"with space\r\n", b"\xff" * 30, b"z" * 250]
FLAGS = [0, 0, 0, 1, 9, 65535, 0xFFFFFFFF]
LIVE_EXPTIMES = [0, 0, 0, 1_000_000, 2_592_000, 2_000_000_000]
DEAD_EXPTIMES = [2_592_001, 1_000_000_000]
DO_NOT_CREATE = 0xFFFFFFFF
DELTAS = [0, 1, 7, 10, 99, 123_456_789]
UNKNOWN_OPCODES = [0x1F, 0x25, 0x30, 0x40, 0x77, 0xFF]


class BinaryCommands(Stock):
    def kinds(self) -> Kinds:
        return [
            (20, self._get),
            (18, self._store),
            (2, self._large),
            (8, self._join),
            (8, self._touch),
            (6, self._number),
            (14, self._count),
            (8, self._delete),
            (1 * self._has_cas, self._flush),
            (4, self._simple),
            (4, self._unknown),
        ]

    # What they are made of.

    def _any_key(self) -> bytes:
        kind = self._random.random()
        if kind < 0.1:
            return self._random.choice(BYTES_KEYS)
        return self._random.choice(HOT_KEYS) if kind < 0.6 else self._key()

    def _number32(self, number: int) -> bytes:
        return number.to_bytes(4, "big")

    def _expires(self) -> bytes:
        dead = self._random.random() < 0.05
        return self._number32(self._random.choice(DEAD_EXPTIMES if dead else LIVE_EXPTIMES))

    def _packet(
        self, opcode: int, key: bytes = b"", compares: bool = False, **of_packet
    ) -> Command:
        """The quiet form now and then; a token of the key where it compares."""
        if opcode in binary.QUIET and self._random.random() < 0.3:
            opcode = binary.QUIET[opcode]
        packet = Packet(opcode, key, opaque=self._random.getrandbits(32), **of_packet)
        if self._random.random() < 0.05:
            packet = dataclasses.replace(packet, data_type=1, vbucket=0x1234)
        if not compares or not self._has_cas or self._random.random() < 0.7:
            return Command(packet)
        if self._random.random() < 0.1:
            return Command(dataclasses.replace(packet, cas=int(NEVER_A_TOKEN)))
        return Command(packet, token_key=key, token_age=int(self._random.random() < 0.2))

    # Commands as clients mean them.

    def _get(self) -> list[Command]:
        key = self._any_key()
        if self._random.random() < 0.2:
            key = self._random.choice(COUNTER_KEYS + LARGE_KEYS)
        command = self._packet(self._random.choice((binary.GET, binary.GETK)), key)
        return [dataclasses.replace(command, fetches=frozenset([key]))]

    def _touch(self) -> list[Command]:
        key = self._any_key()
        opcode = self._random.choice((binary.TOUCH, binary.GAT, binary.GATK))
        command = self._packet(opcode, key, extras=self._expires())
        return [dataclasses.replace(command, fetches=frozenset([key]))]

    def _set(self, key: bytes, value: bytes, opcode: int = binary.SET) -> Command:
        extras = self._number32(self._random.choice(FLAGS)) + self._expires()
        return self._packet(opcode, key, compares=True, extras=extras, value=value)

    def _store(self) -> list[Command]:
        opcode = self._random.choice((binary.SET,) * 3 + (binary.ADD, binary.REPLACE))
        return [self._set(self._any_key(), self._value(), opcode)]

    def _large(self) -> list[Command]:
        key = self._random.choice(LARGE_KEYS)
        opcode = self._random.choice((binary.SET, binary.SET, binary.ADD, binary.REPLACE))
        return [self._set(key, self._large_value(key), opcode)]

    def _join(self) -> list[Command]:
        opcode = self._random.choice((binary.APPEND, binary.PREPEND))
        value = self._value()[:300]
        return [self._packet(opcode, self._any_key(), compares=True, value=value)]

    def _number(self) -> list[Command]:
        value = self._random.choice(NUMBERS if self._random.random() < 0.8 else NOT_NUMBERS)
        return [self._set(self._random.choice(COUNTER_KEYS), value)]

    def _count(self) -> list[Command]:
        key = self._random.choice(COUNTER_KEYS) if self._random.random() < 0.9 else self._any_key()
        expires = self._random.choice((DO_NOT_CREATE, 0, 0, 1_000_000))
        initial = self._random.choice((0, 1, 99, 100_000))
        extras = self._random.choice(DELTAS).to_bytes(8, "big") + initial.to_bytes(8, "big")
        opcode = self._random.choice((binary.INCREMENT, binary.DECREMENT))
        command = self._packet(opcode, key, True, extras=extras + self._number32(expires))
        return [dataclasses.replace(command, counts=key)]

    def _delete(self) -> list[Command]:
        return [self._packet(binary.DELETE, self._any_key(), compares=True)]

    def _flush(self) -> list[Command]:
        extras = self._random.choice((b"", b"\x00\x00\x00\x00"))
        return [self._packet(binary.FLUSH, extras=extras)]

    def _simple(self) -> list[Command]:
        opcode = self._random.choice((binary.NOOP, binary.VERSION, binary.SASL_LIST))
        if self._random.random() < 0.3:
            return [self._packet(binary.STAT, b"nonsense")]
        return [self._packet(opcode)]

    # Commands as no client should mean them.

    def _unknown(self) -> list[Command]:
        if self._random.random() < 0.3:
            # SASL without -S is unknown too, but its value is all that is dropped.
            opcode = self._random.choice((binary.SASL_AUTH, binary.SASL_STEP))
            return [self._packet(opcode, b"PLAIN", value=b"\x00user\x00pass")]
        opcode = self._random.choice((*UNKNOWN_OPCODES, binary.VERBOSITY))
        key = self._random.choice((b"", b"k1"))
        extras = self._random.choice((b"", b"\x00\x00\x00\x00"))
        value = self._random.choice((b"", b"value"))
        behind = b"\x80" * (len(key) + len(extras))
        return [self._packet(opcode, key, extras=extras, value=value, behind=behind)]

    def last(self) -> list[Command]:
        """What makes the server close the connection."""
        if self._random.random() < 0.1:
            # memcached then drops the replies that it has not sent: a noop makes it send them. It
            # also makes the first packet of a connection one that tells the protocol.
            magic = self._random.choice((0x81, 0x00, 0x67, 0xFF))
            return [Command(binary.Packet(binary.NOOP)), self._packet(binary.NOOP, magic=magic)]
        return [self._closing()]

    def _closing(self) -> Command:
        kind = self._random.random()
        if kind < 0.25:
            return self._packet(self._random.choice((binary.QUIT, binary.QUITQ)))
        if kind < 0.4:
            # A body that is shorter than its key and extras.
            opcode = self._random.choice((binary.GET, binary.SET, binary.NOOP, 0x77))
            body_bytes = self._random.choice((0, 1, 5))
            return self._packet(opcode, b"k" * 6, body_bytes=body_bytes)
        if kind < 0.5:
            opcode = self._random.choice((binary.GET, binary.SET, binary.DELETE, 0x77))
            extras = b"\x00" * 8 if opcode == binary.SET else b""
            key = b"x" * self._random.choice((251, 252, 256, 300, 5000))
            return self._packet(opcode, key, extras=extras)
        return self._wrong_for_its_opcode()

    def _wrong_for_its_opcode(self) -> Command:
        key, extras = b"k1", b"\x00\x00\x00\x00"
        opcode, of_packet = self._random.choice(
            (
                (binary.GET, {"key": key, "extras": extras}),
                (binary.GET, {"key": key, "value": b"value"}),
                (binary.GETK, {}),
                (binary.SET, {"key": key, "value": b"value"}),
                (binary.SET, {"extras": extras * 2, "value": b"value"}),
                (binary.ADD, {"key": key, "extras": extras}),
                (binary.REPLACE, {"key": key, "extras": extras * 3}),
                (binary.DELETE, {"key": key, "extras": extras}),
                (binary.DELETE, {"key": key, "value": b"value"}),
                (binary.DELETE, {}),
                (binary.INCREMENT, {"key": key, "extras": extras * 2}),
                (binary.DECREMENT, {"extras": extras * 5}),
                (binary.INCREMENT, {"key": key, "extras": extras * 5, "value": b"1"}),
                (binary.FLUSH, {"extras": extras * 2}),
                (binary.FLUSH, {"key": key}),
                (binary.NOOP, {"key": key}),
                (binary.NOOP, {"value": b"value"}),
                (binary.VERSION, {"extras": extras}),
                (binary.APPEND, {"key": key, "extras": extras, "value": b"value"}),
                (binary.PREPEND, {"value": b"value"}),
                (binary.STAT, {"extras": extras}),
                (binary.TOUCH, {"key": key}),
                (binary.GAT, {"extras": extras}),
                (binary.GATK, {"key": key, "extras": extras * 2}),
                (binary.QUIT, {"key": key}),
                (binary.SASL_LIST, {"key": key}),
                (binary.SASL_AUTH, {}),
                (binary.SASL_STEP, {"key": key, "extras": extras}),
            )
        )
        return self._packet(opcode, **of_packet)
