"""Probabilistic types: commands of the module RedisBloom, which Redis has built in since 8.0.

Declared here; what they do stands in the other files of this folder, imported by the first call of
one of them.  As modules do, they count their words themselves.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import Declared, Key, KeySpec, Rest, counted, index
from fakeredis.commands.module_declarations import declare
from fakeredis.commands.probabilistic import options, sketch_options
from fakeredis.commands.registry import (
    DENYOOM,
    FAST,
    KEPT,
    LASTING,
    READONLY,
    WRITE,
    Group,
)

_WORDS: Final = Rest(flat=True)
_READ: Final = (Key, _WORDS)
_UPDATED: Final = Key("RW access update")
_WRITE: Final = (_UPDATED, _WORDS)
_GROWS: Final = WRITE | DENYOOM
_MERGES: Final[dict[str, Any]] = {  # of whose keys the server knows but the first
    "key_positions": (1, 1, 1),
    "specs": (
        KeySpec("RW access update", index(1)), KeySpec("RO access", index(2), counted()),
    ),
}
_FUNCTIONS: Final = {"DEL": "del_", "LIST": "list_", "MAX": "max_", "MIN": "min_"}


def _declare(
    group: Group, family: str, names: str, arguments: tuple[Declared, ...], flags: int, **more: Any
) -> None:
    """Declare commands of a family, whose handlers are in the file of the group."""
    module = f"fakeredis.commands.probabilistic.{group.name}"
    declare(group, family, names, module, arguments, flags, _FUNCTIONS, **more)


bloom: Final = Group("bloom", module="bf")
_declare(bloom, "BF", "ADD MADD LOADCHUNK", _WRITE, _GROWS | LASTING)
_declare(
    bloom, "BF", "RESERVE", (_UPDATED, options.BloomReserveOptions), _GROWS | LASTING,
    form="key rate capacity {}",
)
_declare(
    bloom, "BF", "INSERT", (_UPDATED, options.BloomInsertOptions), _GROWS | LASTING, form="key {}"
)
_declare(bloom, "BF", "CARD DEBUG EXISTS INFO MEXISTS SCANDUMP", _READ, READONLY | FAST)

cuckoo: Final = Group("cuckoo", module="bf")
_declare(cuckoo, "CF", "ADD ADDNX LOADCHUNK", _WRITE, _GROWS | LASTING)
_declare(cuckoo, "CF", "DEL", _WRITE, WRITE | FAST)
_declare(
    cuckoo, "CF", "RESERVE", (_UPDATED, options.CuckooReserveOptions), _GROWS | LASTING,
    form="key capacity {}",
)
_declare(
    cuckoo, "CF", "INSERT INSERTNX", (_UPDATED, options.CuckooInsertOptions), _GROWS | LASTING,
    form="key {}",
)
_declare(cuckoo, "CF", "COUNT DEBUG EXISTS INFO MEXISTS SCANDUMP", _READ, READONLY | FAST)
# It says that it only reads, and changes the filter.
_declare(cuckoo, "CF", "COMPACT", _READ, READONLY | FAST | KEPT)

cms: Final = Group("cms", module="bf")
_declare(cms, "CMS", "INITBYDIM INITBYPROB INCRBY", _WRITE, _GROWS)
_declare(
    cms, "CMS", "MERGE", (_UPDATED, sketch_options.WeightOptions), _GROWS, form="key #key* {}",
    **_MERGES,
)
_declare(cms, "CMS", "INFO QUERY", _READ, READONLY)

topk: Final = Group("topk", module="bf")
_declare(topk, "TOPK", "ADD INCRBY RESERVE", _WRITE, _GROWS)
_declare(topk, "TOPK", "COUNT", _READ, WRITE)  # as the server has it, it changes nothing
_declare(topk, "TOPK", "LIST", (Key, sketch_options.ListOptions), READONLY)
_declare(topk, "TOPK", "INFO QUERY", _READ, READONLY)

# Questions to a digest may make groups of what waits in it.
tdigest: Final = Group("tdigest", module="bf")
_declare(tdigest, "TDIGEST", "ADD RESET", _WRITE, _GROWS)
_declare(tdigest, "TDIGEST", "CREATE", (_UPDATED, sketch_options.CreateOptions), _GROWS)
_declare(
    tdigest, "TDIGEST", "MERGE", (_UPDATED, sketch_options.MergeOptions), _GROWS,
    form="key #key* {}", **_MERGES,
)
_declare(
    tdigest, "TDIGEST", "BYRANK BYREVRANK CDF QUANTILE RANK REVRANK TRIMMED_MEAN", _READ,
    READONLY | KEPT,
)
_declare(tdigest, "TDIGEST", "INFO MAX MIN", _READ, READONLY)

groups: Final = (bloom, cuckoo, cms, topk, tdigest)
