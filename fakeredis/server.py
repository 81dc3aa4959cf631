"""`FakeServer`: the engine's server with doors for people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

from fakeredis import stores, wiring
from fakeredis.commands.catalogue import module_group, table
from fakeredis.engine.command.command import Group, Table
from fakeredis.engine.command.modules import MODULES
from fakeredis.engine.core.config import begin
from fakeredis.engine.core.profiles import Profile, VersionLike, profile
from fakeredis.engine.core.replies import BLOCKED, numbers
from fakeredis.engine.core.server import Server
from fakeredis.errors import CommandError
from fakeredis.lazy import Lazy, LazyModule
from fakeredis.stores.base import KeyspaceStore
from fakeredis.stores.keyspace.memory import MemoryStore

if TYPE_CHECKING:
    from ssl import SSLContext

    from fakeredis.clients.aio import FakeAsyncRedis
    from fakeredis.clients.sync import FakeRedis
    from fakeredis.engine.core.interfaces import SessionLike
    from fakeredis.engine.data import rdb_file
    from fakeredis.stores.forwarding.engine import ForwardingEngine
    from fakeredis.stores.keyspace.write_through import WriteThrough
    from fakeredis.tcp import Listener
else:
    rdb_file = LazyModule("fakeredis.engine.data.rdb_file")
    ForwardingEngine = Lazy("fakeredis.stores.forwarding.engine", "ForwardingEngine")
    WriteThrough = Lazy("fakeredis.stores.keyspace.write_through", "WriteThrough")


class FakeServer(Server):
    """A Redis in this process; clients that share one see the same data.

    Args:
        store: where state lives: a store, a URL such as ``"sqlite:///r.db"``, or None for memory.
            The servers that a `MemoryStore` keeps are one for each address.
        version: the version to imitate, ``"8.2"`` or ``(8, 2)``.
        server_type: ``"redis"`` or ``"valkey"``.
        modules: what the server has beside its own commands: names of modules, and command groups
            of third parties, see `fakeredis.commands.registry.Group`. None: what its version has
            built in.
        config: settings as CONFIG SET and a configuration file take them
            (``{"requirepass": "x", "enable-debug-command": "yes"}``).
        address: where clients believe it to be.
        clock: ``"test"`` goes by `time.time`, which freezegun and time-machine move; ``"real"`` by
            the time that a server outside of the tests would have.
        follow: whether ``REPLICAOF`` may connect to another server, a real one or a fake that
            listens, and take over its data.
    """

    def __new__(
        cls, store: Any = None, version: VersionLike = "8.2",
        server_type: str = "redis", modules: Iterable[Group | str] | None = None,
        config: Mapping[str, Any] | None = None, address: str = "localhost:6379",
        clock: str = "test", follow: bool = False,
    ) -> FakeServer:
        """The server that a memory store keeps at the address, or a new one."""
        kept = _kept_by(store, address, profile(version, server_type))
        return super().__new__(cls) if kept is None else kept

    def __init__(
        self, store: Any = None, version: VersionLike = "8.2",
        server_type: str = "redis", modules: Iterable[Group | str] | None = None,
        config: Mapping[str, Any] | None = None, address: str = "localhost:6379",
        clock: str = "test", follow: bool = False,
    ) -> None:
        if _kept_by(store, address, profile(version, server_type)) is self:
            self.outlived = False
            if config is not None:
                begin(self, config)
            return
        groups = module_groups(modules, profile(version, server_type))
        super().__init__(version, server_type, groups, address, clock)
        if config is not None:
            begin(self, config)
        if follow:
            self.connect = wiring.follow
        self.store: Any = stores.resolve(store)
        self._own: _Own | None = None
        wiring.share_with_children(self)  # before anyone can find it in the store
        _keep_in(self.store, self)

    def _catalogue(self, for_bytes: bool = False) -> Table:
        """The commands that it has."""
        return table(self.profile, self.modules, for_bytes)

    let_go = close = Server.let_go
    connected = Server.connected  # people's, too

    @staticmethod
    def get_server(
        key: str, version: VersionLike | None = None, server_type: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Server:
        """The server that clients made by hand share at an address, as in the public fakeredis 2.

        Args:
            key: the address, ``"localhost:6379"``.
            version: its version; each is a server of its own.
            server_type: likewise.
            config: settings to change.
        """
        found: Server = wiring.server_at(key, version, server_type)
        if config is not None:
            begin(found, config)
        return found

    @property
    def dbs(self) -> Any:
        """What the public fakeredis 2 keeps its data in.

        Raises:
            AttributeError: there is nothing like it here.
        """
        raise AttributeError(
            "a FakeServer has no dbs: ask server.client(db=0), or a patch's state() for all data"
        )

    def client(self, **kwargs: Any) -> FakeRedis:
        """A `FakeRedis` on this server; arguments as for `redis.Redis`."""
        client: FakeRedis = wiring.make_client(server=self, **kwargs)
        return client

    def async_client(self, **kwargs: Any) -> FakeAsyncRedis:
        """A `FakeAsyncRedis` on this server; arguments as for `redis.asyncio.Redis`."""
        client: FakeAsyncRedis = wiring.make_async_client(server=self, **kwargs)
        return client

    def listen(
        self, host: str = "127.0.0.1", port: int = 0, *, unixsocket: str | None = None,
        ssl: SSLContext | None = None,
    ) -> Listener:
        """Serve this server's data to other programs at a TCP port, in a thread.

        Args:
            host: the address to listen at, this machine's own by default.
            port: 0 takes a free one; see the result's ``port``.
            unixsocket: listen at this path instead.
            ssl: serve TLS.

        Returns:
            An object with ``address``, ``port`` and ``close()``; also a context manager.

        Raises:
            OSError: the address is taken, or is not this machine's.
            TypeError: host or port is of another type.
        """
        place: tuple[Any, Any] = (host, port)
        if not isinstance(place[0], str) or not isinstance(place[1], int):
            raise TypeError(f"listen('127.0.0.1', 6379), not listen({host!r}, {port!r})")
        listener: Listener = wiring.listen(self, host, port, unixsocket, ssl)
        return listener

    def load_rdb(self, path: str | os.PathLike[str]) -> None:
        """Replace all data by those of an RDB file, such as a server's ``dump.rdb``.

        Keys whose time is over are left out. Libraries of functions are loaded as well.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no such file, is damaged, of a newer version than this server, or
                holds values of a module; the text says where. Nothing has changed then.
            RuntimeError: the data are elsewhere, see the store.
        """
        self.engine.check_files("takes")

        rdb_file.from_bytes(self, Path(path).read_bytes())

    def save_rdb(self, path: str | os.PathLike[str]) -> None:
        """Write all data to an RDB file, which a server of this version can load.

        Raises:
            OSError: the file cannot be written.
            RuntimeError: the data are elsewhere, see the store.
        """
        self.engine.check_files("gives")

        Path(path).write_bytes(rdb_file.to_bytes(self))

    def execute(self, *args: bytes | str | float) -> Any:
        """Run one command and return the engine's plain reply (RESP3's types).

        A command that waits is waited for.

        Raises:
            fakeredis.errors.CommandError: the reply is an error.
            fakeredis.errors.ConnectionLost: the server is down.
            TypeError: no command was given, or something that is never sent.
        """
        if not args:
            raise TypeError("execute() takes a command and its arguments: execute('GET', 'k')")
        if self._own is None or self._own.session.closed:
            self._own = _Own(self.session(protocol=3))
        session = self._own.session
        reply = session.execute([_encoded(arg) for arg in args])
        if reply is BLOCKED:
            reply = wiring.make_socket(session).receive(None)
            session.shell = ref(self._own)
            if isinstance(reply, CommandError):
                raise reply
        return numbers(reply)


class _Own:
    """The shell of a server's own session, see `FakeServer.execute`."""

    __slots__ = ("session", "__weakref__")

    def __init__(self, session: SessionLike) -> None:
        self.session = session
        session.shell = ref(self)


