"""Commands about the server itself: Redis's "server" group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

from fakeredis import errors
from fakeredis.commands.arguments import (
    Flag,
    Key,
    Many,
    OneOf,
    Option,
    Options,
    Raw,
    Remaining,
    Rest,
    Token,
    integer,
    word_of,
)
from fakeredis.commands.registry import (
    ADMIN,
    ALLOW_BUSY,
    CONNECTION,
    FAST,
    HAZARD,
    LOADING,
    MODULE,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NO_TOUCH,
    NOSCRIPT,
    READONLY,
    SEQUENTIAL,
    SERVER_WIDE,
    STALE,
    WRITE,
    Command,
    Group,
    Secrets,
)
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.cluster import cluster, replicas
from fakeredis.engine.command import info as declared
from fakeredis.engine.command import modules
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core import dispatch, switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, MAP, NO_REPLY, OK, SetReply, Status, Verbatim
from fakeredis.engine.features import info, latency, memory, monitor_mode, tracking
from fakeredis.engine.lua import busy
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server

group = Group("server")

_DANGEROUS_WRITE: Final = ("keyspace", "write", "dangerous")
_KEYSPACE_READ: Final = ("keyspace", "read", "fast")
_ADMIN: Final = ADMIN | NOSCRIPT | LOADING | STALE
_HELP: Final = LOADING | STALE


# Databases --------------------------------------------------------------------------------------


@group.command(
    "DBSIZE", flags=READONLY | FAST, acl=_KEYSPACE_READ,
    tips="request_policy:all_shards response_policy:agg_sum",
)
def dbsize(ctx: Context) -> int:
    """How many keys the selected database has."""
    return len(ctx.db.data)


class FlushOptions(Options):
    """When the memory is freed."""

    when: Annotated[str, OneOf(ASYNC=Token, SYNC=Token.since("6.2.0"), once=True)] = ""


def _flush(ctx: Context, db: Database) -> None:
    """Empty a database; whoever watched or waited for one of its keys learns of it."""
    server, data = ctx.server, db.data
    server.dirty += len(data)
    watched = [key for key in list(db.watchers) if key in data]
    server.ready += [(db, key) for key in list(db.blocked) if key in data]
    db.clear()
    if server.search is not None:
        server.search.flushed()
    if server.on_change is not None:
        server.on_change(ctx.session, db, None, None)
    for key in watched:
        server.touch_watchers(db, key)


def _invalidate_all(ctx: Context, options: FlushOptions) -> None:
    """Tell the sessions that cache keys that all of them have gone.

    Redis replies later where the client can wait for the memory to be freed.
    """
    server = ctx.server
    if server.switched & switches.TRACKED:
        waits = not ctx.session.deny_blocking and options.when != "ASYNC"
        tracking.of(server).flushed(waits and server.traits.flush_replies_late)


@group.command(
    "FLUSHDB", FlushOptions, flags=WRITE | HAZARD, acl=(*_DANGEROUS_WRITE, "slow"),
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def flushdb(ctx: Context, *words: bytes) -> Status:
    """Remove all keys of the selected database."""
    options = FlushOptions.parse(ctx, words)
    _flush(ctx, ctx.db)
    _invalidate_all(ctx, options)
    return OK


@group.command(
    "FLUSHALL", FlushOptions, flags=WRITE | HAZARD, acl=(*_DANGEROUS_WRITE, "slow"),
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def flushall(ctx: Context, *words: bytes) -> Status:
    """Remove all keys of all databases."""
    options = FlushOptions.parse(ctx, words)
    for db in list(ctx.server.databases.values()):
        _flush(ctx, db)
    _invalidate_all(ctx, options)
    ctx.server.deadlines.clear()
    return OK


@group.command(
    "SWAPDB", Raw, Raw, flags=WRITE | FAST | SERVER_WIDE, since="4.0.0",
    acl=(*_DANGEROUS_WRITE, "fast"),
)
def swapdb(ctx: Context, first: bytes, second: bytes) -> Status:
    """Exchange the contents of two databases.

    Checked in the server's order: first number, second number, their ranges.
    """
    cluster.refuse(ctx.server, "ERR SWAPDB is not allowed in cluster mode")
    one, other = parse_int(first), parse_int(second)
    if one is None or not -(1 << 31) <= one < 1 << 31:
        raise CommandError("ERR invalid first DB index")
    if other is None or not -(1 << 31) <= other < 1 << 31:
        raise CommandError("ERR invalid second DB index")
    server = ctx.server
    here, there = server.select(one), server.select(other)
    server.dirty += 1
    if here is not there:
        with server.rewriting():
            _swap(ctx, here, there)
    return OK


def _swap(ctx: Context, here: Database, there: Database) -> None:
    if ctx.server.search is not None:
        ctx.server.search.catch_up()  # of what has changed in either; the exchange is none to it
    _announce_swap(ctx, here, there)
    _announce_swap(ctx, there, here)
    for name in (
        "data", "expires", "field_deadlines", "order", "uses", "births", "born_at", "used", "sizes"
    ):
        mine, theirs = getattr(here, name), getattr(there, name)
        setattr(here, name, theirs)
        setattr(there, name, mine)
    if ctx.server.series is not None:
        ctx.server.series.all_changed()
    if ctx.server.on_change is not None:
        ctx.server.on_change(ctx.session, here, None, there)
    ctx.server.trim_deadlines()  # its entries name databases


def _announce_swap(ctx: Context, db: Database, other: Database) -> None:
    """Tell those who watch or wait for a key that either database has."""
    for key in list(db.watchers):
        if key in db.data or key in other.data:
            _touch_swapped(ctx, db, other, key)
    blocked = list(db.blocked)
    ctx.server.ready += [(db, key) for key in blocked if key in db.data or key in other.data]


def _touch_swapped(ctx: Context, db: Database, other: Database, key: bytes) -> None:
    """Fail the transactions that watch a key, unless it was gone or expired and still is."""
    expired = other.expires.get(key, ctx.now + 1) <= ctx.now
    for session in list(db.watchers[key]):
        if session.watched[db.index, key]:  # it had expired by then
            if key not in other.data:
                session.watched[db.index, key] = False
            elif not expired:
                session.watch_failed = True
        elif key not in db.data and expired:
            session.watched[db.index, key] = True
        else:
            session.watch_failed = True


# Facts about the server -------------------------------------------------------------------------


@group.command(
    "INFO", Rest(), flags=LOADING | STALE | SEQUENTIAL, acl=("slow", "dangerous"), varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def info_(ctx: Context, sections: list[bytes]) -> Verbatim:
    """Facts and statistics, by sections."""
    names = [name.decode("utf-8", "replace") for name in sections]
    statistics = ctx.server.statistics
    statistics.running = ctx.command
    text = info.report(ctx.server, names)
    statistics.running = None
    return Verbatim(text.encode())


@group.command(
    "TIME", flags=LOADING | STALE | FAST, since="2.6.0", varies="always",
    tips="nondeterministic_output",
)
def time_(ctx: Context) -> list[bytes]:
    """The server's time: seconds since the epoch, and microseconds beyond them."""
    seconds, micros = divmod(ctx.micros(), 1_000_000)
    return [b"%d" % seconds, b"%d" % micros]


