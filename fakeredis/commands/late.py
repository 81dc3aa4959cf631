"""Rare groups: declared here, imported by the first call of one of their commands.

So COMMAND, ACL and clusters know all about them, and programs that never call them pay nothing for
their modules.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import (
    Declared,
    Key,
    Raw,
    Rest,
)
from fakeredis.commands.late_options import (
    GrepOptions,
    InfoOptions,
    LastOptions,
    LimitOptions,
    VaddOptions,
    VembOptions,
    VlinksOptions,
    VsimOptions,
)
from fakeredis.commands.registry import (
    ADMIN,
    CONNECTION,
    DENYOOM,
    FAST,
    MODULE,
    NO_ASYNC_LOADING,
    READONLY,
    SERVER_WIDE,
    STALE,
    WRITE,
    Changed,
    Group,
)
from fakeredis.engine.core.profiles import Since
from fakeredis.engine.core.replies import DEEP, MAP, PLAIN, Shape, deep_resp2, null_array
from fakeredis.lazy import Lazy

# Vector sets: a module that Redis 8 has built in. Modules look at the number of words themselves.

_vector_sets: Final = Group("vectorset", module="vectorset")


def _flat_search(reply: Any) -> Any:
    """Elements with scores and attributes as RESP2's flat array."""
    if type(reply) is not dict:
        return reply
    flat: list[Any] = []
    for element, value in reply.items():
        flat.append(element)
        flat += deep_resp2(value) if type(value) is list else (deep_resp2(value),)
    return flat


_WORDS: Final = Rest(flat=True)
# Redis 8.2 does not tell how many words they take.
_COUNTED: Final = {"redis": "8.4.0"}
# What COMMAND DOCS of those servers that tell it calls their arguments.
_NAMES: Final = {
    "VADD": (
        "key [REDUCE=reduce(dim:integer)] format<FP32|VALUES> vector element [CAS] "
        "[quant_type<NOQUANT|BIN|Q8>] [EF=build-exploration-factor:integer] "
        "[SETATTR=attributes] [M=numlinks:integer]"
    ),
    "VEMB": "key element [RAW]",
    "VGETATTR": "key element",
    "VISMEMBER": "key element",
    "VLINKS": "key element [WITHSCORES]",
    "VRANDMEMBER": "key [count:integer]",
    "VRANGE": "key start end [count:integer]",
    "VREM": "key element",
    "VSETATTR": "key element json",
    "VSIM": (
        "key format<ELE|FP32|VALUES> vector_or_element [WITHSCORES] [WITHATTRIBS] "
        "[COUNT=count:integer] [EPSILON=max_distance:double] [EF=search-"
        "exploration-factor:integer] [FILTER=expression] [FILTER-EF=max-filtering-effort:integer] "
        "[TRUTH] [NOTHREAD]"
    ),
}
_SINCE: Final[dict[str, Since]] = {"VISMEMBER": "8.2.0", "VRANGE": _COUNTED}
for _name, _arity, _key, _more, _form, _flags, _shape, _varies in (
    ("VADD", -5, Key, VaddOptions, "key value* {}", WRITE | DENYOOM, DEEP, ""),
    ("VREM", 3, Key("RW delete"), _WORDS, "", WRITE, DEEP, ""),
    ("VSIM", -4, Key, VsimOptions, "key value* {}", READONLY, Shape(_flat_search, None), ""),
    ("VDIM", 2, Key, _WORDS, "", READONLY | FAST, PLAIN, ""),
    ("VCARD", 2, Key, _WORDS, "", READONLY | FAST, PLAIN, ""),
    ("VEMB", -3, Key, VembOptions, "key element {}", READONLY | FAST, DEEP, ""),
    ("VLINKS", -3, Key, VlinksOptions, "key element {}", READONLY | FAST, DEEP, "always"),
    ("VINFO", 2, Key, _WORDS, "", READONLY | FAST, MAP, "always"),
    ("VSETATTR", 4, Key, _WORDS, "", WRITE | FAST, DEEP, ""),
    ("VGETATTR", 3, Key, _WORDS, "", READONLY | FAST, PLAIN, ""),
    ("VRANDMEMBER", -2, Key, _WORDS, "", READONLY, PLAIN, "number"),
    ("VISMEMBER", 3, Key, _WORDS, "", READONLY, DEEP, ""),
    ("VRANGE", -4, Key, _WORDS, "", READONLY, DEEP, ""),
):
    _vector_sets.command(
        _name, _key, _more, flags=_flags | MODULE, acl=(), form=_form,
        since=_SINCE.get(_name, "8.0.0"), arity=Changed(_COUNTED, _arity, -1),
        names=_NAMES.get(_name, "key"),
        reply=_shape, nulls=null_array if _name == "VINFO" else None, varies=_varies,
    )(Lazy("fakeredis.commands.vector_set", _name.lower()))

# Arrays of Redis 8.8 ----------------------------------------------------------------------------

