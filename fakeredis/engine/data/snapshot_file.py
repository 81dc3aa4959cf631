"""The file that a replica begins with, made in pieces while commands run.

It has the data of one moment. Before a command changes a key that has not been written yet, its
value is copied (`Snapshot.keep`); a database that is emptied or exchanged leaves its dictionaries
behind. So nobody waits for more than a piece.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.data import rdb_file
from fakeredis.rdb import files

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server

_PIECE: Final = 1 << 16  # bytes after which a piece is long enough
_PATIENCE: Final = 0.005  # seconds that a piece may take


class _Part:
    """What is left to be written of one database."""

    __slots__ = ("data", "expires", "keys", "left", "number")

    def __init__(self, db: Database) -> None:
        self.number = db.index
        self.data = db.data
        self.expires = db.expires
        self.keys = iter(list(db.data))
        self.left = set(db.data)


class Snapshot:
    """All data of a server as they are now.

    Args:
        server: whose; its lock is held.
        selected: the database that the stream is in, where that goes on as it is.
        functions_only: whether keys are left out.
    """

    def __init__(
        self, server: Server, selected: int | None = None, functions_only: bool = False
    ) -> None:
        self._server = server
        self._now = server.clock.milliseconds()
        frame = rdb_file.frame(server)
        if selected is not None:
            frame.aux[rdb_file.STREAM_DATABASE] = b"%d" % selected
        self._file = files.Pieces(frame, server.limits)
        databases = [] if functions_only else sorted(server.databases.items())
        self._parts = [_Part(db) for _, db in databases if db.data]
        self._by_data = {id(part.data): part for part in self._parts}
        self._kept: deque[files.Entry] = deque()

    def keep(self, db: Database, keys: Iterable[bytes]) -> None:
        """Some keys may change now."""
        part = self._by_data.get(id(db.data))
        if part is not None and part.left:
            for key in keys:
                self._copy(part, key)

    def keep_all(self) -> None:
        """Any key may change now."""
        for part in self._parts:
            for key in list(part.left):
                self._copy(part, key)

    def _copy(self, part: _Part, key: bytes) -> None:
        if key in part.left:
            part.left.discard(key)
            entry = self._entry(part, key)
            if entry is not None:
                value = entry.value.copy() if hasattr(entry.value, "copy") else entry.value
                self._kept.append(entry._replace(value=value))

    def _entry(self, part: _Part, key: bytes) -> files.Entry | None:
        value: Any = part.data.get(key)
        deadline = part.expires.get(key)
        if value is None or (deadline is not None and deadline <= self._now):
            return None
        return files.Entry(part.number, key, value, deadline)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file; between two of them commands may run."""
        yield self._file.head()
        entries = self._entries()
        more = True
        while more:
            data = bytearray()
            until = time.perf_counter() + _PATIENCE
            with self._server.lock:
                while len(data) < _PIECE and time.perf_counter() < until:
                    entry = next(entries, None)
                    if entry is None:
                        more = False
                        break
                    data += self._file.entry(entry)
            yield bytes(data)
        yield self._file.tail()

    def _entries(self) -> Iterator[files.Entry]:
        for part in self._parts:
            for key in part.keys:
                while self._kept:
                    yield self._kept.popleft()
                if key in part.left:
                    part.left.discard(key)
                    entry = self._entry(part, key)
                    if entry is not None:
                        yield entry
        while self._kept:
            yield self._kept.popleft()