@group.command(
    "ROLE", flags=NOSCRIPT | LOADING | STALE | FAST, since="2.8.12",
    acl=("fast", "admin", "dangerous"), varies="always",
)
def role(ctx: Context) -> list[Any]:
    """A master without replicas, but for nodes of clusters."""
    node = cluster.node_of(ctx.server)
    if node is None:
        return [b"master", 0, []]
    if node.master is not None:
        master = node.master
        return [b"slave", master.host.encode(), master.port, b"connected", 0]
    followers = [
        [one.host.encode(), b"%d" % one.port, b"0"] for one in replicas.of(node)
        if one.server.connected
    ]
    return [b"master", 0, followers]


# Saving: there is no file, so that only the time of it is kept ------------------------------------


@group.command(
    "LASTSAVE", flags=LOADING | STALE | FAST, acl=("fast", "admin", "dangerous"), varies="always",
    tips="nondeterministic_output",
)
def lastsave(ctx: Context) -> int:
    """When the data were last saved, in seconds since the epoch."""
    return ctx.server.last_save


def _saved(ctx: Context) -> None:
    server = ctx.server
    server.last_save = int(server.clock.seconds())
    server.dirty = 0
    server.saves = server.saves + 1


@group.command("SAVE", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI | HAZARD | SERVER_WIDE)
def save(ctx: Context) -> Status:
    """Note the time as that of the last save."""
    _saved(ctx)
    return OK


class _SaveOptions(Options):
    """Whether BGSAVE may come later; it never has to."""

    later: Annotated[bool, Flag("SCHEDULE", once=True)] = False


