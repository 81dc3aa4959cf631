"""JSON commands: those of the module RedisJSON, which Redis has built in since 8.0.

Declared here; what they do stands in the other files of this folder, imported by the first call of
one of them.  As modules do, they count their words themselves.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import Declared, Key, KeySpec, Many, Raw, Rest, index, span
from fakeredis.commands.json.options import GetOptions, SetOptions
from fakeredis.commands.module_declarations import declare
from fakeredis.commands.registry import (
    DENYOOM,
    READONLY,
    READS_WHOLE,
    WRITE,
    WRITES_BACK,
    Group,
)

group: Final = Group("json", module="json")

_WORDS: Final = Rest(flat=True)
_READ: Final = (Key, _WORDS)
_WRITE: Final = (Key("RW access update"), _WORDS)
_DELETE: Final = (Key("RW delete"), _WORDS)
_GROWS: Final = WRITE | DENYOOM
_FUNCTIONS: Final = {"SET": "set_", "TYPE": "type_", "DEL": "delete", "FORGET": "delete"}


def _declare(
    file: str, names: str, arguments: tuple[Declared, ...], flags: int, **more: Any
) -> None:
    """Declare commands whose handlers are in one file of this folder."""
    module = f"fakeredis.commands.json.{file}"
    declare(group, "JSON", names, module, arguments, flags, _FUNCTIONS, **more)


_declare(
    "documents", "GET", (Key, GetOptions), READONLY | READS_WHOLE, form="key {} path*",
    batch_form="JSON.MGET",
)
_declare(
    "documents", "MGET", (_WORDS,), READONLY, key_positions=(1, 1, 1),
    specs=[KeySpec("RO access", index(1), span(-2))],
)
_declare(
    "documents", "SET", (Key("RW access update"), SetOptions), _GROWS | WRITES_BACK,
    form="key path value {}",
)
_declare("documents", "MSET", (Many(Key("RW access update"), Raw, Raw, flat=True),), _GROWS)
_declare("documents", "MERGE", _WRITE, _GROWS)
_declare("documents", "DEL FORGET", _DELETE, WRITE)
_declare("documents", "CLEAR", _WRITE, WRITE)
_declare("documents", "TYPE RESP", _READ, READONLY)
_declare("documents", "DEBUG", (Raw, Key, _WORDS), READONLY, varies="always")
_declare("arrays", "ARRLEN ARRINDEX", _READ, READONLY)
_declare("arrays", "ARRAPPEND ARRINSERT", _WRITE, _GROWS)
_declare("arrays", "ARRPOP ARRTRIM", _WRITE, WRITE)
_declare("scalars", "STRLEN OBJLEN OBJKEYS", _READ, READONLY)
_declare("scalars", "STRAPPEND TOGGLE", _WRITE, _GROWS)
_declare("scalars", "NUMINCRBY NUMMULTBY NUMPOWBY", _WRITE, WRITE)
