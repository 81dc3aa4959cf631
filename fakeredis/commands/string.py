"""String commands: Redis's "string" group.

A string is kept as `bytes`. One that was changed in place (APPEND, SETRANGE, SETBIT ...) is kept
as a `MutableString`: the next change costs no more than what it changes, and its encoding is
``raw`` whatever its size, as with the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Flag,
    Int,
    Key,
    KeySpec,
    Many,
    OneOf,
    Option,
    Options,
    Raw,
    Token,
    counted,
    index,
)
from fakeredis.commands.registry import (
    DENYOOM,
    FAST,
    MOVABLEKEYS,
    READONLY,
    READS_WHOLE,
    WRITE,
    WRITES_BACK,
    Group,
)
from fakeredis.datatypes.numbers import (
    INT_MAX,
    INT_MIN,
    add_long_double,
    format_long_double,
    parse_int,
    parse_long_double,
)
from fakeredis.datatypes.string import MutableString
from fakeredis.datatypes.xxh3 import digest
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import MAP, OK
from fakeredis.errors import CommandError

group = Group("string")


# Options of SET and GETEX -------------------------------------------------------------------

_COMPARES_SINCE: Final = {"redis": "8.4.0"}
_COMPARISONS: Final = frozenset({"IFEQ", "IFNE", "IFDEQ", "IFDNE"})


_SECONDS: Final = Raw.named("seconds:integer")
_MILLISECONDS: Final = Raw.named("milliseconds:integer")
_TIME: Final = Raw.named("unix-time-seconds:unix-time")
_TIME_MS: Final = Raw.named("unix-time-milliseconds:unix-time")
_IFEQ: Final = Raw.named("ifeq-value")
_IFNE: Final = Raw.named("ifne-value")
_IFDEQ: Final = Raw.named("ifdeq-digest:integer")
_IFDNE: Final = Raw.named("ifdne-digest:integer")


class _GetexOptions(Options):
    """The options of GETEX."""

    expiration: Annotated[tuple[str, bytes] | None, OneOf(
        EX=_SECONDS, PX=_MILLISECONDS, EXAT=_TIME, PXAT=_TIME_MS, PERSIST=Token,
    )] = None


class _SetOptions(Options, access="OW update"):
    """The options of SET."""

    condition: Annotated[Sequence[tuple[str, bytes]], OneOf(
        NX=Token.since("2.6.12"), XX=Token.since("2.6.12"),
        IFEQ=_IFEQ.since({"redis": "8.4.0", "valkey": "8.1.0"}),
        IFNE=_IFNE.since(_COMPARES_SINCE), IFDEQ=_IFDEQ.since(_COMPARES_SINCE),
        IFDNE=_IFDNE.since(_COMPARES_SINCE), many=True,
    )] = ()
    get: Annotated[bool, Flag("GET", "6.2.0", access="RW access update")] = False
    expiration: Annotated[tuple[str, bytes] | None, OneOf(
        EX=_SECONDS.since("2.6.12"), PX=_MILLISECONDS.since("2.6.12"),
        EXAT=_TIME.since("6.2.0"), PXAT=_TIME_MS.since("6.2.0"),
        KEEPTTL=Token.since("6.0.0"),
    )] = None


class _MsetexOptions(Options):
    """The options of MSETEX."""

    condition: Annotated[str, OneOf(NX=Token, XX=Token)] = ""
    expiration: Annotated[tuple[str, bytes] | None, OneOf(
        EX=_SECONDS, PX=_MILLISECONDS, EXAT=_TIME, PXAT=_TIME_MS, KEEPTTL=Token,
    )] = None


# Plain reading and writing ------------------------------------------------------------------


@group.command("GET", Key, flags=READONLY | FAST | READS_WHOLE, batch_form="MGET")
def get(ctx: Context, key: bytes) -> Any:
    """Value at key; None when there is none."""
    return ctx.lookup_read(key, bytes)


@group.command(
    "SET", Key("RW access update variable_flags"), Raw, _SetOptions,
    flags=WRITE | DENYOOM | WRITES_BACK, expiring_form="SET with EX", batch_form="MSET",
    names="key value {}",
)
def set_(ctx: Context, key: bytes, value: bytes, *words: bytes) -> Any:
    """Set key to value.

    Checked in the server's order: syntax, expire value, type (with GET only), whether there is a
    key, comparison.
    """
    if not words:
        ctx.db.put(key, value)
        ctx.modified(key, "set")
        return OK
    options = _SetOptions.parse(ctx, words)
    presence, comparison = _condition(ctx, options.condition)
    if options.get and presence == "NX" and ctx.traits.older_errors:
        raise CommandError(errors.SYNTAX)
    expiry = options.expiration
    keep = expiry is not None and expiry[0] == "KEEPTTL"
    deadline = None if expiry is None or keep else ctx.deadline(*expiry)
    old = ctx.lookup_read(key, bytes) if options.get else None
    if presence and ctx.exists(key) is not (presence == "XX"):
        return old
    if comparison is not None:
        try:
            if not _holds(*comparison, ctx.lookup_read(key, bytes)):
                return old
        except NotADigest:
            if not options.get:
                raise
            return old  # the server sends the error too, where the next reply is expected
    if keep:
        if not options.get:
            ctx.lookup(key)  # what has expired leaves no deadline to keep
        gone = ctx.db.data.get(key)
        if gone is not None and ctx.server.notify_flags:
            ctx.db.tell_overwritten(key, gone, value)
        ctx.db.replace(key, value)
        ctx.modified(key, "set")
    else:
        _set(ctx, key, value, deadline)
    return old if options.get else OK


def _set(ctx: Context, key: bytes, value: bytes, deadline: int | None) -> None:
    """Store a value with a deadline; one that has passed is kept too, until the next look."""
    ctx.db.put(key, value)
    ctx.modified(key, "set")
    if deadline is not None:
        ctx.db.expire_at(key, deadline)
        ctx.modified(key, "expire", 0)


def _condition(
    ctx: Context, given: Sequence[tuple[str, bytes]]
) -> tuple[str, tuple[str, bytes] | None]:
    """NX or XX, and the comparison with its value, of what has been given in this order.

    Raises:
        CommandError: there are several. Redis takes NX and XX behind a comparison all the same, and
            the same comparison again, of which the last counts.
    """
    presence, comparison = "", None
    lenient = ctx.traits.lenient_conditions
    for word, value in given:
        before = "" if comparison is None else comparison[0]
        if word in _COMPARISONS:
            if presence or before not in ("", word) or (before and not lenient):
                raise CommandError(errors.SYNTAX)
            comparison = word, value
        else:
            if presence not in ("", word) or (before and not lenient):
                raise CommandError(errors.SYNTAX)
            presence = word
    return presence, comparison


class NotADigest(CommandError):
    """What a digest is compared with has not its length."""


def _holds(condition: str, compared: bytes, value: bytes | None) -> bool:
    """Whether a comparison with the value at a key holds; a missing one equals nothing.

    Raises:
        NotADigest: there is a value, and what it is compared with is no digest.
    """
    negative = condition in ("IFNE", "IFDNE")
    if value is None:
        return negative
    if condition in ("IFDEQ", "IFDNE"):
        if len(compared) != 16:
            raise NotADigest(errors.BAD_DIGEST)
        value, compared = digest(value), compared.lower()
    return (value == compared) is not negative


@group.command(
    "SETNX", Key("OW insert"), Raw, flags=WRITE | DENYOOM | FAST, expiring_form="SET with EX",
    names="key value",
)
def setnx(ctx: Context, key: bytes, value: bytes) -> int:
    """Set key unless there is one of any type; whether it was set."""
    if ctx.exists(key):
        return 0
    ctx.db.put(key, value)
    ctx.modified(key, "set")
    return 1


@group.command(
    "SETEX", Key("OW update"), Raw, Raw, flags=WRITE | DENYOOM | WRITES_BACK, since="2.0.0",
    names="key seconds:integer value",
)
def setex(ctx: Context, key: bytes, seconds: bytes, value: bytes) -> Any:
    """SET with EX."""
    _set(ctx, key, value, ctx.deadline("EX", seconds))
    return OK


@group.command(
    "PSETEX", Key("OW update"), Raw, Raw, flags=WRITE | DENYOOM | WRITES_BACK, since="2.6.0",
    names="key milliseconds:integer value",
)
def psetex(ctx: Context, key: bytes, milliseconds: bytes, value: bytes) -> Any:
    """SET with PX."""
    _set(ctx, key, value, ctx.deadline("PX", milliseconds))
    return OK


@group.command("GETSET", Key, Raw, flags=WRITE | DENYOOM | FAST | WRITES_BACK, names="key value")
def getset(ctx: Context, key: bytes, value: bytes) -> Any:
    """Set key and return its old value; its deadline goes."""
    old = ctx.lookup_read(key, bytes)
    ctx.db.put(key, value)
    ctx.modified(key, "set")
    return old


@group.command("GETDEL", Key("RW access delete"), flags=WRITE | FAST, since="6.2.0")
def getdel(ctx: Context, key: bytes) -> Any:
    """Value at key, which is removed."""
    value = ctx.lookup_read(key, bytes)
    if value is not None:
        ctx.db.delete(key)
        ctx.modified(key, "del")
    return value


def _delex_access(args: Sequence[bytes]) -> str:
    return "RW delete" if len(args) > 1 else "RM delete"


class _DelexOptions(Options):
    """The comparison of DELEX."""

    condition: Annotated[
        tuple[str, bytes] | None, OneOf(IFEQ=_IFEQ, IFNE=_IFNE, IFDEQ=_IFDEQ, IFDNE=_IFDNE)
    ] = None

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It knows nothing else."""
        return CommandError(errors.DELEX_CONDITION)


