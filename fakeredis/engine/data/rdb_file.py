"""All of a server's data as the bytes of an RDB file, and back; who has the file is outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeredis.engine.core import blocking
from fakeredis.engine.lua import functions
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule
from fakeredis.rdb import files
from fakeredis.rdb.errors import FormatError

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.features import search
else:
    search = LazyModule("fakeredis.engine.features.search")


STREAM_DATABASE: Final = b"repl-stream-db"  # what a file says of the master's stream


def to_bytes(server: Server) -> bytes:
    """The file that the server would write now.

    Raises:
        TypeError: a key holds a value of a type that the format does not know.
    """
    with server.lock:
        contents = frame(server)
        now = server.clock.milliseconds()
        contents.entries = [
            files.Entry(index, key, value, db.expires.get(key))
            for index, db in sorted(server.databases.items())
            for key, value in db.data.copy().items()
            if db.expires.get(key, now + 1) > now
        ]
        return files.write(contents, server.limits, server.config.boolean("rdbcompression"))


def frame(server: Server) -> files.Contents:
    """All that the file has beside keys; the server's lock is held."""
    kept = None if server.search is None else server.search.keep()
    return files.Contents(
        server.traits.rdb_version, [], functions.codes(server), _facts(server), kept
    )


def _facts(server: Server) -> dict[bytes, bytes]:
    profile = server.profile
    return {
        f"{profile.server_type}-ver".encode(): profile.version_text.encode(),
        b"redis-bits": b"64", b"ctime": b"%d" % server.clock.seconds(), b"aof-base": b"0",
    }


def from_bytes(server: Server, data: bytes) -> files.Contents:
    """Replace all keys and libraries by those of a file, but for keys whose time is over.

    Raises:
        FormatError: the file cannot be read; nothing has changed then.
    """
    contents = files.read(
        data, server.traits.rdb_version, server.config.databases, server.limits
    )
    with server.lock, server.rewriting():
        try:
            functions.replace_all(server, contents.functions)
        except CommandError as error:
            raise FormatError(f"a library of functions does not load: {error}") from None
        now = server.clock.milliseconds()
        before = {db: set(db.data) for db in list(server.databases.values())}
        server.clear()
        for entry in contents.entries:
            if entry.deadline is None or entry.deadline > now:
                db = server.database(entry.database)
                db.place(entry.key, entry.value, entry.deadline)
        if contents.search and "search" in server.table.modules:
            search.of(server).take(contents.search)
        for db in list(server.databases.values()):
            tell(db, before.get(db, set()))
        blocking.serve_ready(server)
    return contents


def tell(db: Database, before: set[bytes]) -> None:
    """Those who watch or wait for a key learn that there is another value, or none."""
    for key in list(db.watchers):
        if key in before or key in db.data:
            db.server.touch_watchers(db, key)
    db.server.ready += [(db, key) for key in list(db.blocked) if key in before or key in db.data]
