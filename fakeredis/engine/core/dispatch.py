"""Finding a command, and refusing it; and how commands are shown to others.

What lies between a command and its handler is in `fakeredis.engine.core.road`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine import wording
from fakeredis.engine.command.command import RUNS_QUEUE, Command
from fakeredis.engine.core import statistics, switches
from fakeredis.engine.core.replies import NO_REPLY, Status
from fakeredis.engine.core.words import Spelled
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session

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
        if must_authenticate_first(session):
            error = CommandError(errors.NO_AUTH)
        return rejected(session, error, name, argv)


def must_authenticate_first(session: Session) -> bool:
    """Whether a session must authenticate before it hears what is wrong with its words."""
    server = session.server
    return bool(
        session.switched & switches.UNAUTHENTICATED and server.closed_by_default
        and server.traits.auth_first
    )


def check_connection(session: Session) -> None:
    """Refuse sessions that are closed, and everything while the server is down.

    Raises:
        ConnectionLost: it is so.
    """
    if session.switched & switches.CLOSED or session.server.switched & switches.DOWN:
        raise ConnectionLost("Connection closed by server.")


def unknown_to(session: Session, argv: Sequence[bytes]) -> CommandError:
    """The error for a command that there is none of, as a session's server words it."""
    if not session.server.traits.older_errors:
        return wording.unknown_command(argv, session.server.traits.brief_unknown)
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
    elif session.switched & switches.QUEUEING:
        session.queue_failed = True
    statistics.rejected(session.server, command, error)
    if session.server.tracking is not None:
        session.server.tracking.forget_caching(session)
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


def unheard(session: Session) -> Any:
    """What becomes of an error after CLIENT REPLY OFF or SKIP."""
    if session.reply_mode == "SKIP":
        session.reply_mode = "ON"
        session.switched &= ~switches.REPLY_MODE
    return NO_REPLY


def intercepted(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """The gate of a test's faults; what breaks the connection is recorded as a refusal is.

    Raises:
        Exception: what a test has ordered that is no reply.
    """
    server = session.server
    try:
        for interceptor in server.interceptors:
            interceptor(session, command, args)
    except CommandError as error:
        return error
    except Exception as error:  # the connection breaks: the client's own exception
        if server.recorder is not None:
            record = server.recorder.begin(session, command.name, [*command.parts, *args])
            server.recorder.end(record, None, error)
        raise
    return None


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
}


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
