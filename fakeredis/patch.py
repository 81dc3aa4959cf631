"""`patch`: context manager, decorator and handle in one object.

``import fakeredis.patch`` binds this module to the name of the class; so the module is callable,
too.
How it works underneath: `fakeredis.patching`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from math import isfinite
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, TypeVar, overload

import fakeredis
from fakeredis.clients import network
from fakeredis.clients.aio import FakeAsyncRedis
from fakeredis.clients.network import normalise
from fakeredis.clients.sync import FakeRedis
from fakeredis.engine.core.clock import CLOCKS, checked_advance
from fakeredis.engine.core.profiles import VersionLike, profile
from fakeredis.lazy import Lazy, LazyModule
from fakeredis.patching import after_exit, faults, options
from fakeredis.patching.entry import PatchEntry
from fakeredis.patching.installer import LOCK, machinery
from fakeredis.patching.processes import at_fork
from fakeredis.patching.scope import PatchScope
from fakeredis.spy.assertions import Assertions

# What is not imported here is imported when it is needed first: to enter a patch is to be quick.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fakeredis.engine.command.command import Group
    from fakeredis.engine.core.server import Server
    from fakeredis.patching import snapshots
    from fakeredis.patching.decorator import decorate
    from fakeredis.patching.processes import child_processes
    from fakeredis.server import FakeServer
    from fakeredis.spy import reports
    from fakeredis.spy.calls import CommandCall
    from fakeredis.spy.watching import Span, Spy
else:
    child_processes = LazyModule("fakeredis.patching.processes.child_processes")
    reports = LazyModule("fakeredis.spy.reports")
    decorate = Lazy("fakeredis.patching.decorator", "decorate")

AfterExit = Literal["fake", "raise", "real"]
ServerType = Literal["redis", "valkey"]
ClockKind = Literal["test", "real"]
_AFTER_EXIT: Final[tuple[AfterExit, ...]] = ("fake", "raise", "real")
_Target = TypeVar("_Target", bound=Callable[..., Any])


class patch(Assertions):  # noqa: N801 - reads as a function
    """Lead every Redis client of this process to fake servers.

    Context manager (``with`` and ``async with``), decorator, and once entered the handle::

        with fakeredis.patch(spy=True) as fake:
            app.run()
        fake.assert_called_command("SET", "k", "v")

    Args:
        store: where state lives; None for memory, fresh at each entry.
        server: a `FakeServer` that serves every address; without it each address is a server of
            its own.
        spy: record the commands.
        version: the version of the servers.
        server_type: ``"redis"`` or ``"valkey"``.
        names: replace the class names in all loaded modules; False leaves every class its
            identity, and nothing escapes all the same.
        after_exit: what a client made inside does when it is used after: ``"fake"`` goes on with
            its fake server and warns once, ``"raise"`` raises a `redis.ConnectionError`,
            ``"real"`` connects to the network.
        addresses: the servers that exist; connecting elsewhere is refused. None: all do.
        subprocesses: patch Python child processes, too.
        clients: restrict to some kinds of clients, such as ``{"redis", "redis.asyncio"}``.
        modules: what the servers have beside their own commands, see `FakeServer`.
        config: the servers' settings, see `FakeServer`. Credentials are checked where there are
            users or a password (``{"requirepass": "x"}``).
        clock: what the servers' time is: ``"test"`` goes by `time.time`, which freezegun and
            time-machine move; ``"real"`` stays where a real server's would be.
        follow: whether ``REPLICAOF`` may connect to a real server, see `FakeServer`.

    Raises:
        TypeError, ValueError: an argument makes no sense.
    """

    def __init__(
        self, store: Any = None, *, server: Server | None = None, spy: bool = False,
        version: VersionLike = "8.2", server_type: ServerType = "redis", names: bool = True,
        after_exit: AfterExit = "fake", addresses: Iterable[str] | None = None,
        subprocesses: bool = False, clients: Iterable[str] | None = None,
        modules: Iterable[Group | str] | None = None, config: Mapping[str, Any] | None = None,
        as_kwarg: str | None = None, clock: ClockKind = "test", follow: bool = False,
    ) -> None:
        if callable(store) and not isinstance(store, str):
            raise TypeError("patch() takes options, not a function: write @fakeredis.patched")
        options.check_plain(
            spy=spy, names=names, subprocesses=subprocesses, as_kwarg=as_kwarg, follow=follow
        )
        if after_exit not in _AFTER_EXIT:
            raise ValueError(f"after_exit must be one of {_AFTER_EXIT}, not {after_exit!r}")
        if server is not None:
            options.check_server(server)
        if clock not in CLOCKS:
            raise ValueError(f"clock must be one of {CLOCKS}, not {clock!r}")
        if server is not None and clock != "test":
            raise ValueError("a server has its own clock: FakeServer(clock=...)")
        if server is not None and follow:
            raise ValueError("a server has its own network: FakeServer(follow=True)")
        if subprocesses:
            child_processes.check()
        if server is not None and store is not None:
            raise ValueError("a server has its own store: give server or store, not both")
        if store == "memory://":
            store = None  # fresh at each entry
        self._options: dict[str, Any] = {
            "store": options.store_of(store), "server": server, "spy": spy, "version": version,
            "server_type": server_type, "names": names, "after_exit": after_exit,
            "clients": clients, "as_kwarg": as_kwarg, "addresses": addresses,
            "subprocesses": subprocesses, "modules": modules, "config": config,
            "clock": clock, "follow": follow,
        }
        self._addresses = options.addresses_of(addresses)
        self._kinds = options.kinds_of(clients)
        profile(version, server_type)  # complains of a wrong version now, not later
        if modules is not None or config is not None:
            self._options.update(options.equipment(self._options))
        self._entered: list[PatchEntry] = []
        self._last: PatchEntry | None = None

    # Beginning and end ----------------------------------------------------------------------

    def start(self) -> patch:
        """Begin; returns the handle."""
        with LOCK:
            entry = PatchEntry(self._options, self._addresses, self._kinds)
            entry.scope.handle = self
            try:
                machinery.install(self._options["names"], self._kinds)
            except BaseException:
                entry.end()  # its store, if others are asked
                raise
            self._entered.append(entry)
            self._last = entry
            try:
                self._begin(entry)
            except BaseException:  # nothing stays exchanged of a patch that did not begin
                self.stop()
                raise
        return self

    def _begin(self, entry: PatchEntry) -> None:
        after_exit.readopt_clients()
        if entry.spy is not None:
            entry.spy.note_methods(in_patch=True)  # now that all else is exchanged
        if entry.scope.single is not None:
            entry.equip(entry.scope.single)
        entry.scope.enter()
        if self._options["subprocesses"]:
            entry.open_door(self._options)

    def stop(self) -> None:
        """End what `start` began; without a beginning it does nothing."""
        with LOCK:
            if not self._entered:
                return
            entry = self._entered.pop()
            with ExitStack() as last:  # from the bottom up, each of them, whatever one raises
                last.callback(at_fork.ended)
                last.callback(entry.end)
                last.callback(machinery.remove, self._options["names"], self._kinds)
                last.callback(after_exit.retire_clients, entry.scope)
                last.callback(entry.scope.leave)
                last.callback(after_exit.retire_clients, entry.scope)
                if entry.door is not None:
                    last.callback(entry.door.close)
                if entry.spy is not None:
                    last.callback(entry.spy.note_no_methods)

    def __enter__(self) -> patch:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> patch:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __call__(self, target: _Target) -> _Target:
        """Decorate a function, coroutine function, generator (function), method or class."""
        return decorate(target, self)  # type: ignore[no-any-return]

    def fresh(self) -> patch:
        """One more patch with the same options."""
        return patch(**self._options)

    @property
    def active(self) -> bool:
        """Whether it has begun and not ended."""
        return bool(self._entered)

    # Servers and clients --------------------------------------------------------------------

    def server(self, address: str | None = None) -> FakeServer:
        """The server at an address; without one, the only server, or that of ``localhost:6379``.

        Raises:
            LookupError: no server has that address, see ``addresses``.
        """
        scope = self._entry.scope
        servers = scope.all()
        if address is not None and not isinstance(address, str):
            raise TypeError(f"an address is text: 'localhost:6379', not {address!r}")
        if address is None and len(servers) == 1:
            return servers[0]  # type: ignore[return-value]
        found = scope.server_at(normalise(address or "localhost:6379"))
        if found is None:
            raise LookupError(f"no server at {address!r}; there are {scope.addresses}")
        return found  # type: ignore[return-value]

    @property
    def servers(self) -> dict[str, Server]:
        """The servers that were reached so far, by address."""
        return dict(self._entry.scope.servers)

    def client(self, address: str | None = None, **redis_kwargs: Any) -> FakeRedis:
        """A client of a server; arguments as for `redis.Redis`."""
        return FakeRedis(server=self.server(address), **redis_kwargs)

    def async_client(self, address: str | None = None, **redis_kwargs: Any) -> FakeAsyncRedis:
        """An asyncio client of a server; arguments as for `redis.asyncio.Redis`."""
        return FakeAsyncRedis(server=self.server(address), **redis_kwargs)

    def url(self, address: str | None = None) -> str:
        """A URL by which other programs reach a server, until the patch ends.

        It is one of this machine alone (``redis://127.0.0.1:49152``), and the same at each call;
        clients inside of the patch get to the same server by it.

        Args:
            address: as for `server`.

        Raises:
            LookupError: no server has that address, see ``addresses``.
            RuntimeError: the patch has ended.
        """
        return str(self._entry.do("url", self.server(address).address))

    # The spy --------------------------------------------------------------------------------

    @property
    def spy(self) -> Spy:
        """The spy.

        Raises:
            RuntimeError: the patch does not spy, or was never entered.
        """
        spy = self._entry.spy
        if spy is None:
            raise RuntimeError(
                "this patch does not record commands: write fakeredis.patch(spy=True)"
            )
        return spy

    def _recorded(self) -> list[CommandCall]:
        __tracebackhide__ = True
        return self.spy._recorded()

    def span(self) -> Span:
        """A part of the recording, see `Spy.span`."""
        return self.spy.span()

    # Time, faults, state --------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Move the servers' clocks ahead; keys expire and waits time out.

        Raises:
            RuntimeError: the store forwards to a real server, whose clock cannot be moved.
            TypeError, ValueError: it is no number of seconds, or a negative one.
        """
        self._entry.do("advance", checked_advance(seconds))

    def freeze(self, at: Any = None) -> None:
        """Stop the servers' clocks, where they are or at a time (seconds, or a `datetime`).

        Args:
            at: seconds since 1970 or a `datetime`; None for where they are.

        Raises:
            RuntimeError: the store forwards to a real server, whose clock cannot be stopped.
            TypeError: it is no time.
        """
        moment = at.timestamp() if hasattr(at, "timestamp") else at
        if moment is not None and not (isinstance(moment, (int, float)) and isfinite(moment)):
            raise TypeError(f"a time is seconds since 1970 or a datetime, not {at!r}")
        self._entry.do("freeze", moment)

    def fail_next(self, error: Any, command: Any = "*", *args: Any, times: int = 1) -> None:
        """Make the next commands that match fail.

        Whether one did is told by `unused_faults`. A connection error is no failure to a client
        that tries again by itself, as redis-py does by default: it uses up one fault a try.

        Args:
            error: an error reply's text (``"LOADING Redis is loading"``), or an exception (class)
                of redis-py.
            command: a command as in the assertions (``"SET"``, ``"SET k v"``, ``call.set("k",
                "v")``); ``"*"`` for any.
            args: its arguments, also ``ANY``, ``like()`` and such; others may follow them.
            times: how many.

        Raises:
            TypeError, ValueError: nothing can ever match, such as a name that no command has.
        """
        self._entry.do(
            "fail_next", faults.as_error(error), faults.described(command, args), times
        )

    def delay(self, seconds: float, command: Any = "*", *args: Any) -> None:
        """Delay the replies to commands that match, until `reset_faults`.

        They run at once, and their replies arrive ``seconds`` after they were sent: clients sleep
        so long, or for their ``socket_timeout``, which ends as with a slow server in a
        `redis.TimeoutError`. While the clock is frozen nobody sleeps; it moves ahead instead.

        Args:
            seconds: how late; the replies to one batch come together.
            command: a command, see `fail_next`; ``"*"`` for any.
            args: its arguments; others may follow them.

        Raises:
            TypeError, ValueError: it is no number of seconds, or nothing can ever match.
        """
        self._entry.do("delay", seconds, faults.described(command, args))

    @property
    def unused_faults(self) -> list[faults.Unused]:
        """What `fail_next` and `delay` have ordered and no command has met, or not so often."""
        return self._entry.do("unused_faults")  # type: ignore[no-any-return]

    def assert_faults_used(self) -> None:
        """All that `fail_next` and `delay` have ordered has happened."""
        __tracebackhide__ = True
        left = self.unused_faults
        if left:
            lines = [f"  {each}" for each in left]
            if self._entry.spy is not None:
                lines.append(reports.counts(self.spy.calls))
            raise AssertionError("\n".join(["Expected these faults to be met:", *lines]))

    def reset_faults(self) -> None:
        """Forget what `fail_next` has ordered and has not happened yet, and all delays."""
        self._entry.do("reset_faults")

    def down(self) -> None:
        """All servers stop to answer, connections break."""
        self._entry.do("set_up", False)

    def up(self) -> None:
        """They answer again; their data is still there."""
        self._entry.do("set_up", True)

    def flush(self) -> None:
        """Remove all keys of all servers."""
        self._entry.do("flush")

    def snapshot(self) -> snapshots.Snapshot:  # type: ignore[override]
        """The data of all servers, for `restore`; the calls as text are ``spy.snapshot()``."""
        return self._entry.do("snapshot")  # type: ignore[no-any-return]

    def restore(self, snapshot: snapshots.Snapshot) -> None:
        """Bring the servers' data back to a snapshot; servers made since are emptied."""
        self._entry.do("restore", snapshot)

    def state(self) -> dict[str, dict[int, dict[str, Any]]]:
        """All data by address, database and key.

        Values are texts (bytes that are no UTF-8 by surrogate escapes), lists, sets, dictionaries
        for hashes, sorted sets, vector sets and top-k lists, for streams lists of pairs of ID and
        fields, for time series of pairs of timestamp (milliseconds) and value, and JSON documents
        as they are. Filters and sketches are what their ``INFO`` tells. Of what has no such form
        (arrays) there is the type's name, in angle brackets.
        """
        return self._entry.do("state")  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Forget the recorded calls."""
        self.spy.reset()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A name of the package: the fixture ``fakeredis`` hides the module from its test."""
            if name in fakeredis.__all__:
                return getattr(fakeredis, name)
            return super().__getattr__(name)

    @property
    def _entry(self) -> PatchEntry:
        if self._last is None:
            raise RuntimeError("this patch was not entered yet: use it in a with statement")
        return self._entered[-1] if self._entered else self._last

    def __repr__(self) -> str:
        state = "active" if self._entered else "ended" if self._last else "not entered"
        return f"<fakeredis.patch, {state}>"


class PatchOptions(TypedDict, total=False):
    """The options of `patch`, for those who pass them on."""

    server: Server | None
    spy: bool
    version: VersionLike
    server_type: ServerType
    names: bool
    after_exit: AfterExit
    addresses: Iterable[str] | None
    subprocesses: bool
    clients: Iterable[str] | None
    modules: Iterable[Group | str] | None
    config: Mapping[str, Any] | None
    as_kwarg: str | None
    clock: ClockKind
    follow: bool


@overload
def patched(target: _Target, /) -> _Target: ...
@overload
def patched(store: Any = None, /, **options: Unpack[PatchOptions]) -> patch: ...
@overload
def patched(*, store: Any, **options: Unpack[PatchOptions]) -> patch: ...
def patched(target: Any = None, /, *, as_kwarg: str | None = None, **options: Any) -> Any:
    """`patch` as a decorator, bare or called.

    Args:
        target: what is decorated, when bare.
        as_kwarg: the argument in which a function gets the handle; a class gets an attribute.
        options: see `patch`.
    """
    if callable(target) or isinstance(target, (classmethod, staticmethod, property)):
        return patch(as_kwarg=as_kwarg, **options)(target)
    if target is not None:
        return patch(target, as_kwarg=as_kwarg, **options)
    return patch(as_kwarg=as_kwarg, **options)


def active() -> patch | None:
    """The handle of the innermost patch of this thread or task; None outside of all."""
    scope = network.current()
    return scope.handle if isinstance(scope, PatchScope) else None


def _forward(name: str) -> Callable[..., Any]:
    method = getattr(Assertions, name)

    def assertion(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        handle = active()
        if handle is None:
            raise RuntimeError(
                f"fakeredis.{name}() needs an active patch: with fakeredis.patch(spy=True)"
            )
        return getattr(handle, name)(*args, **kwargs)

    assertion.__name__ = assertion.__qualname__ = name
    assertion.__doc__ = method.__doc__
    assertion.__wrapped__ = method  # type: ignore[attr-defined]  # for its signature
    return assertion


def _assertion_names() -> Iterator[str]:
    return (name for name in dir(Assertions) if name.startswith("assert_"))


for _name in _assertion_names():
    setattr(sys.modules[__name__], _name, _forward(_name))


class _CallableModule(ModuleType):
    """This module in the place of the class: ``fakeredis.patch(spy=True)``."""

    def __call__(self, *args: Any, **options: Any) -> patch:
        return patch(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
