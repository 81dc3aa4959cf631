"""Which time series have which labels, in all databases of a server.

As with indexes of documents, a change is noted by its key alone, from the first query on; what the
key has is looked at by the next query.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fakeredis.datatypes.timeseries.labels import Matcher
from fakeredis.datatypes.timeseries.series import Series

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server

_Place = tuple[int, bytes]  # a database, and a key in it
Labelled = list[tuple[bytes, bytes]]  # names and values


class Labels:
    """The series of a server by their labels."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._places: dict[bytes, dict[bytes, set[_Place]]] = {}
        self._labels: dict[_Place, Labelled] = {}
        self._pending: set[_Place] = set()
        self._all_is_new = True

    def changed(self, db: Database, key: bytes) -> None:
        """A key has changed."""
        self._pending.add((db.index, key))

    def all_changed(self) -> None:
        """Any key may have changed."""
        self._all_is_new = True

    def _catch_up(self) -> None:
        if self._all_is_new:
            self._all_is_new = False
            self._places, self._labels, self._pending = {}, {}, set()
            for number, db in list(self.server.databases.items()):
                for key, value in list(db.data.items()):
                    if type(value) is Series and value.labels:
                        self._enter((number, key), value.labels)
        while self._pending:
            place = self._pending.pop()
            self._leave(place)
            value = self.server.database(place[0]).data.get(place[1])
            if type(value) is Series and value.labels:
                self._enter(place, value.labels)

    def _enter(self, place: _Place, labels: Labelled) -> None:
        self._labels[place] = labels
        for name, value in labels:
            self._places.setdefault(name, {}).setdefault(value, set()).add(place)

    def _leave(self, place: _Place) -> None:
        for name, value in self._labels.pop(place, ()):
            values = self._places.get(name, {})
            places = values.get(value, set())
            places.discard(place)
            if not places:
                values.pop(value, None)
            if not values:
                self._places.pop(name, None)

    def find(self, matchers: list[Matcher], number: int | None = None) -> list[bytes]:
        """The keys of the series whose labels match, in order.

        Args:
            matchers: at least one of them finds.
            number: of the one database that is looked at.
        """
        return sorted({
            key for index, key in self._matching(matchers) if number is None or number == index
        })

    def labels(self, matchers: list[Matcher] | None) -> list[tuple[bytes, Labelled]]:
        """The labels of the series whose labels match, and their keys.

        Args:
            matchers: at least one of them finds; None: all series that have labels.
        """
        return [(place[1], self._labels[place]) for place in self._matching(matchers)]

    def _matching(self, matchers: list[Matcher] | None) -> list[_Place]:
        self._catch_up()
        found, others = set(self._labels), []
        if matchers is not None:
            finders = [(self._with(one), one) for one in matchers if one.finds]
            found, first = min(finders, key=lambda each: len(each[0]))
            others = [one for one in matchers if one is not first]
        now = self.server.clock.milliseconds()
        return [
            place for place in found
            if self._is_there(*place, now)
            and (not others or all(one.fits(self._labels[place]) for one in others))
        ]

    def _with(self, matcher: Matcher) -> set[_Place]:
        values = self._places.get(matcher.name, {})
        return set().union(*self._of(values, matcher.values or ()))

    @staticmethod
    def _of(values: dict[bytes, set[_Place]], wanted: Iterable[bytes]) -> list[set[_Place]]:
        return [values[value] for value in wanted if value in values]

    def _is_there(self, index: int, key: bytes, now: int) -> bool:
        db = self.server.database(index)
        return db.expires.get(key, now + 1) > now


def of(server: Server) -> Labels:
    """The labels of a server's series."""
    if server.series is None:
        server.series = Labels(server)
        for db in list(server.databases.values()):
            db.observe()
    found: Labels = server.series
    return found
