"""Connection commands: Redis's "connection" group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Argument,
    Flag,
    Int,
    OneOf,
    Option,
    Options,
    Raw,
    Rest,
    Token,
    Values,
    word_of,
)
from fakeredis.commands.pubsub import unsubscribe_all
from fakeredis.commands.registry import (
    ADMIN,
    ALLOW_BUSY,
    ALONE,
    CONNECTION,
    EACH_NODE,
    ENDS_QUEUE,
    FAST,
    HEARD,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    SEQUENTIAL,
    SERVER_WIDE,
    STALE,
    UNQUEUED,
    UNWATCHES,
    WHILE_SUBSCRIBED,
    Group,
    Secrets,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.cluster import cluster
from fakeredis.engine.command import modules
from fakeredis.engine.core import blocking, dispatch, switches
from fakeredis.engine.core.context import MAX_MILLISECONDS, Context
from fakeredis.engine.core.replies import (
    DEEP,
    NO_REPLY,
    OK,
    PONG,
    RESET,
    VERBATIM,
    SetReply,
    Status,
)
from fakeredis.engine.core.server import Server
from fakeredis.engine.core.session import Session
from fakeredis.engine.features import acl, key_access, pause, tracking
from fakeredis.engine.features.client_info import describe
from fakeredis.errors import CommandError

group = Group("connection")
group.container("CLIENT", since="2.4.0")

_CLIENT: Final = NOSCRIPT | LOADING | STALE
_OPEN: Final = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY


@group.command(
    "PING", Rest(), flags=FAST | WHILE_SUBSCRIBED | SEQUENTIAL, acl=("fast", "connection"),
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def ping(ctx: Context, words: list[bytes]) -> Any:
    """PONG, or the message; RESP2 subscribers get an array."""
    if len(words) > 1:
        raise CommandError(errors.ARITY % "ping")
    session = ctx.session
    if session.switched & switches.SUBSCRIBED and session.protocol == 2:
        return [b"pong", words[0] if words else b""]
    return words[0] if words else PONG


@group.command("ECHO", Raw, flags=LOADING | STALE | FAST)
def echo(ctx: Context, message: bytes) -> bytes:
    """The message."""
    return message


@group.command("SELECT", Int, flags=LOADING | STALE | FAST | SEQUENTIAL)
def select(ctx: Context, index: int) -> Any:
    """Choose the database of this session."""
    if not -(1 << 31) <= index < 1 << 31:
        raise CommandError(errors.BEYOND_INT)
    if index:
        cluster.refuse(ctx.server, "ERR SELECT is not allowed in cluster mode")
    ctx.db = ctx.server.select(index)
    return OK


@group.command("QUIT", Rest(), flags=_OPEN | CONNECTION | UNQUEUED | WHILE_SUBSCRIBED | ALONE)
def quit_(ctx: Context, words: list[bytes]) -> Any:
    """Close the connection, after this reply."""
    ctx.session.release()
    return OK


@group.command(
    "RESET",
    flags=(
        _OPEN | CONNECTION | UNQUEUED | ENDS_QUEUE | WHILE_SUBSCRIBED | UNWATCHES | EACH_NODE
        | ALONE
    ),
    since="6.2.0",
)
def reset(ctx: Context) -> Any:
    """Make the session as good as new; only its ID and the client library's name stay."""
    session, server = ctx.session, ctx.server
    session.reset_transaction()
    session.unwatch()
    unsubscribe_all(session)
    server.stop_monitoring(session)
    if server.switched & switches.TRACKED:
        tracking.of(server).stop(session)
    session.switched = 0
    session.reply_mode = "ON"
    session.protocol = 2
    session.name = b""
    session.user = "default"
    session.no_evict = session.no_touch = session.reads_here = session.asking = False
    session.fieldsets = None
    ctx.db = server.database(0)
    server.greet(session)
    return RESET


# Authentication -----------------------------------------------------------------------------

