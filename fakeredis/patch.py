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
from urllib.parse import quote
from weakref import WeakValueDictionary

import fakeredis
from fakeredis import stores
from fakeredis.clients import network
from fakeredis.clients.aio import FakeAsyncRedis
from fakeredis.clients.network import normalise
from fakeredis.clients.sync import FakeRedis
from fakeredis.engine.core.clock import CLOCKS, checked_advance, clock_of
from fakeredis.engine.core.profiles import VersionLike, profile
from fakeredis.lazy import Lazy, LazyModule
from fakeredis.nearest import near
from fakeredis.patching import after_exit, faults
from fakeredis.patching.installer import KINDS, LOCK, machinery
from fakeredis.patching.processes import at_fork
from fakeredis.patching.scope import PatchScope
from fakeredis.spy.assertions import Assertions

# What is not imported here is imported when it is needed first: to enter a patch is to be quick.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fakeredis import server as servers
    from fakeredis.engine.command.command import Group
    from fakeredis.engine.core import server as engine_server
    from fakeredis.engine.core.server import Server
    from fakeredis.patching import snapshots
    from fakeredis.patching.decorator import decorate
    from fakeredis.patching.processes import child_processes, handle_proxy
    from fakeredis.server import FakeServer
    from fakeredis.spy import reports, watching
    from fakeredis.spy.calls import CommandCall
    from fakeredis.spy.expectations import Expectation
    from fakeredis.spy.watching import Span, Spy
    from fakeredis.stores.forwarding import engine as forwarding_engine
    from fakeredis.tcp.listener import Listener
else:
    child_processes = LazyModule("fakeredis.patching.processes.child_processes")
    engine_server = LazyModule("fakeredis.engine.core.server")
    forwarding_engine = LazyModule("fakeredis.stores.forwarding.engine")
    handle_proxy = LazyModule("fakeredis.patching.processes.handle_proxy")
    reports = LazyModule("fakeredis.spy.reports")
    servers = LazyModule("fakeredis.server")
    snapshots = LazyModule("fakeredis.patching.snapshots")
    watching = LazyModule("fakeredis.spy.watching")
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
        _check_plain(
            spy=spy, names=names, subprocesses=subprocesses, as_kwarg=as_kwarg, follow=follow
        )
        if after_exit not in _AFTER_EXIT:
            raise ValueError(f"after_exit must be one of {_AFTER_EXIT}, not {after_exit!r}")
        if server is not None:
            _check_server(server)
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
            "store": _store(store), "server": server, "spy": spy, "version": version,
            "server_type": server_type, "names": names, "after_exit": after_exit,
            "clients": clients, "as_kwarg": as_kwarg, "addresses": addresses,
            "subprocesses": subprocesses, "modules": modules, "config": config,
            "clock": clock, "follow": follow,
        }
        self._addresses = _addresses(addresses)
        self._kinds = _kinds(clients)
        profile(version, server_type)  # complains of a wrong version now, not later
        if modules is not None or config is not None:
            self._options.update(_equipment(self._options))
        self._entered: list[_Entry] = []
        self._last: _Entry | None = None

    # ConnectionStates cycle
    # -----------------------------------------------------------------------------

    def start(self) -> patch:
        """Begin; returns the handle."""
        with LOCK:
            entry = _Entry(self, self._options, self._addresses, self._kinds)
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

    def _begin(self, entry: _Entry) -> None:
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
    def _entry(self) -> _Entry:
        if self._last is None:
            raise RuntimeError("this patch was not entered yet: use it in a with statement")
        return self._entered[-1] if self._entered else self._last

    def __repr__(self) -> str:
        state = "active" if self._entered else "ended" if self._last else "not entered"
        return f"<fakeredis.patch, {state}>"