@group.command(
    "BGSAVE", _SaveOptions, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | SERVER_WIDE,
)
def bgsave(ctx: Context, *words: bytes) -> Status:
    """Note the time as that of the last save; it is over at once."""
    _SaveOptions.parse(ctx, words)
    _saved(ctx)
    return Status(b"Background saving started")


@group.command("BGREWRITEAOF", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | SERVER_WIDE)
def bgrewriteaof(ctx: Context) -> Status:
    """Say that the append only file is being rewritten; there is none."""
    ctx.server.rewrote_aof = True  # DEBUG LOADAOF finds a file then
    return Status(b"Background append only file rewriting started")


# Replication: there is nobody else --------------------------------------------------------------


def _replicate(host: bytes, port: bytes) -> Status:
    """Stay a master; following another server needs a network."""
    if (word_of(host), word_of(port)) == (b"NO", b"ONE"):
        return OK
    number = parse_int(port)
    if number is None or not 0 <= number <= 65535:
        raise CommandError("ERR Invalid master port")
    raise CommandError("ERR this server has no network and cannot follow another one")


_REPLICATION: Final = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING
_NO_FAILOVER: Final = (
    "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead."
)


@group.command("REPLICAOF", Raw, Raw, flags=_REPLICATION | SERVER_WIDE, since="5.0.0")
def replicaof(ctx: Context, host: bytes, port: bytes) -> Status:
    """Stay a master with ``NO ONE``; all else is refused."""
    cluster.refuse(ctx.server, "ERR REPLICAOF not allowed in cluster mode.")
    return _replicate(host, port)


@group.command("SLAVEOF", Raw, Raw, flags=_REPLICATION | SERVER_WIDE)
def slaveof(ctx: Context, host: bytes, port: bytes) -> Status:
    """The old name of REPLICAOF."""
    cluster.refuse(ctx.server, "ERR REPLICAOF not allowed in cluster mode.")
    return _replicate(host, port)


@group.command(
    "FAILOVER", Rest(), flags=ADMIN | NOSCRIPT | STALE | SERVER_WIDE, since="6.2.0",
    form="{TO=2 FORCE ABORT TIMEOUT=1}",
)
def failover(ctx: Context, words: list[bytes]) -> Any:
    """Refused: there is no replica to take over."""
    cluster.refuse(ctx.server, _NO_FAILOVER)
    names = [word_of(word) for word in words]
    if names == [b"ABORT"]:
        raise CommandError("ERR No failover in progress.")
    at = 0
    while at < len(names):
        taken = {b"TO": 3, b"TIMEOUT": 2, b"FORCE": 1}.get(names[at], 0)
        if not taken or at + taken > len(names):
            raise CommandError(errors.SYNTAX)
        number = 0 if taken == 1 else parse_int(words[at + taken - 1])
        if number is None:
            raise CommandError(errors.NOT_INTEGER)
        if taken == 2 and number <= 0:
            raise CommandError("ERR FAILOVER timeout must be greater than 0")
        at += taken
    raise CommandError("ERR FAILOVER requires connected replicas.")


_SYNC: Final = ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI


@group.command("SYNC", flags=_SYNC | SERVER_WIDE)
def sync(ctx: Context) -> Any:
    """Unknown when it comes to it: there is no stream of commands for a replica.

    Lists of commands and categories name it, so that access rules can.
    """
    raise dispatch.unknown_to(ctx.session, [b"SYNC"])


@group.command("PSYNC", Raw, Raw, Rest(), flags=_SYNC | SERVER_WIDE, since="2.8.0")
def psync(ctx: Context, replication_id: bytes, offset: bytes, rest: list[bytes]) -> Any:
    """Unknown, as SYNC is."""
    raise dispatch.unknown_to(ctx.session, [b"PSYNC", replication_id, offset, *rest])


UNIMPLEMENTED: Final = frozenset({"SYNC", "PSYNC"})


_REPLICA_NUMBERS: Final = (b"LISTENING-PORT", b"RDB-ONLY")


