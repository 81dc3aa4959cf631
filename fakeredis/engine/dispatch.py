"""Finding a command, and the guards between it and its handler, in the server's order.

A session's and a server's ``guard`` are sets of bits that say which guards may apply.  Both are 0 in
the plain case, and nothing here is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.registry import NO_AUTH, NO_MULTI, SKIP_MONITOR, Command
from fakeredis.engine.replies import BLOCKED, NO_REPLY, QUEUED, Status
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.server import Server
    from fakeredis.engine.session import Session

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

_RUN_IN_MULTI: Final = frozenset({"EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET"})
_RUN_SUBSCRIBED: Final = frozenset({
    "PING", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE",
    "SUNSUBSCRIBE", "QUIT", "RESET",
})  # fmt: skip


def find(session: Session, argv: Sequence[bytes]) -> Command:
    """The command or subcommand that ``argv`` names, in any case.

    Raises:
        CommandError: there is none; a transaction that is being queued fails with it.
    """
    command = session.server.table.find(argv[0])
    if command is None:
        raise rejected(session, unknown_command(argv))
    if command.subcommands is None or len(argv) < 2:
        return command
    found = command.subcommands.get(argv[1]) or command.subcommands.get(argv[1].upper())
    if found is None:
        name = clean(argv[1][:128])
        raise rejected(session, CommandError(errors.UNKNOWN_SUBCOMMAND % (name, command.name)))
    return found


def unknown_command(argv: Sequence[bytes]) -> CommandError:
    """The error that quotes a command's name and first arguments, cut as the server cuts them."""
    quoted = ""
    for arg in argv[1:]:
        if len(quoted) >= 128:
            break
        quoted += f"'{clean(arg[: 128 - len(quoted)])}' "
    return CommandError(errors.UNKNOWN_COMMAND % (clean(argv[0][:128]), quoted))


def clean(raw: bytes) -> str:
    """Bytes as text that fits into one error line."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ").decode("utf-8", "surrogateescape")


def rejected(session: Session, error: CommandError) -> CommandError:
    """Note that a command was refused before it ran, which fails a transaction being queued."""
    if session.guard & QUEUEING:
        session.queue_failed = True
    return error


def guarded(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Run a command past all guards; the lock is held."""
    server = session.server
    if session.guard & CLOSED or server.guard & DOWN:
        raise ConnectionLost("Connection closed by server.")
    _admit(session, command, args)
    if server.guard & INTERCEPTED:
        server.intercept(session, command, args)
    if session.guard & QUEUEING and command.name not in _RUN_IN_MULTI:
        session.queue.append((command, args))
        return _replied(session, QUEUED)
    if server.guard & MONITORED and not command.flags & SKIP_MONITOR:
        feed_monitors(server, session, command, args)
    if server.guard & RECORDED:
        return _replied(session, recorded(session, command, args, session.run))
    try:
        return _replied(session, session.run(command, args))
    except CommandError as error:
        return _replied(session, error)


def _admit(session: Session, command: Command, args: Sequence[bytes]) -> None:
    """Refuse what may not run now."""
    if not command.low <= len(args) <= command.high:
        raise rejected(session, CommandError(errors.ARITY % command.label))
    guard = session.guard
    if guard & UNAUTHENTICATED and not command.flags & NO_AUTH:
        raise rejected(session, CommandError(errors.NO_AUTH))
    if guard & QUEUEING and command.flags & NO_MULTI:
        raise rejected(session, CommandError(errors.NOT_IN_MULTI))
    if session.server.guard & RESTRICTED:
        session.server.check_permissions(session, command, args)
    if guard & SUBSCRIBED and session.protocol == 2 and command.name not in _RUN_SUBSCRIBED:
        raise rejected(session, CommandError(errors.SUBSCRIBED_ONLY % command.label))


def _replied(session: Session, reply: Any) -> Any:
    """The reply, or nothing after CLIENT REPLY OFF or SKIP."""
    mode = session.reply_mode
    if mode != "ON" and reply is not BLOCKED:
        if mode == "SKIP NEXT":
            session.reply_mode = "SKIP"
        elif mode == "SKIP":
            session.reply_mode = "ON"
            session.guard &= ~REPLY_MODE
        return NO_REPLY
    if isinstance(reply, CommandError):
        raise reply
    return reply


def recorded(
    session: Session, command: Command, args: Sequence[bytes],
    run: Callable[[Command, Sequence[bytes]], Any],
) -> Any:
    """Run a command while a spy listens; an error is returned, for `_replied` to raise."""
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
    words = b" ".join(b'"' + escape(word) + b'"' for word in (*command.parts, *args))
    source = "lua" if session.via == "script" else session.address
    head = f"{server.clock.seconds():.6f} [{session.db} {source}] ".encode()
    for monitor in list(server.monitors):
        monitor.push(Status(head + words))


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
