"""Weak sets that other threads add to while they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakSet

from fakeredis.clients.network import members


class Thing:
    """Something that can be referred to weakly."""


class Disturbed(WeakSet[Thing]):
    """A set to which another thread adds in the middle of the first looks."""

    looks = 0

    def __iter__(self) -> Iterator[Thing]:
        for each in super().__iter__():
            yield each
            self.looks += 1
            if self.looks < 5:
                kept.append(Thing())
                self.add(kept[-1])


kept: list[Thing] = []


def test_members() -> None:
    kept[:] = [Thing() for _ in range(10)]
    disturbed = Disturbed(kept)
    assert set(members(disturbed)) == set(kept)
    assert len(kept) == 14
