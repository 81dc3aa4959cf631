"""The server's clock: follows `time.time`, can be advanced and frozen."""

from __future__ import annotations

import math
import sys
import time
from functools import partial
from typing import Final

CLOCKS: Final = ("test", "real")
# Tools that replace `time.time` by name look into modules, not into objects. One may have been
# at work before this module was loaded.
_time: Final = partial(getattr(sys.modules.get("freezegun.api"), "real_time", time.time))


def real_time() -> float:
    """Seconds since the epoch, whatever freezegun, time-machine or a mock make of `time.time`."""
    machine = sys.modules.get("time_machine")
    if machine is not None and machine.escape_hatch.is_travelling():
        return float(machine.escape_hatch.time.time())  # it exchanges the function itself
    return float(_time())


def clock_of(kind: str) -> Clock:
    """A new clock.

    Args:
        kind: ``"test"``, which tools for tests move, or ``"real"``.

    Raises:
        ValueError: it is neither.
    """
    if kind not in CLOCKS:
        raise ValueError(f"clock must be one of {CLOCKS}, not {kind!r}")
    return RealClock() if kind == "real" else Clock()


def checked_seconds(seconds: float, what: str = "time moves by") -> float:
    """Refuse what is no number of seconds.

    Args:
        what: how the error begins.

    Raises:
        TypeError: it is no number.
        ValueError: it is endless, or no number after all.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} a number of seconds, not {seconds!r}")
    if not math.isfinite(seconds):
        raise ValueError(f"{what} a finite number of seconds, not {seconds}")
    return seconds


def checked_advance(seconds: float) -> float:
    """Refuse what a server's clock cannot be moved ahead by.

    Raises:
        TypeError: it is no number.
        ValueError: it is endless, or leads back.
    """
    if checked_seconds(seconds) < 0:
        raise ValueError(
            f"time moves ahead only, not by {seconds}: an earlier time is freeze(at=...)"
        )
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

    @property
    def moved(self) -> bool:
        """Whether it shows another time than `time.time`."""
        return self.frozen is not None or self.offset != 0

    def when(self, moment: float) -> float:
        """What it showed when `time.time` was ``moment``, if nobody has moved it since."""
        return self.seconds() - (time.time() - moment if self.frozen is None else 0)

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
            self.offset += self.frozen - self._running()
            self.frozen = None

    def _running(self) -> float:
        """What the clock goes by."""
        return time.time()


class RealClock(Clock):
    """A clock that only ``advance`` and ``freeze`` move, no tool: as that of a server elsewhere."""

    __slots__ = ()

    @property
    def moved(self) -> bool:
        """Whether it shows another time than `time.time`, which a tool may move at any time."""
        return True

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        return (real_time() if self.frozen is None else self.frozen) + self.offset

    def milliseconds(self) -> int:
        """Now, in whole milliseconds since the epoch."""
        if self.frozen is None:
            return int((real_time() + self.offset) * 1000)
        return super().milliseconds()

    def _running(self) -> float:
        return real_time()