_arrays: Final = Group("array")
_LIST: Final = Rest(flat=True)

for _name, _arguments, _flags in (
    ("ARSET", (Key("RW update"), Raw, Raw, _LIST), WRITE | DENYOOM | FAST),
    ("ARMSET", (Key("RW update"), Raw, Raw, _LIST), WRITE | DENYOOM | FAST),
    ("ARGET", (Key, Raw), READONLY | FAST),
    ("ARMGET", (Key, Raw, _LIST), READONLY | FAST),
    ("ARGETRANGE", (Key, Raw, Raw), READONLY),
    ("ARLEN", (Key,), READONLY | FAST),
    ("ARCOUNT", (Key,), READONLY | FAST),
    ("ARDEL", (Key("RW delete"), Raw, _LIST), WRITE | FAST),
    ("ARDELRANGE", (Key("RW delete"), Raw, Raw, _LIST), WRITE),
    ("ARINSERT", (Key("RW update"), Raw, _LIST), WRITE | DENYOOM | FAST),
    ("ARRING", (Key("RW update"), Raw, Raw, _LIST), WRITE | DENYOOM),
    ("ARNEXT", (Key,), READONLY | FAST),
    ("ARSEEK", (Key("RW update"), Raw), WRITE | FAST),
    ("ARLASTITEMS", (Key, Raw, LastOptions), READONLY),
    ("ARSCAN", (Key, Raw, Raw, LimitOptions), READONLY),
    ("ARGREP", (Key, Raw, Raw, GrepOptions), READONLY),
    ("AROP", (Key, Raw, Raw, Raw, _LIST), READONLY),
    ("ARINFO", (Key, InfoOptions), READONLY),
):
    _arrays.command(
        _name, *_arguments, flags=_flags, since={"redis": "8.8.0"},
        reply=DEEP if _name == "ARINFO" else PLAIN,
    )(Lazy("fakeredis.commands.array", _name.lower()))

# Hashes with prepared fields, of Redis 8.10 -----------------------------------------------------

_imports: Final = Group("hash")
_NEW: Final = {"redis": "8.10.0"}
_imports.container("HIMPORT", since=_NEW, acl=("hash", "slow"))
# What is prepared belongs to one connection, so they take the way on which clients see theirs.
_SUBCOMMANDS: Final[tuple[tuple[str, str, tuple[Declared, ...], int], ...]] = (
    ("HIMPORT PREPARE", "prepare", (Raw, Raw, _LIST), CONNECTION),
    ("HIMPORT SET", "set_", (Key("OW update"), Raw, Raw, _LIST), WRITE | DENYOOM | CONNECTION),
    ("HIMPORT DISCARD", "discard", (Raw,), CONNECTION),
    ("HIMPORT DISCARDALL", "discardall", (), CONNECTION),
)
for _name, _function, _words, _flags in _SUBCOMMANDS:
    _imports.command(_name, *_words, flags=_flags, since=_NEW)(
        Lazy("fakeredis.commands.hash_import", _function)
    )

# Slots that move in one step, of Redis 8.4 --------------------------------------------------------

_MOVING: Final = "fakeredis.commands.slot_migration"
_MOVES_SINCE: Final = {"redis": "8.4.0"}
_moves: Final = Group("cluster")
_moves.command(
    "CLUSTER MIGRATION", Rest(2), arity=-4, flags=ADMIN | NO_ASYNC_LOADING | STALE | SERVER_WIDE,
    since=_MOVES_SINCE, reply=DEEP, varies="always", form="^action value*",
    names=(
        "subcommand<IMPORT=import(start-slot:integer end-slot:integer)+|"
        "CANCEL=cancel<ID=task-id|ALL>|STATUS=status<[ID=task-id]|[ALL]>>"
    ),
)(Lazy(_MOVING, "migration"))
_moves.command(
    "CLUSTER SYNCSLOTS", Rest(1), arity=-3, flags=ADMIN | NO_ASYNC_LOADING | STALE,
    since=_MOVES_SINCE, tips="nondeterministic_output", form="^action value*",
    names=(
        "subcommand<SYNC=sync(task-id slot-range(start-slot:integer end-slot:integer)+)|"
        "RDBCHANNEL=task-id|SNAPSHOT-EOF|STREAM-EOF|ACK=ack(state offset:integer)|FAIL=error|"
        "CONF=conf(option+ value+)>"
    ),
)(Lazy(_MOVING, "syncslots"))
_trims: Final = Group("server")
_trims.command(
    "TRIMSLOTS", Rest(4), arity=-5, flags=WRITE | SERVER_WIDE, since=_MOVES_SINCE,
    acl=("dangerous", "keyspace", "slow", "write"),
    names="RANGES=ranges(numranges:integer slots(startslot:integer endslot:integer)+)",
)(Lazy(_MOVING, "trimslots"))

groups: Final = (_vector_sets, _arrays, _imports, _moves, _trims)
