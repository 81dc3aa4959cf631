"""The Lua interpreter: the way into it and out of it.

A server has up to two, as the real one: for scripts and for libraries of functions, each made when
first asked for.  ``sandbox.lua`` builds what they see.  Python is called through a few functions
that only the sandbox's own closures can reach; they return plain data and never raise, because an
exception on its way through Lua would be an object in a script's hands.  The interpreter refers to
no server: Lua keeps alive what it was given, and Python's garbage collector cannot look inside.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.datatypes.numbers import format_float
from fakeredis.engine.cluster import cluster
from fakeredis.engine.command.command import NOSCRIPT, REPLICATES, WRITE, Command
from fakeredis.engine.core import blocking, dispatch, statistics, switches
from fakeredis.engine.core.replies import (
    BLOCKED,
    BigNumber,
    Pairs,
    Sentinel,
    SetReply,
    Status,
    Verbatim,
    flatten,
    verbatim,
)
from fakeredis.engine.core.road import Origin
from fakeredis.engine.features import acl, memory
from fakeredis.engine.lua import busy, libraries, tail_calls
from fakeredis.engine.lua.shebang import FLAGS, NO_WRITES
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from lupa import lua51

    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
else:
    lua51 = LazyModule("lupa.lua51")  # an extra

MISSING_LUPA: Final = (
    "ERR scripts need the Python package 'lupa' (pip install lupa): no Lua interpreter is installed"
)
NO_ARGUMENTS: Final = "ERR Please specify at least one argument for this redis lib call"
BAD_ARGUMENTS: Final = "ERR Lua redis lib command arguments must be strings or integers"
UNKNOWN: Final = "ERR Unknown Redis command called from script"
BAD_ARITY: Final = "ERR Wrong number of args calling Redis command from script"
READ_ONLY: Final = "ERR Write commands are not allowed from read-only scripts."
INVALID_ACL_COMMAND: Final = "ERR Invalid command passed to redis.acl_check_cmd()"
WRITES: Final = "ERR Can not execute a script with write flag using *_ro command."
NOT_IN_CLUSTER: Final = "ERR Can not run script on cluster, 'no-cluster' flag is set."
CROSS_SLOT: Final = "ERR Script attempted to access keys that do not hash to the same slot"
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
_VALKEY_ALIKE: Final = (7, 2, 4)  # the version of Redis that Valkey gives as its own
_STACK: Final = 7994  # what may be in use of the server's stack when it looks at a reply's value
NOT_RUNNING: Final = b"ERR no script is running"

_ON_STACK: Final = 200  # more keys and arguments than this are handed over as tables
_EXACT: Final = 1 << 52  # whole numbers below this are written as such
_NOT_A_NUMBER: Final = -(1 << 63)  # what the server makes of NaN, infinities and beyond
# The server's limit is the machine's; here a script must not take that from what it runs in.  Lua
# that cannot give Python's values room ends the process, so some room is kept free for them.
_MEMORY: Final = 1 << 30
_RESERVE: Final = 64 << 20
_SMALL: Final = 1 << 20  # what always has room there
NO_MEMORY: Final = "ERR not enough memory"


_Place = tuple[list[Any], int, int]  # a list, an index, places of the stack in use


class Runnable:
    """A script or a function.

    Args:
        name: as error texts and FUNCTION STATS show it.
        body: the Lua function.
        flags: what it declares; None for a script that declares nothing, which may do everything.
    """

    __slots__ = ("name", "body", "flags", "read_only")

    def __init__(self, name: bytes, body: Any, flags: Sequence[str] | None) -> None:
        self.name = name
        self.body = body
        self.flags = flags
        self.read_only = flags is not None and NO_WRITES in flags


_TO_REPLICAS: Final = 2  # redis.REPL_REPLICA


class Frame:
    """What runs now; in between the session is None."""

    __slots__ = (
        "session", "interpreter", "read_only", "protocol", "crash", "known", "wrote", "runnable",
        "argv", "started", "loading", "counted", "slot", "busy", "napped", "naps", "stopped",
    )

    def __init__(self) -> None:
        self.session: Session | None = None
        self.interpreter: Interpreter | None = None
        self.counted: str | None = None  # an error that the statistics know already
        self.read_only = False
        self.protocol = 2
        self.crash: BaseException | None = None
        self.known: dict[bytes, Command] = {}  # commands that may run without a further look
        self.wrote = False
        self.slot: int | None = None  # in a cluster: that of the keys so far
        self.argv: Sequence[bytes] = ()  # the call of a function
        self.runnable: Runnable | None = None
        # For `fakeredis.engine.lua.busy`:
        self.started: float | None = None
        self.napped = 0.0
        self.naps = 0
        self.loading = False  # it is the code of a library
        self.busy = False  # others are told so
        self.stopped: bytes | None = None  # why it must end

    def keep_to(self, slot: int | None) -> None:
        """Hold a script that says so to the slot of its first keys.

        Raises:
            CommandError: this is another one.
        """
        if slot is None or self.runnable is None:
            return
        flags = self.runnable.flags
        if flags is None or "allow-cross-slot-keys" in flags:
            return
        if self.slot is None:
            self.slot = slot
        elif self.slot != slot:
            raise CommandError(CROSS_SLOT)


class Interpreter:
    """A Lua interpreter for one server.

    Args:
        functions: what it runs are libraries of functions.
    """

    __slots__ = (
        "functions", "dialect", "plain", "unnamed", "readers", "writers", "compile", "load_library",
        "registered", "frame", "_table", "_run", "_run_with", "_classify", "_flat", "_raw_get",
        "_type_of", "memory_used", "limit_memory", "_collect", "__weakref__",
    )

    def __init__(self, server: Server, functions: bool = False) -> None:
        self.functions = functions
        self.plain = server.traits.scripts_fail_plainly
        self.unnamed = server.traits.lua_is_module
        self.dialect = PLAIN if self.plain else {}
        if server.traits.scripts_say_server:
            self.dialect = VALKEY_9_1 if self.unnamed else VALKEY
        # Commands by names that were used: those that change nothing, and all of them.
        self.readers: dict[bytes, Command] = {}
        self.writers: dict[bytes, Command] = {}
        self.frame = Frame()
        runtime, self._type_of = _new_runtime()
        self._collect = runtime.gccollect
        self._table = runtime.table_from
        self.memory_used, self.limit_memory = runtime.get_memory_used, runtime.set_max_memory
        sandbox = _own_chunk(runtime, "sandbox.lua")
        call = _caller(self.frame)
        (
            self.compile, self._run, self._run_with, self._classify, self._flat, self._raw_get,
            self.load_library, self.registered,
        ) = sandbox(
            call, sha1hex, libraries.bit_operation,
            libraries.pack_number, libraries.unpack_number,
            libraries.struct_call, tail_calls.without,
            _own_chunk(runtime, "patterns.lua"), _own_chunk(runtime, "codecs.lua"),
            self._facts(server, call),
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
            b"flags": self._table({flag.encode(): True for flag in FLAGS}),
            b"setresp": set_protocol, b"set_repl": set_replication, b"log": log,
            b"acl_check": _acl_checker(frame),
            b"memory_high": (_MEMORY - _RESERVE) >> 10, b"crashed": crashed,
            b"free_memory": lambda: self.limit_memory(0),
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
        self._make_room(sum(map(len, words)))
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
        reply = self._reply(value, frame.protocol == 3)
        if type(reply) is CommandError:
            reply.counted = str(reply) == frame.counted
            raise reply
        return reply

    def _make_room(self, size: int) -> None:
        """Make sure that there is memory for so many bytes that are to come.

        Raises:
            CommandError: it is too much.
        """
        if self.memory_used() + size < _MEMORY >> 2:
            return
        if size > _MEMORY - 2 * _RESERVE:
            raise CommandError(NO_MEMORY)
        self.limit_memory(0)
        self._collect()
        self.limit_memory(max(_MEMORY, self.memory_used() + size + 2 * _RESERVE))

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

    # From Lua to replies --------------------------------------------------------------------

    def _reply(self, value: Any, booleans: bool = False) -> Any:
        """What a script's value is as a reply; its tables may nest deeper than Python's calls."""
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            return value
        root: list[Any] = [value]
        waiting: list[_Place] = []  # tables that are still to be looked at
        paired: list[tuple[_Place, list[Any], list[Any] | None]] = []  # what surrounds comes first
        self._settle(root, 0, booleans, waiting)
        while waiting:
            place = waiting.pop()
            items, at, used = place
            name, found = self._contents(items[at])
            if name == b"map" or name == b"set":
                keys, values = self._pairs(found)
                self._settle(keys, used + (4 if name == b"map" else 3), booleans, waiting)
                if name == b"map":
                    self._settle(values, used + 3, booleans, waiting)
                paired.append((place, keys, values if name == b"map" else None))
                continue
            if name == b"array":
                self._settle(found, used + 1, booleans, waiting)
            items[at] = found
        for (items, at, _), keys, values in reversed(paired):
            if values is None:
                items[at] = SetReply(keys)
            else:
                pairs = zip(keys, values, strict=True)
                if any(isinstance(key, list | dict | CommandError) for key in keys):
                    items[at] = Pairs([part for pair in pairs for part in pair])
                else:
                    items[at] = dict(pairs)
        return root[0]

    def _settle(self, items: list[Any], used: int, booleans: bool, waiting: list[_Place]) -> None:
        """Make replies of values, but for tables, which come to those that wait.

        Args:
            used: places of the server's stack that are taken before these values are looked at.
        """
        if used > _STACK:
            items[:] = [CommandError("ERR reached lua stack limit")] * len(items)
            return
        for at, value in enumerate(items):
            kind = type(value)
            if kind is int or kind is bytes or value is None:
                continue
            if kind is bool:
                items[at] = value if booleans else 1 if value else None
            elif kind is float:
                items[at] = _truncated(value)
            elif self._type_of(value) == "table":
                waiting.append((items, at, used))
            else:
                items[at] = None

    def _contents(self, table: Any) -> tuple[bytes, Any]:
        """What a table is, and the reply; of an array values, of a map or set the inner table."""
        found = self._classify(table)
        if type(found) is not tuple:
            return b"", []
        name, *items = found
        if name == b"array":
            return name, items
        value = items[0]
        if name == b"long":
            get = self._raw_get
            return b"array", [get(table, at) for at in range(1, int(value) + 1)]
        if name == b"err":
            return name, CommandError(one_line(text_of(value)))
        if name == b"ok":
            text = value.partition(b"\0")[0]
            return name, Status(text.replace(b"\r", b" ").replace(b"\n", b" "))
        if name == b"double":
            return name, float(value)
        if name == b"verbatim":
            return name, verbatim(value, items[1])
        return name, value if name in (b"map", b"set") else BigNumber(value)

    def _pairs(self, table: Any) -> tuple[list[Any], list[Any]]:
        """The keys of a table, and its values."""
        flat, count = self._flat(table)
        items = [self._raw_get(flat, at) for at in range(1, int(count) + 1)]
        return items[::2], items[1::2]

    # From replies to Lua --------------------------------------------------------------------

    def given(self, reply: Any) -> Any:
        """A command's reply as Lua shows it, if there is memory for it.

        Raises:
            CommandError: there is none.
        """
        if type(reply) is bytes:
            if self.memory_used() + len(reply) > _MEMORY - _RESERVE // 2:
                raise CommandError(NO_MEMORY)
            return reply
        self.limit_memory(0)  # Lua that fails within Python's calls does harm
        try:
            try:
                shown = self.to_lua(reply)
            except RecursionError:
                shown = self._deep_to_lua(reply)
            if self.memory_used() > _MEMORY - _RESERVE // 2:
                raise CommandError(NO_MEMORY)
            return shown
        finally:
            self.limit_memory(max(_MEMORY, self.memory_used() + _RESERVE))

    def to_lua(self, reply: Any) -> Any:
        """A command's reply as Lua shows it."""
        kind = type(reply)
        if kind is bytes or kind is int:
            return reply
        if reply is None:
            return None if self.frame.protocol == 3 else False
        if kind is Status:
            return self._table({b"ok": bytes(reply)})
        if kind is list or kind is tuple:
            return self._table([self.to_lua(item) for item in reply])
        if kind is CommandError:
            return self._table({b"err": str(reply).encode("utf-8", "surrogateescape")})
        return self._rich_to_lua(reply)

    def _deep_to_lua(self, reply: Any) -> Any:
        """The same for arrays and maps within each other, of which there are too many for calls."""
        boxes, waiting = [], [reply]
        while waiting:
            box = waiting.pop()
            boxes.append(box)
            waiting += [item for item in _items(box) if type(item) in _BOXES]
        made: dict[int, Any] = {}  # by the identity of what it shows
        for box in reversed(boxes):  # those within come behind
            shown = [
                made[id(item)] if type(item) in _BOXES else self.to_lua(item)
                for item in _items(box)
            ]
            table: Any = self._table(shown if type(box) is not dict else {
                self.to_lua(key): value for key, value in zip(box, shown, strict=True)
            })
            made[id(box)] = self._table({b"map": table}) if type(box) is dict else table
        return made[id(reply)]

    def _rich_to_lua(self, reply: Any) -> Any:
        """What only RESP3 has."""
        table = self._table
        if isinstance(reply, Sentinel):  # no array
            return None if self.frame.protocol == 3 else False
        if isinstance(reply, bool):
            return reply
        if isinstance(reply, bytes) and self.frame.protocol == 2:
            return bytes(reply)
        if isinstance(reply, BigNumber):
            return table({b"big_number": bytes(reply)})
        if isinstance(reply, Verbatim):
            return table({
                b"verbatim_string": table({b"format": reply.format, b"string": bytes(reply)})
            })
        if isinstance(reply, float):
            return table({b"double": reply})
        if isinstance(reply, dict):
            pairs = {self.to_lua(key): self.to_lua(value) for key, value in reply.items()}
            return table({b"map": table(pairs)})
        if isinstance(reply, set | frozenset | SetReply):
            return table({b"set": table({self.to_lua(item): True for item in reply})})
        return bytes(reply)


