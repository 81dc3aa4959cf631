"""The server's clock: follows `time.time`, can be advanced and frozen."""

from __future__ import annotations

import math
import time


def checked_seconds(seconds: float) -> float:
    """Refuse what time cannot move by.

    Raises:
        TypeError: it is no number.
        ValueError: it is endless, or no number after all.
    """
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"time moves by a number of seconds, not {seconds!r}")
    if not math.isfinite(seconds):
        raise ValueError(f"time moves by a finite number of seconds, not {seconds}")
    return seconds


class Clock:
    """Time as one server sees it.

    ``time.time`` is looked up in its module at each reading, so tools that replace it (freezegun,
    time-machine) move this clock too.
    """

    __slots__ = ("frozen", "offset")

    def __init__(self) -> None:
        self.offset = 0.0  # seconds ahead of time.time()
        self.frozen: float | None = None

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        return (time.time() if self.frozen is None else self.frozen) + self.offset

    def milliseconds(self) -> int:
        """Now, in whole milliseconds since the epoch."""
        if self.frozen is None:
            return int((time.time() + self.offset) * 1000)
        return round((self.frozen + self.offset) * 1000)

    def advance(self, seconds: float) -> None:
        """Move ahead by ``seconds``."""
        self.offset += checked_seconds(seconds)

    def freeze(self, at: float | None = None) -> None:
        """Stand still, at ``at`` (seconds since the epoch) or where the clock is."""
        self.frozen = self.seconds() if at is None else at
        self.offset = 0.0

    def unfreeze(self) -> None:
        """Run again from where the clock stands."""
        if self.frozen is not None:
            self.offset += self.frozen - time.time()
            self.frozen = None
