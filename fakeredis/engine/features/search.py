"""Indexes of a server: which there are, and how they hear of keys.

A change is noted in the moment it happens, by the key alone; what the key has is read when the next
command looks at an index. So writes cost next to nothing, and whatever brings data in one piece
(a snapshot, a file, another process) needs to say no more than that all is new.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis.datatypes.search.index import Index
from fakeredis.datatypes.search.reading import follow
from fakeredis.datatypes.search.schema import Definition

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server

DEFAULTS: Final = {
    "MAXSEARCHRESULTS": "1000000", "MAXAGGREGATERESULTS": "unlimited", "TIMEOUT": "500",
    "MINPREFIX": "2", "MAXEXPANSIONS": "200", "MAXPREFIXEXPANSIONS": "200", "DEFAULT_DIALECT": "1",
    "ON_TIMEOUT": "return", "MINSTEMLEN": "4", "CURSOR_MAX_IDLE": "300000",
}


class Kept(NamedTuple):
    """What a snapshot keeps of indexes."""

    definitions: tuple[Definition, ...]
    aliases: dict[bytes, bytes]
    synonyms: dict[bytes, dict[str, list[str]]]


class Search:
    """The indexes of a server, which are of its database 0."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.indexes: dict[bytes, Index] = {}
        self.aliases: dict[bytes, bytes] = {}
        self.dictionaries: dict[bytes, dict[bytes, None]] = {}
        self.config = dict(DEFAULTS)
        self.cursors: dict[int, Any] = {}
        self._pending: dict[bytes, None] = {}
        self._all_is_new = False

    # Keys -----------------------------------------------------------------------------------

    def changed(self, db: Database, key: bytes) -> None:
        """A key has changed; the last one to change is taken in last."""
        if not db.index and self.indexes:
            self._pending.pop(key, None)
            self._pending[key] = None

    def all_changed(self) -> None:
        """Any key may have changed."""
        self._all_is_new = True

    def catch_up(self) -> None:
        """Bring all indexes up to date."""
        if self._all_is_new:
            self._all_is_new = False
            for index in self.indexes.values():
                for key in list(index.numbers_of):
                    index.remove(key)
                self.scan(index)
            self._pending = {}
        if self._pending:
            pending, self._pending = self._pending, {}
            data = self.server.database(0).data
            for key in pending:
                value = data.get(key)
                for index in self.indexes.values():
                    follow(index, key, value)

    def scan(self, index: Index) -> None:
        """Take in the keys that are there."""
        for key, value in list(self.server.database(0).data.items()):
            follow(index, key, value)

    # Indexes --------------------------------------------------------------------------------

    def find(self, name: bytes) -> Index | None:
        """The index of a name or of an alias, up to date."""
        self.catch_up()
        return self.indexes.get(self.aliases.get(name, name)) or self.indexes.get(name)

    def create(self, definition: Definition) -> Index:
        """Make an index; the keys that are there are taken in."""
        self.catch_up()
        index = self.indexes[definition.name] = Index(definition)
        if not definition.skips_first_scan:
            self.scan(index)
        self._observe()
        return index

    def drop(self, name: bytes) -> None:
        """Forget an index, its aliases and its cursors."""
        del self.indexes[name]
        self.aliases = {alias: one for alias, one in self.aliases.items() if one != name}
        self.cursors = {
            number: cursor for number, cursor in self.cursors.items() if cursor.index != name
        }
        self._observe()

    def flushed(self) -> None:
        """The keys were flushed: no index is left."""
        for name in list(self.indexes):
            self.drop(name)
        self._pending = {}
        self._all_is_new = False

    def _observe(self) -> None:
        for db in list(self.server.databases.values()):
            db.observe()

    def new_cursor(self, cursor: Any) -> int:
        """Keep a cursor; its number."""
        while True:
            number = random.getrandbits(31)
            if number and number not in self.cursors:
                self.cursors[number] = cursor
                return number

    # Snapshots ------------------------------------------------------------------------------

    def keep(self) -> Kept:
        """What a snapshot is to bring back."""
        return Kept(
            tuple(index.definition for index in self.indexes.values()), dict(self.aliases),
            {name: index.synonyms for name, index in self.indexes.items() if index.synonyms},
        )

    def bring_back(self, kept: Kept) -> None:
        """Make the indexes of a snapshot again; they look at the keys when they are asked."""
        self.flushed()
        for definition in kept.definitions:
            index = self.indexes[definition.name] = Index(definition)
            index.synonyms = dict(kept.synonyms.get(definition.name, {}))
        self.aliases = dict(kept.aliases)
        self._all_is_new = bool(self.indexes)
        self._observe()


def of(server: Server) -> Search:
    """The indexes of a server."""
    if server.search is None:
        server.search = Search(server)
    found: Search = server.search
    return found