_BOXES: Final = frozenset({list, tuple, dict})


def _items(box: Any) -> Any:
    return box.values() if type(box) is dict else box


def resp2(reply: Any) -> Any:
    """A script's reply in RESP2's terms; lists are changed in place."""
    kind = type(reply)
    if kind is bytes or kind is int or reply is None:
        return reply
    root: list[Any] = [reply]
    waiting = [root]
    while waiting:
        items = waiting.pop()
        for at, item in enumerate(items):
            kind = type(item)
            if kind is bytes or kind is int or item is None:
                continue
            if kind is list or kind is dict or kind is SetReply or kind is Pairs:
                items[at] = item = flatten(item) if kind is dict else list(item)
                waiting.append(item)
            elif kind is float:
                items[at] = format_float(item)
            elif kind is bool:
                items[at] = int(item)
            elif kind is Verbatim or kind is BigNumber:
                items[at] = bytes(item)
    return root[0]


def resp3(reply: Any) -> Any:
    """A script's reply in RESP3's terms; lists and maps are changed in place."""
    kind = type(reply)
    if kind is bytes or kind is int or reply is None:
        return reply
    root: list[Any] = [reply]
    waiting: list[Any] = [root]
    while waiting:
        box = waiting.pop()
        for at, item in list(box.items()) if type(box) is dict else enumerate(box):
            kind = type(item)
            if kind is list or kind is dict or kind is SetReply or kind is Pairs:
                if kind is SetReply:
                    box[at] = item = list(item)
                elif kind is Pairs:  # whose parser fails there
                    keys = map(_hashable, item[::2])
                    box[at] = item = dict(zip(keys, item[1::2], strict=True))
                waiting.append(item)
            elif kind is Verbatim:
                box[at] = bytes(item)
    return root[0]


