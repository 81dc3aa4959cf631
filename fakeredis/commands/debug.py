"""DEBUG, of Redis's "server" group: what tests of a server ask it to do."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Rest, word_of
from fakeredis.commands.generic.objects import encoding
from fakeredis.commands.registry import ADMIN, HAZARD, LOADING, NO_TOUCH, NOSCRIPT, STALE
from fakeredis.commands.server.common import check_allowed, group
from fakeredis.commands.server.ending import go_down
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.engine import wording
from fakeredis.engine.core import dispatch, switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import (
    DEEP,
    OK,
    Attributed,
    BigNumber,
    Push,
    SetReply,
    Status,
    Verbatim,
)
from fakeredis.engine.data import digest
from fakeredis.engine.features import key_access, latency, memory, tracking
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.data import rdb_file
    from fakeredis.rdb import errors as rdb_errors
    from fakeredis.rdb import payload
else:
    payload = LazyModule("fakeredis.rdb.payload")
    rdb_errors = LazyModule("fakeredis.rdb.errors")
    rdb_file = LazyModule("fakeredis.engine.data.rdb_file")

_UNKNOWN: Final = (
    "ERR unknown subcommand or wrong number of arguments for '%s'. Try DEBUG HELP."
)
# Subcommands that have no effect here, with the numbers of words that they take.
_WITHOUT_EFFECT: Final[dict[bytes, Sequence[int]]] = {
    b"LOG": (2,), b"PAUSE-CRON": (2,), b"DICT-RESIZING": (2,),
    b"REPLICATE": range(2, 99), b"AOF-FLUSH-SLEEP": (2,), b"MARK-INTERNAL-CLIENT": (1, 2),
    b"KEYSIZES-HIST-ASSERT": (2,), b"SET-SKIP-CHECKSUM-VALIDATION": (2,), b"LEAK": (2,),
    b"REPL-PAUSE": (2,), b"DROP-CLUSTER-PACKET-FILTER": (2,),
}
_REFUSED: Final = {
    b"INTERNAL_SECRET": "ERR Internal secret is missing",
    b"CLIENT-EVICTION": "ERR maxmemory-clients is disabled.",
    b"CONFIG-REWRITE-FORCE-ALL": "ERR CONFIG-REWRITE-FORCE-ALL failed: Bad address",
}


class _Unknown(Exception):
    """The words of a subcommand are not those that it takes."""


@group.command(
    "DEBUG", Rest(1), flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_TOUCH | HAZARD, reply=DEEP,
    varies="always",
)
def debug(ctx: Context, words: list[bytes]) -> Any:
    """Subcommands for tests; refused unless ``enable-debug-command`` allows them."""
    check_allowed(ctx, "DEBUG", "enable-debug-command")
    name, given = word_of(words[0]), len(words)
    if given in _WITHOUT_EFFECT.get(name, ()):
        return OK
    if given == 1 and name in _REFUSED:
        raise CommandError(_REFUSED[name])
    handler, counts = _SUBCOMMANDS.get(name, (None, ()))
    try:
        if handler is None or given not in counts:
            raise _Unknown
        return handler(ctx, *words[1:])
    except _Unknown:
        raise CommandError(_UNKNOWN % wording.clean(words[0][:128])) from None


# The server ---------------------------------------------------------------------------------------


def _sleep(ctx: Context, seconds: bytes) -> Status:
    """Move the server's clock ahead; nobody waits.

    Within a transaction or a script nothing expires meanwhile: there time stands still.
    """
    time = max(0.0, parse_float(seconds) or 0.0)
    if ctx.session.deny_blocking:
        key_access.clock_moves(ctx.server)
        ctx.server.clock.advance(time)
    else:
        ctx.server.advance(time)
    if not ctx.server.switched & switches.TIMED:
        latency.note_running(ctx, time)
    return OK


def _active_expire(ctx: Context, on: bytes) -> Status:
    """Whether keys go by themselves when their time is over."""
    ctx.server.active_expire = bool(_leading_number(on))
    return OK


def _any_command(ctx: Context, on: bytes) -> Status:
    """Whether scripts may call commands that are not for them."""
    ctx.server.scripts_call_all = bool(_leading_number(on))
    return OK


def _load_log(ctx: Context, *_: bytes) -> Status:
    """Read the append only file again, which always holds what is there."""
    server = ctx.server
    if not server.config.boolean("appendonly") and not server.rewrote_aof:
        _tell_trackers(ctx)
        raise CommandError("ERR Error trying to load the AOF files, check server logs.")
    _tell_trackers(ctx)
    return OK


def _leading_number(raw: bytes) -> int:
    found = re.match(rb"\s*[+-]?[0-9]+", raw)
    return int(found[0]) if found else 0


def _error(ctx: Context, text: bytes) -> Any:
    """Reply with an error."""
    raise CommandError(wording.clean(text))


def _reload(ctx: Context, *options: bytes) -> Status:
    """Write all data as a file and read it again."""
    names = {word_of(option) for option in options}
    if names - {b"MERGE", b"NOFLUSH", b"NOSAVE"}:
        raise CommandError("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    if b"NOSAVE" not in names:
        try:
            rdb_file.from_bytes(ctx.server, rdb_file.to_bytes(ctx.server))
        except rdb_errors.TooLargeError:
            raise CommandError(errors.TOO_LARGE_TO_DUMP) from None
    elif b"NOFLUSH" not in names:
        _tell_trackers(ctx)
    return OK


def _tell_trackers(ctx: Context) -> None:
    """Tell the sessions that cache keys that all of them were removed, if only for a moment."""
    if ctx.server.switched & switches.TRACKED:
        tracking.of(ctx.server).flushed()


def _change_replication_id(ctx: Context) -> Status:
    """Change the replication ID that INFO names."""
    ctx.server.replication_id = secrets.token_hex(20)
    return OK


def _reply_buffer(ctx: Context, name: bytes, value: bytes) -> Status:
    """Check what is asked for; there are no such buffers."""
    word = word_of(value)
    if word_of(name) == b"PEAK-RESET-TIME":
        if word not in (b"NEVER", b"RESET") and parse_int(value) is None:
            raise CommandError(errors.NOT_INTEGER)
    elif word_of(name) != b"RESIZING":
        raise _Unknown
    return OK


def _packed_threshold(ctx: Context, size: bytes) -> Status:
    """Check the number; lists have no nodes here."""
    found = re.fullmatch(rb"([0-9]+)([kmg]?)b?", size, re.IGNORECASE)
    power = b" kmg".index(found[2].lower() or b" ") if found else 0
    if found is None or int(found[1]) << 10 * power >= 1 << 32:
        raise CommandError(
            "ERR argument must be a memory value bigger than 1 and smaller than 4gb"
        )
    return OK


def _structure_sizes(ctx: Context) -> bytes:
    """Sizes of structures in a server of 64 bits."""
    return b"bits:64 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17 "


def _script(ctx: Context, which: bytes) -> Status:
    """Print scripts to a log that nobody reads."""
    known = ctx.server.scripting
    if which.upper() != b"LIST" and (known is None or which not in known.scripts):
        raise _Unknown
    return OK


def _crash(ctx: Context, *words: bytes) -> Any:
    """End the server, as SHUTDOWN does."""
    go_down(ctx.server)


# Data -------------------------------------------------------------------------------------------


def _value(ctx: Context, key: bytes) -> Any:
    value = ctx.lookup(key)
    if value is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return value


def _object(ctx: Context, key: bytes) -> Status:
    """Facts about a value."""
    value, server = _value(ctx, key), ctx.server
    idle = key_access.idle_seconds(ctx.db, key)
    text = (
        f"Value at:0x{id(value):x} refcount:1 encoding:{encoding(ctx, key, value).decode()} "
        f"serializedlength:{_serialized(ctx, key, value)} "
        f"lru:{int(server.now()) - idle & 0xFFFFFF} lru_seconds_idle:{idle}"
    )
    if type(value) is List and value.encoding(server.limits) == b"quicklist":
        shared = value.shared_out(server.limits)
        count, size = len(shared.nodes), sum([node.size for node in shared.nodes])
        text += (
            f" ql_nodes:{count} ql_avg_node:{len(value) / count:.2f} "
            f"ql_listpack_max:{shared.fill} ql_compressed:{int(shared.compress != 0)} "
            f"ql_uncompressed_size:{size}"
        )
    return Status(text.encode())


def _serialized(ctx: Context, key: bytes, value: Any) -> int:
    """Bytes of a value in a file."""
    try:
        size = len(payload.dump(value, ctx.server.limits, ctx.traits.rdb_version)) - 11
        return size - 8 * (encoding(ctx, key, value) == b"listpackex")  # without its first deadline
    except TypeError:  # of a type that the format does not know
        return 0


def _listpack(ctx: Context, key: bytes) -> Status:
    """Print a value to a terminal that nobody sees."""
    if not encoding(ctx, key, _value(ctx, key)).startswith(b"listpack"):
        raise CommandError("ERR Not a listpack encoded object.")
    return Status(b"Listpack structure printed on stdout")


def _quicklist(ctx: Context, key: bytes, full: bytes = b"0") -> Status:
    """Print a value to a terminal that nobody sees."""
    if encoding(ctx, key, _value(ctx, key)) != b"quicklist":
        raise CommandError("ERR Not a quicklist encoded object.")
    return Status(b"Quicklist structure printed on stdout")


def _string_sizes(ctx: Context, key: bytes) -> Status:
    """Sizes of a key and its string."""
    value = _value(ctx, key)
    if not isinstance(value, (bytes, bytearray)) or encoding(ctx, key, value) == b"int":
        raise CommandError("ERR Not an sds encoded string.")
    size = memory.size_of(key, value, key in ctx.db.expires, ctx.server.limits)
    return Status(
        b"key_sds_len:%d, key_sds_avail:0, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:0, "
        b"val_zmalloc: 0" % (len(key), size, len(value))
    )


def _digest(ctx: Context) -> Status:
    """A number for all data."""
    return Status(digest.of_server(ctx.server).encode())


def _digest_value(ctx: Context, *keys: bytes) -> list[Status]:
    """A number for each value."""
    for key in keys:
        ctx.lookup(key)  # what has expired is gone
    return [Status(digest.of_value(ctx.db, key).encode()) for key in keys]


def _populate(
    ctx: Context, count: bytes, prefix: bytes = b"key", size: bytes | None = None
) -> Status:
    """Make keys that are not there yet."""
    number, length = parse_int(count), None if size is None else parse_int(size)
    if number is None or number < 0 or (size is not None and (length is None or length < 0)):
        raise CommandError("ERR value is out of range, must be positive")
    for at in range(number):
        key, value = b"%s:%d" % (prefix, at), b"value:%d" % at
        if ctx.lookup(key) is None:
            if length:
                value = value[:length].ljust(length, b"\0")
            ctx.db.put(key, value)
            ctx.modified_unsignalled(key)
    return OK


def _table_text(count: int) -> str:
    if not count:
        return ""
    size = max(4, 1 << (count - 1).bit_length())
    return (
        f"Hash table 0 stats (main hash table):\n table size: {size}\n "
        f"number of elements: {count}\n"
    )


def _tables(ctx: Context, number: bytes, full: bytes = b"") -> Verbatim:
    """Sizes of a database's tables; how they are filled is not known here."""
    index = parse_int(number)
    if index is None:
        raise CommandError(errors.NOT_INTEGER)
    if not 0 <= index < ctx.server.config.databases:
        raise CommandError("ERR Out of range database")
    db = ctx.server.database(index)
    text = f"[Dictionary HT]\n{_table_text(len(db.data))}[Expires HT]\n"
    return Verbatim((text + _table_text(len(db.expires))).encode())


