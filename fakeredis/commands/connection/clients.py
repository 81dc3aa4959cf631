"""CLIENT: names, facts and lists of sessions."""

from __future__ import annotations

from typing import Any

from fakeredis import errors
from fakeredis.commands.arguments import Raw, Rest, word_of
from fakeredis.commands.connection.common import BUSY_SINCE, CLIENT_FLAGS, group
from fakeredis.commands.connection.filters import (
    FilterOptions,
    by_address,
    is_of_type,
    session_number,
    type_asked,
)
from fakeredis.commands.registry import (
    ADMIN,
    ALLOW_BUSY,
    CONNECTION,
    EACH_NODE,
    HEARD,
    LOADING,
    NO_MULTI,
    SERVER_WIDE,
    STALE,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.core import blocking, dispatch, switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import NO_REPLY, OK, VERBATIM, Status
from fakeredis.engine.features import key_access, pause
from fakeredis.engine.features.client_info import describe
from fakeredis.errors import CommandError

BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters."
BAD_ATTRIBUTE = "ERR %s cannot contain spaces, newlines or special characters."


def _is_plain(value: bytes) -> bool:
    """Whether a value fits into the line of CLIENT LIST."""
    return all(33 <= byte <= 126 for byte in value.partition(b"\0")[0])


def check_name(name: bytes) -> None:
    """Refuse a client's name that would not be one word of a list.

    Raises:
        CommandError: it has spaces or other odd characters.
    """
    if not _is_plain(name):
        raise CommandError(BAD_NAME)


@group.command(
    "CLIENT ID", flags=CLIENT_FLAGS, since="5.0.0", varies="always",
    flags_since=BUSY_SINCE,
)
def client_id(ctx: Context) -> int:
    """This session's number."""
    return ctx.session.id


@group.command(
    "CLIENT GETNAME", flags=CLIENT_FLAGS, since="2.6.9",
    flags_since=BUSY_SINCE,
)
def client_getname(ctx: Context) -> Any:
    """This session's name; None when it has none."""
    return ctx.session.name or None


@group.command(
    "CLIENT SETNAME", Raw, flags=CLIENT_FLAGS | EACH_NODE, since="2.6.9",
    tips="request_policy:all_nodes response_policy:all_succeeded", names="connection-name",
    flags_since=BUSY_SINCE,
)
def client_setname(ctx: Context, name: bytes) -> Any:
    """Name this session."""
    check_name(name)
    ctx.session.name = name
    return OK


@group.command(
    "CLIENT SETINFO", Raw, Raw, flags=CLIENT_FLAGS | EACH_NODE, since="7.2.0",
    tips="request_policy:all_nodes response_policy:all_succeeded", form="^attribute value",
    names="attr<LIB-NAME=libname|LIB-VER=libver>",
    flags_since=BUSY_SINCE,
)
def client_setinfo(ctx: Context, attribute: bytes, value: bytes) -> Any:
    """Note the client library's name or version."""
    name = attribute.partition(b"\0")[0].lower()
    if name not in (b"lib-name", b"lib-ver"):
        raise CommandError(f"ERR Unrecognized option '{wording.clean(attribute)}'")
    if not _is_plain(value):
        raise CommandError(BAD_ATTRIBUTE % wording.clean(attribute))
    if name == b"lib-name":
        ctx.session.lib_name = value
    else:
        ctx.session.lib_version = value
    return OK


def _is_on(raw: bytes) -> bool:
    """Whether a word is ON.

    Raises:
        CommandError: it is neither that nor OFF.
    """
    word = word_of(raw)
    if word not in (b"ON", b"OFF"):
        raise CommandError(errors.SYNTAX)
    return word == b"ON"


@group.command(
    "CLIENT NO-EVICT", Raw, flags=CLIENT_FLAGS | ADMIN | EACH_NODE, since="7.0.0", form="^switch",
    names="enabled<ON|OFF>",
    flags_since=BUSY_SINCE,
)
def client_no_evict(ctx: Context, switch: bytes) -> Any:
    """Protect this session from eviction."""
    ctx.session.no_evict = _is_on(switch)
    return OK


@group.command(
    "CLIENT NO-TOUCH", Raw, flags=CLIENT_FLAGS | EACH_NODE, since="7.2.0", form="^switch",
    names="enabled<ON|OFF>",
    flags_since=BUSY_SINCE,
)
def client_no_touch(ctx: Context, switch: bytes) -> Any:
    """Choose whether this session's commands leave the keys' access times alone."""
    ctx.session.no_touch = _is_on(switch)
    key_access.begin(ctx.server)
    return OK


@group.command(
    "CLIENT REPLY", Raw, flags=CLIENT_FLAGS | CONNECTION | HEARD, since="3.2.0", form="^switch",
    names="action<ON|OFF|SKIP>",
    flags_since=(ALLOW_BUSY | NO_MULTI, BUSY_SINCE[1]),
)
def client_reply(ctx: Context, raw: bytes) -> Any:
    """Reply no longer, not to the next command, or again."""
    session, mode = ctx.session, word_of(raw)
    if mode == b"ON":
        session.reply_mode = "ON"
        session.switched &= ~switches.REPLY_MODE
        return OK
    if mode not in (b"OFF", b"SKIP"):
        raise CommandError(errors.SYNTAX)
    if mode == b"OFF" or session.reply_mode != "OFF":
        session.reply_mode = mode.decode()
    session.switched |= switches.REPLY_MODE
    return NO_REPLY


@group.command(
    "CLIENT INFO", flags=CLIENT_FLAGS, since="6.2.0", reply=VERBATIM, varies="always",
    tips="nondeterministic_output",
)
def client_info(ctx: Context) -> bytes:
    """This session's line of CLIENT LIST."""
    return describe(ctx.session).encode("utf-8", "surrogateescape") + b"\n"


@group.command(
    "CLIENT LIST", Rest(), flags=CLIENT_FLAGS | ADMIN, since="2.4.0", reply=VERBATIM,
    form="{TYPE=1 ID=rest}", varies="always", tips="nondeterministic_output",
    names="[TYPE=client-type@5.0.0<NORMAL|MASTER|REPLICA|PUBSUB>] [ID=client-id:integer@6.2.0+]",
)
def client_list(ctx: Context, words: list[bytes]) -> bytes:
    """A line for each session, or those of a type, or those of some numbers."""
    server = ctx.server
    sessions = [session for session in list(server.sessions.values()) if not session.closed]
    option = word_of(words[0]) if words else b""
    if len(words) > 1 and ctx.traits.parses_client_ids:
        sessions = FilterOptions.parse(ctx, words).chosen(ctx, "NO")
    elif option == b"TYPE" and len(words) == 2:
        kind = type_asked(words[1], ctx.traits)
        sessions = [session for session in sessions if is_of_type(session, kind)]
    elif option == b"ID" and len(words) > 1:
        numbers = [session_number(ctx, raw) for raw in words[1:]]
        found = (server.sessions.get(number) for number in numbers)
        sessions = [session for session in found if session is not None]
    elif words:
        raise CommandError(errors.SYNTAX)
    lines = "".join(describe(session) + "\n" for session in sessions)
    return lines.encode("utf-8", "surrogateescape")


@group.command(
    "CLIENT KILL", FilterOptions, flags=CLIENT_FLAGS | ADMIN | SERVER_WIDE, since="2.4.0",
    names=(
        "filter<old-format/ip:port!2.8.12|new-format<[ID=client-id:integer]|"
        "[TYPE=client-type<NORMAL|MASTER@3.2.0|SLAVE|REPLICA@5.0.0|PUBSUB>]|[USER=username]|"
        "[ADDR=addr/ip:port]|[LADDR=laddr/ip:port]|[SKIPME=skipme<YES|NO>]|"
        "[MAXAGE=maxage:integer]>+>"
    ),
)
def client_kill(ctx: Context, *words: bytes) -> Any:
    """Close the connection of an address, or all that pass filters; how many those were."""
    sessions = list(ctx.server.sessions.values())
    if len(words) == 1:
        is_there = by_address(ctx, words[0])
        chosen = next(filter(is_there, sessions), None)
        if chosen is None:
            raise CommandError("ERR No such client")
        chosen.release()
        return OK
    killed = FilterOptions.parse(ctx, words).chosen(ctx, "YES")
    for session in killed:
        session.release()
    return len(killed)


@group.command(
    "CLIENT UNBLOCK", Raw, Rest(), flags=CLIENT_FLAGS | ADMIN, since="5.0.0", form="id ^how",
    names="client-id:integer [unblock-type<TIMEOUT|ERROR>]",
)
def client_unblock(ctx: Context, raw: bytes, rest: list[bytes]) -> int:
    """End another session's wait as if its time were over, or with an error.

    Checked in the server's order: number of words, reason, session's number.
    """
    if len(rest) > 1 and not ctx.traits.ignores_words:
        raise ctx.misused()
    reason = word_of(rest[0]) if rest else b"TIMEOUT"
    if reason not in (b"TIMEOUT", b"ERROR"):
        raise CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    number = parse_int(raw)
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    session = ctx.server.sessions.get(number)
    if session is None or pause.is_postponed(session):
        return 0
    return int(blocking.unblock(session, reason == b"ERROR"))


@group.command("CLIENT HELP", flags=LOADING | STALE, since="5.0.0")
def client_help(ctx: Context) -> list[Status]:
    """The subcommands."""
    return dispatch.help_reply("CLIENT", (
        "CACHING (YES|NO)", "    Track the keys of the next command, or do not.",
        "GETNAME", "    Name of this connection.",
        "GETREDIR", "    ID of the client that hears of invalidated keys.",
        "ID", "    ID of this connection.",
        "INFO", "    Facts about this connection.",
        "KILL <ip:port>", "    Close the connection from an address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close connections by ADDR, LADDR, TYPE, USER, ID, MAXAGE; SKIPME (YES|NO).",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)|ID <id> ...]",
        "    Facts about all connections.",
        "NO-EVICT (ON|OFF)", "    Protect this connection from eviction.",
        "NO-TOUCH (ON|OFF)", "    Leave the access times of keys alone.",
        "PAUSE <timeout> [WRITE|ALL]", "    Hold back commands for so many milliseconds.",
        "REPLY (ON|OFF|SKIP)", "    Choose which replies are sent.",
        "SETINFO (LIB-NAME|LIB-VER) <value>", "    Note facts about the client library.",
        "SETNAME <name>", "    Name this connection.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]",
        "    Hear of changes to keys.",
        "TRACKINGINFO", "    How this connection tracks keys.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]", "    End the wait of a blocked client.",
        "UNPAUSE", "    End a pause.",
    ))
