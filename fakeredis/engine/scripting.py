"""Lua scripts: the interpreter, the way into it and out of it.

A server has one interpreter, made by its first script.  ``sandbox.lua`` builds what scripts see.
Python is called through a few functions that only the sandbox's own closures can reach; they
return plain data and never raise, because an exception on its way through Lua would be an object
in a script's hands.  The interpreter refers to no server: Lua keeps alive what it was given, and
Python's garbage collector cannot look inside.

Scripts have no time limit: an endless loop in one never ends.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.registry import NOSCRIPT, WRITE, Command
from fakeredis.datatypes.numbers import format_float
from fakeredis.engine import acl, blocking, cluster, dispatch, script_libraries, statistics
from fakeredis.engine.replies import BigNumber, SetReply, Status, Verbatim
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.server import Server
    from fakeredis.engine.session import Session

MISSING_LUPA: Final = (
    "ERR scripts need the Python package 'lupa' (pip install lupa): no Lua interpreter is installed"
)
NO_SCRIPT: Final = "NOSCRIPT No matching script. Please use EVAL."
NO_ARGUMENTS: Final = "ERR Please specify at least one argument for this redis lib call"
BAD_ARGUMENTS: Final = "ERR Lua redis lib command arguments must be strings or integers"
UNKNOWN: Final = "ERR Unknown Redis command called from script"
BAD_ARITY: Final = "ERR Wrong number of args calling Redis command from script"
READ_ONLY: Final = "ERR Write commands are not allowed from read-only scripts."
NOT_COMPILED: Final = "ERR Error compiling script (new function): %s"
INVALID_ACL_COMMAND: Final = "ERR Invalid command passed to redis.acl_check_cmd()"

_MAY_WRITE: Final = frozenset({"PUBLISH", "SPUBLISH", "PFCOUNT"})
_ON_STACK: Final = 200  # more keys and arguments than this are handed over as tables
_NOT_A_NUMBER: Final = -(1 << 63)  # what the server makes of NaN, infinities and beyond
_FLAGS: Final = frozenset(
    {"no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"}
)


class Script:
    """A script that compiled."""

    __slots__ = ("sha", "source", "function", "read_only")

    def __init__(self, sha: bytes, source: bytes, function: Any, read_only: bool) -> None:
        self.sha = sha
        self.source = source
        self.function = function
        self.read_only = read_only


class _Frame:
    """The script that runs now; everything is None in between."""

    __slots__ = ("session", "scripting", "read_only", "protocol", "crash", "counted")

    def __init__(self) -> None:
        self.counted: str | None = None  # an error that the statistics know already
        self.session: Session | None = None
        self.scripting: Scripting | None = None
        self.read_only = False
        self.protocol = 2
        self.crash: BaseException | None = None


class Scripting:
    """The scripts of one server, and its interpreter."""

    __slots__ = (
        "scripts", "readers", "writers", "_frame", "_table", "_compile", "_run", "_run_with",
        "_classify", "_flat", "_raw_get", "_type_of", "__weakref__",
    )  # fmt: skip

    def __init__(self, server: Server) -> None:
        self.scripts: dict[bytes, Script] = {}
        # Commands by names that scripts used: those that any may call, those that some may.
        self.readers: dict[bytes, Command] = {}
        self.writers: dict[bytes, Command] = {}
        self._frame = _Frame()
        runtime, self._type_of = _new_runtime()
        self._table = runtime.table_from
        sandbox = runtime.compile(_SANDBOX.read_bytes(), name=b"=sandbox")
        (
            self._compile, self._run, self._run_with, self._classify, self._flat, self._raw_get,
        ) = sandbox(
            _caller(self._frame), _sha1hex, script_libraries.bit_operation,
            script_libraries.pack_number, script_libraries.unpack_number,
            script_libraries.struct_call, script_libraries.without_tail_calls,
            self._facts(server),
        )  # fmt: skip

    def _facts(self, server: Server) -> Any:
        major, minor, patch = server.profile.version
        frame = self._frame

        def set_protocol(version: float) -> None:
            frame.protocol = int(version)
            if frame.session is not None:
                frame.session.protocol = frame.protocol

        return self._table({
            b"version": server.profile.version_text.encode(),
            b"version_number": major << 16 | minor << 8 | patch,
            b"setresp": set_protocol, b"acl_check": _acl_checker(frame),
        })  # fmt: skip

    # Scripts --------------------------------------------------------------------------------

    def load(self, source: bytes) -> Script:
        """The script of a source text, compiled when it is new.

        Raises:
            CommandError: it does not compile.
        """
        sha = _sha1hex(source)
        script = self.scripts.get(sha)
        if script is None:
            body, read_only = without_shebang(source)
            compiled = self._compile(body)
            if type(compiled) is tuple:
                raise CommandError(_one_line(NOT_COMPILED % _text(compiled[1])))
            script = self.scripts[sha] = Script(sha, source, compiled, read_only)
        return script

    def find(self, sha: bytes) -> Script:
        """The script of a SHA1.

        Raises:
            CommandError: NOSCRIPT.
        """
        script = self.scripts.get(sha) or self.scripts.get(sha.lower())
        if script is None:
            raise CommandError(NO_SCRIPT)
        return script

    def run(
        self, session: Session, script: Script, words: Sequence[bytes], keys: int, read_only: bool
    ) -> Any:
        """Run a script; ``words`` are its keys, ``keys`` of them, and its arguments.

        Raises:
            CommandError: the script failed; what it changed before stays changed.
        """
        frame, ctx = self._frame, session.ctx
        if frame.session is not None:
            raise CommandError(errors.NOT_FROM_SCRIPT)
        protocol, db, command, args = session.protocol, ctx.db, ctx.command, ctx.args
        via, deny_blocking = session.via, session.deny_blocking
        frame.session, frame.scripting = session, self
        frame.read_only = read_only or script.read_only
        frame.protocol = session.protocol = 2
        session.via, session.deny_blocking = "script", True
        try:
            if len(words) <= _ON_STACK:
                result = self._run(script.function, keys, *words)
            else:
                result = self._run_with(
                    script.function, self._table(words[:keys]), self._table(words[keys:])
                )
        finally:
            crash, frame.crash = frame.crash, None
            frame.session = frame.scripting = None
            session.protocol, session.via, session.deny_blocking = protocol, via, deny_blocking
            ctx.db, ctx.command, ctx.args = db, command, args
        if crash is not None:
            raise crash
        if type(result) is not tuple:  # no value at all
            return None
        value = result[1]
        if result[0] is not True:
            raise self._failure(session, script, result)
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            return value
        reply = self._reply(value, frame.protocol == 3)
        if type(reply) is CommandError:
            reply.counted = str(reply) == frame.counted
            raise reply
        return reply

    def _failure(
        self, session: Session, script: Script, result: tuple[Any, ...]
    ) -> CommandError:
        """The error reply that names the script and the line."""
        if session.collected is None:  # those whom it let go on; EXEC serves them itself
            blocking.serve_ready(session.server)
        first, source, line = (*result[1:], None, None)[:3]
        text = f"{_text(first)} script: {script.sha.decode()}"
        if source is not None:
            text += f", on {_text(source)}:{line}."
        error = CommandError(_one_line(text))
        error.counted = _text(first) == self._frame.counted
        return error

    # From Lua to replies --------------------------------------------------------------------

    def _reply(self, value: Any, booleans: bool = False) -> Any:
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            return value
        if kind is bool:
            return value if booleans else 1 if value else None
        if kind is float:
            return _truncated(value)
        if self._type_of(value) == "table":
            return self._table_reply(value, booleans)
        return None

    def _table_reply(self, table: Any, booleans: bool) -> Any:
        found = self._classify(table)
        if type(found) is not tuple:
            return []
        name, *items = found
        if name == b"array":
            return [self._reply(item, booleans) for item in items]
        value = items[0]
        if name == b"long":
            get = self._raw_get
            return [self._reply(get(table, at), booleans) for at in range(1, int(value) + 1)]
        if name == b"err":
            return CommandError(_one_line(_text(value)))
        if name == b"ok":
            return Status(value.replace(b"\r", b" ").replace(b"\n", b" "))
        if name in (b"map", b"set"):
            return self._pairs(value, name == b"set", booleans)
        return {
            b"double": float, b"big_number": BigNumber, b"verbatim": Verbatim,
        }[name](value)  # fmt: skip

    def _pairs(self, table: Any, keys_only: bool, booleans: bool) -> Any:
        flat, count = self._flat(table)
        get = self._raw_get
        items = [self._reply(get(flat, at), booleans) for at in range(1, int(count) + 1)]
        if keys_only:
            return SetReply(items[::2])
        return {_hashable(key): value for key, value in zip(items[::2], items[1::2], strict=True)}

    # From replies to Lua --------------------------------------------------------------------

    def to_lua(self, reply: Any) -> Any:
        """A command's reply as Lua shows it."""
        kind = type(reply)
        if kind is bytes or kind is int:
            return reply
        if reply is None:
            return None if self._frame.protocol == 3 else False
        if kind is Status:
            return self._table({b"ok": bytes(reply)})
        if kind is list or kind is tuple:
            return self._table([self.to_lua(item) for item in reply])
        if kind is CommandError:
            return self._table({b"err": str(reply).encode("utf-8", "surrogateescape")})
        return self._rich_to_lua(reply)

    def _rich_to_lua(self, reply: Any) -> Any:
        """What only RESP3 has."""
        table = self._table
        if isinstance(reply, bool):
            return reply
        if isinstance(reply, float):
            return table({b"double": reply})
        if isinstance(reply, dict):
            pairs = {self.to_lua(key): self.to_lua(value) for key, value in reply.items()}
            return table({b"map": table(pairs)})
        if isinstance(reply, set | frozenset | SetReply):
            return table({b"set": table({self.to_lua(item): True for item in reply})})
        return bytes(reply)


