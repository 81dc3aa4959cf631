"""The road of a command: the gates that it passes, and the layers around the run itself.

`GATES` and `LAYERS` are in the server's order, with the origins of commands that meet them. What
is on (a server's and a session's ``switched``) is compiled into one callable, which is kept until a
switch moves; where nothing is, a command takes none at all.

A feature that is switched on brings what its places need, as a `Check` (`Server.switch_on`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis import errors
from fakeredis.engine.command.command import (
    HEARD,
    NO_AUTH,
    NO_MULTI,
    UNQUEUED,
    WHILE_SUBSCRIBED,
    Command,
)
from fakeredis.engine.core import dispatch, statistics, switches
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY, QUEUED
from fakeredis.engine.core.words import Spelled
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

# Runs a command of a session; gives its reply, or raises its error.
Go = Callable[["Session", Command, Sequence[bytes]], Any]
# What a command meets first: None lets it go on, an error refuses it, a reply is its reply.
Gate = Callable[["Session", Command, Sequence[bytes]], Any]


class Origin(str, Enum):
    """Where a command comes from."""

    CLIENT = "a client"
    EXEC = "a transaction"  # queued by MULTI, it runs now
    SCRIPT = "a script"
    RETRY = "a wait"  # it had to wait, and runs again
    FORWARDED = "a client, elsewhere"  # where a store has commands run at another server


# What a layer makes of the rest of the road.
Layer = Callable[["Server", Origin, Go], Go]
CLIENT, EXEC, SCRIPT, RETRY, FORWARDED = Origin


class Check(NamedTuple):
    """What a feature adds to the road while it is switched on."""

    gates: Mapping[Origin, Gate] = {}
    layer: Layer | None = None


class Place(NamedTuple):
    """A place on the road."""

    name: str
    switch: int  # which bit of `switches` opens it
    origins: frozenset[Origin]


def _place(name: str, switch: int, *origins: Origin) -> Place:
    return Place(name, switch, frozenset(origins))


# In the server's order. What a store plays anew ("replay") meets none of them.
GATES: Final = (
    _place("authentication", switches.UNAUTHENTICATED, CLIENT),
    _place("not in MULTI", switches.QUEUEING, CLIENT),
    _place("permissions", switches.RESTRICTED, CLIENT, EXEC, SCRIPT, RETRY),
    _place("slots", switches.CLUSTERED, CLIENT, SCRIPT),
    _place("memory", switches.LIMITED, CLIENT, SCRIPT),
    _place("missing replicas", switches.GUARDED, CLIENT, SCRIPT),
    _place("replica", switches.FOLLOWING, CLIENT, SCRIPT),
    _place("subscriber mode", switches.SUBSCRIBED, CLIENT),
    _place("stale data", switches.STALE, CLIENT),
    _place("monitoring", switches.MONITORED, CLIENT),
    _place("long script", switches.BUSY, CLIENT),
    _place("faults", switches.INTERCEPTED, CLIENT, FORWARDED),
    _place("pause", switches.PAUSED, CLIENT),
    _place("queue", switches.QUEUEING, CLIENT),
)
# The outermost first.
LAYERS: Final = (
    _place("spy", switches.RECORDED, CLIENT, EXEC, SCRIPT, FORWARDED),
    _place("monitors", switches.MONITORED, CLIENT, EXEC, SCRIPT),
    _place("hot keys", switches.COUNTED, CLIENT, EXEC, SCRIPT),
    _place("tracking", switches.TRACKED, CLIENT, EXEC, SCRIPT, RETRY),
    _place("replicas", switches.REPLICATED, CLIENT, EXEC, SCRIPT, RETRY),
    _place("store", switches.STORED, CLIENT),
    _place("latency", switches.TIMED, CLIENT, EXEC, SCRIPT, RETRY),
)


def client_road(server: Server, state: int, run: Go) -> Go:
    """The road of what clients send, for sessions with this ``switched``; kept for the next."""
    roads = server.client_roads  # a finalizer may move a switch meanwhile: then there are others
    go = roads[state] = _client_road(server, server.switched | state, run)
    return go


def _client_road(server: Server, on: int, run: Go) -> Go:
    gates = _gates(server, CLIENT, on)
    go = _layered(server, CLIENT, on, run)
    if gates:
        go = _entrance(gates, go)
    return _framed(on, go)


def _framed(on: int, go: Go) -> Go:
    """With what comes before all gates."""
    if on & (switches.CLOSED | switches.DOWN):
        return _lost
    if on & switches.REPLY_MODE:
        go = _muted(go)
    return _after_leaving(go) if on & switches.LEAVING else go


def miscounted(session: Session, command: Command, args: Sequence[bytes], run: Go) -> Any:
    """Refuse a client's command that has too few or too many arguments, before all gates.

    What COMMAND INFO's arity allows goes on: its handler refuses it, when it runs.

    Raises:
        CommandError: it is refused.
        ConnectionLost: nobody is there any more.
    """
    go = client_road(session.server, session.switched, run)
    if not command.accepts(len(args)):
        go = _framed(session.server.switched | session.switched, _wrong_count)
    return go(session, command, args)


def _wrong_count(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    error = dispatch.reworded(session, CommandError(errors.ARITY % command.label))
    if not command.flags & NO_AUTH and dispatch.must_authenticate_first(session):
        error = CommandError(errors.NO_AUTH)
    raise _refused(session, command, args, error)


def inner_road(server: Server, origin: Origin, run: Go) -> Go:
    """The road of a command inside another one, which `refuse` has no part in; kept likewise."""
    roads = server.inner_roads
    gates = _gates(server, origin, server.switched)
    go = _layered(server, origin, server.switched, run)
    if gates:
        go = _checkpoint(gates, go, _REFUSE[origin])
    roads[origin] = go
    return go


def forwarded_road(server: Server, queued: bool, run: Go) -> Go:
    """The road of what clients send to a server whose commands run elsewhere; kept likewise.

    Args:
        queued: whether it joins a transaction there: the layers are for what runs.
    """
    gates = _gates(server, FORWARDED, server.switched)
    go = run if queued else _layered(server, FORWARDED, server.switched, run)
    if gates:
        go = _checkpoint(gates, go, _no_statistics)
    server.client_roads[queued] = go
    return go


def _gates(server: Server, origin: Origin, on: int) -> list[Gate]:
    found: list[Gate] = []
    checks = server.checks
    for place in GATES:
        if on & place.switch and origin in place.origins:
            own = _OWN.get(place.name)
            check = checks.get(place.switch)
            if own is not None:
                found.append(own)
            elif check is not None:
                found.append(check.gates[origin])
    return found


def _layered(server: Server, origin: Origin, on: int, go: Go) -> Go:
    checks = server.checks
    for place in reversed(LAYERS):
        if on & place.switch and origin in place.origins:
            check = checks.get(place.switch)
            if check is not None and check.layer is not None:
                go = check.layer(server, origin, go)
    return go


# Gates that belong to sessions -------------------------------------------------------------------


def _authentication(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    if command.flags & NO_AUTH or not session.server.closed_by_default:
        return None
    return CommandError(errors.NO_AUTH)


def _not_in_multi(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    if not command.flags & NO_MULTI:
        return None
    if session.server.traits.refusals_name:
        return CommandError(errors.NAMED_NOT_IN_MULTI % command.label)
    return CommandError(errors.NOT_IN_MULTI)


def _subscriber_mode(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    if session.protocol != 2 or command.flags & WHILE_SUBSCRIBED:
        return None
    return dispatch.reworded(session, CommandError(errors.SUBSCRIBED_ONLY % command.label))


def _queue(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    if command.flags & UNQUEUED:
        return None
    if session.method is not None and type(args) is Spelled:
        args.method = session.method
    session.queue.append((command, args))
    return QUEUED


_OWN: Final[dict[str, Gate]] = {
    "authentication": _authentication, "not in MULTI": _not_in_multi,
    "subscriber mode": _subscriber_mode, "queue": _queue,
}


# Ways past the gates -----------------------------------------------------------------------------


def _entrance(gates: Sequence[Gate], go: Go) -> Go:
    """Where a client's command begins, its number of arguments being right."""

    def enter(session: Session, command: Command, args: Sequence[bytes]) -> Any:
        for gate in gates:
            answer = gate(session, command, args)
            if answer is not None:
                if isinstance(answer, CommandError):
                    raise _refused(session, command, args, answer)
                return answer
        return go(session, command, args)

    return enter


