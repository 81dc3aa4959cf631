"""Finding a command, and the guards between it and its handler, in the server's order.

A session's and a server's ``guard`` are sets of bits that say which guards may apply.  Both are 0
in the plain case, and nothing here is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine import wording
from fakeredis.engine.command.command import (
    ADMIN,
    ALLOW_BUSY,
    HEARD,
    NO_AUTH,
    NO_MULTI,
    READONLY,
    RUNS_QUEUE,
    SKIP_MONITOR,
    UNQUEUED,
    WHILE_SUBSCRIBED,
    Command,
)
from fakeredis.engine.core import statistics
from fakeredis.engine.core.guards import STORED as STORED
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY, QUEUED, Status
from fakeredis.engine.features import pause
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

# Bits of Session.guard
QUEUEING: Final = 1 << 0  # after MULTI
SUBSCRIBED: Final = 1 << 1  # RESP2 subscriber: few commands are allowed
UNAUTHENTICATED: Final = 1 << 2
CLOSED: Final = 1 << 3
REPLY_MODE: Final = 1 << 4  # CLIENT REPLY OFF or SKIP

# Bits of Server.guard
RECORDED: Final = 1 << 0  # a spy listens
MONITORED: Final = 1 << 1
DOWN: Final = 1 << 2
INTERCEPTED: Final = 1 << 3  # faults and delays that a test has set
RESTRICTED: Final = 1 << 4  # ACL rules other than the default user's
LEAVING: Final = 1 << 5  # sessions were closed in the middle of a command: see `Session.close`
PAUSED: Final = 1 << 6  # CLIENT PAUSE
TRACKED: Final = 1 << 7  # a session caches keys: see `fakeredis.engine.features.tracking`
TIMED: Final = 1 << 8  # commands are measured: see `fakeredis.engine.features.latency`
LIMITED: Final = 1 << 9  # maxmemory is set: see `fakeredis.engine.features.memory`
BUSY: Final = 1 << 10  # a script runs long: see `fakeredis.engine.lua.busy`
CLUSTERED: Final = 1 << 12  # the server is a node of a cluster
COUNTED: Final = 1 << 14  # HOTKEYS counts: see `fakeredis.engine.features.hotkeys`

_REDIRECTIONS: Final = frozenset({"MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN", "TRYAGAIN"})


def find(session: Session, argv: Sequence[bytes]) -> Command:
    """The command or subcommand that ``argv`` names, in any case.

    Raises:
        CommandError: there is none; a transaction that is being queued fails with it.
        ConnectionLost: the server is down or the session is closed.
    """
    command = session.table.find(argv[0])
    if command is None:
        raise _not_found(session, argv, unknown_to(session, argv))
    if command.subcommands is None or len(argv) < 2:
        return command
    found = command.subcommands.get(argv[1]) or command.subcommands.get(argv[1].upper())
    if found is None:
        if session.server.traits.older_errors:
            return wording.unknown_subcommand(command)  # there is none: seen when it runs
        name = wording.clean(argv[1][:128])
        error = CommandError(errors.UNKNOWN_SUBCOMMAND % (name, command.name))
        raise _not_found(session, argv, error)
    return found


def _not_found(session: Session, argv: Sequence[bytes], error: CommandError) -> CommandError:
    with session.server.lock:
        check_connection(session)
        name = wording.clean(argv[0]).upper()
        return rejected(session, error, name, argv)


def check_connection(session: Session) -> None:
    """Refuse sessions that are closed, and everything while the server is down.

    Raises:
        ConnectionLost: it is so.
    """
    if session.guard & CLOSED or session.server.guard & DOWN:
        raise ConnectionLost("Connection closed by server.")


def unknown_to(session: Session, argv: Sequence[bytes]) -> CommandError:
    """The same, as a session's server words it."""
    if not session.server.traits.older_errors:
        return wording.unknown_command(argv)
    return wording.legacy_unknown_command(argv)