def resp2(reply: Any) -> Any:
    """A script's reply in RESP2's terms."""
    kind = type(reply)
    if kind is list or kind is SetReply:
        return [resp2(item) for item in reply]
    if kind is dict:
        return [resp2(part) for pair in reply.items() for part in pair]
    if kind is float:
        return format_float(reply)
    if kind is bool:
        return int(reply)
    return bytes(reply) if kind is Verbatim or kind is BigNumber else reply


def resp3(reply: Any) -> Any:
    """A script's reply in RESP3's terms."""
    kind = type(reply)
    if kind is list or kind is SetReply:
        return [resp3(item) for item in reply]
    if kind is dict:
        return {key: resp3(value) for key, value in reply.items()}
    if kind is BigNumber:
        try:
            return int(reply)
        except ValueError:
            return bytes(reply)
    return bytes(reply) if kind is Verbatim else reply


def _hashable(key: Any) -> Any:
    return repr(key).encode() if isinstance(key, list | dict | CommandError) else key


def _truncated(value: float) -> int:
    if not math.isfinite(value) or not -(2.0**63) <= value < 2.0**63:
        return _NOT_A_NUMBER
    return int(value)


def _text(raw: Any) -> str:
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else str(raw)


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


# The interpreter ----------------------------------------------------------------------------