@group.command(
    "REPLCONF", Rest(), flags=_ADMIN | ALLOW_BUSY | SERVER_WIDE, since="3.0.0",
    acl=("admin", "dangerous", "slow"),
)
def replconf(ctx: Context, words: list[bytes]) -> Any:
    """What a replica says of itself: checked, and forgotten."""
    if len(words) % 2:
        raise CommandError(errors.SYNTAX)
    for name, value in zip(words[::2], words[1::2], strict=True):
        option = word_of(name)
        if option in _REPLICA_NUMBERS:
            if parse_int(value) is None:
                raise CommandError(errors.NOT_INTEGER)
        elif option in (b"ACK", b"GETACK"):
            return NO_REPLY
        elif option == b"RDB-FILTER-ONLY":
            if value.lower() not in (b"functions", b""):
                shown = wording.clean(value)
                raise CommandError(f"ERR Unsupported rdb-filter-only option: {shown}")
        elif option not in (b"CAPA", b"IP-ADDRESS"):
            raise CommandError(f"ERR Unrecognized REPLCONF option: {wording.clean(name)}")
    return OK


# Configuration ----------------------------------------------------------------------------------

group.container("CONFIG", since="2.0.0")


def _one_parameter(ctx: Context, words: list[bytes], count: int) -> None:
    """Refuse more than one parameter where the server takes only one."""
    if len(words) > count and not ctx.traits.several_parameters:
        assert ctx.command is not None
        raise CommandError(errors.ARITY % ctx.command.label)


@group.command(
    "CONFIG GET", Many(Raw), flags=_ADMIN, since="2.0.0", reply=MAP, form="^parameter*",
    varies="always",
)
def config_get(ctx: Context, patterns: list[bytes]) -> dict[bytes, bytes]:
    """The parameters that match one of the patterns, with their values."""
    _one_parameter(ctx, patterns, 1)
    return ctx.server.config.matching(patterns)