def _table_of_key(ctx: Context, key: bytes, full: bytes = b"") -> Verbatim:
    """Size of a value's table."""
    value = _value(ctx, key)
    if encoding(ctx, key, value) not in (b"hashtable", b"skiplist"):
        raise CommandError(
            "ERR The value stored at the specified key is not represented using an hash table"
        )
    return Verbatim(_table_text(len(value)).encode())


# Kinds of replies -------------------------------------------------------------------------------

_ATTRIBUTED: Final = Attributed(b"Some real reply following the attribute")
_ATTRIBUTED.attributes = {b"key-popularity": [b"key:123", 90]}
_REPLIES: Final[dict[bytes, Any]] = {
    b"string": b"Hello World", b"integer": 12345, b"double": 3.141,
    b"bignum": BigNumber(b"1234567999999999999999999999999999999"), b"null": None,
    b"array": [0, 1, 2], b"set": SetReply([0, 1, 2]), b"map": {0: False, 1: True, 2: False},
    b"attrib": _ATTRIBUTED,
    b"verbatim": Verbatim(b"This is a verbatim\nstring"), b"true": True, b"false": False,
}
_KINDS: Final = "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"


def _protocol(ctx: Context, kind: bytes) -> Any:
    """A reply of a certain kind."""
    name = kind.lower()
    if name == b"push":
        if ctx.session.protocol == 2:
            raise CommandError("ERR RESP2 is not supported by this command")
        ctx.session.push(Push([b"server-cpu-usage", 42]))
        return b"Some real reply following the push reply"
    if name not in _REPLIES:
        raise CommandError(
            f"ERR Wrong protocol type name. Please use one of the following: {_KINDS}"
        )
    return _REPLIES[name]


