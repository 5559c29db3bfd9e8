"""What a differential run does: commands, in rounds, in a conversation."""

import dataclasses
from collections.abc import Callable

from binary_wire import Packet
from wire import Request

TOKEN_PLACE = b"{token}"
NEVER_A_TOKEN = b"1000000000000000000"


@dataclasses.dataclass(frozen=True)
class Command:
    """A request, perhaps with a CAS token that the server has handed out.

    Its place is `{token}` in the line of a text request, and the header of a binary one.
    """

    request: Request | Packet
    token_key: bytes = b""  # the key whose token it is; none: no such token
    token_age: int = 0  # 0: the latest that was seen, 1: the one before
    fetches: frozenset[bytes] = frozenset()
    counts: bytes = b""  # the key whose number it may shrink

    def with_token(self, token: bytes | None) -> Request | Packet:
        """The request as it is sent, or one whose token is refused where none was handed out."""
        token = token or NEVER_A_TOKEN
        if not self.token_key:
            return self.request
        if isinstance(self.request, Packet):
            return dataclasses.replace(self.request, cas=int(token))
        line = self.request.line.replace(TOKEN_PLACE, token)
        return Request(line, self.request.data)


# How often, and what makes the commands.
Kinds = list[tuple[int, Callable[[], list[Command]]]]


@dataclasses.dataclass(frozen=True)
class Round:
    """A pipeline on one connection, of one protocol: text or binary."""

    connection: int
    commands: tuple[Command, ...]
    cuts: tuple[float, ...]  # where the stream is cut, as parts of its length
    quits: bool = False  # its last command makes the server close the connection

    @property
    def is_binary(self) -> bool:
        return isinstance(self.commands[0].request, Packet)


@dataclasses.dataclass(frozen=True)
class Conversation:
    options: tuple[str, ...]
    rounds: tuple[Round, ...]

    def command_count(self) -> int:
        return sum(len(round_.commands) for round_ in self.rounds)


def plain(line: bytes, fetches: frozenset[bytes] = frozenset()) -> Command:
    return Command(Request(line), fetches=fetches)
