"""Scripts, functions and indexes in a store: strings of a database that no client sees."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fakeredis.engine.lua import functions, scripting
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule
from fakeredis.rdb.reading import Reader
from fakeredis.rdb.writing import Writer

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.features import search
    from fakeredis.rdb import indexes
else:
    search = LazyModule("fakeredis.engine.features.search")
    indexes = LazyModule("fakeredis.rdb.indexes")

DATABASE: Final = -1
_FUNCTIONS: Final = b"functions"
_SCRIPT: Final = b"script "
SEARCH: Final = b"search"

Code = dict[bytes, bytes]


def of(server: Server) -> Code:
    """What is to be kept, by key: the libraries together, each script, and the indexes."""
    code: Code = {}
    codes = functions.codes(server)
    if codes:
        code[_FUNCTIONS] = struct.pack(f"<{len(codes) + 1}I", len(codes), *map(len, codes))
        code[_FUNCTIONS] += b"".join(codes)
    known = server.scripting
    if known is not None:
        code.update((_SCRIPT + sha, script.source) for sha, script in known.scripts.items())
    kept = None if server.search is None else server.search.keep()
    if kept:
        writer = Writer(server.limits, server.traits.rdb_version, compress=False)
        code[SEARCH] = indexes.to_bytes(kept, writer)
    return code


def take(server: Server, key: bytes, value: bytes | None) -> None:
    """Take over a script, the libraries or the indexes, as another process keeps them.

    Without an interpreter scripts are left out, without the module indexes.

    Args:
        server: whose they become.
        key: the key under which the store keeps them.
        value: what is kept there; None where the other process has removed it.
    """
    with suppress(CommandError):
        if key == _FUNCTIONS:
            functions.replace_all(server, [] if value is None else _libraries(value))
        elif key == SEARCH:
            if "search" in server.table.modules:
                kept = None if value is None else indexes.from_bytes(Reader(value, 0))
                search.of(server).take_over(kept)
        elif value is not None:
            scripting.scripting_of(server).load(value)
        elif server.scripting is not None:
            server.scripting.scripts.pop(key.removeprefix(_SCRIPT), None)


def _libraries(value: bytes) -> list[bytes]:
    (count,) = struct.unpack_from("<I", value)
    at, found = 4 + 4 * count, []
    for size in struct.unpack_from(f"<{count}I", value, 4):
        found.append(value[at : at + size])
        at += size
    return found