@group.command(
    "DELEX", Key("RW delete variable_flags"), _DelexOptions, flags=WRITE | FAST,
    since={"redis": "8.4.0"}, access=_delex_access,
)
def delex(ctx: Context, key: bytes, *words: bytes) -> int:
    """Remove a key, or a string that a comparison holds for; whether it was removed.

    Checked in the server's order: number of words, key, type, comparison.
    """
    if not words:
        return int(ctx.delete(key))
    if len(words) != 2:
        raise CommandError(errors.ARITY % "delex")
    value = ctx.lookup(key)
    if value is None:
        return 0
    if type(value) not in (bytes, MutableString):
        raise CommandError(errors.DELEX_NOT_STRING)
    condition, compared = _DelexOptions.parse(ctx, words).condition or ("", b"")
    return int(_holds(condition, compared, bytes(value)) and ctx.delete(key))


@group.command("DIGEST", Key, flags=READONLY | FAST, since={"redis": "8.4.0"})
def digest_(ctx: Context, key: bytes) -> bytes | None:
    """The XXH3 hash of the string at key in hexadecimal; None when there is none."""
    value = ctx.read_string(key)
    return None if value is None else digest(bytes(value))


@group.command(
    "GETEX", Key, _GetexOptions, flags=WRITE | FAST, since="6.2.0",
)
def getex(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Value at key; may set or clear its expiration.

    Checked in the server's order: syntax, key and type, expire value; newer servers of Valkey look
    at the key last.
    """
    expiry = _GetexOptions.parse(ctx, words).expiration if words else None
    if expiry is not None and ctx.traits.keys_last and expiry[0] != "PERSIST":
        ctx.deadline(*expiry)
    value = ctx.lookup_read(key, bytes)
    if value is None or expiry is None:
        return value
    if expiry[0] == "PERSIST":
        if ctx.db.persist(key):
            ctx.modified(key, "persist")
        return value
    deadline = ctx.deadline(*expiry)
    if deadline <= ctx.now:
        ctx.db.delete(key)
        ctx.modified(key, "expired" if ctx.traits.past_is_expired else "del")
    else:
        ctx.db.expire_at(key, deadline)
        ctx.modified(key, "expire")
    return value


@group.command(
    "MGET", Many(Key, flat=True), flags=READONLY | FAST, tips="request_policy:multi_shard",
)
def mget(ctx: Context, *keys: bytes) -> list[Any]:
    """Values at keys; None where there is no string."""
    db, server = ctx.db, ctx.server
    if db.observed or (db.expires and not db.expires.keys().isdisjoint(keys)):
        return [_string_or_none(ctx, key) for key in keys]
    replies: list[Any] = list(map(db.data.get, keys))
    missing = replies.count(None)
    server.misses += missing
    server.hits += len(replies) - missing
    found = keys
    if missing:
        found = tuple([key for key, value in zip(keys, replies, strict=True) if value is not None])
    db.uses.update(dict.fromkeys(found, server.run_at))
    if not _STRINGS.issuperset(map(type, replies)):
        return [_reply(value) for value in replies]
    return replies


_STRINGS: Final = frozenset({bytes, type(None)})


def _reply(value: Any) -> bytes | None:
    """A string of either kind as a reply; None for anything else."""
    kind = type(value)
    return value if kind is bytes else bytes(value) if kind is MutableString else None


def _string_or_none(ctx: Context, key: bytes) -> bytes | None:
    value = ctx.lookup(key)
    if value is None:
        ctx.lookup_read(key, bytes)  # counts the miss
        return None
    ctx.server.hits += 1
    return _reply(value)


@group.command(
    "MSET", Many(Key("OW update"), Raw, flat=True), flags=WRITE | DENYOOM, since="1.0.1", arity=-3,
    form="(key value)~", tips="request_policy:multi_shard response_policy:all_succeeded",
    legacy_arity="MSET", names="data(key value)+",
)
def mset(ctx: Context, *pairs: bytes) -> Any:
    """Set several keys; an odd number of words changes nothing."""
    _set_pairs(ctx, pairs)
    return OK


@group.command(
    "MSETNX", Many(Key("OW insert"), Raw, flat=True), flags=WRITE | DENYOOM, since="1.0.1",
    arity=-3, form="(key value)~", legacy_arity="MSET", names="data(key value)+",
)
def msetnx(ctx: Context, *pairs: bytes) -> int:
    """Set several keys, or none when one of them is there already."""
    if len(pairs) % 2 == 0 and any(map(ctx.exists, pairs[::2])):
        return 0
    _set_pairs(ctx, pairs)
    return 1


@group.command(
    "MSETEX", Raw, Raw, Raw, _MsetexOptions, flags=WRITE | DENYOOM | MOVABLEKEYS,
    since={"redis": "8.4.0", "valkey": "9.1.0"},
    specs=(KeySpec("OW update", index(1), counted(step=2)),),
    form="#(key value)~ {}", names="numkeys:integer data(key:key value)+ {}",
    tips="request_policy:multi_shard response_policy:all_succeeded",
)
def msetex(ctx: Context, raw: bytes, *words: bytes) -> int:
    """Set several keys with one deadline: all, or none when NX or XX does not hold for one.

    Checked in the server's order: number of pairs, options, expire value, condition.
    """
    count = parse_int(raw)
    if count is None or not 0 < count < 1 << 31:
        terse = ctx.traits.terse_pairs
        raise CommandError(errors.NUMKEYS_OUT_OF_RANGE if terse else errors.MSETEX_NUMKEYS)
    if len(words) < 2 * count:
        raise CommandError(errors.SYNTAX if ctx.traits.terse_pairs else errors.MSETEX_PAIRS)
    pairs = words[: 2 * count]
    options = _MsetexOptions.parse(ctx, words[2 * count :])
    expiry = options.expiration
    keep = expiry is not None and expiry[0] == "KEEPTTL"
    deadline = None if expiry is None or keep else ctx.deadline(*expiry)
    if options.condition:
        wanted = options.condition == "XX"
        if any(ctx.exists(key) is not wanted for key in pairs[::2]):
            return 0
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        _put(ctx, key, value, keep, deadline)
    return 1


def _put(ctx: Context, key: bytes, value: bytes, keep: bool, deadline: int | None) -> None:
    """Store one value of several."""
    if keep:
        ctx.lookup(key)  # what has expired leaves no deadline to keep
        ctx.db.replace(key, value)
    else:
        ctx.db.put(key, value)
    ctx.modified(key, "set")
    if deadline is not None:
        ctx.db.expire_at(key, deadline)
        ctx.modified(key, "expire", 0)


def _set_pairs(ctx: Context, pairs: Sequence[bytes]) -> None:
    if len(pairs) % 2:
        raise ctx.wrong_arity()
    put, modified = ctx.db.put, ctx.modified
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        put(key, value)
        modified(key, "set")


# Parts of strings ---------------------------------------------------------------------------


@group.command("STRLEN", Key("RO"), flags=READONLY | FAST, since="2.2.0")
def strlen(ctx: Context, key: bytes) -> int:
    """Length of the string at key; 0 when there is none."""
    value = ctx.read_string(key)
    return 0 if value is None else len(value)


@group.command(
    "APPEND", Key("RW insert"), Raw, flags=WRITE | DENYOOM | FAST, since="2.0.0", names="key value",
)
def append(ctx: Context, key: bytes, tail: bytes) -> int:
    """Append to the string at key; the new length.

    Checked in the server's order: type, length of the result.
    """
    value = ctx.string(key)
    size = len(tail)
    if value is None:
        ctx.db.put(key, tail)
    else:
        ctx.check_string_length(len(value) + size)
        edited = ctx.edit_string(key, value)
        edited += tail  # what was counted were whole blocks
        size = len(edited)
    ctx.modified(key, "append")
    return size


@group.command(
    "SETRANGE", Key("RW update"), Int, Raw, flags=WRITE | DENYOOM, since="2.2.0",
    names="key offset value",
)
def setrange(ctx: Context, key: bytes, offset: int, part: bytes) -> int:
    """Overwrite a part of the string at key, filled up with zero bytes; the new length.

    Checked in the server's order: offset, type, length of the result. An empty part changes
    nothing.
    """
    if offset < 0:
        raise CommandError(errors.OFFSET_OUT_OF_RANGE)
    value = ctx.string(key)
    if not part:
        return 0 if value is None else len(value)
    end = offset + len(part)
    ctx.check_string_length(end)
    value = ctx.edit_string(key, value, end)
    value[offset:end] = part
    if value.counts:
        value.changed(offset, end)
    ctx.modified(key, "setrange")
    return len(value)


def _getrange(ctx: Context, key: bytes, start: int, end: int) -> bytes:
    """The bytes from start to end, both included, negative ones counted from the string's end.

    Checked in the server's order: integers, type.
    """
    value = ctx.read_string(key)
    if value is None or (start < 0 and end < 0 and start > end):
        return b""
    size = len(value)
    start = max(start + size, 0) if start < 0 else start
    end = max(end + size, 0) if end < 0 else end
    part = value[start : end + 1]
    return part if type(part) is bytes else bytes(part)


group.command(
    "GETRANGE", Key, Int, Int, flags=READONLY, since="2.4.0", names="key start end",
)(_getrange)
group.command("SUBSTR", Key, Int, Int, flags=READONLY, names="key start end")(_getrange)


# Numbers ------------------------------------------------------------------------------------


def _increment(ctx: Context, key: bytes, by: int = 1) -> int:
    """Add to the integer at key; its deadline stays.

    Checked in the server's order: type, integer, overflow.
    """
    value = ctx.lookup_write(key, bytes)
    number = 0 if value is None else parse_int(value)
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    number += by
    if not INT_MIN <= number <= INT_MAX:
        raise CommandError(errors.OVERFLOW)
    ctx.db.replace(key, b"%d" % number)
    ctx.modified(key, "incrby")
    return number


group.command("INCR", Key, flags=WRITE | DENYOOM | FAST, same_as="INCRBY 1")(_increment)


@group.command("DECR", Key, flags=WRITE | DENYOOM | FAST, same_as="DECRBY 1")
def decr(ctx: Context, key: bytes) -> int:
    """Subtract one."""
    return _increment(ctx, key, -1)


@group.command("INCRBY", Key, Raw, flags=WRITE | DENYOOM | FAST, names="key increment:integer")
def incrby(ctx: Context, key: bytes, raw: bytes) -> int:
    """Add an integer, checked before the key."""
    by = parse_int(raw)
    if by is None:
        raise CommandError(errors.NOT_INTEGER)
    return _increment(ctx, key, by)


@group.command("DECRBY", Key, Int, flags=WRITE | DENYOOM | FAST, names="key decrement")
def decrby(ctx: Context, key: bytes, by: int) -> int:
    """Subtract an integer, checked before the key: the lowest one has no opposite."""
    if by == INT_MIN and not ctx.traits.older_errors:
        raise CommandError(errors.DECREMENT_OVERFLOW)
    return _increment(ctx, key, -by)


@group.command(
    "INCRBYFLOAT", Key, Raw, flags=WRITE | DENYOOM | FAST, since="2.6.0",
    names="key increment:double",
)
def incrbyfloat(ctx: Context, key: bytes, raw: bytes) -> bytes:
    """Add a floating point number; its deadline stays.

    Checked in the server's order: type, value at key, increment, sum.
    """
    old = ctx.lookup_write(key, bytes)
    value = (0, 0) if old is None else parse_long_double(old)
    by = parse_long_double(raw)
    if value is None or by is None:
        raise CommandError(errors.NOT_FLOAT)
    total = add_long_double(value, by)
    if total is None:
        raise CommandError(errors.NAN_OR_INFINITY)
    text = format_long_double(total)
    kept: bytes | MutableString = text
    if len(text) <= 20 and parse_int(text) is not None:
        kept = MutableString(text)
        kept.embedded = True
    ctx.db.replace(key, kept)
    ctx.modified(key, "incrbyfloat")
    return text


# The longest common subsequence -------------------------------------------------------------


class _LcsOptions(Options):
    """The options of LCS."""

    length: Annotated[bool, Flag("LEN")] = False
    idx: Annotated[bool, Flag("IDX")] = False
    at_least_long: Annotated[int, Option("MINMATCHLEN", Int.named("min-match-len"))] = 0
    with_length: Annotated[bool, Flag("WITHMATCHLEN")] = False


@group.command(
    "LCS", Key, Key, _LcsOptions, flags=READONLY, since="7.0.0", reply=MAP,
    names="key1 key2:key0 {}",
)
def lcs(ctx: Context, first: bytes, second: bytes, *words: bytes) -> Any:
    """The longest common subsequence of two strings, its length, or where it is in both.

    Checked in the server's order: types, syntax.
    """
    # Both keys are looked up, and counted, before either one's type is checked.
    a, b = _lcs_string(ctx, first), _lcs_string(ctx, second)
    if a is None or b is None:
        raise CommandError(errors.LCS_NOT_STRINGS)
    options = _LcsOptions.parse(ctx, words)
    if options.idx and options.length:
        raise CommandError(errors.LCS_IDX_AND_LEN)
    rows = _lcs_rows(a, b)
    if options.length:
        return _zeros(rows[-1], len(b))
    runs = _lcs_runs(a, b, rows)
    if not options.idx:
        return b"".join(a[start : start + size] for start, _, size in reversed(runs))
    matches = []
    for at, other, size in runs:
        if size >= options.at_least_long:
            match: list[Any] = [[at, at + size - 1], [other, other + size - 1]]
            matches.append([*match, size] if options.with_length else match)
    return {b"matches": matches, b"len": _zeros(rows[-1], len(b))}


def _lcs_string(ctx: Context, key: bytes) -> bytes | None:
    """The string at key, empty when there is none; None for another type."""
    try:
        value: bytes | None = ctx.lookup_read(key, bytes)
    except CommandError:
        return None
    return value or b""


def _lcs_rows(a: bytes, b: bytes) -> list[int]:
    """The table of the lengths of all prefixes' subsequences, each row as one number.

    Bit j of row i is 0 where the length grows from b's prefix of j bytes to that of j + 1. A row
    follows from the one before with a few operations on whole rows (Hyyrö 2004).
    """
    places: dict[int, int] = {}
    for at, byte in enumerate(b):
        places[byte] = places.get(byte, 0) | 1 << at
    full = (1 << len(b)) - 1
    row = full
    rows = [row]
    for byte in a:
        matched = row & places.get(byte, 0)
        row = (row + matched | row - matched) & full
        rows.append(row)
    return rows


def _zeros(row: int, width: int) -> int:
    return width - bin(row).count("1")


def _lcs_runs(a: bytes, b: bytes, rows: list[int]) -> list[tuple[int, int, int]]:
    """Runs (start in a, start in b, length) of the subsequence, from the last one to the first.

    Of several subsequences it is the one that the server finds on its way back from the ends.
    """
    runs: list[tuple[int, int, int]] = []
    i, j, size = len(a), len(b), 0
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j, size = i - 1, j - 1, size + 1
            continue
        if size:
            runs.append((i, j, size))
            size = 0
        if rows[i] >> (j - 1) & 1:
            j -= 1
        else:
            i -= 1
    if size:
        runs.append((i, j, size))
    return runs
