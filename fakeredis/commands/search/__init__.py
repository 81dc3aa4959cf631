"""Search commands: those of the module RediSearch, which Redis has built in since 8.0.

Declared here; what they do stands in the other files of this folder, imported by the first call of
one of them.  As modules do, they count their words themselves.  The server says that the names of
indexes are keys, which they are not; so say these.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import Declared, Key, KeySpec, Rest, index, span
from fakeredis.commands.module_declarations import declare
from fakeredis.commands.registry import DENYOOM, KEPT, MODULE, READONLY, WRITE, Group
from fakeredis.engine.core.profiles import Since
from fakeredis.engine.core.replies import DEEP
from fakeredis.lazy import Lazy

group: Final = Group("search", module="search")

_WORDS: Final = Rest(flat=True)
_FUNCTIONS: Final = {"_LIST": "list_", "DEL": "delete", "HELP": "help_"}
_NAMED: Final = (Key("RW access update"), _WORDS)
_ACCESS: Final = "RW access update"
_EDITS: Final = READONLY | KEPT  # as the server says, though they change what is kept
_ADMIN: Final = ("admin", "dangerous", "read", "search", "slow")
_TWO_KEYS: Final[dict[str, Any]] = {
    "key_positions": (1, 2, 1), "specs": [KeySpec(_ACCESS, index(1), span(1))],
}


def _declare(
    file: str, names: str, arguments: tuple[Declared, ...], flags: int, **more: Any
) -> None:
    """Declare commands whose handlers are in one file of this folder."""
    module = f"fakeredis.commands.search.{file}"
    declare(group, "FT", names, module, arguments, flags, _FUNCTIONS, **more)


_declare("indexes", "CREATE _CREATEIFNX", _NAMED, WRITE | DENYOOM)
_declare(
    "indexes", "ALTER _ALTERIFNX DROPINDEX _DROPINDEXIFX DROP _DROPIFX", _NAMED, WRITE,
)
_declare("indexes", "INFO", _NAMED, READONLY, varies="always")
_declare("indexes", "_LIST", (_WORDS,), READONLY, varies="order")
_declare("indexes", "ALIASADD ALIASUPDATE _ALIASADDIFNX", (_WORDS,), _EDITS, **_TWO_KEYS)
_declare("indexes", "ALIASDEL _ALIASDELIFX", _NAMED, _EDITS)
_declare(
    "indexes", "ALIASLIST", _NAMED, READONLY, since={"redis": "8.10.0"}, acl=("search", "slow"),
    varies="order",
)
_declare("search", "SEARCH", _NAMED, READONLY)
_declare("profiling", "PROFILE", _NAMED, READONLY, varies="always")
_declare("aggregate", "AGGREGATE", _NAMED, READONLY)
_declare(
    "aggregate", "CURSOR", (_WORDS,), READONLY, key_positions=(2, 2, 1),
    specs=[KeySpec(_ACCESS, index(2), span(0))], varies="always",
)
_declare("lexicon", "TAGVALS EXPLAIN EXPLAINCLI SYNDUMP SPELLCHECK", _NAMED, READONLY)
_declare("lexicon", "SYNUPDATE SYNADD", _NAMED, WRITE)
_declare("lexicon", "DICTADD DICTDEL", (_WORDS,), _EDITS)
_declare("lexicon", "DICTDUMP", (_WORDS,), READONLY)
_declare("settings", "CONFIG", (_WORDS,), READONLY)
_declare("documents", "ADD SAFEADD", (_WORDS,), WRITE | DENYOOM, **_TWO_KEYS)
_declare("documents", "GET", (_WORDS,), READONLY, **_TWO_KEYS)
_declare("documents", "DEL", (_WORDS,), WRITE, **_TWO_KEYS)
_declare(
    "documents", "MGET", (_WORDS,), READONLY, key_positions=(1, -1, 1),
    specs=[KeySpec(_ACCESS, index(1), span(-1))],
)
_declare("suggestions", "SUGADD", _NAMED, WRITE | DENYOOM)
_declare("suggestions", "SUGDEL", _NAMED, WRITE)
_declare("suggestions", "SUGGET SUGLEN", _NAMED, READONLY)

_declare(
    "hybrid", "HYBRID", _NAMED, READONLY, since={"redis": "8.4.0"}, acl=("read", "search", "slow"),
)

# By the second name each node of a cluster is asked, and so since Redis 8 any server is.
_DEBUG: Final[dict[str, Since]] = {"FT.DEBUG": {"redis": "8.0.0"}, "_FT.DEBUG": {"redis": "8.0"}}
_DEBUGGING: Final = (
    "HELP GIT_SHA DUMP_TERMS DUMP_INVIDX DUMP_SUFFIX_TRIE DUMP_TAGIDX INFO_TAGIDX IDTODOCID "
    "DOCIDTOID DOCINFO GC_FORCEINVOKE GC_FORCEBGINVOKE GC_CLEAN_NUMERIC GC_STOP_SCHEDULE "
    "GC_CONTINUE_SCHEDULE GC_WAIT_FOR_JOBS DELETE_LOCAL_CURSORS TTL TTL_PAUSE TTL_EXPIRE"
)

for _name, _since in _DEBUG.items():
    group.container(_name, since=_since, acl=_ADMIN, flags=READONLY | MODULE)
    for _word in _DEBUGGING.split():
        group.command(
            f"{_name} {_word}", _WORDS, flags=READONLY | MODULE, since=_since, arity=-2,
            acl=_ADMIN, reply=DEEP, varies="always",
        )(Lazy(f"{__name__}.debugging", _FUNCTIONS.get(_word) or _word.lower()))
