"""`SQLiteStore`: state in a file that many processes may use at once.

One transaction of SQLite is one command, MULTI or script. Values are kept as DUMP payloads; a small
change of a big value is a row of its own until there are as many bytes of changes as of the value.
Every change gets a number, by which the other processes learn what they have missed.

The file's format: tables ``entries``, ``deltas``, ``changes``, ``messages``, ``processes`` and
``listeners``; ``PRAGMA user_version`` is its version.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit
from weakref import WeakSet

from fakeredis.stores.base import (
    CarriesMessages,
    Change,
    KeepsDeltas,
    KeyspaceStore,
    Message,
    Record,
    StoreBusy,
    StoreError,
)

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x66616B65  # "fake"
_KEPT_CHANGES: Final = 10_000  # who has missed more than these reads everything anew
_KEPT_MESSAGES: Final = 1_000
_TRIM_EVERY: Final = 1_000  # changes

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS entries (
        id INTEGER PRIMARY KEY, space TEXT NOT NULL, database INTEGER NOT NULL, name BLOB NOT NULL,
        deadline INTEGER, version INTEGER NOT NULL, payload BLOB NOT NULL,
        UNIQUE (space, database, name)
    )""",
    """CREATE TABLE IF NOT EXISTS deltas (
        version INTEGER PRIMARY KEY, entry INTEGER NOT NULL, deadline INTEGER,
        body BLOB NOT NULL
    )""",
    """CREATE INDEX IF NOT EXISTS deltas_of_entry ON deltas (entry, version)""",
    """CREATE TABLE IF NOT EXISTS changes (
        version INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, database INTEGER, name BLOB,
        events TEXT NOT NULL, before INTEGER NOT NULL, writer INTEGER NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS processes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS listeners (
        process INTEGER NOT NULL, space TEXT NOT NULL, kind TEXT NOT NULL, name BLOB NOT NULL,
        clients INTEGER NOT NULL, PRIMARY KEY (process, space, kind, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, kind TEXT NOT NULL,
        channel BLOB NOT NULL, body BLOB NOT NULL, sender INTEGER NOT NULL
    )""",
    """CREATE TRIGGER IF NOT EXISTS entry_written_anew AFTER UPDATE ON entries
        BEGIN DELETE FROM deltas WHERE entry = OLD.id; END;""",
    """CREATE TRIGGER IF NOT EXISTS entry_gone AFTER DELETE ON entries
        BEGIN DELETE FROM deltas WHERE entry = OLD.id; END;""",
)

_ADD_CHANGE: Final = (
    "INSERT INTO changes (space, database, name, events, before, writer) VALUES (?, ?, ?, ?, ?, ?)"
)
_SAVE: Final = (
    "INSERT INTO entries (space, database, name, deadline, version, payload)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (space, database, name) DO UPDATE SET"
    " deadline = excluded.deadline, version = excluded.version, payload = excluded.payload"
)
# The entry's own row stays as it is: it would be written as a whole, however big.
_APPEND: Final = (
    "INSERT INTO deltas (version, entry, deadline, body) SELECT ?, id, ?, ? FROM entries"
    " WHERE space = ? AND database = ? AND name = ?"
)
_CHANGES: Final = (
    "SELECT changes.version, database, name, events, before, body FROM changes"
    " LEFT JOIN deltas ON deltas.version = changes.version"
    " WHERE changes.version > ? AND space = ? AND writer <> ? ORDER BY changes.version"
)
_LOAD: Final = (
    "SELECT id, deadline, version, payload FROM entries"
    " WHERE space = ? AND database = ? AND name = ?"
)
_SCAN: Final = (
    "SELECT id, deadline, version, payload, database, name FROM entries WHERE space = ?"
)
_DELTAS: Final = "SELECT entry, version, deadline, body FROM deltas"

# What comes of values of types that are never written.
DAMAGED: Final = (TypeError, ValueError, OverflowError)

