"""The server: databases, sessions and settings under one lock.

The lock keeps other threads out, and yet a dictionary of the server may change under whoever looks
through it: the garbage collector may run finalizers in the middle of any command, and these may
send commands, by the same thread.  So what is common to sessions is copied before a loop, by
``list(mapping)``, ``list(mapping.values())`` or ``mapping.copy()``: there nothing is collected.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from heapq import heapify, heappop
from threading import RLock
from typing import TYPE_CHECKING, Any

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.engine.command.command import Command, Group, Table
from fakeredis.engine.core import blocking, notifications, switches
from fakeredis.engine.core.clock import clock_of
from fakeredis.engine.core.config import Config
from fakeredis.engine.core.database import Database
from fakeredis.engine.core.engines import Engine, LocalEngine
from fakeredis.engine.core.profiles import VersionLike, profile
from fakeredis.engine.core.pubsub import PubSub
from fakeredis.engine.core.recording import OnChange, Recorder, layer_of
from fakeredis.engine.core.road import Check, Go, Origin
from fakeredis.engine.core.session import Session
from fakeredis.engine.core.statistics import Statistics
from fakeredis.engine.features import key_access, latency, memory, pause
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.cluster.cluster import Node
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.store_sync import StoreSync
    from fakeredis.engine.features.acl import AccessControl
    from fakeredis.engine.features.hotkeys import Collection
    from fakeredis.engine.features.latency import Timing
    from fakeredis.engine.features.memory import Limit
    from fakeredis.engine.features.pause import Pause
    from fakeredis.engine.features.tracking import Tracking
    from fakeredis.engine.lua.frame import Frame
    from fakeredis.engine.lua.functions import Functions
    from fakeredis.engine.lua.scripting import Scripting

_TELLING = switches.TRACKED | switches.LIMITED
_EXPIRE_BUDGET = 200  # keys that one command removes beside its own work


Interceptor = Callable[[Session, Command, Sequence[bytes]], None]


class Server:
    """A Redis server without I/O.

    Args:
        version: which version to imitate, ``"8.2"`` or ``(8, 2)``.
        server_type: ``"redis"`` or ``"valkey"``.
        modules: groups of further commands.
        address: where clients believe it to be, ``host:port`` or a socket's path.
        clock: ``"test"`` or ``"real"``, see `fakeredis.engine.core.clock`.
    """

    # What features keep of a server: None, or nothing, until they are used.
    acl: AccessControl | None = None
    functions: Functions | None = None
    hotkeys: Collection | None = None
    long_script: Frame | None = None  # that others are told of
    lua_modules: frozenset[str] = frozenset()  # that scripts may name, for compatibility
    memory_limit: Limit | None = None
    node: Node | None = None  # of a cluster
    pause: Pause | None = None
    # Talks to a master, where this server may follow one over a network.
    connect: Callable[[Any], Any] | None = None
    replication: Any = None  # see `fakeredis.engine.features.replication`
    pumps: tuple[Callable[[], None], ...] = ()  # called while a script runs long
    rewrote_aof = False  # DEBUG LOADAOF finds a file then
    running_use: Any = None  # the running command's use of keys
    saves = 0
    scripting: Scripting | None = None
    search: Any = None  # its indexes: see `fakeredis.engine.features.search`
    series: Any = None  # the labels of its time series: see `fakeredis.engine.features.series`
    scripts_call_all = False  # DEBUG SET-DISABLE-DENY-SCRIPTS
    sentinel: Any = None  # what a Sentinel watches
    takes_any_user = False  # such as those of a production URL
    timing: Timing | None = None
    tracking: Tracking | None = None
    unread_functions: Sequence[bytes] = ()  # code of a file, where no interpreter is installed
    vector_sets_made = 0

    def __init__(
        self, version: VersionLike = "8.2", server_type: str = "redis",
        modules: Sequence[Group] = (), address: str = "localhost:6379", clock: str = "test",
    ) -> None:
        self.lock = RLock()
        self.engine: Engine = LocalEngine(self)
        self.address = address
        # Which server answers at an address (MIGRATE); set by the network that made this one.
        self.resolve_address: Callable[[str], Server | None] | None = None
        self.profile = profile(version, server_type)
        self.traits = self.profile.traits
        self.modules = modules
        self.table = self._catalogue()
        self._wire_table: Table | None = None
        self.clock = clock_of(clock)
        self.closed_by_default = False  # whether new sessions must authenticate
        self.config = Config(self)
        self.limits = EncodingLimits()
        if not self.traits.compact:
            self.limits = EncodingLimits(set_max_listpack_entries=0, short_lists=0)
        self.notes_use = False  # of keys: see `fakeredis.engine.features.key_access`
        self.databases: dict[int, Database] = {}
        self.sessions: dict[int, Session] = {}
        self.leaving: list[Session] = []  # closed in the middle of a command
        self.next_session_id = 1
        self.switched = 0  # bits of `switches`: what is switched on
        self.checks: dict[int, Check] = {}  # by these bits; never changed, but replaced
        self.client_roads: dict[int, Go] = {}  # by sessions' switches
        self.inner_roads: dict[Origin, Go] = {}
        self.recorder: Recorder | None = None
        self.on_change: OnChange | None = None  # the recorder's
        self.interceptors: list[Interceptor] = []
        self.store_sync: StoreSync | None = None  # brings what changes to a store
        self.monitors: dict[Session, None] = {}
        self.pubsub = PubSub()
        self.notify_flags = ""
        self.waiting: dict[Session, None] = {}  # blocked sessions, oldest first
        self.ready: list[tuple[Database, bytes]] = []  # keys that may let them go on
        # A heap of databases' keys, or -1 and an index of `search`; may hold outdated entries.
        self.deadlines: list[tuple[int, int, bytes]] = []
        self.deadlines_limit = 1000  # more entries than this are looked through for outdated ones
        self.outlived = False  # whether the patch has ended that made it
        self.active_expire = True
        self.random = random.Random()
        self.run_id = secrets.token_hex(20)
        self.replication_id = secrets.token_hex(20)
        self.started = self.clock.seconds()
        self.last_save = int(self.started)
        self.statistics = Statistics()
        self.calls = self.statistics.calls  # incremented by each command
        self.dirty = 0
        # When the running command began, or the last one: seconds by `time.time`, whatever the
        # clock says. See `fakeredis.engine.features.key_access`.
        self.run_at = time.time()
        self.reset_statistics()
        if self.clock.moved:  # the time of commands would not tell when keys were used
            key_access.begin(self)

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.hits = self.misses = 0
        self.expired_keys = self.expired_fields = self.connections_received = 0
        self.statistics.reset()
        latency.forget_durations(self)

    @property
    def processed(self) -> int:
        """How many commands have run."""
        return self.statistics.processed()

    # Time -----------------------------------------------------------------------------------

    def now(self) -> float:
        """The server's time in seconds since the epoch."""
        return self.clock.seconds()

    def advance(self, seconds: float) -> None:
        """Move the clock ahead; keys expire and waits time out as they would have.

        Raises:
            TypeError, ValueError: it is no number of seconds, or a negative one.
        """
        self.engine.advance(seconds)

    def freeze(self, at: float) -> None:
        """Stop the clock at ``at`` (seconds since the epoch); what is due by then happens."""
        with self.lock:
            key_access.clock_moves(self)
            self.clock.freeze(at)
            self.catch_up()

    def catch_up(self) -> None:
        """Do what has become due: expire keys, time out waits."""
        self.engine.catch_up()

    def do_what_is_due(self) -> None:
        """Expire keys, time out waits and serve who can go on, where the data are."""
        with self.lock:
            if self.switched & switches.BUSY:
                return  # in the middle of a script
            now = self.clock.milliseconds()
            if self.active_expire and not self.is_paused():
                self._expire(now, len(self.deadlines))
            blocking.check_deadlines(self)
            blocking.serve_ready(self)

    # Databases ------------------------------------------------------------------------------

    def database(self, index: int) -> Database:
        """A database, made when first asked for."""
        db = self.databases.get(index)
        if db is None:
            db = self.databases[index] = self._make_database(index)
            db.observe()
        return db

    def _make_database(self, index: int) -> Database:
        if self.store_sync is None:
            return Database(self, index)
        return self.store_sync.make_database(index)

    def key_modified(
        self, db: Database, key: bytes, event: str, group: str, ctx: Context | None = None
    ) -> None:
        """Tell all who want to know that a key has changed: `Context.modified` says who.

        Args:
            db: the key's database.
            key: its name.
            event: the keyspace event; empty for none.
            group: the event's class, ``"hash"``.
            ctx: that of the command that has changed it, where it was one.
        """
        if self.store_sync is not None:
            self.store_sync.key_modified(ctx, db, key, event, group)
        if self.on_change is not None and ctx is not None:
            self.on_change(ctx.session, db, key, None)
        if self.search is not None:
            self.search.changed(db, key, event, ctx)
        if self.series is not None:
            self.series.changed(db, key)
        if self.notes_use or self.switched & _TELLING:
            self._note_change(db, key, event, ctx)
        if db.watchers:
            self.touch_watchers(db, key)
        if db.blocked and key in db.blocked:
            self.ready.append((db, key))
        if self.notify_flags and event:
            notifications.publish_event(self, db.index, key, event, group)

    def _note_change(
        self, db: Database, key: bytes, event: str, ctx: Context | None
    ) -> None:
        """Tell those who are switched on."""
        if self.switched & switches.TRACKED and self.tracking is not None:
            self.tracking.invalidate(key, event == "expired")
        if self.notes_use:
            key_access.changed(db, key, ctx)
        if self.switched & switches.LIMITED:
            memory.changed(db, key)

    def signal_modified(self, db: Database, key: bytes) -> None:
        """Tell those who watch or track a key of a change that is none to others."""
        if db.watchers:
            self.touch_watchers(db, key)
        if self.switched & switches.TRACKED and self.tracking is not None:
            self.tracking.invalidate(key)

    @staticmethod
    def touch_watchers(db: Database, key: bytes) -> None:
        """Fail the transactions of all who watch a key.

        A key that had expired before WATCH and is removed now has not changed for them.
        """
        watched = (db.index, key)
        for session in list(db.watchers.get(key, ())):
            if session.watched.get(watched) and key not in db.data:
                session.watched[watched] = False
            else:
                session.watch_failed = True

    def key_missed(self, db: Database, key: bytes) -> None:
        """A read found nothing."""
        if "m" in self.notify_flags:
            notifications.publish_event(self, db.index, key, "keymiss", "")

    # Expiry ---------------------------------------------------------------------------------

    def expire_due(self, ctx: Context) -> None:
        """Remove keys whose deadline has passed, a bounded number of them."""
        if self.active_expire and self.deadlines[0][0] <= ctx.now:
            if not self.is_paused():
                self._expire(ctx.now, _EXPIRE_BUDGET)

    def _expire(self, now: int, budget: int) -> None:
        if self.config.latency_monitor_threshold:
            with latency.watched(self, "expire-cycle"):
                self._expire_due(now, budget)
        else:
            self._expire_due(now, budget)

    def _expire_due(self, now: int, budget: int) -> None:
        if self.switched & switches.FOLLOWING:
            return  # its master says what has expired
        if self.switched & switches.REPLICATED:
            with self.replication.stream.apart():
                self._expire_them(now, budget)
        else:
            self._expire_them(now, budget)

    def _expire_them(self, now: int, budget: int) -> None:
        tracking = self.tracking if self.switched & switches.TRACKED else None
        if tracking is not None and self.deadlines and self.deadlines[0][0] <= now:
            with tracking.between_commands():
                self._expire_each(now, budget)
        else:
            self._expire_each(now, budget)

    def _expire_each(self, now: int, budget: int) -> None:
        deadlines = self.deadlines
        while deadlines and deadlines[0][0] <= now and budget > 0:
            due, index, key = heappop(deadlines)
            budget -= 1
            if index < 0:
                self.search.expire(key, now)
                continue
            db = self.database(index)
            deadline = db.expires.get(key)
            if deadline is not None and deadline <= now:
                self.expire_key(db, key)
            if db.field_deadlines and db.field_deadlines.get(key) == due:
                self._expire_fields_due(db, key, now)
                deadlines = self.deadlines

    def expire_key(self, db: Database, key: bytes) -> None:
        """Remove one key because its time has come."""
        db.delete(key)
        self.expired_keys += 1
        if self.switched & switches.REPLICATED:
            self.replication.stream.removed(db, key)
        if db.observed:
            self.key_modified(db, key, "expired", "generic")

    def _expire_fields_due(self, db: Database, key: bytes, now: int) -> None:
        """Look at a hash whose turn has come, and note when it comes again."""
        db.field_deadlines.pop(key, None)
        value = db.data.get(key)
        if type(value) is Hash and not self.expire_fields(db, key, value, now):
            soonest = value.next_expiry
            if soonest is not None:
                db.expire_fields_at(key, soonest)

    def expire_fields(
        self, db: Database, key: bytes, value: Hash, now: int,
        among: Sequence[bytes] | None = None, *, silent: bool = False, keep: bool = False,
    ) -> bool:
        """Remove the fields of a hash whose time has come; whether the key went with them.

        Args:
            among: the only ones to be removed; any by default.
            silent: where a single field was all that the hash had, no event tells of it.
            keep: the hash stays, empty as it may be: it gets fields next.
        """
        fields = value.pop_expired(now) if among is None else value.pop_expired_among(among, now)
        gone = len(fields)
        if not gone:
            return False
        if self.switched & switches.REPLICATED:
            self.replication.stream.fields_removed(db, key, fields)
        self.expired_fields += gone
        if keep:
            if db.observed:
                self.key_modified(db, key, "hexpired", "hash")
            return False
        if not value:
            db.delete(key)
        if db.observed:
            if not value and silent and gone == 1:
                self.key_modified(db, key, "", "hash")
                return True
            self.key_modified(db, key, "hexpired", "hash")
            if not value:
                self.key_modified(db, key, "del", "generic")
        return not value

    def trim_deadlines(self) -> None:
        """Drop outdated entries of the heap.

        What commands of finalizers add meanwhile stays; so does the first entry, by which who
        waits knows that there are some.
        """
        self.deadlines = self.deadlines[:1]
        self.deadlines += [
            (deadline, db.index, key)
            for db in list(self.databases.values())
            for deadlines in (db.expires.copy(), db.field_deadlines.copy())
            for key, deadline in deadlines.items()
        ]
        if self.search is not None:
            self.deadlines += [
                (deadline, -1, name) for name, deadline in self.search.temporary.items()
            ]
        heapify(self.deadlines)
        self.deadlines_limit = 2 * len(self.deadlines) + 1000

    # Sessions -------------------------------------------------------------------------------

    def session(self, protocol: int = 2, address: str = "127.0.0.1:0") -> Session:
        """A new session, as a client's connection makes one.

        Raises:
            OSError: its commands run elsewhere, and that cannot be reached.
            StoreError: or it refuses.
        """
        return self.engine.session(protocol, address)  # type: ignore[no-any-return]

    def protocol_session(self, address: str = "127.0.0.1:0", local: str = "") -> Any:
        """A new session for a shell that writes the protocol's bytes.

        Args:
            address: the client's.
            local: the server's end of the connection.
        """
        return self.engine.protocol_session(address, local)

    @property
    def forwards(self) -> bool:
        """Whether its commands run at another server, see `fakeredis.stores.forwarding`."""
        return self.engine.forwards

    @property
    def remote(self) -> bool:
        """Whether it only stands for one of another process, see its `engine`."""
        return self.engine.remote

    def _catalogue(self, for_bytes: bool = False) -> Table:
        """The commands of its profile and modules; `fakeredis.server.FakeServer` knows them.

        Args:
            for_bytes: see `Table`.
        """
        raise NotImplementedError

    def add_module(self, group: Group) -> None:
        """Add a group of commands to those of the profile.

        Raises:
            ValueError: one of its names is taken.
        """
        self.modules = (*self.modules, group)
        self.table, self._wire_table = self._catalogue(), None

    @property
    def is_clustered(self) -> bool:
        """Whether it is a node of a cluster."""
        return bool(self.switched & switches.CLUSTERED)

    @property
    def wire_table(self) -> Table:
        """The commands for sessions whose replies become bytes."""
        if self._wire_table is None:
            self._wire_table = self._catalogue(for_bytes=True)
        return self._wire_table

    def register(self, session: Session) -> int:
        """Count a session in; returns its client ID."""
        number = self.next_session_id
        self.next_session_id += 1
        self.sessions[number] = session
        self.connections_received += 1
        return number

    def unregister(self, session: Session) -> None:
        """A session has gone."""
        self.sessions.pop(session.id, None)
        self.stop_monitoring(session)
        if self.tracking is not None:
            self.tracking.stop(session)
        if self.replication is not None:
            self.replication.leave(session)

    def is_paused(self) -> bool:
        """Whether CLIENT PAUSE is not over: until then nothing is removed, expired as it may be."""
        return bool(self.switched & switches.PAUSED) and pause.is_on(self)

    def switch_on(self, bit: int, check: Check | None = None) -> None:
        """Put a feature's part of each command's road in force.

        Args:
            bit: which of `fakeredis.engine.core.switches`.
            check: what it asks and does there.
        """
        with self.lock:  # no road is being compiled
            self.switched |= bit
            if check is not None:
                self.checks = {**self.checks, bit: check}
            self.client_roads, self.inner_roads = {}, {}

    def switch_off(self, bit: int) -> None:
        """End `switch_on`."""
        with self.lock:
            self.switched &= ~bit
            self.checks = {each: self.checks[each] for each in self.checks if each != bit}
            self.client_roads, self.inner_roads = {}, {}

    def stop_monitoring(self, session: Session) -> None:
        """A session no longer sees all commands (MONITOR)."""
        if self.monitors.pop(session, 0) is None and not self.monitors:
            self.switch_off(switches.MONITORED)

    def is_locked_here(self) -> bool:
        """Whether this thread holds the lock, and so is in the middle of something."""
        return self.lock._is_owned()  # type: ignore[attr-defined,no-any-return]

    def release_sessions(self) -> None:
        """Do what was put off when sessions were closed in the middle of a command."""
        self.switch_off(switches.LEAVING)
        while self.leaving:
            self.leaving.pop().release()

    def greet(self, session: Session) -> None:
        """Decide whether a new session must authenticate first."""
        if self.closed_by_default:
            session.switched |= switches.UNAUTHENTICATED

    # Doors ----------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the server answers; set to False, connections break and none can be made."""
        return self.engine.connected

    @connected.setter
    def connected(self, up: bool) -> None:
        self.engine.connected = up

    def attach_recorder(self, recorder: Recorder | None) -> None:
        """Make a spy listen; None ends that."""
        with self.lock:
            self.recorder = recorder
            self.on_change = getattr(recorder, "changed", None)
            if recorder is None:
                self.switch_off(switches.RECORDED)
            else:
                self.switch_on(switches.RECORDED, Check(layer=layer_of(recorder)))
            for db in list(self.databases.values()):
                db.observe()

    def together(self) -> AbstractContextManager[None]:
        """To be held while commands run that came together."""
        return nullcontext() if self.tracking is None else self.tracking.together()

    def rewriting(self) -> AbstractContextManager[None]:
        """To be held while data are changed otherwise than by commands."""
        self.run_at = time.time()
        return nullcontext() if self.store_sync is None else self.store_sync.rewriting()

    def let_go(self) -> None:
        """Close the store's files and connections; used again, the server opens them again."""
        self.engine.let_go()

    def clear(self) -> None:
        """Remove all keys of all databases, without a command's side effects."""
        self.engine.clear()

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """The keys of each database that has any.

        Args:
            session: through which they may be asked for.
        """
        return self.engine.key_names(session)

    def select(self, index: int) -> Database:
        """The database of a number that a client named.

        Raises:
            CommandError: there is no such database.
        """
        if not 0 <= index < self.config.databases:
            raise CommandError("ERR DB index is out of range")
        return self.database(index)