_HELP: Final = (
    ("CHANGE-REPL-ID", _change_replication_id), ("DIGEST", _digest),
    ("DIGEST-VALUE <key> [<key> ...]", _digest_value), ("ERROR <text>", _error),
    ("HTSTATS <database> [full]", _tables), ("HTSTATS-KEY <key> [full]", _table_of_key),
    ("LISTPACK <key>", _listpack), ("OBJECT <key>", _object), ("PANIC", _crash),
    ("POPULATE <count> [<prefix>] [<size>]", _populate), ("PROTOCOL <kind>", _protocol),
    ("QUICKLIST <key>", _quicklist), ("QUICKLIST-PACKED-THRESHOLD <size>", _packed_threshold),
    ("RELOAD [<option> ...]", _reload), ("REPLYBUFFER <what> <value>", _reply_buffer),
    ("SCRIPT LIST|<sha>", _script), ("SDSLEN <key>", _string_sizes),
    ("SET-ACTIVE-EXPIRE 0|1", _active_expire), ("SLEEP <seconds>", _sleep),
    ("STRUCTSIZE", _structure_sizes),
)


def _help(ctx: Context) -> list[Status]:
    """Print this help."""
    lines: list[str] = []
    for usage_line, handler in _HELP:
        lines += [usage_line, f"    {(handler.__doc__ or '').partition(chr(10))[0]}"]
    return dispatch.help_reply("DEBUG", lines)