def _kept_by(store: Any, address: str, wanted: Profile) -> FakeServer | None:
    """The server that a store of memory keeps at an address; None where it keeps none.

    Raises:
        ValueError: that one is of another type or version.
    """
    kept = store.server_at(address) if isinstance(store, MemoryStore) else None
    if kept is not None and kept.profile != wanted:
        there = kept.profile
        raise ValueError(
            f"this store has a server at {kept.address} already, which is "
            f"{there.server_type} {there.version_text}: take another address, or another store"
        )
    return cast("FakeServer | None", kept)


def _keep_in(store: Any, server: FakeServer) -> None:
    """Keep a new server's state in a store from now on, if it has one.

    Raises:
        TypeError: the store's part for this server is no store.
        ValueError: the store has a server of its own, which takes no modules and no settings.
    """
    if isinstance(store, MemoryStore):
        store.adopt(server)
    elif isinstance(store, KeyspaceStore):
        WriteThrough(server, _part(store, server.address))
    elif store is not None:
        check_own(modules=server.modules, config=server.config.changed)
        server.engine = ForwardingEngine(server, store)


def _part(store: KeyspaceStore, address: str) -> KeyspaceStore:
    part = store.space(address)
    if not isinstance(part, KeyspaceStore):
        raise TypeError(f"{store!r}.space() gave {part!r}, which is no KeyspaceStore")
    return part


def module_groups(modules: Any, facts: Profile) -> tuple[Group, ...]:
    """The groups of commands that are meant by a list of modules.

    Raises:
        TypeError: it is none.
        ValueError: there is no module of a name.
    """
    if modules is None:
        return ()
    if isinstance(modules, str) or not isinstance(modules, Iterable):
        raise TypeError(f"modules is a list of names and command groups, not {modules!r}")
    groups = []
    for each in modules:
        if isinstance(each, Group):
            groups.append(each)
        elif not isinstance(each, str):
            raise TypeError(
                f"a module is a name or a fakeredis.commands.registry.Group, not {each!r}"
            )
        else:
            groups += _known_module(each, facts)
    return tuple(groups)


def _known_module(name: str, facts: Profile) -> list[Group]:
    """The groups of one of Redis's own modules, none where the profile has it anyhow."""
    built_in = table(facts).modules
    if name in built_in:
        return []
    groups = module_group(name)
    if not groups or not MODULES[name].stack_version:
        known = sorted({*built_in, *(name for name in MODULES if module_group(name)
                                     and MODULES[name].stack_version)})
        raise ValueError(
            f"{facts.server_type} {facts.version_text} has no module {name!r} here; "
            f"there are: {known}"
        )
    return groups


def check_own(**options: Any) -> None:
    """Refuse options that a server has which is elsewhere, or was made before.

    Raises:
        ValueError: one of them was given.
    """
    for name, given in options.items():
        if given:
            raise ValueError(f"{name}= is for servers made here: this one has its own")


def _encoded(arg: Any) -> bytes:
    """An argument as it would be sent."""
    if isinstance(arg, bytes):
        return arg
    if isinstance(arg, str):
        return arg.encode()
    if isinstance(arg, (int, float)) and not isinstance(arg, bool):
        return repr(arg).encode()
    raise TypeError(f"a command is made of bytes, text and numbers, not {arg!r}")