class _Entry:
    """What one entry of a patch has of its own."""

    def __init__(
        self, handle: patch, options: dict[str, Any], addresses: frozenset[str] | None,
        kinds: frozenset[str],
    ) -> None:
        self.store = options["store"]
        self.version, self.server_type = options["version"], options["server_type"]
        self.modules, self.config = options["modules"], options["config"]
        self.clock, self.follow = options["clock"], options["follow"]
        self.offset = 0.0
        self.frozen: float | None = None
        self.up = True
        self.door: child_processes.UnixListener | None = None
        self.forwards = self.store is not None and self.store.forwards
        if self.forwards:
            self.store.begin_use()
        self.faults = faults.Faults()
        self.spy = _new_spy() if options["spy"] else None
        single = options["server"]
        self.scope = PatchScope(self.make, single, addresses, kinds, options["after_exit"])
        self.scope.handle, self.scope.entry = handle, self
        self.kept: list[snapshots.Snapshot] = []  # taken for other processes
        self._listeners: dict[int, Listener] = {}  # by the id of the server that they serve
        self._taken: WeakValueDictionary[int, snapshots.Snapshot] = WeakValueDictionary()
        if single is not None:
            self.scope.servers[single.address] = single

    def make(self, address: str) -> FakeServer:
        """The server of an address, made at the first connection."""
        server = servers.FakeServer(
            self.store, self.version, self.server_type, self.modules, self.config, address,
            self.clock, self.follow,
        )
        if self.frozen is not None:
            server.freeze(self.frozen)
        server.advance(self.offset)
        server.connected, server.outlived = self.up, False
        server.takes_any_user = True  # the credentials of a production URL are accepted
        self.equip(server)
        return server

    def open_door(self, options: dict[str, Any]) -> None:
        """Open the door by which Python child processes come in."""
        told: dict[str, Any] = {
            name: options[name] for name in ("version", "server_type", "names", "spy")
        }
        if self.scope.single is not None:
            facts = self.scope.single.profile
            told.update(version=facts.version_text, server_type=facts.server_type)
        for name in ("addresses", "clients"):
            if options[name] is not None:
                told[name] = sorted(options[name])
        self.door = child_processes.UnixListener(self.scope, told)

    def equip(self, server: Server) -> None:
        """Attach the spy and the faults to a server."""
        self.faults.watch(server)
        if self.spy is not None:
            self.spy.attach(server)

    # What the handle does; processes whose servers are those of this one may ask for it, too ----

    def do(self, what: str, *args: Any) -> Any:
        """Call one of the methods below, in the process in which the servers live."""
        if self.scope.remote is None:
            return getattr(self, what)(*args)
        return handle_proxy.ask(self.scope.remote, what, args)

    def url(self, address: str) -> str:
        """Serve a server to other programs, and tell where."""
        if not self.scope.active:
            raise RuntimeError("this patch has ended: other programs cannot reach it any more")
        server: Any = self.scope.server_at(normalise(address))
        with self.scope.lock:
            listener = self._listeners.get(id(server))
            if listener is None:
                listener = self._listeners[id(server)] = server.listen()
                self.scope.served[normalise(f"127.0.0.1:{listener.port}")] = server
        password = quote(server.config.requirepass, safe="")
        return f"redis://{password and f':{password}@'}127.0.0.1:{listener.port}"

    def advance(self, seconds: float) -> None:
        """Move the clocks."""
        self._check_clock()
        self.offset += seconds
        for server in self.scope.all():
            server.advance(seconds)

    def freeze(self, moment: float | None) -> None:
        """Stop the clocks."""
        self._check_clock()
        servers = self.scope.all()
        if moment is None:
            clock = servers[0].clock if servers else clock_of(self.clock)
            moment = clock.seconds() if servers else clock.seconds() + self.offset
        self.frozen, self.offset = float(moment), 0.0
        for server in servers:
            server.freeze(self.frozen)

    def fail_next(self, error: Any, expected: Expectation, times: int) -> None:
        """Order failures."""
        self.faults.add(error, expected, times)

    def delay(self, seconds: float, expected: Expectation) -> None:
        """Order delays."""
        self.faults.delay(seconds, expected)

    def unused_faults(self) -> list[faults.Unused]:
        """Orders that no command has met."""
        return self.faults.unused()

    def reset_faults(self) -> None:
        """Order neither."""
        self.faults.clear()

    def flush(self) -> None:
        """Remove all keys."""
        for server in self.scope.all():
            server.clear()

    def state(self) -> dict[str, dict[int, dict[str, Any]]]:
        """All data."""
        return snapshots.show(self.scope.servers)

    def snapshot(self) -> snapshots.Snapshot:
        """A copy of all data."""
        taken = snapshots.take(self.scope.servers)
        self._taken[taken.number] = taken
        return taken

    def saved(self, number: int) -> snapshots.Snapshot:
        """The snapshot of a number.

        Raises:
            LookupError: it has gone.
        """
        try:
            return self._taken[number]
        except KeyError:
            raise LookupError("this process does not keep that snapshot any more") from None

    def restore(self, snapshot: snapshots.Snapshot) -> None:
        """Bring data back."""
        snapshots.restore(self.scope.servers, snapshot)

    def set_up(self, up: bool) -> None:
        """Make all servers answer, or none."""
        self.up = up
        for server in self.scope.all():
            server.connected = up
            if not up:
                for session in list(server.sessions.values()):
                    session.close()

    def _check_clock(self) -> None:
        if self.forwards:
            raise RuntimeError(forwarding_engine.NO_TIME)

    def end(self) -> None:
        """Leave the servers as a client outlives them."""
        if self.scope.remote is None:  # else they are another process's
            for listener in self._listeners.values():
                listener.close()
        if self.forwards:
            if self.spy is not None:
                self.spy.detach()  # which asks them for what it must know
            for server in self.scope.all():
                server.connected = False  # what they led to is cleaned up
        self.faults.leave()
        if self.store is not None or self.follow:
            for server in self.scope.all():
                server.let_go()
        if self.spy is not None:
            self.spy.detach()
        if self.forwards:
            self.store.end_use()


