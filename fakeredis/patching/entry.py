"""What one entry of a patch has: its scope, the servers that it makes, spy, faults and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from weakref import WeakValueDictionary

from fakeredis.clients.network import normalise
from fakeredis.engine.core.clock import clock_of
from fakeredis.lazy import LazyModule
from fakeredis.patching import faults
from fakeredis.patching.scope import PatchScope

# What is not imported here is imported when it is needed first: to enter a patch is to be quick.
if TYPE_CHECKING:
    from fakeredis import server as servers
    from fakeredis.engine.core.server import Server
    from fakeredis.patching import snapshots
    from fakeredis.patching.processes import child_processes, handle_proxy
    from fakeredis.server import FakeServer
    from fakeredis.spy import watching
    from fakeredis.spy.expectations import Expectation
    from fakeredis.spy.watching import Spy
    from fakeredis.stores.forwarding import engine as forwarding_engine
    from fakeredis.tcp.listener import Listener
else:
    child_processes = LazyModule("fakeredis.patching.processes.child_processes")
    forwarding_engine = LazyModule("fakeredis.stores.forwarding.engine")
    handle_proxy = LazyModule("fakeredis.patching.processes.handle_proxy")
    servers = LazyModule("fakeredis.server")
    snapshots = LazyModule("fakeredis.patching.snapshots")
    watching = LazyModule("fakeredis.spy.watching")


class PatchEntry:
    """What one entry of a patch has of its own."""

    def __init__(
        self, options: dict[str, Any], addresses: frozenset[str] | None, kinds: frozenset[str],
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
        self.spy: Spy | None = watching.Spy() if options["spy"] else None
        single = options["server"]
        self.scope = PatchScope(self.make, single, addresses, kinds, options["after_exit"])
        self.scope.entry = self
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

    def do(self, what: str, *args: object) -> Any:
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
        """Move the clocks of all servers ahead, those of later ones too."""
        self._check_clock()
        self.offset += seconds
        for server in self.scope.all():
            server.advance(seconds)

    def freeze(self, moment: float | None) -> None:
        """Stop the clocks of all servers: where the first one is, or at a time (seconds)."""
        self._check_clock()
        servers = self.scope.all()
        if moment is None:
            clock = servers[0].clock if servers else clock_of(self.clock)
            moment = clock.seconds() if servers else clock.seconds() + self.offset
        self.frozen, self.offset = float(moment), 0.0
        for server in servers:
            server.freeze(self.frozen)

    def fail_next(self, error: object, expected: Expectation, times: int) -> None:
        """Make the next so many commands that are expected fail."""
        self.faults.add(error, expected, times)

    def delay(self, seconds: float, expected: Expectation) -> None:
        """Answer commands that are expected so many seconds late."""
        self.faults.delay(seconds, expected)

    def unused_faults(self) -> list[faults.Unused]:
        """Orders that no command has met."""
        return self.faults.unused()

    def reset_faults(self) -> None:
        """Forget all failures and delays that were ordered."""
        self.faults.clear()

    def flush(self) -> None:
        """Remove all keys of all servers."""
        for server in self.scope.all():
            server.clear()

    def state(self) -> dict[str, dict[int, dict[str, Any]]]:
        """All data by address, database and key."""
        return snapshots.show(self.scope.servers)

    def snapshot(self) -> snapshots.Snapshot:
        """A copy of all servers' data, which `saved` finds as long as somebody has it."""
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
        """Bring the data back to what they were."""
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
