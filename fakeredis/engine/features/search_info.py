"""What INFO tells of indexes, in sections of the search module's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.search.schema import Definition
from fakeredis.engine.command.modules import MODULES, is_built_in

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server

Fields = dict[str, object]

_TITLES: Final = {
    "TEXT": "Text", "NUMERIC": "Numeric", "TAG": "Tag", "GEO": "Geo", "VECTOR": "Vector",
    "GEOSHAPE": "Geoshape",
}
_ALGORITHMS: Final = {"FLAT": "Flat", "HNSW": "HNSW", "SVS-VAMANA": "SVS_VAMANA"}
_MEGABYTE: Final = 1 << 20


def sections(server: Server) -> dict[str, Fields]:
    """The sections with their fields, in the server's order."""
    known = server.search
    indexes = () if known is None else known.indexes.values()
    if known is not None:
        known.catch_up()
        known.forget_idle_cursors()
    cursors = 0 if known is None else len(known.cursors)
    used = sum(sum(index.sizes().values()) for index in indexes)
    dialects = Counter(dialect for index in indexes for dialect in index.dialects)
    return {
        "version": {"version": _version(server), "redis_version": f"{_redis(server)} - oss"},
        "index": {"number_of_indexes": len(indexes)},
        "fields_statistics": _statistics([index.definition for index in indexes]),
        "memory": {
            "used_memory_indexes": used, "used_memory_indexes_human": used / _MEGABYTE,
            "total_indexing_time": 0,
        },
        "cursors": {"global_idle": cursors, "global_total": cursors},
        "gc": {"bytes_collected": 0, "total_cycles": 0, "total_ms_run": 0},
        "dialect_statistics": {
            f"dialect_{dialect}": int(dialect in dialects) for dialect in range(1, 5)
        },
        "runtime_configurations": _settings(server),
    }


def lines(server: Server, name: str, fields: Fields) -> str:
    """A section as INFO has it."""
    shown = [f"# search_{name}", *(f"search_{field}:{value}" for field, value in fields.items())]
    return "\r\n".join(shown) + "\r\n"


def _redis(server: Server) -> str:
    return server.profile.version_text


def _version(server: Server) -> str:
    """Since Redis 8 it is the server's own."""
    if is_built_in(server.profile):
        return _redis(server)
    number = MODULES["search"].stack_version
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


def _statistics(definitions: list[Definition]) -> Fields:
    """How many fields of each kind there are, and with which options."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in _TITLES}
    for definition in definitions:
        for field in definition.fields:
            own = counts[field.kind]
            own[_TITLES[field.kind]] += 1
            if field.vectors is not None:
                own[_ALGORITHMS[field.vectors.algorithm]] += 1
            for title, holds in (
                ("Sortable", field.sortable), ("NoIndex", not field.indexed),
                ("CaseSensitive", field.case_sensitive),
            ):
                own[title] += holds
    return {
        f"fields_{kind.lower()}": ",".join(f"{title}={count}" for title, count in (+own).items())
        for kind, own in counts.items() if own
    }


def _settings(server: Server) -> Fields:
    config = {} if server.search is None else server.search.config
    most = config.get("MAXAGGREGATERESULTS", "unlimited")
    return {
        "enableGC": "ON", "minimal_term_prefix": config.get("MINPREFIX", 2),
        "minimal_stem_length": config.get("MINSTEMLEN", 4),
        "maximal_prefix_expansions": config.get("MAXEXPANSIONS", 200),
        "query_timeout_ms": config.get("TIMEOUT", 500),
        "timeout_policy": config.get("ON_TIMEOUT", "return"), "cursor_read_size": 1000,
        "cursor_max_idle_time": config.get("CURSOR_MAX_IDLE", 300_000),
        "max_doc_table_size": 1_000_000,
        "max_search_results": config.get("MAXSEARCHRESULTS", 1_000_000),
        "max_aggregate_results": -1 if most == "unlimited" else most, "gc_scan_size": 100,
        "min_phonetic_term_length": 3,
    }
