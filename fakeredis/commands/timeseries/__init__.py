"""Time series: commands of the module RedisTimeSeries, which Redis has built in since 8.0.

Declared here; what they do stands in the other files of this folder, imported by the first call of
one of them.  As modules do, they count their words themselves, and look for options at any place.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import (
    Declared,
    Key,
    KeySpec,
    Many,
    Raw,
    Rest,
    counted,
    index,
)
from fakeredis.commands.module_declarations import declare
from fakeredis.commands.registry import (
    DENYOOM,
    MODULE,
    MOVABLEKEYS,
    NOSCRIPT,
    READONLY,
    REPLY_BY_KEY,
    WRITE,
    Group,
)
from fakeredis.commands.timeseries import counterparts
from fakeredis.commands.timeseries.options import (
    AddOptions,
    GetOptions,
    IncrementOptions,
    ManyOptions,
    NewestOptions,
    RangeOptions,
    ReadOptions,
    SeriesOptions,
)
from fakeredis.engine.core.replies import DEEP, PLAIN, SET
from fakeredis.lazy import Lazy

group: Final = Group("timeseries", module="timeseries")

_WORDS: Final = Rest(flat=True)
_SERIES: Final = Key("RW access update")
_GROWS: Final = WRITE | DENYOOM
_FUNCTIONS: Final = {"DEL": "delete", "RANGE": "range_"}


def _declare(
    file: str, names: str, arguments: tuple[Declared, ...], flags: int, **more: Any
) -> None:
    """Declare commands whose handlers are in one file of this folder."""
    module = f"fakeredis.commands.timeseries.{file}"
    declare(group, "TS", names, module, arguments, flags, _FUNCTIONS, **{"reply": PLAIN, **more})


_declare("writing", "CREATE ALTER", (_SERIES, SeriesOptions), _GROWS)
_declare(
    "writing", "ADD", (_SERIES, AddOptions), _GROWS, form="key timestamp value {}",
    counterpart=counterparts.of_add,
)
for _name, _counterpart in (("INCRBY", counterparts.of_incrby), ("DECRBY", counterparts.of_decrby)):
    _declare(
        "writing", _name, (_SERIES, IncrementOptions), _GROWS, form="key value {}",
        counterpart=_counterpart,
    )
_declare(
    "writing", "MADD", (Many(_SERIES, Raw, Raw, flat=True),), _GROWS,
    counterpart=counterparts.of_madd,
)
_declare("writing", "DEL", (Key("RW delete"), _WORDS), WRITE)
_RULES: Final[dict[str, Any]] = {  # of whose keys the server knows but the first
    "key_positions": (1, 1, 1),
    "specs": (KeySpec("RW access update", index(1)), KeySpec("RW access update", index(2))),
}
_declare("rules", "CREATERULE", (_SERIES, _WORDS), _GROWS, **_RULES)
_declare("rules", "DELETERULE", (_SERIES, _WORDS), WRITE, **_RULES)
_declare("reading", "GET", (Key, GetOptions), READONLY, form="key {}")
_declare("reading", "INFO", (Key, _WORDS), READONLY, reply=DEEP)
_declare(
    "reading", "RANGE REVRANGE", (Key, RangeOptions), READONLY, form="key from to {}"
)
_declare("many", "MGET", (NewestOptions,), READONLY | REPLY_BY_KEY)
_declare(
    "many", "MRANGE MREVRANGE", (ManyOptions,), READONLY | REPLY_BY_KEY, form="from to {}"
)
_declare("many", "QUERYINDEX", (_WORDS,), READONLY | REPLY_BY_KEY, reply=SET)

# Of Redis 8.10.
_LATER: Final[dict[str, Any]] = {"since": {"redis": "8.10.0"}, "acl": ("timeseries", "read")}
_declare("many", "QUERYLABELS", (_WORDS,), READONLY, reply=SET, arity=-2, **_LATER)
_declare("following", "READ", (Key, Raw, ReadOptions), READONLY, arity=-3, **_LATER)
_declare(
    "joining", "NRANGE NREVRANGE", (_WORDS,), READONLY | MOVABLEKEYS, arity=-5, **_LATER,
    specs=(KeySpec("RO access", index(1), counted()),),
)


def _declare_cluster(name: str, handler: str) -> None:
    """Declare a command of clusters, which the server's own do not need."""
    group.command(
        f"TIMESERIES.{name}", _WORDS, flags=READONLY | NOSCRIPT | MODULE, arity=-1,
        since={"redis": "8.0.0"}, acl=("timeseries", "read", "slow"), reply=PLAIN,
        varies="always",
    )(Lazy("fakeredis.commands.timeseries.cluster", handler))


for _name, _handler in {
    "CLUSTERSET": "clusterset", "CLUSTERSETFROMSHARD": "clusterset", "HELLO": "hello",
    "INFOCLUSTER": "infocluster", "INNERCOMMUNICATION": "innercommunication",
    "FORCESHARDSCONNECTION": "accepted", "NETWORKTEST": "accepted",
    "REFRESHCLUSTER": "refreshcluster",
}.items():
    _declare_cluster(_name, _handler)
