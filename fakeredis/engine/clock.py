"""The server's clock: follows `time.time`, can be advanced and frozen."""

from __future__ import annotations

import time


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
        self.offset += seconds

    def freeze(self, at: float | None = None) -> None:
        """Stand still, at ``at`` (seconds since the epoch) or where the clock is."""
        self.frozen = self.seconds() if at is None else at
        self.offset = 0.0

    def unfreeze(self) -> None:
        """Run again from where the clock stands."""
        if self.frozen is not None:
            self.offset += self.frozen - time.time()
            self.frozen = None
