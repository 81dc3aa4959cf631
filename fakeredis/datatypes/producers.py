"""What a stream remembers of entries that must not be added twice: XADD's IDMP and IDMPAUTO."""

from __future__ import annotations

from typing import Final

DEFAULT_DURATION: Final = 100  # seconds
DEFAULT_SIZE: Final = 100  # idempotent IDs of each producer


class Producers:
    """The idempotent IDs that each producer has used lately, and the entries they stand for."""

    __slots__ = ("added", "duplicates", "duration", "known", "most")

    def __init__(self, duration: int = DEFAULT_DURATION, most: int = DEFAULT_SIZE) -> None:
        self.duration = duration
        self.most = most
        self.added = self.duplicates = 0
        self.known: dict[bytes, dict[bytes, tuple[int, int]]] = {}

    def find(self, producer: bytes, name: bytes, now: int) -> int | None:
        """The entry that was added under a name, unless that is too long ago; it is counted."""
        found = self.entry_of(producer, name, now)
        self.duplicates += found is not None
        return found

    def entry_of(self, producer: bytes, name: bytes, now: int) -> int | None:
        """The entry that was added under a name, unless that is too long ago."""
        self.forget(producer, now)
        found = self.known.get(producer, {}).get(name)
        return None if found is None else found[0]

    def forget(self, producer: bytes, now: int) -> None:
        """Drop what is too old; the oldest stand first."""
        names = self.known.get(producer, {})
        oldest = now - self.duration * 1000
        for name, (_, added) in list(names.items()):
            if added > oldest:
                break
            del names[name]
        if not names:
            self.known.pop(producer, None)

    def remember(self, producer: bytes, name: bytes, number: int, now: int) -> None:
        """Note that an entry was added under a name."""
        names = self.known.setdefault(producer, {})
        names[name] = (number, now)
        self.added += 1
        while len(names) > self.most:
            del names[next(iter(names))]

    def configure(self, duration: int | None, most: int | None) -> None:
        """Other limits, if they are others, make it forget everything."""
        limits = duration or self.duration, most or self.most
        if limits != (self.duration, self.most):
            self.duration, self.most = limits
            self.known.clear()

    def tracked(self, now: int) -> tuple[int, int]:
        """How many producers, and how many names of all of them, are remembered."""
        for producer in list(self.known):
            self.forget(producer, now)
        return len(self.known), sum(map(len, self.known.values()))

    def copy(self) -> Producers:
        """An independent copy."""
        copied = Producers(self.duration, self.most)
        copied.added, copied.duplicates = self.added, self.duplicates
        copied.known = {producer: dict(names) for producer, names in self.known.items()}
        return copied
