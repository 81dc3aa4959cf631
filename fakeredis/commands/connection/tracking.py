"""CLIENT: pauses, and copies that clients keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fakeredis import errors
from fakeredis.commands.arguments import Flag, OneOf, Option, Options, Raw, Rest, Values, word_of
from fakeredis.commands.connection.common import BUSY_SINCE, CLIENT_FLAGS, group
from fakeredis.commands.registry import ADMIN, EACH_NODE, SERVER_WIDE
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.core.context import MAX_MILLISECONDS, Context
from fakeredis.engine.core.replies import DEEP, OK, SetReply
from fakeredis.engine.features import pause, tracking
from fakeredis.errors import CommandError


@group.command(
    "CLIENT PAUSE", Raw, Rest(), flags=CLIENT_FLAGS | ADMIN | SERVER_WIDE, since="3.0.0",
    form="timeout ^mode", names="timeout:integer [mode@6.2.0<WRITE|ALL>]",
)
def client_pause(ctx: Context, raw: bytes, rest: list[bytes]) -> Any:
    """Stop all commands, or writes only, for so many milliseconds: they wait."""
    if len(rest) > 1 and not ctx.traits.ignores_words:
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


@group.command("CLIENT UNPAUSE", flags=CLIENT_FLAGS | ADMIN | SERVER_WIDE, since="6.2.0")
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
    "CLIENT TRACKING", Raw, _TrackingOptions, flags=CLIENT_FLAGS | EACH_NODE, since="6.0.0",
    form="^switch {}",
    names=(
        "status<ON|OFF> [REDIRECT=client-id:integer] {prefixes} {broadcast} {opt_in} {opt_out} "
        "{no_loop}"
    ),
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


@group.command(
    "CLIENT CACHING", Raw, flags=CLIENT_FLAGS, since="6.0.0", form="^switch", names="mode<YES|NO>",
    flags_since=BUSY_SINCE,
)
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


@group.command(
    "CLIENT GETREDIR", flags=CLIENT_FLAGS, since="6.0.0", varies="always",
    flags_since=BUSY_SINCE,
)
def client_getredir(ctx: Context) -> int:
    """Which session hears of changes in place of this one; 0 for none, -1 without tracking."""
    tracker = tracking.tracker_of(ctx.session)
    return -1 if tracker is None else tracker.redirect


@group.command(
    "CLIENT TRACKINGINFO", flags=CLIENT_FLAGS, since="6.2.0", reply=DEEP, varies="always"
)
def client_trackinginfo(ctx: Context) -> Any:
    """How this session tracks keys."""
    tracker = tracking.tracker_of(ctx.session)
    flags = [b"off"] if tracker is None else tracker.flags()
    return {
        b"flags": SetReply(flags),
        b"redirect": client_getredir(ctx),
        b"prefixes": [] if tracker is None else sorted(tracker.prefixes),
    }
