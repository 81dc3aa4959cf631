"""Which server is imitated: its type, its version, and how its behaviour differs by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from fakeredis.datatypes.numbers import parse_decimal, parse_float

Since = str | Mapping[str, str]
Version = tuple[int, int, int]

# Valkey was forked from Redis 7.2: what Redis had by then, Valkey has too.
_LAST_SHARED: Version = (7, 2, 4)
# The versions that can be asked for, each with the patch release that stands for it.
_RELEASES: dict[str, tuple[Version, ...]] = {
    "redis": (
        (6, 2, 14), (7, 0, 15), (7, 2, 4), (7, 4, 1), (8, 0, 3), (8, 2, 3), (8, 4, 0), (8, 6, 2),
        (8, 8, 0), (8, 10, 0),
    ),
    "valkey": ((7, 2, 8), (8, 0, 2), (8, 1, 8), (9, 0, 0), (9, 1, 2)),
}
# The default version is one of Redis; for Valkey it means the release of Valkey nearest to it.
_NEAREST: dict[tuple[str, tuple[int, ...]], Version] = {("valkey", (8, 2)): (8, 1, 8)}
_RDB_VERSIONS: tuple[tuple[Version, int], ...] = (
    ((8, 6, 0), 13), ((7, 4, 0), 12), ((7, 2, 0), 11), ((7, 0, 0), 10), ((5, 0, 0), 9),
    ((4, 0, 0), 8), ((3, 2, 0), 7),
)


# Text, a tuple, or, as older programs write it, a number (7.2, too, but 8.10 is no such thing).
VersionLike = str | tuple[int, ...] | int


def _parts(version: VersionLike | float) -> tuple[Any, ...]:
    """What stands between the points.

    Raises:
        TypeError: it is nothing that could be a version.
    """
    if isinstance(version, tuple):
        return version
    if isinstance(version, bool) or not isinstance(version, (str, int, float)):
        raise TypeError(f"a server version is text or a tuple: '8.2' or (8, 2), not {version!r}")
    return tuple(str(version).split("."))


def parse_version(version: VersionLike | float) -> Version:
    """``"8.2"``, ``"8.2.3"``, ``(7,)`` or ``7`` as three numbers.

    Raises:
        TypeError: it is neither text nor a tuple nor a number.
        ValueError: it is no version.
    """
    parts = _parts(version)
    try:
        numbers = tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        raise ValueError(f"not a server version: {version!r}; write it as '8.2'") from None
    if not 1 <= len(numbers) <= 3 or min(numbers) < 0:
        raise ValueError(f"not a server version: {version!r}; write it as '8.2'")
    return (*numbers, 0, 0)[:3]  # type: ignore[return-value]


class Traits(NamedTuple):
    """Behaviours that differ between profiles, by name; handlers ask for these only."""

    resp3: bool = True
    flush_replies_late: bool = True  # FLUSHALL replies when the memory is free
    embedded_keys: bool = True  # a short string shares its memory block with its key
    long_embedded: bool = False  # in a block of twice the size, whether there is a deadline or not
    embedded_deadlines: bool = True  # and with the deadline of a short key
    shared_numbers: bool = False  # small numbers are one object, which OBJECT REFCOUNT shows
    checked_types: bool = False  # SCAN refuses a TYPE that does not exist
    past_is_expired: bool = False  # a deadline gone by lets a key expire, not deletes it
    polygons: bool = False  # are among what GEOSEARCH may be told
    keys_last: bool = False  # GETEX looks at its deadline before it looks at the key
    settles_by_length: bool = False  # words of ZADD may end a listpack though none is added
    auth_first: bool = False  # who has to authenticate does not hear which commands are unknown
    keeps_expired_fields: bool = False  # while nothing expires by itself
    names_missing: bool = False  # a search around a member that is not there names it
    terse_pairs: bool = False  # of MSETEX, where its pairs are not as many as was said
    refusals_name: bool = False  # who is refused behind MULTI is named
    nesting_aborts: bool = False  # MULTI and WATCH behind MULTI spoil the transaction
    last_by_plus: bool = True  # XREAD takes ``+``
    parse_float: Callable[[bytes], float | None] = parse_float  # scores, places, weights
    strict_sort: bool = False  # SORT reads numbers so too: no empty ones, none out of range
    c_numbers: bool = False  # SORT reads numbers as C does: " 2", "0x10", no overflow
    counts_longer: bool = False  # what groups have read is held to be known more often
    counts_from_first: bool = False  # but not of those that were before the first entry
    plus_is_last_id: bool = False  # XREAD's ``+`` is the last ID given, though it was deleted
    scripts_say_server: bool = False  # what scripts call redis they may call server too
    script_engines: bool = False  # scripts may be of other engines than Lua, if there were any
    lua_is_module: bool = False  # which is a module; errors of scripts lost the script's name
    scripts_fail_plainly: bool = False  # their errors are no tables, and name the line first
    scripts_are_evicted: bool = True  # those that EVAL brought, beyond 500
    rdb_version: int = 12  # of the format of DUMP and of files
    compact: bool = True  # short lists and sets of words are listpacks
    compact_name: bytes = b"listpack"
    older_errors: bool = False  # some errors are worded as in Redis 6.2
    exact_doubles: bool = False  # RESP2 has 17 digits of a double, not the fewest that tell it
    long_coordinates: bool = False  # of places, too, and more of them
    lenient_cursors: bool = False  # SCAN takes anything for a cursor that begins as a number may
    strict_pop_count: bool = True  # ZPOPMIN's count must be positive
    stream_history: bool = True  # XINFO tells what was added and read
    consumer_activity: bool = True  # and when a consumer got something
    several_parameters: bool = True  # CONFIG GET and SET take more than one
    plus_of_xread: bool = True  # XREAD's error knows the ID ``+``
    consumers_when_needed: bool = False  # a consumer is made when it gets something
    claims_deleted: bool = False  # XCLAIM hands over what is no longer there
    upper_units: bool = True  # units of places may be capitals
    types_before_words: bool = False  # BITCOUNT looks at the key first
    keys_of_new: bool = True  # events of new keys (``n``)
    says_redis: bool = True  # errors and advice name the product
    slow_log: str = "slowlog"  # as a command's flag names it
    payload_flags: bool = True  # and that is told of them
    allowed_databases: bool = False  # users may be bound to databases
    sanitized_payloads: bool = True  # users may be told to let payloads pass unchecked
    says_primary: bool = False  # CLIENT LIST and KILL know a master as primary, too
    ignores_words: bool = False  # CLIENT UNBLOCK and PAUSE do not look at further words
    parses_client_ids: bool = False  # CLIENT LIST and KILL refuse bad IDs as syntax errors
    read_from_replicas: bool = False  # READONLY does without a cluster
    databases_in_cluster: bool = False  # nodes may have several, though they have just one
    shards_have_ids: bool = False  # which CLUSTER SHARDS tells; and INFO counts more
    slots_without_cluster: bool = False  # CLUSTER KEYSLOT does without one
    undoes_readonly: bool = False  # and READWRITE
    tells_usual_policy: bool = False  # of a time series that has none of its own
    nan_samples: bool = False  # time series take NaN, which aggregations leave out
    several_aggregators: bool = False  # and queries several aggregations at once
    series_left_out: bool = False  # EXCLUDEEMPTY leaves out those without samples
    documents_modules: bool = False  # COMMAND DOCS tells of vector sets what they take
    keeps_keys_of_queue: bool = False  # EXEC does not look anew whether users may use the keys
    slots_compared_first: bool = False  # that keys are of one slot, before who serves it
    unchecked_payloads: bool = False  # RESTORE takes a checksum of zero for none
    frees_entries_of_groups: bool = False  # what only a destroyed group had to read is not needed
    counts_checked_words: bool = False  # redis.acl_check_cmd wants a right number of words
    arrays_from_json: bool = False  # cjson marks arrays, so that empty ones stay such
    effort_limited: bool = False  # VSIM's EF has an upper bound
    bounds_told: bool = False  # CONFIG SET names both bounds of what may not be negative
    fields_anywhere: bool = False  # HEXPIRE, HGETEX and HSETEX take their words in any order
    nodes_with_references: bool = False  # trimming with ``~`` takes whole nodes with DELREF, ACKED
    lenient_conditions: bool = False  # SET takes NX and XX behind a comparison, and that twice
    brief_unknown: bool = False  # an unknown command without arguments is told without them


class Profile(NamedTuple):
    """A server type and version."""

    server_type: str = "redis"
    version: Version = (8, 2, 3)

    @property
    def version_text(self) -> str:
        """The version as INFO prints it."""
        return ".".join(map(str, self.version))

    @property
    def is_older(self) -> bool:
        """Whether it words errors or writes numbers as the newest servers no longer do."""
        return self.server_type == "valkey" or self.version < (8, 0, 0)

    @property
    def traits(self) -> Traits:
        """The behaviours of this profile."""
        valkey = self.server_type == "valkey"
        return Traits(
            resp3=self.version >= (6, 0, 0),
            flush_replies_late=not valkey and self.version >= (7, 4, 0),
            embedded_keys=self.version >= ((8, 1, 0) if valkey else (8, 2, 0)),
            long_embedded=valkey and self.version >= (9, 0, 0),
            embedded_deadlines=not valkey,
            shared_numbers=self.version < ((8, 1, 0) if valkey else (8, 2, 0)),
            checked_types=valkey and self.version >= (8, 0, 0),
            past_is_expired=valkey and self.version >= (8, 1, 0),
            polygons=valkey and self.version >= (9, 0, 0),
            keys_last=valkey and self.version >= (9, 0, 0),
            settles_by_length=valkey and self.version >= (8, 1, 0),
            auth_first=valkey and self.version >= (9, 0, 0),
            keeps_expired_fields=valkey and self.version >= (9, 0, 0),
            names_missing=valkey and self.version >= (9, 0, 0),
            terse_pairs=valkey,
            refusals_name=valkey and self.version >= (9, 0, 0),
            nesting_aborts=valkey and self.version >= (8, 1, 0),
            last_by_plus=self.version >= ((8, 0, 0) if valkey else (7, 4, 0)),
            parse_float=parse_decimal if valkey and self.version >= (9, 0, 0) else parse_float,
            strict_sort=valkey and self.version >= (9, 0, 0),
            c_numbers=self.version < ((9, 0, 0) if valkey else (8, 0, 0)),
            counts_longer=valkey or self.version < (8, 0, 0),
            counts_from_first=valkey,
            plus_is_last_id=valkey or self.version < (8, 0, 0),
            scripts_say_server=self.server_type == "valkey",
            script_engines=valkey and self.version >= (8, 1, 0),
            lua_is_module=valkey and self.version >= (9, 1, 0),
            scripts_fail_plainly=self.version < (7, 0, 0),
            scripts_are_evicted=self.version >= (7, 4, 0),
            rdb_version=self._rdb_version(),
            compact=self.version >= (7, 2, 0),
            compact_name=b"listpack" if self.version >= (7, 0, 0) else b"ziplist",
            older_errors=self.version < (7, 0, 0),
            exact_doubles=self.version < (7, 2, 0),
            long_coordinates=self.server_type == "valkey" or self.version < (8, 0, 0),
            lenient_cursors=self.version < (7, 0, 0),
            strict_pop_count=self.version >= (7, 0, 0),
            stream_history=self.version >= (7, 0, 0),
            consumer_activity=self.version >= (7, 2, 0),
            several_parameters=self.version >= (7, 0, 0),
            plus_of_xread=self.server_type == "redis" and self.version >= (8, 0, 0),
            consumers_when_needed=self.version < (7, 0, 0),
            claims_deleted=self.version < (7, 0, 0),
            upper_units=self.version >= (7, 0, 0),
            types_before_words=self.version < (7, 0, 0),
            keys_of_new=self.version >= (7, 0, 0),
            says_redis=not valkey,
            slow_log="commandlog" if valkey and self.version >= (8, 1, 0) else "slowlog",
            payload_flags=not valkey or self.version < (9, 0, 0),
            allowed_databases=valkey and self.version >= (9, 1, 0),
            sanitized_payloads=self.version >= (7, 0, 0),
            says_primary=valkey and self.version >= (8, 0, 0),
            ignores_words=valkey and self.version >= (8, 1, 0),
            parses_client_ids=self.server_type == "valkey" and self.version >= (8, 1, 0),
            read_from_replicas=self.server_type == "valkey" and self.version >= (8, 0, 0),
            databases_in_cluster=valkey and self.version >= (9, 0, 0),
            shards_have_ids=valkey and self.version >= (9, 1, 0),
            slots_without_cluster=valkey and self.version >= (9, 0, 0),
            undoes_readonly=self.version < (7, 0, 0)
            or (self.server_type == "valkey" and self.version >= (8, 0, 0)),
            tells_usual_policy=not valkey and self.version >= (8, 0, 0),
            nan_samples=not valkey and self.version >= (8, 6, 0),
            several_aggregators=not valkey and self.version >= (8, 8, 0),
            series_left_out=not valkey and self.version >= (8, 10, 0),
            documents_modules=not valkey and self.version >= (8, 4, 0),
            keeps_keys_of_queue=not valkey and self.version >= (8, 6, 0),
            slots_compared_first=not valkey and self.version >= (8, 6, 0),
            unchecked_payloads=not valkey and self.version >= (8, 4, 0),
            frees_entries_of_groups=not valkey and self.version >= (8, 4, 0),
            counts_checked_words=not valkey and self.version >= (8, 6, 0),
            arrays_from_json=not valkey and self.version >= (8, 6, 0),
            effort_limited=not valkey and self.version >= (8, 4, 0),
            bounds_told=not valkey and self.version >= (8, 4, 0),
            fields_anywhere=not valkey and self.version >= (8, 4, 0),
            nodes_with_references=not valkey and self.version >= (8, 4, 0),
            lenient_conditions=not valkey and self.version >= (8, 4, 0),
            brief_unknown=not valkey and self.version >= (8, 6, 0),
        )

    def _rdb_version(self) -> int:
        """The newest version of the format of values that this server reads, which it writes."""
        if self.server_type == "valkey":
            return 80 if self.version >= (9, 0, 0) else 11
        for introduced, number in _RDB_VERSIONS:
            if self.version >= introduced:
                return number
        return 6

    def has(self, since: Since) -> bool:
        """Whether something introduced in ``since`` exists here."""
        if not isinstance(since, str):
            introduced = since.get(self.server_type)
            return introduced is not None and self.version >= parse_version(introduced)
        introduced_in = parse_version(since)
        if self.server_type == "valkey":
            return introduced_in <= _LAST_SHARED
        return self.version >= introduced_in


@lru_cache(maxsize=None, typed=True)
def profile(version: VersionLike = "8.2", server_type: str = "redis") -> Profile:
    """The profile of a version: ``"7.2.4"`` is exact, ``"7.2"`` some release of 7.2.

    ``"7"`` is the newest release of 7, as in the tags of container images. For one that is a little
    older than all there are stands the oldest, with a warning.

    Raises:
        ValueError: unknown server type, no version, or none that there is.
    """
    if server_type not in _RELEASES:
        hint = "use 'redis' or 'valkey'"
        if server_type == "dragonfly":
            hint = "Dragonfly is none of those imitated here; " + hint + ", whose commands it has"
        raise ValueError(f"unknown server_type {server_type!r}; {hint}")
    numbers = parse_version(version)
    given = len(_parts(version))
    oldest = _RELEASES[server_type][0]
    if (5 if isinstance(version, (tuple, int, float)) else 6,) <= numbers < oldest[:given]:
        message = f"there is no {server_type} {_shown(numbers, given)} to imitate; this is "
        warnings.warn(message + f"{_shown(oldest, 2)}, the oldest there is", stacklevel=3)
        return Profile(server_type, oldest)
    wanted = numbers[: min(given, 2)]
    release = _NEAREST.get((server_type, wanted))
    for candidate in _RELEASES[server_type]:
        if candidate[: len(wanted)] == wanted:
            release = candidate
    if release is None:
        known = ", ".join(f"{major}.{minor}" for major, minor, _ in _RELEASES[server_type])
        shown = _shown(numbers, given)
        raise ValueError(f"there is no {server_type} {shown} to imitate; the versions are: {known}")
    return Profile(server_type, numbers if given == 3 and numbers[:2] == release[:2] else release)


def _shown(numbers: Version, given: int) -> str:
    return ".".join(map(str, numbers[:given]))


def releases() -> dict[str, tuple[Version, ...]]:
    """The versions that can be imitated, by type of server, the oldest first."""
    return dict(_RELEASES)


def newest() -> list[Profile]:
    """The newest profile of each server type."""
    return [
        profile(".".join(map(str, releases[-1])), server_type)
        for server_type, releases in _RELEASES.items()
    ]
