"""How long a query may take.

By the time that its thread has worked, so that no other program can make a query late.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from fakeredis.datatypes.search.errors import SearchError

__all__ = ["Deadline", "TimedOut"]

_T = TypeVar("_T")
_OFTEN = 64  # things between two looks at the time


class TimedOut(SearchError):
    """A query has taken too long."""

    def __init__(self) -> None:
        super().__init__("Timeout limit was reached")


class Deadline:
    """The end of the time that a query has.

    Args:
        milliseconds: how long it has; 0 for no end.
    """

    __slots__ = ("_milliseconds", "_until")

    def __init__(self, milliseconds: int = 0) -> None:
        self._milliseconds = milliseconds
        self.restart()

    def restart(self) -> None:
        """Give it all its time again, in this thread."""
        milliseconds = self._milliseconds
        self._until = time.thread_time() + milliseconds / 1000 if milliseconds else math.inf

    def check(self) -> None:
        """See whether there is time left.

        Raises:
            TimedOut: there is none.
        """
        if time.thread_time() > self._until:
            raise TimedOut

    def each(self, things: Iterable[_T]) -> Iterator[_T]:
        """The things of a row, as long as there is time.

        Raises:
            TimedOut: there is none any more.
        """
        for at, thing in enumerate(things):
            if not at % _OFTEN:
                self.check()
            yield thing