def _hashable(key: Any) -> Any:
    return repr(key).encode() if isinstance(key, list | dict | CommandError) else key


def _truncated(value: float) -> int:
    if not math.isfinite(value) or not -(2.0**63) <= value < 2.0**63:
        return _NOT_A_NUMBER
    return int(value)


def _number(version: Sequence[int]) -> int:
    """A version as scripts compare it."""
    major, minor, patch = version
    return major << 16 | minor << 8 | patch


def text_of(raw: Any) -> str:
    """Lua's bytes as text."""
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else str(raw)


def one_line(text: str) -> str:
    """A text as an error reply can hold it, up to a zero byte."""
    return text.partition("\0")[0].replace("\r", " ").replace("\n", " ")

# Before it runs ----------------------------------------------------------------------------


def check_flags(session: Session, runnable: Runnable, read_only: bool) -> None:
    """Refuse to run what declares that it cannot run here or so.

    Raises:
        CommandError: it is so.
    """
    if runnable.flags is None:
        return
    if "no-cluster" in runnable.flags and session.server.switched & switches.CLUSTERED:
        raise CommandError(NOT_IN_CLUSTER)
    if session.server.switched & switches.LIMITED:
        free = runnable.read_only or "allow-oom" in runnable.flags
        if not free and memory.is_full(session.server):
            raise CommandError(errors.OUT_OF_MEMORY)
    if read_only and not runnable.read_only:
        raise CommandError(WRITES)


