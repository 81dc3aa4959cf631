"""The Lua interpreter: the way into it and out of it.

A server has up to two, as the real one: for scripts and for libraries of functions, each made when
first asked for.  ``sandbox.lua`` builds what they see.  Python is called through a few functions
that only the sandbox's own closures can reach; they return plain data and never raise, because an
exception on its way through Lua would be an object in a script's hands.  The interpreter refers to
no server: Lua keeps alive what it was given, and Python's garbage collector cannot look inside.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine.cluster import cluster
from fakeredis.engine.command.command import Command
from fakeredis.engine.core import blocking, switches
from fakeredis.engine.features import memory
from fakeredis.engine.lua import busy, calls, libraries, tail_calls
from fakeredis.engine.lua.frame import Frame, Runnable
from fakeredis.engine.lua.runtime import MEMORY, NO_MEMORY, RESERVE, Room, new_runtime, own_chunk
from fakeredis.engine.lua.shebang import FLAGS
from fakeredis.engine.lua.values import Values, one_line, text_of
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

_VALKEY_ALIKE: Final = (7, 2, 4)  # the version of Redis that Valkey gives as its own
_ON_STACK: Final = 200  # more keys and arguments than this are handed over as tables
_TO_REPLICAS: Final = 2  # redis.REPL_REPLICA


class Interpreter:
    """A Lua interpreter for one server.

    Args:
        functions: what it runs are libraries of functions.
    """

    __slots__ = (
        "functions", "dialect", "plain", "unnamed", "readers", "writers", "compile", "load_library",
        "registered", "frame", "room", "values", "_table", "_run", "_run_with", "_raw_get",
        "__weakref__",
    )

    def __init__(self, server: Server, functions: bool = False) -> None:
        self.functions = functions
        self.plain = server.traits.scripts_fail_plainly
        self.unnamed = server.traits.lua_is_module
        self.dialect = calls.PLAIN if self.plain else {}
        if server.traits.scripts_say_server:
            self.dialect = calls.VALKEY_9_1 if self.unnamed else calls.VALKEY
        # Commands by names that were used: those that change nothing, and all of them.
        self.readers: dict[bytes, Command] = {}
        self.writers: dict[bytes, Command] = {}
        self.frame = Frame()
        runtime, type_of = new_runtime()
        self.room = Room(runtime)
        self._table = runtime.table_from
        sandbox = own_chunk(runtime, "sandbox.lua")
        call = calls.caller(self.frame)
        (
            self.compile, self._run, self._run_with, classify, flat, self._raw_get,
            self.load_library, self.registered,
        ) = sandbox(
            call, sha1hex, libraries.bit_operation,
            libraries.pack_number, libraries.unpack_number,
            libraries.struct_call, tail_calls.without,
            own_chunk(runtime, "patterns.lua"), own_chunk(runtime, "codecs.lua"),
            self._facts(server, call),
        )
        self.values = Values(
            self.frame, self.room, table=self._table, kind=type_of, classify=classify, flat=flat,
            raw_get=self._raw_get,
        )

    def _facts(self, server: Server, call: Callable[..., Any]) -> Any:
        profile, frame = server.profile, self.frame
        valkey = server.traits.scripts_say_server
        shown = _VALKEY_ALIKE if valkey else profile.version

        def set_protocol(version: float) -> None:
            frame.protocol = int(version)
            if frame.session is not None:
                frame.session.protocol = frame.protocol

        def set_replication(flags: float) -> None:
            session = frame.session
            if session is not None and session.server.switched & switches.REPLICATED:
                session.server.replication.stream.silent = not int(flags) & _TO_REPLICAS

        def crashed(error: Any) -> bytes:
            if isinstance(error, MemoryError):
                return NO_MEMORY.encode()
            if frame.crash is None and isinstance(error, BaseException):
                frame.crash = error
            return busy.INTERNAL

        def call_many(table: Any, count: float) -> Any:
            return call(*[self._raw_get(table, at) for at in range(1, int(count) + 1)])

        return self._table({
            b"version": ".".join(map(str, shown)).encode(), b"version_number": _number(shown),
            b"call_many": call_many,
            b"valkey": valkey and profile.version_text.encode(),
            b"valkey_number": _number(profile.version),
            b"plain": self.plain, b"functions": self.functions, b"tick": busy.ticker(frame),
            b"arrays": server.traits.arrays_from_json,
            b"flags": self._table({flag.encode(): True for flag in FLAGS}),
            b"setresp": set_protocol, b"set_repl": set_replication, b"log": log,
            b"acl_check": calls.acl_checker(frame),
            b"memory_high": (MEMORY - RESERVE) >> 10, b"crashed": crashed,
            b"free_memory": lambda: self.room.limit(0),
            b"texts": self._table(list(busy.TEXTS)),
        })

    # Running --------------------------------------------------------------------------------

    def load(self, code: bytes) -> tuple[list[tuple[Any, ...]], bytes | None]:
        """Run the code of a library.

        Returns:
            Name, Lua function, description and flags of each function; and the error text if it
            failed.

        Raises:
            CommandError: it does not compile.
        """
        chunk = self.compile(code)
        if type(chunk) is tuple:
            raise CommandError(one_line(f"ERR Error compiling function: {text_of(chunk[1])}"))
        frame = self.frame
        frame.loading = True
        try:
            found, result = self.load_library(chunk)
        finally:
            crash, frame.crash, frame.loading, frame.started = frame.crash, None, False, None
        if crash is not None:
            raise crash
        if found is None:
            return [], result
        return [self.registered(found, at) for at in range(1, int(result) + 1)], None

    def run(
        self, session: Session, runnable: Runnable, words: Sequence[bytes], keys: int,
        read_only: bool,
    ) -> Any:
        """Run something; ``words`` are its keys, ``keys`` of them, and its arguments.

        Raises:
            CommandError: it failed; what it changed before stays changed.
        """
        frame, ctx = self.frame, session.ctx
        if frame.session is not None:
            raise CommandError(errors.NOT_FROM_SCRIPT)
        protocol, db, command, args = session.protocol, ctx.db, ctx.command, ctx.args
        via, deny_blocking = session.via, session.deny_blocking
        self.room.make(sum(map(len, words)))
        frame.session, frame.interpreter, frame.runnable = session, self, runnable
        frame.read_only = read_only or runnable.read_only
        frame.known, frame.wrote = self.readers, False
        if session.server.switched & switches.CLUSTERED:
            frame.slot = cluster.slot_of(words[0]) if keys else None
        if session.server.switched & switches.LIMITED:
            memory.check_script(session, "allow-oom" in (runnable.flags or ()))
        frame.protocol = session.protocol = 2
        session.via, session.deny_blocking, session.script = "script", True, frame
        if session.collected is None:
            ctx.begin()
        try:
            if len(words) <= _ON_STACK:
                result = self._run(runnable.body, keys, *words)
            else:
                result = self._run_with(
                    runnable.body, self._table(words[:keys]), self._table(words[keys:])
                )
        finally:
            crash, frame.crash = frame.crash, None
            if frame.started is not None:
                busy.ended(frame)
            frame.session = frame.interpreter = frame.runnable = None
            session.protocol, session.via, session.deny_blocking = protocol, via, deny_blocking
            session.script = None
            ctx.db, ctx.command, ctx.args = db, command, args
            session.script_fieldsets = None
        if crash is not None:
            raise crash
        if type(result) is not tuple:  # no value at all
            return None
        value = result[1]
        if result[0] is not True:
            raise self._failure(session, runnable, result)
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            return value
        reply = self.values.reply(value, frame.protocol == 3)
        if type(reply) is CommandError:
            reply.counted = str(reply) == frame.counted
            raise reply
        return reply

    def _failure(
        self, session: Session, runnable: Runnable, result: tuple[Any, ...]
    ) -> CommandError:
        """The error reply that names the script and the line."""
        if session.collected is None:  # those whom it let go on; EXEC serves them itself
            blocking.serve_ready(session.server)
        first, source, line = (*result[1:], None, None)[:3]
        name = "" if self.unnamed else text_of(runnable.name)
        place = f"{text_of(source)}:{line}"
        if self.plain:
            text = f"ERR Error running script (call to f_{name}): {place}: {text_of(first)}"
        else:
            text = f"{one_line(text_of(first))} script: {name}"
            text += "" if source is None else f"{', ' if name else ''}on {place}."
        error = CommandError(one_line(text))
        error.counted = text_of(first) == self.frame.counted
        return error

def _number(version: Sequence[int]) -> int:
    """A version as scripts compare it."""
    major, minor, patch = version
    return major << 16 | minor << 8 | patch


def log(level: float, text: bytes) -> None:
    """What a script writes to the server's log comes to Python's, under ``fakeredis``."""
    logging.getLogger("fakeredis").log(
        _LOG_LEVELS[int(level)], "%s", text.decode("utf-8", "backslashreplace")
    )


# Of debug, verbose, notice and warning.
_LOG_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING)


def sha1hex(text: bytes) -> bytes:
    """The SHA1 of a text, in hexadecimal digits."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


