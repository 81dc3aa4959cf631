"""What scripts call: commands, and what the ACL allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.datatypes.numbers import format_float
from fakeredis.engine.command.command import NOSCRIPT, REPLICATES, WRITE, Command
from fakeredis.engine.core import dispatch, statistics, switches
from fakeredis.engine.core.replies import BLOCKED, SetReply, Status
from fakeredis.engine.core.road import Origin
from fakeredis.engine.features import acl
from fakeredis.engine.lua.runtime import SMALL
from fakeredis.engine.wording import clean
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.lua.frame import Frame

NO_ARGUMENTS: Final = "ERR Please specify at least one argument for this redis lib call"
BAD_ARGUMENTS: Final = "ERR Lua redis lib command arguments must be strings or integers"
UNKNOWN: Final = "ERR Unknown Redis command called from script"
BAD_ARITY: Final = "ERR Wrong number of args calling Redis command from script"
READ_ONLY: Final = "ERR Write commands are not allowed from read-only scripts."
_ACL_ARITY: Final = "ERR Wrong number of args for redis.acl_check_cmd()"
INVALID_ACL_COMMAND: Final = "ERR Invalid command passed to redis.acl_check_cmd()"
# What Valkey says instead.
VALKEY: Final = {
    UNKNOWN: "ERR Unknown command called from script",
    BAD_ARITY: "ERR Wrong number of args calling command from script",
    NO_ARGUMENTS: "ERR Please specify at least one argument for this call",
    BAD_ARGUMENTS: "ERR Command arguments must be strings or integers",
    INVALID_ACL_COMMAND: "ERR Invalid command passed to server.acl_check_cmd()",
}
VALKEY_9_1: Final = {
    **VALKEY, errors.NOT_FROM_SCRIPT: "ERR This Valkey command is not allowed from script",
}
# What Redis said before 7.0; the mark stands for the place of the call.
PLAIN: Final = {
    UNKNOWN: "@Unknown Redis command called from Lua script",
    BAD_ARITY: "@Wrong number of args calling Redis command From Lua script",
    NO_ARGUMENTS: "@Please specify at least one argument for redis.call()",
    BAD_ARGUMENTS: "@Lua redis() command arguments must be strings or integers",
    errors.NOT_FROM_SCRIPT: "@This Redis command is not allowed from scripts",
}
NOT_RUNNING: Final = b"ERR no script is running"
_EXACT: Final = 1 << 52  # whole numbers below this are written as such


def _words(argv: Sequence[Any]) -> list[bytes]:
    """The arguments of redis.call as bytes.

    Raises:
        CommandError: there are none, or one is neither string nor number.
    """
    if not argv:
        raise CommandError(NO_ARGUMENTS)
    return [
        value if type(value) is bytes
        else b"%d" % value if type(value) is int and -_EXACT < value < _EXACT
        else _number_word(value)
        for value in argv
    ]


def _number_word(value: Any) -> bytes:
    """An argument that is neither a text nor a whole number of usual size."""
    kind = type(value)
    if kind is float and math.isnan(value):
        return b"-nan" if math.copysign(1, value) < 0 else b"nan"
    if kind is int or kind is float:
        return format_float(float(value))
    raise CommandError(BAD_ARGUMENTS)


def _find(server: Server, words: Sequence[bytes]) -> Command:
    command = server.table.find(words[0])
    if command is not None and command.subcommands is not None and len(words) > 1:
        found = command.subcommands.get(words[1]) or command.subcommands.get(words[1].upper())
        if found is None and server.traits.lua_is_module:
            name = clean(words[1][:128])
            raise CommandError(errors.UNKNOWN_SUBCOMMAND % (name, command.name))
        command = found
    if command is None:
        raise CommandError(UNKNOWN)
    return command


def _allowed(frame: Frame, server: Server, words: Sequence[bytes]) -> Command:
    """The command that a script may call with these words.

    Checked in the server's order: name, number of words, whether scripts may, whether this one may.
    """
    interpreter = frame.interpreter
    assert interpreter is not None
    command = _find(server, words)
    if not command.accepts(len(words) - len(command.parts)):
        raise CommandError(BAD_ARITY)
    if command.flags & NOSCRIPT:
        if not server.scripts_call_all:
            raise CommandError(errors.NOT_FROM_SCRIPT)
        return server.wire_table.find(words[0]) or command  # DEBUG, with the types of its replies
    plain = len(command.parts) == 1 and command.subcommands is None
    if command.flags & (WRITE | REPLICATES):
        if frame.read_only:
            raise CommandError(READ_ONLY)
        _note_write(frame, command)
    elif plain:
        interpreter.readers[words[0]] = command
    if plain:
        interpreter.writers[words[0]] = command
    return command


def _note_write(frame: Frame, command: Command) -> None:
    """From now on no command of this script needs another look."""
    assert frame.interpreter is not None
    frame.known = frame.interpreter.writers
    if command.flags & WRITE:
        frame.wrote = True


def _count_failure(
    server: Server, ran: Command | None, words: Sequence[Any], error: CommandError
) -> None:
    """Tell the statistics of a call that failed, or that was refused before it ran."""
    if ran is not None:
        statistics.failed(server, ran, error)
        return
    try:
        refused = _find(server, words) if words and type(words[0]) is bytes else None
    except CommandError:
        refused = None
    statistics.rejected(server, refused, error)


def caller(frame: Frame) -> Callable[..., Any]:
    """The function behind redis.call: the reply, or None and an error text."""

    def call(*argv: Any) -> Any:
        session, interpreter = frame.session, frame.interpreter
        if session is None or interpreter is None or frame.crash is not None:
            return None, NOT_RUNNING
        words: Sequence[bytes] = argv
        command = ran = None
        try:
            for value in argv:
                if type(value) is not bytes:
                    words = _words(argv)
                    break
            command = frame.known.get(words[0]) if words else None
            if command is None and words and not frame.read_only:
                command = interpreter.writers.get(words[0])
                if command is not None:
                    _note_write(frame, command)
            server = session.server
            if command is None or not command.low < len(words) <= command.high + 1:
                words = _words(argv)
                command = _allowed(frame, server, words)
                args: Sequence[bytes] = words[len(command.parts) :]
                if not command.low <= len(args) <= command.high:
                    raise dispatch.reworded(session, CommandError(errors.ARITY % command.label))
            else:
                args = words[1:]
            ran = command
            if server.switched:
                args = dispatch.spelled(command, words)
                reply = session.go_on(Origin.SCRIPT, command, args)
            else:  # as `Session.invoke`, without another look at the arity
                server.calls[command] += 1
                ctx = session.ctx
                ctx.command, ctx.args = command, args
                parse = command.parse
                reply = command.handler(ctx, *(args if parse is None else parse(args)))
                shape = command.resp2 if session.protocol == 2 else command.resp3
                if shape is not None and reply is not BLOCKED:
                    reply = shape(reply)
            kind = type(reply)
            if kind is int or (kind is bytes and len(reply) < SMALL):
                return reply
            if kind is Status:
                return None, None, bytes(reply)
            if reply is None and frame.protocol == 2:
                return False
            if kind is list and frame.protocol == 3 and command.wire == "set":
                reply = SetReply(reply)
            return interpreter.values.given(reply)
        except CommandError as error:
            text = frame.counted = interpreter.dialect.get(str(error), str(error))
            _count_failure(session.server, ran, words, error)
            return None, text.encode("utf-8", "surrogateescape")
        except BaseException as error:  # raised again when the script has ended
            frame.crash = error
            return None, b"ERR internal error"

    return call


def acl_checker(frame: Frame) -> Callable[..., Any]:
    """The function behind redis.acl_check_cmd."""

    def check(*argv: Any) -> Any:
        session, interpreter = frame.session, frame.interpreter
        if session is None or interpreter is None:
            return None, NOT_RUNNING
        try:
            words = _words(argv)
            command = session.server.table.find(words[0])
            if command is not None and command.subcommands is not None and len(words) > 1:
                command = command.subcommands.get(words[1].lower())
            if command is None:
                raise CommandError(INVALID_ACL_COMMAND)
            if session.server.traits.counts_checked_words:
                words_behind = words[len(command.parts) :]
                if not command.accepts(len(words_behind)) or len(words_behind) > command.high:
                    raise CommandError(_ACL_ARITY)
            if not session.server.switched & switches.RESTRICTED:
                return True
            return acl.denial(session, command, words[len(command.parts) :]) is None
        except CommandError as error:
            return None, interpreter.dialect.get(str(error), str(error)).encode()

    return check