_SUBCOMMANDS: Final[dict[bytes, tuple[Callable[..., Any] | None, Sequence[int]]]] = {
    b"SLEEP": (_sleep, (2,)), b"SET-ACTIVE-EXPIRE": (_active_expire, (2,)),
    b"OBJECT": (_object, (2,)), b"QUICKLIST-PACKED-THRESHOLD": (_packed_threshold, (2,)),
    b"ERROR": (_error, (2,)), b"RELOAD": (_reload, range(1, 9)),
    b"CHANGE-REPL-ID": (_change_replication_id, (1,)), b"REPLYBUFFER": (_reply_buffer, (3,)),
    b"LOADAOF": (_load_log, (1, 2)), b"SET-DISABLE-DENY-SCRIPTS": (_any_command, (2,)),
    b"STRUCTSIZE": (_structure_sizes, (1,)), b"SCRIPT": (_script, (2,)),
    b"LISTPACK": (_listpack, (2,)), b"QUICKLIST": (_quicklist, (2, 3)),
    b"SDSLEN": (_string_sizes, (2,)), b"DIGEST": (_digest, (1,)),
    b"DIGEST-VALUE": (_digest_value, range(1, 1 << 30)), b"POPULATE": (_populate, (2, 3, 4)),
    b"HTSTATS": (_tables, (2, 3)), b"HTSTATS-KEY": (_table_of_key, (2, 3)),
    b"PROTOCOL": (_protocol, (2,)), b"HELP": (_help, (1,)),
    **dict.fromkeys((b"SEGFAULT", b"PANIC", b"ASSERT", b"OOM"), (_crash, range(1, 99))),
}
