"""Scripts and functions in a store: strings of a database that no client sees."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fakeredis.engine.lua import functions, scripting
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server

DATABASE: Final = -1
_FUNCTIONS: Final = b"functions"
_SCRIPT: Final = b"script "

Code = dict[bytes, bytes]


def of(server: Server) -> Code:
    """What is to be kept, by key: the libraries together, and each script."""
    code: Code = {}
    codes = functions.codes(server)
    if codes:
        code[_FUNCTIONS] = struct.pack(f"<{len(codes) + 1}I", len(codes), *map(len, codes))
        code[_FUNCTIONS] += b"".join(codes)
    known = server.scripting
    if known is not None:
        code.update((_SCRIPT + sha, script.source) for sha, script in known.scripts.items())
    return code


def take(server: Server, key: bytes, value: bytes | None) -> None:
    """Take over a script, or the libraries, as another process keeps them.

    Without an interpreter scripts are left out.

    Args:
        server: whose scripts and functions they become.
        key: the key under which the store keeps them.
        value: what is kept there; None where the other process has removed it.
    """
    with suppress(CommandError):
        if key == _FUNCTIONS:
            functions.replace_all(server, [] if value is None else _libraries(value))
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
