"""Scan and random order over a dict or set, at no cost until it is first asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from random import Random

_SLACK = 64


class Order:
    """Positions for the elements of a container that itself has none.

    `items` is None until the first scan or random choice; from then on the owner appends each
    new element (`add`). Deletions are not reported: a stale entry is one that is no longer in the
    container. Entries only ever move towards the front, when the list is compacted or an entry
    fills a hole; a scan walks from the end to the front and its cursor is the number of positions
    still to visit. So each element that is there all the while is returned at least once,
    whatever else comes and goes, and the cursor is all the state there is.
    """

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[bytes] | None = None

    def add(self, element: bytes) -> None:
        """Note a new element of the container."""
        if self.items is not None:
            self.items.append(element)

    def trim(self, container: Collection[bytes]) -> None:
        """Drop stale entries when most are, lest they pile up while nobody scans."""
        if self.items is not None:
            self._fresh(container)

    def reset(self) -> None:
        """Forget all positions, as after the container was emptied or replaced."""
        self.items = None

    def scan(
        self, container: Collection[bytes], cursor: int, count: int
    ) -> tuple[int, list[bytes]]:
        """The next cursor (0: finished) and up to `count` elements."""
        if cursor == 0 and count >= len(container):
            return 0, list(container)
        items = self._fresh(container)
        size = len(items)
        at = size if cursor == 0 or cursor > size else cursor
        found: dict[bytes, None] = {}
        while at > 0 and len(found) < count:
            low = max(0, at - (count - len(found)))
            for element in items[low:at][::-1]:
                if element in container:
                    found[element] = None
            at = low
        return at, list(found)

    def random(self, container: Collection[bytes], rng: Random) -> bytes:
        """One element, each equally likely; the container must not be empty."""
        items = self._dense(container)
        while True:
            element = items[int(rng.random() * len(items))]
            if element in container:
                return element

    def pop_random(self, container: Collection[bytes], rng: Random) -> bytes:
        """Like `random`, for an element that the owner removes at once: its entry goes too."""
        items = self._dense(container)
        while True:
            at = int(rng.random() * len(items))
            element = items[at]
            last = items.pop()
            if at < len(items):
                items[at] = last
            if element in container:
                return element

    def sample(self, container: Collection[bytes], count: int, rng: Random) -> list[bytes]:
        """`count` different elements (all, when there are no more), in random order."""
        size = len(container)
        if count * 2 >= size:
            elements = list(container)
            return rng.sample(elements, min(count, size))
        return list(self._distinct(container, count, rng))

    def _distinct(self, container: Collection[bytes], count: int, rng: Random) -> Iterator[bytes]:
        seen: set[bytes] = set()
        while len(seen) < count:
            element = self.random(container, rng)
            if element not in seen:
                seen.add(element)
                yield element

    def _fresh(self, container: Collection[bytes]) -> list[bytes]:
        """The entries, compacted when most of them are stale."""
        items = self.items
        if items is None:
            items = self.items = list(container)
        elif len(items) > 2 * len(container) + _SLACK:
            self._compact(items, container)
        return items

    def _dense(self, container: Collection[bytes]) -> list[bytes]:
        """The entries with so few stale or double ones that a choice among them is fair."""
        items = self.items
        if items is None:
            items = self.items = list(container)
            return items
        surplus = len(items) - len(container)
        if surplus and (len(container) <= _SLACK or surplus * 8 > len(container)):
            self._compact(items, container)
        return items

    @staticmethod
    def _compact(items: list[bytes], container: Collection[bytes]) -> None:
        # The first entry of each element stays: no element may move away from the front.
        items[:] = [element for element in dict.fromkeys(items) if element in container]

    def _check(self, container: Collection[bytes]) -> None:
        """Assert what must always hold."""
        if self.items is not None:
            assert set(container) <= set(self.items)
