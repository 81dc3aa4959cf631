"""FT.CONFIG: what the module is set to.

Settings of what is not here, such as threads and memory, are kept and told, and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from fakeredis.commands.search.words import (
    NONE_LEFT,
    NOT_CONVERTED,
    check_count,
    exact,
    shown,
)
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

_LARGEST: Final = (1 << 63) - 1
_ALL_BITS: Final = (1 << 64) - 1

Read = Callable[[bytes], str]


class _Setting(NamedTuple):
    """A setting.

    Args:
        text: what it is for, in our words.
        read: makes, of a word, the value that is told; None where it cannot be set.
    """

    text: str
    read: Read | None = None


def _number(least: int = 0, most: int = _LARGEST) -> Read:
    def read(raw: bytes) -> str:
        return str(exact(raw, least, most))

    return read


def _count(raw: bytes) -> str:
    """A number of results; all bits of it set mean any number."""
    found = exact(raw, -_LARGEST) & _ALL_BITS
    return "unlimited" if found == _ALL_BITS else str(found)


def _flag(raw: bytes) -> str:
    found = shown(raw).lower()
    if found not in ("true", "false"):
        raise ValueError(NOT_CONVERTED)
    return found


def _policy(raw: bytes) -> str:
    found = shown(raw).lower()
    if found not in ("return", "fail"):
        raise ValueError("Invalid ON_TIMEOUT value")
    return found


def _stem(raw: bytes) -> str:
    try:
        return str(exact(raw, 2, (1 << 32) - 1))
    except ValueError:
        raise ValueError("Minimum stem length cannot be lower than 2") from None


def _dialect(raw: bytes) -> str:
    found = exact(raw, 1, (1 << 32) - 1)
    if found > 4:
        raise ValueError("Default dialect version cannot be higher than 4")
    return str(found)


def _parents(raw: bytes) -> str:
    found = exact(raw)
    if found > 2:
        raise ValueError("Max depth for range cannot be higher than max depth for balance")
    return str(found)


def _rest(raw: bytes) -> str:
    """A number of which the server keeps 32 bits."""
    return str(exact(raw) & 0xFFFFFFFF)


# In the server's order.
_SETTINGS: Final[dict[str, _Setting]] = {
    "EXTLOAD": _Setting("File of an extension with scorers and expanders"),
    "NOGC": _Setting("Whether what has gone is never cleared away"),
    "MINPREFIX": _Setting("Letters that a beginning must have", _number(1)),
    "MINSTEMLEN": _Setting("Letters that a word must have to be stemmed", _stem),
    "FORKGC_SLEEP_BEFORE_EXIT": _Setting("Seconds that clearing away waits, for tests", _number()),
    "MAXDOCTABLESIZE": _Setting("Slots of the table of documents"),
    "MAXSEARCHRESULTS": _Setting("Documents that FT.SEARCH gives at most", _count),
    "MAXAGGREGATERESULTS": _Setting("Rows that FT.AGGREGATE gives at most", _count),
    "MAXEXPANSIONS": _Setting("Words that a beginning or pattern stands for at most", _number(1)),
    "MAXPREFIXEXPANSIONS": _Setting("The same as MAXEXPANSIONS", _number(1)),
    "TIMEOUT": _Setting("Milliseconds that a query may take; 0 for any time", _number()),
    "FRISOINI": _Setting("File that names a dictionary of Chinese words"),
    "ON_TIMEOUT": _Setting("What is done when time is up: RETURN or FAIL", _policy),
    "GCSCANSIZE": _Setting("Documents that are cleared away at a time", _number(1)),
    "MIN_PHONETIC_TERM_LEN": _Setting("Letters that a word must have to sound", _number(1)),
    "GC_POLICY": _Setting("How what has gone is cleared away"),
    "FORK_GC_RUN_INTERVAL": _Setting("Seconds between two times of clearing away", _number(1)),
    "FORK_GC_CLEAN_THRESHOLD": _Setting("Documents that must have gone before", _number()),
    "FORK_GC_RETRY_INTERVAL": _Setting("Seconds to wait where that failed", _number(1)),
    "FORK_GC_CLEAN_NUMERIC_EMPTY_NODES": _Setting("Whether trees of numbers are cut back"),
    "_FORK_GC_CLEAN_NUMERIC_EMPTY_NODES": _Setting("Whether trees of numbers are cut back", _flag),
    "UNION_ITERATOR_HEAP": _Setting("Parts of a union from which on it has a heap", _number(1)),
    "CURSOR_MAX_IDLE": _Setting("Milliseconds that cursors may be left alone", _number(1)),
    "NO_MEM_POOLS": _Setting("Whether memory is taken piece by piece"),
    "PARTIAL_INDEXED_DOCS": _Setting("Whether changed fields alone are looked at"),
    "UPGRADE_INDEX": _Setting("Indexes of the first versions, and how they are to be read"),
    "_NUMERIC_COMPRESS": _Setting("Whether numbers are kept with 32 bits", _flag),
    "_FREE_RESOURCE_ON_THREAD": _Setting("Whether indexes are dropped in the background", _flag),
    "_PRINT_PROFILE_CLOCK": _Setting("Whether FT.PROFILE tells times", _flag),
    "RAW_DOCID_ENCODING": _Setting("Whether numbers of documents are kept as they are"),
    "_NUMERIC_RANGES_PARENTS": _Setting("Levels of trees of numbers that keep ranges", _parents),
    "DEFAULT_DIALECT": _Setting("Dialect of queries that name none", _dialect),
    "VSS_MAX_RESIZE": _Setting("Bytes by which an index of vectors grows at most", _rest),
    "MULTI_TEXT_SLOP": _Setting("Distance between the values of a field that has several"),
    "BG_INDEX_SLEEP_GAP": _Setting("Keys that are looked at between two rests"),
    "_PRIORITIZE_INTERSECT_UNION_CHILDREN": _Setting("Whether unions come first", _flag),
}
_SAME: Final = ("MAXEXPANSIONS", "MAXPREFIXEXPANSIONS")


def config(ctx: Context, *words: bytes) -> Any:
    """What the module is set to: GET, SET and HELP.

    Checked in the server's order: number of words, action, name, value.
    """
    check_count(ctx, words, 2)
    action, name = words[0].upper(), shown(words[1]).upper()
    values = search.of(ctx.server).config
    if action == b"SET":
        return _set(ctx, name, words[2:])
    if action not in (b"GET", b"HELP"):
        return Status(b"No such configuration action")
    names = list(values) if name == "*" else [name] if name in values else []
    is_map = ctx.session.protocol == 3
    found: dict[Any, Any] = {}
    for each in names:
        value = None if values[each] is None else str(values[each]).encode()
        found[Status(each.encode())] = value if action == b"GET" else {
            Status(b"Description"): Status(_SETTINGS[each].text.encode()), Status(b"Value"): value,
        }
    if is_map:
        return found
    if action == b"GET":
        return [list(each) for each in found.items()]
    return [
        [each, *(part for item in facts.items() for part in item)] for each, facts in found.items()
    ]


def _set(ctx: Context, name: str, words: tuple[bytes, ...]) -> Status:
    if name not in _SETTINGS:
        raise CommandError("Invalid option")
    if name == "FORK_GC_CLEAN_NUMERIC_EMPTY_NODES":
        return Status(b"EXCESSARGS") if words else OK
    read = _SETTINGS[name].read
    if read is None:
        raise CommandError("Not modifiable at runtime")
    if not words:
        raise CommandError(NONE_LEFT)
    try:
        value = read(words[0])
    except ValueError as error:
        raise CommandError(str(error)) from None
    search.of(ctx.server).set_to(dict.fromkeys(_SAME if name in _SAME else (name,), value))
    return OK if len(words) == 1 else Status(b"EXCESSARGS")