@group.command(
    "CONFIG SET", Many(Raw, Raw), flags=_ADMIN | SERVER_WIDE, since="2.0.0",
    form="(^parameter value)~",
    secrets=Secrets({b"REQUIREPASS": 1, b"MASTERAUTH": 1, b"MASTERUSER": 1}),
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def config_set(ctx: Context, words: list[bytes]) -> Status:
    """Change parameters; none when one of them is refused."""
    _one_parameter(ctx, words, 2)
    if len(words) % 2:
        raise CommandError(errors.SYNTAX)
    server = ctx.server
    was_timed = server.switched & switches.TIMED
    server.config.set(list(zip(words[::2], words[1::2], strict=True)))
    if server.switched & switches.LIMITED:
        memory.make_room(server)
    if server.switched & switches.TIMED and not was_timed:
        latency.note_running(ctx, 0.0)
    return OK


@group.command(
    "CONFIG RESETSTAT", flags=_ADMIN | SERVER_WIDE, since="2.0.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def config_resetstat(ctx: Context) -> Status:
    """Set the statistics of INFO back to zero."""
    ctx.server.reset_statistics()
    assert ctx.command is not None
    ctx.server.calls[ctx.command] += 1  # this very call is the first
    return OK


@group.command(
    "CONFIG REWRITE", flags=_ADMIN | SERVER_WIDE, since="2.8.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def config_rewrite(ctx: Context) -> Status:
    """Refused: there is no configuration file."""
    raise CommandError("ERR The server is running without a config file")


@group.command("CONFIG HELP", flags=_HELP, since="5.0.0", acl=("slow",))
def config_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


# Commands ---------------------------------------------------------------------------------------

_COMMAND_ACL: Final = ("slow", "connection")


def _find(ctx: Context, name: bytes) -> Command | None:
    """A command by its name, or a subcommand by ``container|name``."""
    container, bar, sub = name.partition(b"|")
    command = ctx.server.table.find(container)
    if command is None or not bar:
        return command
    return (command.subcommands or {}).get(sub.upper())


@group.command(
    "COMMAND", Rest(), flags=_HELP, since="2.8.13", reply=DEEP, acl=_COMMAND_ACL, arity=-1,
    varies="always", tips="nondeterministic_output_order",
)
def command_(ctx: Context, words: list[bytes]) -> list[Any]:
    """The facts about all commands."""
    return [declared.describe(command) for command in ctx.server.table.commands()]


@group.command("COMMAND COUNT", flags=_HELP, since="2.8.13", acl=_COMMAND_ACL, varies="always")
def command_count(ctx: Context) -> int:
    """How many commands there are."""
    return len(ctx.server.table.commands())


@group.command(
    "COMMAND INFO", Rest(), flags=_HELP, since="2.8.13", reply=DEEP, acl=_COMMAND_ACL,
    varies="always", tips="nondeterministic_output_order",
)
def command_info(ctx: Context, names: list[bytes]) -> list[Any]:
    """The facts about some commands, null for unknown ones; without names about all."""
    if not names:
        return command_(ctx, names)
    found = [_find(ctx, name) for name in names]
    return [None if command is None else declared.describe(command) for command in found]


@group.command(
    "COMMAND DOCS", Rest(), flags=_HELP, since="7.0.0", reply=DEEP, acl=_COMMAND_ACL,
    varies="always", tips="nondeterministic_output_order",
)
def command_docs(ctx: Context, names: list[bytes]) -> dict[bytes, Any]:
    """The documentation of some commands, or of all."""
    found = [_find(ctx, name) for name in names] if names else ctx.server.table.commands()
    return {
        declared.shown_name(command): declared.document(command)
        for command in found if command is not None
    }


class _ListOptions(Options):
    """Which commands COMMAND LIST names."""

    filter_by: Annotated[tuple[str, bytes] | None, Option(
        "FILTERBY", OneOf(MODULE=Token, ACLCAT=Token, PATTERN=Token), Raw, once=True
    )] = None


@group.command(
    "COMMAND LIST", _ListOptions, flags=_HELP, since="7.0.0", acl=_COMMAND_ACL, varies="always",
    tips="nondeterministic_output_order",
)
def command_list(ctx: Context, *words: bytes) -> list[bytes]:
    """The names of all commands, or of those that a filter lets through."""
    filter_by = _ListOptions.parse(ctx, words).filter_by
    tops = ctx.server.table.commands()
    with_subs = [one for top in tops for one in (top, *declared.subcommands_of(top))]
    if filter_by is None:
        return [declared.shown_name(command) for command in with_subs]
    kind, wanted = filter_by
    if kind == "PATTERN":
        matches = matcher(wanted, nocase=True)
        names = [declared.shown_name(command) for command in with_subs]
        return [name for name in names if matches(name)]
    if kind == "MODULE":
        module = wanted.lower().decode("utf-8", "replace")
        return [
            declared.shown_name(one) for one in tops
            if one.flags & MODULE and declared.module_of(one).lower() == module
        ]
    category = wanted.lower().decode("utf-8", "replace")
    return [
        declared.shown_name(one) for one in with_subs if category in one.declaration.categories()
    ]


def _call_keys(ctx: Context, words: Sequence[bytes]) -> list[tuple[bytes, list[str]]]:
    command = ctx.server.table.find(words[0])
    if command is not None and command.subcommands and len(words) > 1:
        command = command.subcommands.get(words[1].upper())
    return declared.keys_with_flags(command, words)


@group.command("COMMAND GETKEYS", Rest(1), flags=_HELP, since="2.8.13", acl=_COMMAND_ACL)
def command_getkeys(ctx: Context, words: list[bytes]) -> list[bytes]:
    """The keys of a call."""
    return [key for key, _ in _call_keys(ctx, words)]


@group.command(
    "COMMAND GETKEYSANDFLAGS", Rest(1), flags=_HELP, since="7.0.0", acl=_COMMAND_ACL, reply=DEEP
)
def command_getkeysandflags(ctx: Context, words: list[bytes]) -> list[Any]:
    """The keys of a call, each with what the command does to it."""
    return [
        [key, SetReply(Status(flag.encode()) for flag in flags)]
        for key, flags in _call_keys(ctx, words)
    ]


@group.command("COMMAND HELP", flags=_HELP, since="5.0.0", acl=_COMMAND_ACL)
def command_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


# Watching and testing ---------------------------------------------------------------------------


@group.command("MONITOR", flags=_ADMIN | CONNECTION | HAZARD)
def monitor(ctx: Context) -> Any:
    """Show this session every command from now on."""
    session, server = ctx.session, ctx.server
    if session.deny_blocking:
        raise CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client")
    if session in server.monitors:
        return NO_REPLY
    monitor_mode.start(session)
    return OK


_NOT_ALLOWED: Final = (
    'ERR %s command not allowed. If the %s option is set to "local", you can run it from a local '
    "connection, otherwise you need to set this option in the configuration file, and then restart "
    "the server."
)

def check_allowed(ctx: Context, what: str, parameter: str) -> None:
    """A command that the configuration allows to nobody, to local connections, or to all."""
    if parameter in ctx.server.config.known.gone:
        return  # Redis 6.2 forbids neither
    allowed = ctx.server.config.text(parameter)
    local = ctx.session.address.startswith(("127.", "[::1]", "/", "unix"))
    if allowed == "no" or (allowed == "local" and not local):
        raise CommandError(_NOT_ALLOWED % (what, parameter))


class _ShutdownOptions(Options):
    """How SHUTDOWN ends the server."""

    save: Annotated[str, OneOf(NOSAVE=Token, SAVE=Token)] = ""
    now: Annotated[bool, Flag("NOW", "7.0.0")] = False
    force: Annotated[bool, Flag("FORCE", "7.0.0")] = False
    abort: Annotated[bool, Flag("ABORT", "7.0.0")] = False


@group.command(
    "SHUTDOWN", _ShutdownOptions, since="1.0.0",
    flags=_ADMIN | NO_MULTI | ALLOW_BUSY | CONNECTION | HAZARD | SERVER_WIDE,
)
def shutdown(ctx: Context, *words: bytes) -> Any:
    """Close all connections; no new one is answered until ``server.connected`` is set again."""
    options = _ShutdownOptions.parse(ctx, words)
    if options.abort and len(words) > 1:
        raise CommandError(errors.SYNTAX)
    if options.abort:
        raise CommandError("ERR No shutdown in progress.")
    server = ctx.server
    if server.switched & switches.BUSY and options.save != "NOSAVE":
        raise busy.busy_error(server)
    go_down(server)


def go_down(server: Server) -> NoReturn:
    """Close all connections; the server is down until ``server.connected`` is set again.

    Raises:
        ConnectionLost: always.
    """
    server.switch_on(switches.DOWN)
    for session in list(server.sessions.values()):
        session.close()
    raise ConnectionLost("Connection closed by server.")


# Diagnoses: nothing here is ever slow, and memory is only estimated -----------------------------

for _name in ("MEMORY", "MODULE"):
    group.container(_name, since="4.0.0")


class _UsageOptions(Options):
    """How many elements MEMORY USAGE looks at; 0 for all."""

    samples: Annotated[int, Option("SAMPLES", integer(0, range_error=errors.SYNTAX))] = 5


@group.command(
    "MEMORY USAGE", Key("RO"), _UsageOptions, flags=READONLY | NO_TOUCH, since="4.0.0",
    acl=("read", "slow"), varies="always",
)
def memory_usage(ctx: Context, key: bytes, *words: bytes) -> int | None:
    """An estimate of the bytes that a key takes; None when there is none."""
    samples = _UsageOptions.parse(ctx, words).samples
    value = ctx.lookup(key)
    if value is None:
        return None
    return memory.size_of(key, value, key in ctx.db.expires, ctx.server.limits, samples)


@group.command(
    "MEMORY PURGE", flags=SERVER_WIDE, since="4.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def memory_purge(ctx: Context) -> Status:
    """Give memory back; there is nothing to do."""
    return OK


@group.command(
    "MEMORY DOCTOR", since="4.0.0", varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def memory_doctor(ctx: Context) -> Verbatim:
    """What the use of memory means."""
    if memory.used(ctx.server) < 5 << 20:
        return Verbatim(_ALMOST_EMPTY)
    return Verbatim(
        b"Hi Sam, I can't find any memory issue in your instance. I can only account for what "
        b"occurs on this base.\n"
    )


_ALMOST_EMPTY: Final = (
    b"Hi Sam, this instance is empty or is using very little memory, my issues detector can't be "
    b"used in these conditions. Please, leave for your mission on Earth and fill it with some data."
    b" The new Sam and I will be back to our programming as soon as I finished rebooting.\n"
)


@group.command(
    "MEMORY MALLOC-STATS", since="4.0.0", varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def memory_malloc_stats(ctx: Context) -> Verbatim:
    """Statistics of the allocator, which is Python's."""
    return Verbatim(b"Stats not supported for the current allocator")


_MEMORY_ZEROS: Final = (
    b"replication.backlog", b"replica.fullsync.buffer", b"clients.slaves", b"clients.normal",
    b"cluster.links", b"aof.buffer", b"lua.caches", b"functions.caches", b"script.VMs",
)


@group.command(
    "MEMORY STATS", since="4.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def memory_stats(ctx: Context) -> dict[bytes, Any]:
    """Estimates of what takes how much memory."""
    server = ctx.server
    used, keys = memory.used(server), sum(len(db.data) for db in list(server.databases.values()))
    base = memory.BASE
    stats: dict[bytes, Any] = {
        b"peak.allocated": used, b"total.allocated": used, b"startup.allocated": base
    }
    stats |= dict.fromkeys(_MEMORY_ZEROS, 0)
    for index, db in sorted(server.databases.items()):
        if db.data:
            stats[b"db.%d" % index] = {
                b"overhead.hashtable.main": 48 * len(db.data),
                b"overhead.hashtable.expires": 24 * len(db.expires),
            }
    return stats | {
        b"overhead.db.hashtable.lut": 0, b"overhead.db.hashtable.rehashing": 0,
        b"overhead.total": base, b"db.dict.rehashing.count": 0, b"keys.count": keys,
        b"keys.bytes-per-key": (used - base) // keys if keys else 0,
        b"dataset.bytes": used - base, b"dataset.percentage": 100.0 if used > base else 0.0,
        b"peak.percentage": 100.0, b"allocator.allocated": used, b"allocator.active": used,
        b"allocator.resident": used, b"allocator.muzzy": 0,
        b"allocator-fragmentation.ratio": 1.0, b"allocator-fragmentation.bytes": 0,
        b"allocator-rss.ratio": 1.0, b"allocator-rss.bytes": 0, b"rss-overhead.ratio": 1.0,
        b"rss-overhead.bytes": 0, b"fragmentation": 1.0, b"fragmentation.bytes": 0,
    }


_MODULES: Final = ADMIN | NOSCRIPT
_NOT_LOADED: Final = "ERR Error loading the extension. Please check the server logs."


@group.command(
    "MODULE LIST", flags=_MODULES, since="4.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output_order",
)
def module_list(ctx: Context) -> list[dict[bytes, Any]]:
    """The modules, of which Redis 8 has some built in."""
    return modules.entries(ctx.server.table.modules, ctx.server.profile)


@group.command(
    "MODULE LOAD", Rest(1), flags=_MODULES | NO_ASYNC_LOADING | SERVER_WIDE, since="4.0.0",
)
def module_load(ctx: Context, words: list[bytes]) -> Any:
    """Refused: no module can be loaded into a process of Python."""
    check_allowed(ctx, "MODULE", "enable-module-command")
    raise CommandError(_NOT_LOADED)


class _LoadexOptions(Options):
    """What MODULE LOADEX would hand to a module; it comes to none."""

    config: Annotated[
        Sequence[tuple[bytes, bytes]], Option("CONFIG", Raw, Raw, many=True)
    ] = ()
    args: Annotated[Sequence[bytes], Option("ARGS", Remaining())] = ()


@group.command(
    "MODULE LOADEX", Raw, _LoadexOptions, flags=_MODULES | NO_ASYNC_LOADING | SERVER_WIDE,
    since="7.0.0",
)
def module_loadex(ctx: Context, path: bytes, *words: bytes) -> Any:
    """Refused: no module can be loaded into a process of Python."""
    check_allowed(ctx, "MODULE", "enable-module-command")
    raise CommandError(_NOT_LOADED)


@group.command("MODULE UNLOAD", Raw, flags=_MODULES | NO_ASYNC_LOADING | SERVER_WIDE, since="4.0.0")
def module_unload(ctx: Context, name: bytes) -> Any:
    """Refused: there is nothing to unload."""
    check_allowed(ctx, "MODULE", "enable-module-command")
    if name in [module[b"name"] for module in module_list(ctx)]:
        raise CommandError("ERR Error unloading module: the module can't be unloaded")
    raise CommandError("ERR Error unloading module: no such module with that name")


@group.command("MEMORY HELP", flags=_HELP, since="4.0.0", acl=("slow",))
def memory_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


@group.command("MODULE HELP", flags=_HELP, since="5.0.0", acl=("slow",))
def module_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


@group.command(
    "LOLWUT", Rest(), flags=READONLY | FAST, since="5.0.0", acl=("read", "fast"), varies="always",
    form="{VERSION=1}",
)
def lolwut(ctx: Context, words: list[bytes]) -> Verbatim:
    """The server's version, without a work of art."""
    if len(words) > 1 and word_of(words[0]) == b"VERSION" and parse_int(words[1]) is None:
        raise CommandError(errors.NOT_INTEGER)
    profile = ctx.server.profile
    text = f"{profile.server_type.capitalize()} ver. {profile.version_text}\n"
    return Verbatim(text.encode())
