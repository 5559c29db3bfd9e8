"""Makes a conversation that shows a difference as short as it will get.

Delta debugging (Zeller and Hildebrandt, 2002) over the commands: take away a half, a quarter, ...,
one command at a time, and keep what still shows it. What is tried starts with fresh servers, so
the shortest conversation stands alone. It ends when no single command can go, or when the time is
up: then it is merely short.
"""

import dataclasses
import time
from collections.abc import Callable

from conversation import Command, Conversation, Round

Shows = Callable[[Conversation], bool]


def shrink(conversation: Conversation, shows: Shows, seconds: float) -> Conversation:
    deadline = time.monotonic() + seconds
    without_cuts = dataclasses.replace(
        conversation,
        rounds=tuple(dataclasses.replace(round_, cuts=()) for round_ in conversation.rounds),
    )
    if shows(without_cuts):
        conversation = without_cuts
    commands = [
        (number, command)
        for number, round_ in enumerate(conversation.rounds)
        for command in round_.commands
    ]
    size = max(1, len(commands) // 2)
    while time.monotonic() < deadline:
        smaller = _without_some(conversation, commands, size, shows, deadline)
        if smaller is not None:
            commands = smaller
            size = min(size, max(1, len(commands) // 2))
        elif size == 1:
            break
        else:
            size //= 2
    return _rebuilt(conversation, commands)


def _without_some(
    conversation: Conversation,
    commands: list[tuple[int, Command]],
    size: int,
    shows: Shows,
    deadline: float,
) -> list[tuple[int, Command]] | None:
    """The commands less every run of `size` that is not needed, None if all are."""
    kept = commands
    # From the end: what comes last is seldom needed, and where it is, it names what is.
    for start in range((len(commands) - 1) // size * size, -1, -size):
        candidate = kept[:start] + kept[start + size :]
        if candidate and shows(_rebuilt(conversation, candidate)):
            kept = candidate
        if time.monotonic() > deadline:
            break
    return kept if len(kept) < len(commands) else None


def _rebuilt(conversation: Conversation, commands: list[tuple[int, Command]]) -> Conversation:
    rounds: list[Round] = []
    for number, round_ in enumerate(conversation.rounds):
        left = tuple(command for home, command in commands if home == number)
        if left:
            rounds.append(
                dataclasses.replace(
                    round_, commands=left, quits=round_.quits and left[-1] is round_.commands[-1]
                )
            )
    return dataclasses.replace(conversation, rounds=tuple(rounds))