def _check_plain(*, as_kwarg: Any, **flags: Any) -> None:
    for option, given in flags.items():
        if not isinstance(given, bool):
            raise TypeError(f"{option} is True or False, not {given!r}")
    if as_kwarg is not None and not (isinstance(as_kwarg, str) and as_kwarg.isidentifier()):
        raise TypeError(f"as_kwarg is the name of an argument, not {as_kwarg!r}")


def _check_server(server: Any) -> None:
    if not isinstance(server, engine_server.Server):
        raise TypeError(f"server must be a FakeServer, not {server!r}")


def _equipment(options: dict[str, Any]) -> dict[str, Any]:
    """Modules and settings, as they are now.

    Raises:
        TypeError, ValueError: some are none, or the servers are not made here.
    """
    modules, config = options["modules"], options["config"]
    store = options["store"]
    if options["server"] is not None or (store is not None and store.forwards):
        servers.check_own(modules=modules is not None, config=config is not None)
    modules = modules if modules is None or isinstance(modules, str) else list(modules)
    servers.FakeServer(None, options["version"], options["server_type"], modules, config=config)
    return {"modules": modules, "config": None if config is None else dict(config)}


def _store(store: Any) -> Any:
    """The store that is meant; None where it is memory, fresh at each entry."""
    if store is None:
        return None
    return stores.resolve(store)


def _new_spy() -> Spy:
    return watching.Spy()


def _texts(name: str, given: Any, example: str) -> frozenset[str]:
    """An option that is a set of texts."""
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        texts = frozenset(given)
        if all(isinstance(each, str) for each in texts):
            return texts
    raise TypeError(f"{name} is a set of {example}, not {given!r}")


def _addresses(addresses: Iterable[str] | None) -> frozenset[str] | None:
    if addresses is None:
        return None
    given = _texts("addresses", addresses, "addresses: {'localhost:6379'}")
    for each in sorted(given):
        if "://" in each:
            place = each.partition("://")[2].rpartition("@")[2]
            place = place if each.startswith("unix") else place.partition("/")[0]
            raise ValueError(
                f"an address is a host and port, or a socket's path, and no URL: {place!r}, "
                f"not {each!r}"
            )
    return frozenset(map(normalise, given))


def _kinds(clients: Iterable[str] | None) -> frozenset[str]:
    if clients is None:
        return KINDS
    clients = _texts("clients", clients, "kinds: {'redis', 'redis.asyncio'}")
    for kind in sorted(set(clients) - KINDS):
        raise ValueError(
            f"there are no clients {kind!r}{near(kind, KINDS)} Kinds are the packages that "
            f"clients are imported from: {', '.join(sorted(KINDS))}"
        )
    chosen = frozenset(clients)
    # Clients of clusters and Sentinels have the connections of plain ones.
    return chosen | {kind.removesuffix(".cluster").removesuffix(".sentinel") for kind in chosen}


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