def reworded(session: Session, error: CommandError) -> CommandError:
    """An error in the words of the server that is imitated."""
    if not session.server.traits.older_errors:
        return error
    return wording.reword(error, session.server.is_clustered)


def rejected(
    session: Session, error: CommandError, name: str, argv: Sequence[bytes],
    command: Command | None = None,
) -> CommandError:
    """Note that a command was refused before it ran, which fails a transaction being queued.

    An EXEC that is refused ends its transaction, and says so.
    """
    if command is not None and command.flags & RUNS_QUEUE:
        session.reset_transaction()
        session.unwatch()
        if str(error).partition(" ")[0] not in _REDIRECTIONS:
            error = CommandError(errors.EXEC_REJECTED % str(error).removeprefix("ERR "))
    elif session.guard & QUEUEING:
        session.queue_failed = True
    statistics.rejected(session.server, command, error)
    if session.server.guard & TRACKED:
        session.server.extra["tracking"].forget_caching(session)
    recorder = session.server.recorder
    if recorder is not None:
        recorder.end(recorder.begin(session, name, argv), None, error)
    return error


def wrong_arity(session: Session, command: Command, args: Sequence[bytes]) -> CommandError:
    """The error for a wrong number of arguments."""
    error = reworded(session, CommandError(errors.ARITY % command.label))
    if command.accepts(len(args)):  # by what COMMAND INFO says: then the server's command has run
        session.server.calls[command] += 1
        statistics.failed(session.server, command, error)
        error.settled = True
    return rejected(session, error, command.name, [*command.parts, *args], command)