# The runtime --------------------------------------------------------------------------------


def _refuse(obj: object, name: object, is_setting: bool) -> object:
    raise AttributeError("scripts have no access to Python")


def _new_runtime() -> tuple[Any, Callable[[Any], str | None]]:
    """An interpreter, and the function that tells what kind of Lua value something is."""
    try:
        make = lua51.LuaRuntime
    except ImportError:
        raise CommandError(MISSING_LUPA) from None
    runtime = make(
        encoding=None, register_eval=False, register_builtins=False, attribute_filter=_refuse,
        unpack_returned_tuples=True, max_memory=_MEMORY,
    )
    return runtime, lua51.lua_type


@functools.cache
def _own_code(name: str) -> bytes:
    runtime = lua51.LuaRuntime(encoding=None)
    source = Path(__file__).with_name(name).read_bytes()
    chunk = runtime.compile(source, name=b"=sandbox")
    dumped: bytes = runtime.globals()[b"string"][b"dump"](chunk)
    return tail_calls.without(dumped) or source


def _own_chunk(runtime: Any, name: str) -> Any:
    """A file of ours; its functions leave a trace when they call others at their ends."""
    return runtime.compile(_own_code(name), name=b"=sandbox")


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


# Out of scripts -----------------------------------------------------------------------------


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
        found = command.subcommands
        command = found.get(words[1]) or found.get(words[1].upper())
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


def _caller(frame: Frame) -> Callable[..., Any]:
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
            if kind is int or (kind is bytes and len(reply) < _SMALL):
                return reply
            if kind is Status:
                return None, None, bytes(reply)
            if reply is None and frame.protocol == 2:
                return False
            if kind is list and frame.protocol == 3 and command.wire == "set":
                reply = SetReply(reply)
            return interpreter.given(reply)
        except CommandError as error:
            text = frame.counted = interpreter.dialect.get(str(error), str(error))
            _count_failure(session.server, ran, words, error)
            return None, text.encode("utf-8", "surrogateescape")
        except BaseException as error:  # raised again when the script has ended
            frame.crash = error
            return None, b"ERR internal error"

    return call


def _acl_checker(frame: Frame) -> Callable[..., Any]:
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
            if not session.server.switched & switches.RESTRICTED:
                return True
            return acl.denial(session, command, words[len(command.parts) :]) is None
        except CommandError as error:
            return None, interpreter.dialect.get(str(error), str(error)).encode()

    return check