def _refused(
    session: Session, command: Command, args: Sequence[bytes], error: CommandError
) -> CommandError:
    return dispatch.rejected(session, error, command.name, [*command.parts, *args], command)


def _checkpoint(
    gates: Sequence[Gate], go: Go, refuse: Callable[[Server, Command, CommandError], None]
) -> Go:
    """Where a command inside another one begins."""

    def enter(session: Session, command: Command, args: Sequence[bytes]) -> Any:
        for gate in gates:
            error = gate(session, command, args)
            if error is not None:
                refuse(session.server, command, error)
                raise error
        return go(session, command, args)

    return enter


def _exec_has_failed(server: Server, command: Command, error: CommandError) -> None:
    statistics.failed(server, server.table.queue_runner, error)
    error.settled = True


def _no_statistics(server: Server, command: Command, error: CommandError) -> None:
    """They are the other server's."""


_REFUSE: Final[dict[Origin, Callable[[Server, Command, CommandError], None]]] = {
    EXEC: _exec_has_failed, SCRIPT: statistics.rejected, RETRY: statistics.rejected,
}


def _lost(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Nobody is there any more."""
    raise ConnectionLost("Connection closed by server.")


def _after_leaving(go: Go) -> Go:
    """What is put off when sessions are closed in the middle of a command comes first."""

    def run(session: Session, command: Command, args: Sequence[bytes]) -> Any:
        session.server.release_sessions()
        return go(session, command, args)

    return run


def _muted(go: Go) -> Go:
    """After CLIENT REPLY OFF or SKIP: nobody hears the reply."""

    def run(session: Session, command: Command, args: Sequence[bytes]) -> Any:
        if session.reply_mode == "SKIP":
            session.reply_mode = "ON"
            session.switched &= ~switches.REPLY_MODE
        try:
            reply = go(session, command, args)
        except CommandError as error:
            statistics.failed(session.server, command, error)
            return NO_REPLY
        # CLIENT REPLY ON is heard: it takes effect before it replies.
        return reply if reply is BLOCKED or command.flags & HEARD else NO_REPLY

    return run