_SANDBOX: Final = Path(__file__).with_name("sandbox.lua")


def _refuse(obj: object, name: object, is_setting: bool) -> object:
    raise AttributeError("scripts have no access to Python")


def _new_runtime() -> tuple[Any, Callable[[Any], str | None]]:
    """An interpreter, and the function that tells what kind of Lua value something is."""
    try:
        from lupa.lua51 import LuaRuntime, lua_type
    except ImportError:
        raise CommandError(MISSING_LUPA) from None
    runtime = LuaRuntime(
        encoding=None, register_eval=False, register_builtins=False, attribute_filter=_refuse,
        unpack_returned_tuples=True,
    )
    return runtime, lua_type


def _sha1hex(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


def without_shebang(source: bytes) -> tuple[bytes, bool]:
    """A script without its first line if that is a shebang, and whether it only reads.

    Raises:
        CommandError: the shebang says what the server does not know.
    """
    if not source.startswith(b"#!"):
        return source, False
    line, newline, body = source.partition(b"\n")
    if not newline:
        raise CommandError("ERR Invalid script shebang")
    engine, *options = _text(line).split()
    if engine != "#!lua":
        raise CommandError(f"ERR Unexpected engine in script shebang: {engine}")
    flags: set[str] = set()
    for option in options:
        if not option.startswith("flags="):
            raise CommandError(f"ERR Unknown lua shebang option: {option}")
        flags.update(name for name in option[6:].split(",") if name)
    for flag in flags:
        if flag not in _FLAGS:
            raise CommandError(f"ERR Unexpected flag in script shebang: {flag}")
    return newline + body, "no-writes" in flags


# Out of scripts -----------------------------------------------------------------------------


def _words(argv: Sequence[Any]) -> list[bytes]:
    """The arguments of redis.call as bytes.

    Raises:
        CommandError: there are none, or one is neither string nor number.
    """
    if not argv:
        raise CommandError(NO_ARGUMENTS)
    words: list[bytes] = []
    for value in argv:
        kind = type(value)
        if kind is bytes:
            words.append(value)
        elif kind is int:
            words.append(b"%d" % value)
        elif kind is float:
            words.append(format_float(value))
        else:
            raise CommandError(BAD_ARGUMENTS)
    return words


def _find(server: Server, words: Sequence[bytes]) -> Command:
    command = server.table.find(words[0])
    if command is not None and command.subcommands is not None and len(words) > 1:
        found = command.subcommands
        command = found.get(words[1]) or found.get(words[1].upper())
    if command is None:
        raise CommandError(UNKNOWN)
    return command


def _allowed(
    scripting: Scripting, server: Server, words: Sequence[bytes], read_only: bool
) -> Command:
    """The command that a script may call with these words.

    Checked in the server's order: name, number of words, whether scripts may, whether this one may.
    """
    command = _find(server, words)
    if not command.accepts(len(words) - len(command.parts)):
        raise CommandError(BAD_ARITY)
    if command.flags & NOSCRIPT:
        raise CommandError(errors.NOT_FROM_SCRIPT)
    if command.flags & WRITE or command.name in _MAY_WRITE:
        if read_only:
            raise CommandError(READ_ONLY)
    elif len(command.parts) == 1 and command.subcommands is None:
        scripting.readers[words[0]] = command
    if len(command.parts) == 1 and command.subcommands is None:
        scripting.writers[words[0]] = command
    return command


def _observed(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    server = session.server
    if server.guard & dispatch.RESTRICTED:
        server.check_permissions(session, command, args)
    if server.guard & dispatch.CLUSTERED:
        cluster.check_script(session, command, args)
    return dispatch.observed(session, command, args, session.invoke)


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


def _caller(frame: _Frame) -> Callable[..., Any]:
    """The function behind redis.call: the reply, or None and an error text."""

    def call(*argv: Any) -> Any:
        session, scripting = frame.session, frame.scripting
        if session is None or scripting is None or frame.crash is not None:
            return None, b"ERR no script is running"
        words: Sequence[bytes] = argv
        command = ran = None
        try:
            for value in argv:
                if type(value) is not bytes:
                    words = _words(argv)
                    break
            known = scripting.readers if frame.read_only else scripting.writers
            command = known.get(words[0]) if words else None
            if command is None or not command.low < len(words) <= command.high + 1:
                words = _words(argv)
                command = _allowed(scripting, session.server, words, frame.read_only)
            ran = command
            if session.server.guard:
                args: Sequence[bytes] = dispatch.spelled(command, words)
                reply = _observed(session, command, args)
            else:
                reply = session.invoke(command, words[len(command.parts) :])
            kind = type(reply)
            if kind is bytes or kind is int:
                return reply
            if kind is list and frame.protocol == 3 and command.wire == "set":
                reply = SetReply(reply)
            return scripting.to_lua(reply)
        except CommandError as error:
            frame.counted = str(error)
            _count_failure(session.server, ran, words, error)
            return None, str(error).encode("utf-8", "surrogateescape")
        except BaseException as error:  # raised again when the script has ended
            frame.crash = error
            return None, b"ERR internal error"

    return call


def _acl_checker(frame: _Frame) -> Callable[..., Any]:
    """The function behind redis.acl_check_cmd."""

    def check(*argv: Any) -> Any:
        session = frame.session
        if session is None:
            return None, b"ERR no script is running"
        try:
            words = _words(argv)
            command = session.server.table.find(words[0])
            if command is not None and command.subcommands is not None and len(words) > 1:
                command = command.subcommands.get(words[1].lower())
            if command is None:
                return None, INVALID_ACL_COMMAND.encode()
            if not session.server.guard & dispatch.RESTRICTED:
                return True
            return acl.denial(session, command, words[len(command.parts) :]) is None
        except CommandError as error:
            return None, str(error).encode()

    return check


def scripting_of(server: Server) -> Scripting:
    """The server's scripts, made when first asked for.

    Raises:
        CommandError: there is no Lua interpreter.
    """
    found: Scripting | None = server.extra.get("scripting")
    if found is None:
        found = server.extra["scripting"] = Scripting(server)
    return found
