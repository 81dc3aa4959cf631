"""Commands that Valkey has and Redis has not: COMMANDLOG, and some of CLIENT's and SCRIPT's."""

from __future__ import annotations

from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Many, Raw, word_of
from fakeredis.commands.connection.common import BUSY_SINCE
from fakeredis.commands.connection.common import group as connection
from fakeredis.commands.registry import ADMIN, LOADING, NOSCRIPT, STALE
from fakeredis.commands.scripting import group as scripting
from fakeredis.commands.server.common import group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.engine.features import latency
from fakeredis.errors import CommandError

groups = [group, connection, scripting]

_LOG: Final = ADMIN | LOADING | STALE
_CLIENT: Final = NOSCRIPT | LOADING | STALE
_CLIENT_ACL: Final = ("slow", "connection")
_SINCE: Final = {"valkey": "8.1.0"}
_TYPE: Final = "type<slow|large-request|large-reply>"

group.container("COMMANDLOG", since=_SINCE)


def _entries(ctx: Context, kind: bytes) -> Any:
    """A log by its name; those of large requests and replies have nothing, sizes being unknown."""
    if kind.lower() not in (b"slow", b"large-request", b"large-reply"):
        raise CommandError(
            "ERR type should be one of the following: slow, large-request, large-reply"
        )
    return latency.begin(ctx.server).slow if kind.lower() == b"slow" else []


@group.command("COMMANDLOG GET", Raw, Raw, flags=_LOG, since=_SINCE, names="count:integer " + _TYPE)
def commandlog_get(ctx: Context, raw: bytes, kind: bytes) -> list[Any]:
    """The newest entries of a log, or all of them; the count is checked first."""
    count = parse_int(raw)
    if count is None or count < -1:
        raise CommandError("ERR count should be greater than or equal to -1")
    entries = list(_entries(ctx, kind))
    return [list(entry) for entry in (entries if count < 0 else entries[:count])]


@group.command("COMMANDLOG LEN", Raw, flags=_LOG, since=_SINCE, names=_TYPE)
def commandlog_len(ctx: Context, kind: bytes) -> int:
    """How many entries a log has."""
    return len(_entries(ctx, kind))


@group.command("COMMANDLOG RESET", Raw, flags=_LOG, since=_SINCE, names=_TYPE)
def commandlog_reset(ctx: Context, kind: bytes) -> Status:
    """Forget the entries of a log."""
    _entries(ctx, kind).clear()
    return OK


@group.command("COMMANDLOG HELP", flags=LOADING | STALE, since=_SINCE, acl=("slow",))
def commandlog_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


@connection.command(
    "CLIENT CAPA", Many(Raw), flags=_CLIENT, since={"valkey": "8.0.0"}, acl=_CLIENT_ACL,
    names="capability+", flags_since=BUSY_SINCE,
)
def client_capa(ctx: Context, names: list[bytes]) -> Status:
    """What the client is able to do; nothing of it matters here."""
    return OK


@connection.command(
    "CLIENT IMPORT-SOURCE", Raw, flags=_CLIENT, since=_SINCE, acl=_CLIENT_ACL,
    names="enabled<ON|OFF>",
)
def client_import_source(ctx: Context, switch: bytes) -> Status:
    """Tell that the client imports data, for which the server must be in that mode."""
    word = word_of(switch)
    if word != b"OFF" and not ctx.server.config.boolean("import-mode"):
        raise CommandError("ERR Server is not in import mode")
    if word not in (b"ON", b"OFF"):
        raise CommandError(errors.SYNTAX)
    return OK


@scripting.command(
    "SCRIPT SHOW", Raw, flags=NOSCRIPT, since={"valkey": "8.0.0"}, names="sha1",
    flags_since=(STALE, {"valkey": "9.0.0"}),
)
def script_show(ctx: Context, sha: bytes) -> bytes:
    """The source of a script that the server has."""
    known = ctx.server.scripting
    script = None if known is None else known.scripts.get(sha.lower())
    if script is None:
        raise CommandError("NOSCRIPT No matching script.")
    source: bytes = script.source
    return source