NO_PASSWORD_SET = (
    "ERR AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)
HELLO_NO_AUTH = (
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
    "RESP protocol version at the same time"
)


@group.command("AUTH", Raw, Rest(), flags=_OPEN | SEQUENTIAL, secrets=Secrets({}))
def auth(ctx: Context, first: bytes, rest: list[bytes]) -> Any:
    """Authenticate, with a password for the default user or a user's name and password."""
    if len(rest) > 1:
        raise CommandError(errors.SYNTAX)
    if rest:
        acl.authenticate(ctx.session, first, rest[0], "AUTH")
        return OK
    if acl.of(ctx.server).users["default"].no_password and not acl.is_open(ctx.server):
        raise CommandError(NO_PASSWORD_SET)
    acl.authenticate(ctx.session, b"default", first, "AUTH")
    return OK


def _name(raw: bytes) -> bytes:
    _check_name(raw)
    return raw


class _HelloOptions(Options):
    """What HELLO may do besides."""

    credentials: Annotated[tuple[bytes, bytes] | None, Option("AUTH", Raw, Raw)] = None
    name: Annotated[bytes | None, Option("SETNAME", Argument(_name))] = None

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(f"ERR Syntax error in HELLO option '{wording.clean(raw)}'")


@group.command(
    "HELLO", _HelloOptions, flags=_OPEN | CONNECTION | SEQUENTIAL | EACH_NODE | ALONE,
    since="6.0.0", reply=DEEP, secrets=Secrets({b"AUTH": 2}, start=1), varies="always",
    form="protover {}",
)
def hello(ctx: Context, *words: bytes) -> Any:
    """Choose the protocol, authenticate, name the session; who the server is.

    Checked in the server's order: protocol, syntax and name, password, whether one is needed.
    """
    session = ctx.session
    protocol = _protocol(words[0]) if words else None
    options = _HelloOptions.parse(ctx, words[1:])
    if options.credentials is not None:
        acl.authenticate(session, *options.credentials, "HELLO")
    if session.switched & switches.UNAUTHENTICATED and ctx.server.closed_by_default:
        raise CommandError(HELLO_NO_AUTH)
    if options.name is not None:
        session.name = options.name
    if protocol is not None:
        session.protocol = protocol
    profile = ctx.server.profile
    return {
        b"server": profile.server_type.encode(), b"version": profile.version_text.encode(),
        b"proto": session.protocol, b"id": session.id,
        b"mode": b"cluster" if ctx.server.switched & switches.CLUSTERED else b"standalone",
        b"role": b"master", b"modules": _modules(ctx.server),
    }


def _protocol(raw: bytes) -> int:
    protocol = parse_int(raw)
    if protocol is None:
        raise CommandError("ERR Protocol version is not an integer or out of range")
    if protocol not in (2, 3):
        raise CommandError("NOPROTO unsupported protocol version")
    return protocol


def _modules(server: Server) -> list[Any]:
    return modules.entries(server.table.modules, server.profile)


# Names and facts ----------------------------------------------------------------------------

BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters."
BAD_ATTRIBUTE = "ERR %s cannot contain spaces, newlines or special characters."


def _is_plain(value: bytes) -> bool:
    """Whether a value fits into the line of CLIENT LIST."""
    return all(33 <= byte <= 126 for byte in value.partition(b"\0")[0])


def _check_name(name: bytes) -> None:
    if not _is_plain(name):
        raise CommandError(BAD_NAME)


@group.command("CLIENT ID", flags=_CLIENT, since="5.0.0", varies="always")
def client_id(ctx: Context) -> int:
    """This session's number."""
    return ctx.session.id


@group.command("CLIENT GETNAME", flags=_CLIENT, since="2.6.9")
def client_getname(ctx: Context) -> Any:
    """This session's name; None when it has none."""
    return ctx.session.name or None


@group.command(
    "CLIENT SETNAME", Raw, flags=_CLIENT | EACH_NODE, since="2.6.9",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def client_setname(ctx: Context, name: bytes) -> Any:
    """Name this session."""
    _check_name(name)
    ctx.session.name = name
    return OK


@group.command(
    "CLIENT SETINFO", Raw, Raw, flags=_CLIENT | EACH_NODE, since="7.2.0",
    tips="request_policy:all_nodes response_policy:all_succeeded", form="^attribute value",
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
    "CLIENT NO-EVICT", Raw, flags=_CLIENT | ADMIN | EACH_NODE, since="7.0.0", form="^switch",
)
def client_no_evict(ctx: Context, switch: bytes) -> Any:
    """Protect this session from eviction."""
    ctx.session.no_evict = _is_on(switch)
    return OK


@group.command("CLIENT NO-TOUCH", Raw, flags=_CLIENT | EACH_NODE, since="7.2.0", form="^switch")
def client_no_touch(ctx: Context, switch: bytes) -> Any:
    """Choose whether this session's commands leave the keys' access times alone."""
    ctx.session.no_touch = _is_on(switch)
    key_access.begin(ctx.server)
    return OK


@group.command(
    "CLIENT REPLY", Raw, flags=_CLIENT | CONNECTION | HEARD, since="3.2.0", form="^switch",
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


# Lists of sessions --------------------------------------------------------------------------


@group.command(
    "CLIENT INFO", flags=_CLIENT, since="6.2.0", reply=VERBATIM, varies="always",
    tips="nondeterministic_output",
)
def client_info(ctx: Context) -> bytes:
    """This session's line of CLIENT LIST."""
    return describe(ctx.session).encode() + b"\n"


_TYPES: Final = (b"NORMAL", b"MASTER", b"REPLICA", b"SLAVE", b"PUBSUB")


def _type(raw: bytes) -> bytes:
    word = word_of(raw)
    if word not in _TYPES:
        raise CommandError(f"ERR Unknown client type '{wording.clean(raw)}'")
    return word


def _is_of_type(session: Session, kind: bytes) -> bool:
    listens = bool(session.channels or session.patterns or session.shard_channels)
    return kind == (b"PUBSUB" if listens else b"NORMAL")


@group.command(
    "CLIENT LIST", Rest(), flags=_CLIENT | ADMIN, since="2.4.0", reply=VERBATIM,
    form="{TYPE=1 ID=rest}", varies="always", tips="nondeterministic_output",
)
def client_list(ctx: Context, words: list[bytes]) -> bytes:
    """A line for each session, or those of a type, or those of some numbers."""
    server = ctx.server
    sessions = [session for session in list(server.sessions.values()) if not session.closed]
    option = word_of(words[0]) if words else b""
    if option == b"TYPE" and len(words) == 2:
        kind = _type(words[1])
        sessions = [session for session in sessions if _is_of_type(session, kind)]
    elif option == b"ID" and len(words) > 1:
        numbers = [_session_number(ctx, raw) for raw in words[1:]]
        found = (server.sessions.get(number) for number in numbers)
        sessions = [session for session in found if session is not None]
    elif words:
        raise CommandError(errors.SYNTAX)
    return "".join(describe(session) + "\n" for session in sessions).encode()


def _session_number(ctx: Context, raw: bytes) -> int:
    if ctx.traits.parses_client_ids:
        return _client_id(ctx, raw)
    number = parse_int(raw)
    if number is None:
        raise CommandError("ERR Invalid client ID")
    return number


Filter = Callable[[Session], bool]


def _client_id(ctx: Context, raw: bytes) -> int:
    number = parse_int(raw)
    if number is None and ctx.traits.parses_client_ids:
        raise CommandError(errors.SYNTAX)
    if ctx.traits.older_errors:
        if number is None:
            raise CommandError(errors.NOT_INTEGER)
        return number
    if number is None or number < 1:
        raise CommandError("ERR client-id should be greater than 0")
    return number


def _by_id(ctx: Context, raw: bytes) -> Filter:
    number = _client_id(ctx, raw)
    return lambda session: session.id == number


def _by_type(ctx: Context, raw: bytes) -> Filter:
    kind = _type(raw)
    return lambda session: _is_of_type(session, kind)


def _by_address(ctx: Context, raw: bytes) -> Filter:
    text = raw.decode("utf-8", "surrogateescape")
    return lambda session: session.address == text


def _by_own_address(ctx: Context, raw: bytes) -> Filter:
    text = raw.decode("utf-8", "surrogateescape")
    return lambda session: session.local_address == text


def _by_user(ctx: Context, raw: bytes) -> Filter:
    text = raw.decode("utf-8", "surrogateescape")
    if text not in acl.of(ctx.server).users:
        raise CommandError(f"ERR No such user '{wording.clean(raw)}'")
    return lambda session: session.user == text


def _by_age(ctx: Context, raw: bytes) -> Filter:
    age = parse_int(raw)
    if age is None:
        raise CommandError("ERR maxage is not an integer or out of range")
    if age < 1:
        raise CommandError("ERR maxage should be greater than 0")
    latest = ctx.server.clock.seconds() - age
    return lambda session: session.created <= latest


class _KillOptions(Options, at_least=1):
    """Whose connections are closed; of the same filter the last counts."""

    filters: Annotated[Sequence[tuple[str, Filter]], OneOf(
        ID=Values(Raw, make=_by_id), TYPE=Values(Raw, make=_by_type),
        USER=Values(Raw, make=_by_user), ADDR=Values(Raw, make=_by_address),
        LADDR=Values(Raw, make=_by_own_address).since("6.2.0"),
        MAXAGE=Values(Raw, make=_by_age).since({"redis": "7.4.0", "valkey": "8.0.0"}), many=True,
    )] = ()
    spare_me: Annotated[str, Option("SKIPME", OneOf(YES=Token, NO=Token))] = "YES"


@group.command(
    "CLIENT KILL", _KillOptions, flags=_CLIENT | ADMIN | SERVER_WIDE, since="2.4.0",
)
def client_kill(ctx: Context, *words: bytes) -> Any:
    """Close the connection of an address, or all that pass filters; how many those were."""
    sessions = list(ctx.server.sessions.values())
    if len(words) == 1:
        is_there = _by_address(ctx, words[0])
        chosen = next(filter(is_there, sessions), None)
        if chosen is None:
            raise CommandError("ERR No such client")
        chosen.release()
        return OK
    options = _KillOptions.parse(ctx, words)
    filters = dict(options.filters).values()
    killed = 0
    for session in sessions:
        spared = options.spare_me == "YES" and session is ctx.session
        if not spared and all(accepts(session) for accepts in filters):
            session.release()
            killed += 1
    return killed


@group.command("CLIENT UNBLOCK", Raw, Rest(), flags=_CLIENT | ADMIN, since="5.0.0", form="id ^how")
def client_unblock(ctx: Context, raw: bytes, rest: list[bytes]) -> int:
    """End another session's wait as if its time were over, or with an error.

    Checked in the server's order: number of words, reason, session's number.
    """
    if len(rest) > 1:
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


# Pauses and tracking ------------------------------------------------------------------------


@group.command(
    "CLIENT PAUSE", Raw, Rest(), flags=_CLIENT | ADMIN | SERVER_WIDE, since="3.0.0",
    form="timeout ^mode",
)
def client_pause(ctx: Context, raw: bytes, rest: list[bytes]) -> Any:
    """Stop all commands, or writes only, for so many milliseconds: they wait."""
    if len(rest) > 1:
        raise ctx.misused()
    mode = word_of(rest[0]) if rest else b"ALL"
    if mode not in (b"ALL", b"WRITE"):
        raise CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL")
    milliseconds = parse_int(raw)
    if milliseconds is None:
        raise CommandError("ERR timeout is not an integer or out of range")
    if milliseconds < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    if ctx.now + milliseconds > MAX_MILLISECONDS:
        raise CommandError("ERR timeout is out of range")
    pause.begin(ctx.server, ctx.now + milliseconds, mode == b"ALL")
    return OK


@group.command("CLIENT UNPAUSE", flags=_CLIENT | ADMIN | SERVER_WIDE, since="6.2.0")
def client_unpause(ctx: Context) -> Any:
    """End a pause."""
    pause.end(ctx.server)
    return OK


NOT_TRACKING = (
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
    "OPTOUT mode enabled"
)


def _redirected(ctx: Context, raw: bytes) -> int:
    """The number of the session that is told instead."""
    number = parse_int(raw)
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    if number not in ctx.server.sessions:
        raise CommandError("ERR The client ID you want redirect to does not exist")
    return number


class _TrackingOptions(Options):
    """How CLIENT TRACKING tracks."""

    redirect: Annotated[tuple[str, int], OneOf(
        REDIRECT=Values(Raw, make=_redirected), once=True,
        error="ERR A client can only redirect to a single other client",
    )] = ("REDIRECT", 0)
    prefixes: Annotated[Sequence[bytes], Option("PREFIX", Raw, many=True)] = ()
    broadcast: Annotated[bool, Flag("BCAST")] = False
    opt_in: Annotated[bool, Flag("OPTIN")] = False
    opt_out: Annotated[bool, Flag("OPTOUT")] = False
    no_loop: Annotated[bool, Flag("NOLOOP")] = False

    def tracker(self) -> tracking.Tracker:
        """The options as the session keeps them."""
        found = tracking.Tracker()
        found.redirect = self.redirect[1]
        found.broadcast, found.no_loop = self.broadcast, self.no_loop
        found.opt_in, found.opt_out = self.opt_in, self.opt_out
        return found


@group.command(
    "CLIENT TRACKING", Raw, _TrackingOptions, flags=_CLIENT | EACH_NODE, since="6.0.0",
    form="^switch {}",
)
def client_tracking(ctx: Context, switch: bytes, *words: bytes) -> Any:
    """Hear of changes to keys that this session has read or, with BCAST, to any keys.

    Checked in the server's order: options, the switch, which options go together.
    """
    options = _TrackingOptions.parse(ctx, words)
    tracker, prefixes = options.tracker(), options.prefixes
    word = word_of(switch)
    if word not in (b"ON", b"OFF"):
        raise CommandError(errors.SYNTAX)
    state = tracking.of(ctx.server)
    if word == b"OFF":
        state.stop(ctx.session)
        return OK
    old = state.trackers.get(ctx.session)
    _check_tracker(tracker, prefixes, old)
    if tracker.broadcast:
        tracker.prefixes = set(prefixes or [b""]).union(() if old is None else old.prefixes)
    state.start(ctx.session, tracker)
    return OK


OVERLAP = "ERR Prefix '%s' overlaps with %s '%s'. Prefixes for a single client must not overlap."


def _check_prefixes(prefixes: Sequence[bytes], old: tracking.Tracker | None) -> None:
    """Refuse prefixes that overlap."""
    known = [] if old is None else sorted(old.prefixes)
    for at, prefix in enumerate(prefixes):
        for what, others in (
            ("an existing prefix", known), ("another provided prefix", prefixes[at + 1 :]),
        ):
            for other in others:
                if _overlap(prefix, other):
                    names = wording.clean(prefix), what, wording.clean(other)
                    raise CommandError(OVERLAP % names)


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


def _check_tracker(
    tracker: tracking.Tracker, prefixes: Sequence[bytes], old: tracking.Tracker | None
) -> None:
    """Refuse options that do not go together, or not with those of before."""
    error = None
    if prefixes and not tracker.broadcast:
        error = "PREFIX option requires BCAST mode to be enabled"
    elif old is not None and old.broadcast != tracker.broadcast:
        error = SWITCHED % "BCAST mode on/off"
    elif tracker.broadcast and (tracker.opt_in or tracker.opt_out):
        error = "OPTIN and OPTOUT are not compatible with BCAST"
    elif tracker.opt_in and tracker.opt_out:
        error = "You can't specify both OPTIN mode and OPTOUT mode"
    elif old is not None and (
        (tracker.opt_in and old.opt_out) or (tracker.opt_out and old.opt_in)
    ):
        error = SWITCHED % "OPTIN/OPTOUT mode"
    if error is not None:
        raise CommandError(f"ERR {error}")
    if tracker.broadcast:
        _check_prefixes(prefixes, old)


SWITCHED = (
    "You can't switch %s before disabling tracking for this client, and then re-enabling it with "
    "a different mode."
)


@group.command("CLIENT CACHING", Raw, flags=_CLIENT, since="6.0.0", form="^switch")
def client_caching(ctx: Context, mode: bytes) -> Any:
    """Track, or not, the keys of the next command or transaction."""
    tracker, word = tracking.tracker_of(ctx.session), word_of(mode)
    if tracker is None:
        raise CommandError(NOT_TRACKING)
    if word not in (b"YES", b"NO"):
        raise CommandError(errors.SYNTAX)
    if not (tracker.opt_in if word == b"YES" else tracker.opt_out):
        needed = "OPTIN" if word == b"YES" else "OPTOUT"
        raise CommandError(
            f"ERR CLIENT CACHING {word.decode()} is only valid when tracking is enabled in "
            f"{needed} mode."
        )
    tracker.caching = True
    return OK


@group.command("CLIENT GETREDIR", flags=_CLIENT, since="6.0.0", varies="always")
def client_getredir(ctx: Context) -> int:
    """Which session hears of changes in place of this one; 0 for none, -1 without tracking."""
    tracker = tracking.tracker_of(ctx.session)
    return -1 if tracker is None else tracker.redirect


@group.command("CLIENT TRACKINGINFO", flags=_CLIENT, since="6.2.0", reply=DEEP, varies="always")
def client_trackinginfo(ctx: Context) -> Any:
    """How this session tracks keys."""
    tracker = tracking.tracker_of(ctx.session)
    flags = [b"off"] if tracker is None else tracker.flags()
    return {
        b"flags": SetReply(flags),
        b"redirect": client_getredir(ctx),
        b"prefixes": [] if tracker is None else sorted(tracker.prefixes),
    }


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
