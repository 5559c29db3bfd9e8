"""What the Python clients' checks are written with: each that fails is told, none ends the run."""

import sys
import time
from collections.abc import Callable

EXPIRY_SECONDS = 20.0

LONG_KEY = "k" * 250
LARGE_VALUE = "large value " * 75_000  # 900 kB


class Checks:
    def __init__(self, client: str):
        self._client = client
        self._done = 0
        self._failed = 0

    def equal(self, what: str, got: object, wanted: object) -> None:
        self._done += 1
        if got != wanted:
            self._failed += 1
            print(f"FAILED {what}: got {_short(got)}, wanted {_short(wanted)}")

    def that(self, what: str, holds: bool) -> None:
        self.equal(what, bool(holds), True)

    def comes_to(self, what: str, wanted: object, get: Callable[[], object]) -> None:
        """What an expiry time brings about, asked for until it has come."""
        deadline = time.monotonic() + EXPIRY_SECONDS
        while get() != wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        self.equal(what, get(), wanted)

    def finish(self) -> None:
        print(f"{self._client}: {self._done} checks, {self._failed} failed")
        sys.exit(1 if self._failed else 0)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:100]}... ({len(text)} characters)"