def guarded(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Run a command past all guards; the lock is held."""
    check_connection(session)
    if session.server.guard & LEAVING:
        session.server.release_sessions()
    if session.guard & REPLY_MODE:
        return _muted(session, command, args)
    return _guarded(session, command, args)


def _guarded(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    server = session.server
    error = _refusal(session, command, args)
    if error is not None:
        raise rejected(session, error, command.name, [*command.parts, *args], command)
    if server.guard & INTERCEPTED:
        _intercept(session, command, args)
    if server.guard & PAUSED and pause.applies(session, command, args):
        return pause.postpone(session, command, args)
    if session.guard & QUEUEING and not command.flags & UNQUEUED:
        if session.method is not None and type(args) is Spelled:
            args.method = session.method
        session.queue.append((command, args))
        return QUEUED
    return observed(session, command, args, session.run)


def _intercept(session: Session, command: Command, args: Sequence[bytes]) -> None:
    """Let a test's faults have their turn; what they refuse is recorded as any refusal is."""
    try:
        session.server.intercept(session, command, args)
    except CommandError as error:
        argv = [*command.parts, *args]
        raise rejected(session, error, command.name, argv, command) from None
    except Exception as error:  # the connection breaks: the client's own exception
        recorder = session.server.recorder
        if recorder is not None:
            record = recorder.begin(session, command.name, [*command.parts, *args])
            recorder.end(record, None, error)
        raise


def _refusal(session: Session, command: Command, args: Sequence[bytes]) -> CommandError | None:
    """Why a command may not run now; None when it may."""
    if not command.accepts(len(args)):
        return reworded(session, CommandError(errors.ARITY % command.label))
    guard = session.guard
    if guard & UNAUTHENTICATED and not command.flags & NO_AUTH:
        if session.server.closed_by_default:
            return CommandError(errors.NO_AUTH)
    if guard & QUEUEING and command.flags & NO_MULTI:
        return CommandError(errors.NOT_IN_MULTI)
    if session.server.guard & RESTRICTED:
        try:
            session.server.check_permissions(session, command, args)
        except CommandError as error:
            return reworded(session, error)
    if session.server.guard & CLUSTERED:
        from fakeredis.engine.cluster import cluster

        refusal = cluster.refusal(session, command, args)
        if refusal is not None:
            return refusal
    if session.server.guard & LIMITED:
        from fakeredis.engine.features import memory

        refusal = memory.refusal(session, command, args)
        if refusal is not None:
            return refusal
    if guard & SUBSCRIBED and session.protocol == 2 and not command.flags & WHILE_SUBSCRIBED:
        return reworded(session, CommandError(errors.SUBSCRIBED_ONLY % command.label))
    if session.server.guard & MONITORED and session in session.server.monitors:
        if command.flags & READONLY or pause.may_write(session, command, args):
            return CommandError(errors.MONITOR_ONLY)
    if session.server.guard & BUSY and not command.flags & ALLOW_BUSY:
        from fakeredis.engine.lua import busy

        return busy.busy_error(session.server)
    return None


def unheard(session: Session) -> Any:
    """What becomes of an error after CLIENT REPLY OFF or SKIP."""
    if session.reply_mode == "SKIP":
        session.reply_mode = "ON"
        session.guard &= ~REPLY_MODE
    return NO_REPLY


def _muted(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Run a command after CLIENT REPLY OFF or SKIP: nobody hears its reply."""
    if session.reply_mode == "SKIP":
        session.reply_mode = "ON"
        session.guard &= ~REPLY_MODE
    try:
        reply = _guarded(session, command, args)
    except CommandError as error:
        statistics.failed(session.server, command, error)
        return NO_REPLY
    # CLIENT REPLY ON is heard: it takes effect before it replies.
    return reply if reply is BLOCKED or command.flags & HEARD else NO_REPLY


def observed(
    session: Session, command: Command, args: Sequence[bytes],
    run: Callable[[Command, Sequence[bytes]], Any],
) -> Any:
    """Run a command before the eyes of MONITOR, of a spy and of caches, where there are any."""
    server = session.server
    if server.guard & TIMED:
        run = _timed(session, run)
    if server.guard & STORED:
        run = _kept(server, run)
    if server.guard & TRACKED:
        run = tracked(session, run)
    if server.guard & COUNTED:
        run = _counted(session, run)
    if server.guard & MONITORED and not command.flags & ADMIN:
        run = _fed(session, run)
    if not server.guard & RECORDED:
        return run(command, args)
    reply = recorded(session, command, args, run)
    if type(reply) is CommandError:
        raise reply
    return reply


def _fed(
    session: Session, run: Callable[[Command, Sequence[bytes]], Any]
) -> Callable[[Command, Sequence[bytes]], Any]:
    """How to run a command that MONITOR shows: when it has ended, but scripts before they run."""

    def then_feed(command: Command, args: Sequence[bytes]) -> Any:
        if command.flags & SKIP_MONITOR:  # the script shows itself
            feed_monitors(session.server, session, command, args)
            return run(command, args)
        try:
            return run(command, args)
        finally:
            feed_monitors(session.server, session, command, args)

    return then_feed


def _timed(
    session: Session, run: Callable[[Command, Sequence[bytes]], Any]
) -> Callable[[Command, Sequence[bytes]], Any]:
    """How to run a command while the server measures."""
    from fakeredis.engine.features import latency

    return latency.timed(session, run)


def tracked(
    session: Session, run: Callable[[Command, Sequence[bytes]], Any]
) -> Callable[[Command, Sequence[bytes]], Any]:
    """How to run a command while sessions track."""
    state = session.server.extra["tracking"]
    return lambda command, args: state.run(session, command, args, run)


def _counted(
    session: Session, run: Callable[[Command, Sequence[bytes]], Any]
) -> Callable[[Command, Sequence[bytes]], Any]:
    """How to run a command while HOTKEYS counts."""
    collection = session.server.extra["hotkeys"]
    return lambda command, args: collection.run(session, command, args, run)
def _kept(
    server: Server, run: Callable[[Command, Sequence[bytes]], Any]
) -> Callable[[Command, Sequence[bytes]], Any]:
    """How to run a command when a store keeps what it changes."""
    keeper = server.keeper
    assert keeper is not None
    return lambda command, args: keeper.run(command, args, run)


def queued(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Run a command of a transaction that is watched somehow; what it may do is asked again.

    Raises:
        CommandError: the reply is an error.
    """
    server = session.server
    if server.guard & RESTRICTED:
        try:
            server.check_permissions(session, command, args)
        except CommandError as error:
            statistics.failed(server, server.table.queue_runner, error)
            error.settled = True  # it is EXEC that has failed
            raise
    session.method = getattr(args, "method", None)
    return observed(session, command, args, session.invoke)


def recorded(
    session: Session, command: Command, args: Sequence[bytes],
    run: Callable[[Command, Sequence[bytes]], Any],
) -> Any:
    """Run a command while a spy listens; an error is returned."""
    recorder = session.server.recorder
    assert recorder is not None
    record = recorder.begin(session, command.name, [*command.parts, *args])
    try:
        reply = run(command, args)
    except CommandError as error:
        recorder.end(record, None, error)
        return error
    if reply is BLOCKED:
        assert session.wait is not None
        session.wait.recording = record
    else:
        recorder.end(record, reply, None)
    return reply


def feed_monitors(
    server: Server, session: Session, command: Command, args: Sequence[bytes]
) -> None:
    """Show a command to the sessions in MONITOR."""
    shown = shown_words(command, args)
    words = b" ".join(b'"' + escape(word) + b'"' for word in shown)
    source = "lua" if session.via == "script" else session.address
    head = f"{server.clock.seconds():.6f} [{session.db} {source}] ".encode()
    for monitor in list(server.monitors):
        monitor.push(Status(head + words))


class Spelled(list[bytes]):
    """Arguments that know how their command's name was written."""

    __slots__ = ("method", "name")
    name: Sequence[bytes]
    method: Any  # the client's that queued it in a transaction, for the spy


def spelled(command: Command, argv: Sequence[bytes]) -> Spelled:
    """The arguments among all words, for those who will be shown the others too."""
    words = len(command.parts)
    args = Spelled(argv[words:])
    args.name = argv[:words]
    return args


def shown_words(command: Command, args: Sequence[bytes]) -> list[bytes]:
    """A command as MONITOR and the slow log show it: as it was written, without its secrets."""
    name = args.name if type(args) is Spelled else command.parts
    return [*name, *_without_secrets(command, args)]


def _without_secrets(command: Command, args: Sequence[bytes]) -> Sequence[bytes]:
    """A command's arguments with its users and passwords made unreadable."""
    secrets = command.declaration.secrets
    if secrets is None:
        return args
    if not secrets.words:
        return [_REDACTED] * len(args)
    shown = list(args)
    for at, word in enumerate(args[:-1]):
        count = secrets.words.get(word.upper(), 0) if at >= secrets.start else 0
        if count and at + count < len(args):
            shown[at + 1 : at + 1 + count] = [_REDACTED] * count
    return shown


_REDACTED: Final = b"(redacted)"
_ESCAPES: Final = {
    ord("\\"): b"\\\\", ord('"'): b'\\"', ord("\n"): b"\\n", ord("\r"): b"\\r", ord("\t"): b"\\t",
    7: b"\\a", 8: b"\\b",
}  # fmt: skip


def escape(raw: bytes) -> bytes:
    """Bytes as the server quotes them in MONITOR and elsewhere."""
    return b"".join(
        _ESCAPES.get(byte) or (bytes((byte,)) if 32 <= byte < 127 else b"\\x%02x" % byte)
        for byte in raw
    )


def help_reply(name: str, lines: Sequence[str]) -> list[Status]:
    """The reply of a container's HELP."""
    head = f"{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    return [Status(line.encode()) for line in (head, *lines, "HELP", "    Print this help.")]