M = TypeVar("M", bound=Callable[..., Any])


def _guarded(method: M) -> M:
    """Decorate a method so that it raises `StoreError` where SQLite fails."""

    @wraps(method)
    def guarded(self: SQLiteStore, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except DAMAGED as error:
            raise self._damaged(error) from error

    return guarded  # type: ignore[return-value]


class SQLiteStore(KeyspaceStore, KeepsDeltas, CarriesMessages):
    """State in a file, through the standard library's `sqlite3`.

    Many processes on one machine may use the file at once: pytest-xdist's workers, the processes of
    an application, a script that runs again tomorrow. Each keeps what it has read in memory, and
    learns of the others' changes before its next command. Servers of several addresses have parts
    of their own in it.

    Args:
        path: the file, made when it is not there. Beside it SQLite keeps two others while it is in
            use (``-wal``, ``-shm``); it must not lie on a network file system.
        timeout: how many seconds a command waits for others that write; then it fails with BUSY.

    Raises:
        TypeError: the path is none.
    """

    persistent = True
    shared = True

    def __init__(self, path: str | os.PathLike[str], timeout: float = 5.0) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"a SQLite store is a file's path, not {path!r}")
        self.path = Path(path).absolute()
        self.timeout = timeout
        self._space = ""
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def from_url(cls, url: str) -> SQLiteStore:
        """The store of ``sqlite:///relative/path``, ``sqlite:////absolute/path``.

        ``?timeout=`` may follow, in seconds.

        Raises:
            ValueError: the URL makes no sense.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(parts.path.removeprefix("/"))
        try:
            timeout = float(options.pop("timeout", 5.0))
        except ValueError:
            raise ValueError(f"timeout is a number of seconds in {url!r}") from None
        if parts.netloc or not path or options:
            raise ValueError(
                "a SQLite store's URL is sqlite:///relative/path or sqlite:////absolute/path, "
                f"and ?timeout=SECONDS may follow, not {url!r}"
            )
        return cls(path, timeout)

    def space(self, address: str) -> SQLiteStore:
        """The part of the file that the server at an address uses, with a connection of its own."""
        part = type(self)(self.path, self.timeout)
        part._space = address
        return part

    def __repr__(self) -> str:
        return f"<SQLiteStore {str(self.path)!r}>"

    # The connection ---------------------------------------------------------------------------

    @property
    def _sql(self) -> sqlite3.Connection:
        """The connection; made when first used, and again in a process that was forked."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        try:
            sql = sqlite3.connect(
                self.path, timeout=self.timeout, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._explained(error) from error
        try:
            self._check(sql)
            self._use_wal(sql)
            sql.execute("PRAGMA synchronous = NORMAL")
            self._register(sql)
        except BaseException as error:
            sql.close()
            if isinstance(error, sqlite3.Error):
                raise self._explained(error) from error
            if isinstance(error, DAMAGED):
                raise self._damaged(error) from error
            raise
        _open.add(self)
        return sql

    def _check(self, sql: sqlite3.Connection) -> None:
        """Make sure that the file is one of ours, of a version that is known."""
        sql.execute("BEGIN")  # all is read at one time: another process may be making the tables
        try:
            (version,) = sql.execute("PRAGMA user_version").fetchone()
            (application,) = sql.execute("PRAGMA application_id").fetchone()
            filled = sql.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        finally:
            sql.execute("ROLLBACK")
        if application not in (0, APPLICATION_ID) or (application == 0 and filled):
            raise StoreError(f"{self.path} is a SQLite file of something else than fakeredis")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by a newer fakeredis (format {version}; this one knows "
                f"up to {SCHEMA_VERSION}): upgrade fakeredis, or take another file"
            )

    def _use_wal(self, sql: sqlite3.Connection) -> None:
        """Switch the file to a write-ahead log: readers and a writer go on side by side.

        Only one process can do it to a new file; others try again, for ``timeout`` seconds.
        """
        patience = time.monotonic() + self.timeout
        while True:
            try:
                sql.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > patience:
                    raise
                time.sleep(0.005)

    def _register(self, sql: sqlite3.Connection) -> None:
        """Make the tables where there are none, and enter this process."""
        sql.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            sql.execute(statement)
        sql.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        sql.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._forget_the_dead(sql)
        cursor = sql.execute("INSERT INTO processes (pid) VALUES (?)", (os.getpid(),))
        self._writer = cursor.lastrowid or 0
        self._seen = -1  # nothing is known here yet
        self._heard = 0
        self._listening: set[tuple[str, bytes]] = set()
        sql.execute("COMMIT")

    @staticmethod
    def _newest(sql: sqlite3.Connection, table: str, column: str) -> int:
        """The highest number that a table has ever given."""
        row = sql.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return int(row[0]) if row else 0

    @staticmethod
    def _forget_the_dead(sql: sqlite3.Connection) -> None:
        """Remove processes that have gone without a word."""
        for number, pid in sql.execute("SELECT id, pid FROM processes").fetchall():
            if not _is_alive(pid):
                sql.execute("DELETE FROM processes WHERE id = ?", (number,))
                sql.execute("DELETE FROM listeners WHERE process = ?", (number,))

    def close(self) -> None:
        """Close the file; used again, the store opens it again."""
        sql, self._connection = self._connection, None
        if sql is None:
            return
        try:
            sql.execute("DELETE FROM listeners WHERE process = ?", (self._writer,))
            sql.execute("DELETE FROM processes WHERE id = ?", (self._writer,))
        except sqlite3.Error:
            pass  # whoever opens the file next does it
        finally:
            sql.close()

    def __del__(self) -> None:
        sql = vars(self).get("_connection")
        if sql is not None:
            sql.close()

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(f"{self.path} is damaged: {error}")

    def _explained(self, error: sqlite3.Error) -> StoreError:
        """SQLite's error as one that names the file."""
        text = str(error)
        if "locked" in text or "busy" in text:
            return StoreBusy(f"{self.path}: {text} (waited {self.timeout:g} s)")
        return StoreError(f"{self.path}: {text}")

    # Transactions -----------------------------------------------------------------------------

    @_guarded
    def begin(self) -> None:
        """Start a transaction in which no other process writes."""
        (self._connection or self._sql).execute("BEGIN IMMEDIATE")

    @_guarded
    def commit(self) -> None:
        """End the transaction and keep what it did."""
        (self._connection or self._sql).execute("COMMIT")

    def rollback(self) -> None:
        """End the transaction as if it had never been; where that fails the file is closed."""
        try:
            if (self._connection or self._sql).in_transaction:
                (self._connection or self._sql).execute("ROLLBACK")
        except (sqlite3.Error, StoreError):
            self.close()  # whatever state it was in

    # Keys -------------------------------------------------------------------------------------

    @_guarded
    def load(self, database: int, key: bytes) -> Record | None:
        """What is kept of a key, its changes too; None when there is none."""
        sql = self._connection or self._sql
        row = sql.execute(_LOAD, (self._space, database, key)).fetchone()
        if row is None:
            return None
        deltas = sql.execute(_DELTAS + " WHERE entry = ? ORDER BY version", row[:1]).fetchall()
        return _record(row, deltas)

    @_guarded
    def save(self, database: int, key: bytes, record: Record, events: str = "") -> int:
        """Keep a key, in the place of what was kept of it; returns its new version.

        Args:
            database: the database's number.
            key: the key's name.
            record: its value and deadline; the version is the change's number.
            events: the keyspace events of the change.
        """
        version = self._add_change(database, key, events)
        (self._connection or self._sql).execute(
            _SAVE, (self._space, database, key, record.deadline, version, record.payload)
        )
        return version

    @_guarded
    def append(
        self, database: int, key: bytes, delta: bytes, deadline: int | None, before: int,
        events: str = "",
    ) -> int:
        """Add a change to what is kept of a key; returns its new version, the change's number.

        Args:
            database: the database's number.
            key: the key's name.
            delta: the change.
            deadline: when the key expires from now on, milliseconds since the epoch; None for
                never.
            before: the key's version so far.
            events: the keyspace events of the change.
        """
        version = self._add_change(database, key, events, before)
        place = (self._space, database, key)
        (self._connection or self._sql).execute(_APPEND, (version, deadline, delta, *place))
        return version

    @_guarded
    def delete(self, database: int, key: bytes, events: str = "") -> None:
        """Forget a key; that it has gone is told to other processes as a change.

        Args:
            database: the database's number.
            key: the key's name.
            events: the keyspace events of the change.
        """
        self._add_change(database, key, events)
        (self._connection or self._sql).execute(
            "DELETE FROM entries WHERE space = ? AND database = ? AND name = ?",
            (self._space, database, key),
        )

    def _add_change(
        self, database: int | None, key: bytes | None, events: str, before: int = 0
    ) -> int:
        cursor = (self._connection or self._sql).execute(
            _ADD_CHANGE, (self._space, database, key, events, before, self._writer)
        )
        version = cursor.lastrowid or 0
        if version % _TRIM_EVERY == 0:
            self._trim(version)
        return version

    def _trim(self, version: int) -> None:
        """Forget changes and messages that everybody has seen, or has missed for good."""
        self._sql.execute("DELETE FROM changes WHERE version <= ?", (version - _KEPT_CHANGES,))

    @_guarded
    def scan(self) -> Iterator[tuple[int, bytes, Record]]:
        """Everything of this space: database, key and what is kept of it, all of one moment."""
        sql = self._connection or self._sql
        inside = sql.in_transaction
        if not inside:
            sql.execute("BEGIN")  # what is read is of one moment
        try:
            self._seen = self._newest(sql, "changes", "version")
            deltas: dict[int, list[Any]] = {}
            for delta in sql.execute(_DELTAS + " ORDER BY version"):
                deltas.setdefault(delta[0], []).append(delta)
            rows = sql.execute(_SCAN, (self._space,)).fetchall()
        finally:
            if not inside:
                sql.execute("COMMIT")
        return iter([
            (row[4], row[5], _record(row, deltas.get(row[0], []))) for row in rows
        ])

    @_guarded
    def clear(self) -> None:
        """Forget all keys of this space."""
        self._sql.execute("DELETE FROM entries WHERE space = ?", (self._space,))
        self._add_change(None, None, "")

    @_guarded
    def erase(self) -> None:
        """Forget all keys of all spaces, in one transaction."""
        sql = self._connection or self._sql
        sql.execute("BEGIN IMMEDIATE")
        for (space,) in sql.execute("SELECT DISTINCT space FROM entries").fetchall():
            sql.execute("DELETE FROM entries WHERE space = ?", (space,))
            sql.execute(_ADD_CHANGE, (space, None, None, "", 0, self._writer))
        sql.execute("COMMIT")

    # Others -----------------------------------------------------------------------------------

    @_guarded
    def stamp(self) -> object:
        """Something that differs from the last call's once another process has changed the file."""
        (version,) = (self._connection or self._sql).execute("PRAGMA data_version").fetchone()
        return self._writer, version

    @_guarded
    def changes(self) -> list[Change] | None:
        """What other processes have changed in this space since the last call, oldest first.

        None where changes were missed, or the space was emptied.
        """
        sql = self._connection or self._sql
        seen, self._seen = self._seen, self._newest(sql, "changes", "version")
        if self._seen == seen:
            return []
        (oldest,) = sql.execute("SELECT min(version) FROM changes").fetchone()
        rows = sql.execute(_CHANGES, (seen, self._space, self._writer)).fetchall()
        if oldest is None or oldest > seen + 1 or any(row[1] is None for row in rows):
            return None
        for _, database, name, events, before, body in rows:
            _check(int, database, before)
            _check(bytes, name, *(() if body is None else (body,)))
            _check(str, events)
        return [
            Change(database, name, version, events, before, body)
            for version, database, name, events, before, body in rows
        ]

    @_guarded
    def listen(self, kind: str, name: bytes, clients: int) -> None:
        """Note in the file how many clients here listen; with none the note is removed.

        Args:
            kind: ``"message"`` for a channel, ``"pmessage"`` for a pattern, ``"smessage"``.
            name: the channel or the pattern.
            clients: how many there are now.
        """
        sql = self._connection or self._sql
        place = (self._writer, self._space, kind, name)
        if clients:
            if not self._listening:  # what was sent before is not for those who come now
                self._heard = self._newest(sql, "messages", "number")
            self._listening.add((kind, name))
            sql.execute("INSERT OR REPLACE INTO listeners VALUES (?, ?, ?, ?, ?)",
                              (*place, clients))
        else:
            self._listening.discard((kind, name))
            sql.execute(
                "DELETE FROM listeners WHERE process = ? AND space = ? AND kind = ? AND name = ?",
                place,
            )

    @_guarded
    def listeners(self) -> list[tuple[str, bytes, int]]:
        """Who listens in other processes that are alive: kind, name, and how many clients."""
        rows = (self._connection or self._sql).execute(
            "SELECT pid, kind, name, clients FROM listeners JOIN processes"
            " ON processes.id = listeners.process WHERE space = ? AND process <> ?",
            (self._space, self._writer),
        ).fetchall()
        alive = {pid: _is_alive(pid) for pid in {row[0] for row in rows}}
        return [(kind, name, clients) for pid, kind, name, clients in rows if alive[pid]]

    @_guarded
    def publish(self, message: Message) -> None:
        """Send a message to all other processes; old ones are removed meanwhile."""
        cursor = (self._connection or self._sql).execute(
            "INSERT INTO messages (space, kind, channel, body, sender) VALUES (?, ?, ?, ?, ?)",
            (self._space, *message, self._writer),
        )
        number = cursor.lastrowid or 0
        if number % 100 == 0:
            self._sql.execute("DELETE FROM messages WHERE number <= ?", (number - _KEPT_MESSAGES,))

    @_guarded
    def messages(self) -> list[Message]:
        """What other processes have sent since the last call, oldest first."""
        rows = (self._connection or self._sql).execute(
            "SELECT number, kind, channel, body FROM messages"
            " WHERE number > ? AND space = ? AND sender <> ? ORDER BY number",
            (self._heard, self._space, self._writer),
        ).fetchall()
        if rows:
            self._heard = rows[-1][0]
        for _, kind, channel, body in rows:
            _check(str, kind)
            _check(bytes, channel, body)
        return [Message(kind, channel, body) for _, kind, channel, body in rows]


def _check(kind: type, *values: Any) -> None:
    """Make sure that values have the type that is written.

    Raises:
        TypeError: one has another.
    """
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"{value!r} stands where {kind.__name__} should")


def _record(row: Any, deltas: Sequence[Any]) -> Record:
    """What is kept of a key, from its row and those of its changes."""
    _, deadline, version, payload = row[:4]
    _check(int, version, 0 if deadline is None else deadline, *row[4:5])
    _check(bytes, payload, *row[5:])
    for _, _, later, delta in deltas:
        _check(int, 0 if later is None else later)
        _check(bytes, delta)
    if not deltas:
        return Record(payload, deadline, version)
    _, version, deadline, _ = deltas[-1]
    return Record(payload, deadline, version, [delta[3] for delta in deltas])


_open: Final[WeakSet[SQLiteStore]] = WeakSet()  # those with connections
_left_behind: Final[list[Any]] = []  # connections of the parent, in a process that was forked


def _forked() -> None:
    """A forked process opens files of its own; to close its parent's would harm those."""
    for store in list(_open):
        _left_behind.append(store._connection)
        store._connection = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _is_alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True
