"""Between the engine and a store that keeps values: what a command has changed goes there.

The server works on values in memory, as without a store. Before a command that may write, what
others have changed meanwhile is taken over, under the store's lock; after it the keys that have
changed are kept, in one transaction with the other changes of the same command, MULTI or script. A
small change of a big value is kept as itself, where the store can: as the command that makes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.command.command import ADMIN, KEPT, REPLICATES, RUNS_QUEUE, WRITE, Command
from fakeredis.engine.core import blocking, notifications, switches
from fakeredis.engine.core.database import Database
from fakeredis.engine.core.replies import Push
from fakeredis.engine.core.road import Check, Go, Origin
from fakeredis.engine.core.session import Session
from fakeredis.engine.data.rdb_file import tell
from fakeredis.errors import CommandError
from fakeredis.rdb import payload as rdb
from fakeredis.stores.base import (
    CarriesMessages,
    Change,
    KeepsDeltas,
    KeyspaceStore,
    Record,
    StoreError,
)
from fakeredis.stores.keyspace import stored_scripts
from fakeredis.stores.keyspace.carried_messages import CarriedPubSub, refusal
from fakeredis.stores.keyspace.changes import Delta, Touched
from fakeredis.stores.keyspace.poll import ChangePoller

if TYPE_CHECKING:
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.server import Server

Place = tuple[int, bytes]  # a database's number and a key
Run = Callable[[Command, Sequence[bytes]], Any]

# PFCOUNT keeps what it has counted.
_MAY_CHANGE: Final = WRITE | ADMIN | REPLICATES | KEPT | RUNS_QUEUE
_MANY: Final = 64  # elements from which on changes are kept one by one
_LONG: Final = 4096  # bytes of a string, likewise
_LEAST_TAIL: Final = 4096  # bytes of changes that are always kept before a value is written anew
_QUIET: Final = ":"  # a change that is no event, as by FLUSHALL
SILENT: Final = "="  # begins events that neither WATCH nor blocked sessions hear of


class StoredDatabase(Database):
    """A database whose keys a store keeps."""

    __slots__ = ("sync",)

    def __init__(self, server: Server, index: int, sync: WriteThrough) -> None:
        super().__init__(server, index)
        self.sync = sync

    def observe(self) -> None:
        """Changes always interest the store."""
        super().observe()
        self.observed = True

    def put(self, key: bytes, value: Any) -> None:
        """Store a value without a deadline, as SET does, and note that all of it is new."""
        super().put(key, value)
        self.sync.value_replaced(self, key)

    def replace(self, key: bytes, value: Any) -> None:
        """Store a value, keep the deadline, and note that all of it is new."""
        super().replace(key, value)
        self.sync.value_replaced(self, key)

    def delete(self, key: bytes) -> bool:
        """Remove a key, and note that; whether it was there.  The caller announces it."""
        gone = super().delete(key)
        if gone:
            self.sync.value_replaced(self, key)
        return gone

    def clear(self) -> None:
        """Remove everything, and note each key."""
        for key in list(self.data):
            self.sync.value_replaced(self, key, _QUIET)
        super().clear()


class WriteThrough:
    """Keeps a server's data in a store.

    Args:
        server: the server; nobody else knows it yet.
        store: the store, or a server's part of it.

    Raises:
        StoreError: the store cannot be read.
    """

    def __init__(self, server: Server, store: KeyspaceStore) -> None:
        self.server = server
        self.store = store
        # Looks at what other processes do while somebody here waits for it.
        self._poller = ChangePoller(self) if store.shared else None
        self._deltas = store if isinstance(store, KeepsDeltas) else None
        self._touched: dict[Place, Touched] | None = None  # None outside of transactions
        self._versions: dict[Place, int] = {}
        # Of big values: bytes of what is kept, and of the changes kept after it.
        self._sizes: dict[Place, tuple[int, int]] = {}
        self._stamp: object = None
        self._anew = False  # at its end everything is to be kept, whatever was before
        self._applying = False  # what others have done is being taken over
        self._held: list[tuple[Session, Any]] = []  # what sessions get at the transaction's end
        self._player: Session | None = None
        self._code: stored_scripts.Code = {}  # as it is in the store
        self._edits = 0  # of indexes, of which the store knows
        self._wrote_code = False  # in the transaction that runs
        # What a command with a random effect says is the same: its arguments, and the words.
        self._replicated: tuple[Any, Sequence[bytes]] = (None, ())
        server.store_sync = self
        server.switch_on(switches.STORED, Check(layer=self.layer))
        if isinstance(store, CarriesMessages):
            server.pubsub = CarriedPubSub(store)
        self._reload_all()

    def make_database(self, index: int) -> Database:
        """A database whose changes are noted."""
        return StoredDatabase(self.server, index, self)

    # Commands -------------------------------------------------------------------------------

    def layer(self, server: Server, origin: Origin, go: Go) -> Go:
        """A layer of the road that keeps what commands change.

        Args:
            server: whose road it is.
            origin: where the commands come from.
            go: the rest of the road.

        Returns:
            The road with the layer around it. It raises `CommandError`: the command's own, or the
            store cannot keep the change; then nothing has changed.
        """

        def run(session: Session, command: Command, args: Sequence[bytes]) -> Any:
            if self._touched is not None:
                return go(session, command, args)
            if command.flags & _MAY_CHANGE or command.declaration.runs:
                self._begin()
                try:  # as in `transaction`
                    reply = go(session, command, args)
                    if command.group == "scripting":
                        self._keep_code()
                except BaseException as error:
                    self._end_after(error)
                    raise
                self._end()
            else:
                self.catch_up()
                reply = go(session, command, args)
            if self._poller is not None and self.is_waited_for():
                self._poller.start()
            return reply

        return run

    def run_many(self, count: int, run: Callable[[], list[Any]]) -> list[Any]:
        """Run a pipeline, whose commands the store keeps together; the replies."""
        try:
            with self.transaction():
                return run()
        except CommandError as error:  # the store does not take them
            return [error] * count

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that happens inside, or nothing.

        An error reply ends it as a success does: what a script did before its error stays.

        Raises:
            CommandError: the store does not take it.
        """
        if self._touched is not None:
            yield
            return
        self._begin()
        try:
            yield
        except BaseException as error:
            self._end_after(error)
            raise
        self._end()

    def _end_after(self, error: BaseException) -> None:
        if isinstance(error, CommandError):
            blocking.serve_ready(self.server)
            self._end()
        else:
            self._abandon()

    def _begin(self) -> None:
        try:
            self.store.begin()
        except StoreError as error:
            raise refusal(error) from error
        try:
            self._take_over()
        except StoreError as error:
            self.store.rollback()
            raise refusal(error) from error
        self._touched = {}
        self._held = []

    def _end(self) -> None:
        try:
            if self._anew:
                self._touched = self._clear_store()
                self._keep_code()
            elif self._has_edits():
                self._keep_code()
            for place, touched in (self._touched or {}).items():
                self._keep(place, touched)
            self.store.commit()
        except StoreError as error:
            self._abandon()
            raise refusal(error) from error
        except BaseException:
            self._abandon()
            raise
        self._touched = None
        self._anew = self._wrote_code = False
        self._replicated = (None, ())
        held, self._held = self._held, []
        for session, item in held:
            session.deliver(item)

    def _clear_store(self) -> dict[Place, Touched]:
        """Forget what is kept; all that is here is to be kept then."""
        self.store.clear()
        self._versions.clear()
        self._sizes.clear()
        self._code = {}
        return {
            (db.index, key): Touched()
            for db in list(self.server.databases.values()) for key in list(db.data)
        }

    def _abandon(self) -> None:
        """Nothing of the transaction remains, here neither."""
        touched, self._touched = self._touched or {}, None
        anew, self._anew = self._anew, False
        self.store.rollback()
        try:
            if anew:
                self._reload_all()
            for database, key in touched:
                self._versions.pop((database, key), None)
                self._reload(database, key)
            if self._has_edits() or self._wrote_code:
                self._take_code_back()
        except StoreError:
            self._stamp = object()  # what is here is wrong: the next command looks again
        self._disappoint()

    def _take_code_back(self) -> None:
        """Go back to the scripts, functions and indexes that the store knows of."""
        self._wrote_code = False
        for key in {*self._code, stored_scripts.SEARCH}:
            self._reload(stored_scripts.DATABASE, key)
        if self.server.search is not None:
            self._edits = self.server.search.edits

    def _disappoint(self) -> None:
        """Those who waited get an error in the place of a reply that has become untrue."""
        held, self._held = self._held, []
        for session, item in held:
            if type(item) is not Push:
                session.deliver(CommandError(errors.STORE_FAILED % "it was undone"))

    def holds_back(self, session: Session, item: Any) -> bool:
        """Whether what a session is to get waits for the end of a transaction."""
        if self._touched is None:
            return False
        self._held.append((session, item))
        return True

    @contextmanager
    def rewriting(self) -> Iterator[None]:
        """Keep everything anew after what happens inside: not commands, but whole databases.

        Raises:
            CommandError: the store does not take it.
        """
        if self._applying:
            yield
            return
        with self.transaction():
            yield
            self._anew = True

    # What has changed -----------------------------------------------------------------------

    def key_modified(
        self, ctx: Context | None, db: Database, key: bytes, event: str, group: str
    ) -> None:
        """Note that a key has changed.

        Args:
            ctx: the context of the command that did it; None where it happened by itself.
            db: the key's database.
            key: its name.
            event: the keyspace event, ``"hset"``.
            group: the event's class, ``"hash"``.
        """
        if self._touched is None or self._applying:
            return
        place = (db.index, key)
        touched = self._touched.get(place)
        if touched is None:
            touched = self._touched[place] = Touched()
        touched.events.append(f"{event}:{group}")
        if self._deltas is None or ctx is None or ctx.db is not db:
            touched.whole = True
        elif not touched.whole:
            self._note_delta(touched, ctx, key, event)

    def key_modified_unsignalled(self, ctx: Context, key: bytes, event: str) -> None:
        """Note that a command has changed a key in a way that WATCH does not hear of.

        Args:
            ctx: the command's context.
            key: the key's name.
            event: what would be the keyspace event.
        """
        group = ctx.command.group if ctx.command else ""
        self.key_modified(ctx, ctx.db, key, SILENT + event, group)

    def value_replaced(self, db: Database, key: bytes, event: str = "") -> None:
        """Note that there is another value at a key, or none.

        Args:
            db: the key's database.
            key: its name.
            event: what is noted as its event, ``":"`` for a change without one; ``""`` for nothing.
        """
        if self._touched is None or self._applying:
            return
        touched = self._touched.setdefault((db.index, key), Touched())
        touched.whole = True
        if event:
            touched.events.append(event)

    def replicate_as(self, ctx: Context, *argv: bytes) -> None:
        """Say before a change what has the same effect as the running command, always.

        For commands whose effect is left to chance.
        """
        if self._touched is not None and not self._applying:
            self._replicated = (ctx.args, argv)

    def _note_delta(self, touched: Touched, ctx: Context, key: bytes, event: str) -> None:
        """Add the running command to a key's changes, unless it is there already."""
        args = ctx.args
        if touched.args is args:
            return
        argv = self._delta_argv(ctx, key, event)
        if argv is None:
            touched.whole = True
            return
        touched.args = args
        touched.deltas.append(Delta(ctx.now, argv).pack())

    def _delta_argv(self, ctx: Context, key: bytes, event: str) -> Sequence[bytes] | None:
        """A command that changes this key, and nothing else, as the running one does."""
        command = ctx.command
        if command is None:
            return None
        if ctx.args is self._replicated[0]:
            return self._replicated[1]
        try:
            keys = command.keys(ctx.args)
        except CommandError:
            return None
        if set(keys) == {key}:
            return [*command.parts, *ctx.args]
        effect = command.declaration.effect
        return None if effect is None else effect(ctx, key, event)

    def _keep(self, place: Place, touched: Touched) -> None:
        """Bring a key's change to the store."""
        number, key = place
        db = self.server.database(number)
        value = db.data.get(key)
        events = " ".join(touched.events)
        if value is None:
            if self._versions.pop(place, None) is not None or events:
                self.store.delete(number, key, events)
            self._sizes.pop(place, None)
            return
        deadline = db.expires.get(key)
        if self._deltas is not None and self._is_small_change(place, value, touched):
            version = self._versions[place]
            for delta in touched.deltas:
                version = self._deltas.append(number, key, delta, deadline, version, events)
                events = ""
        else:
            payload = self._dump(value)
            version = self.store.save(number, key, Record(payload, deadline), events)
            self._remember_size(place, value, len(payload), 0)
        self._versions[place] = version

    def _is_small_change(self, place: Place, value: Any, touched: Touched) -> bool:
        """Whether the changes are kept as themselves; notes their size then."""
        if touched.whole or not touched.deltas or place not in self._sizes:
            return False
        size, tail = self._sizes[place]
        tail += sum(map(len, touched.deltas))
        if tail > max(size, _LEAST_TAIL):
            return False
        self._sizes[place] = (size, tail)
        return True

    def _remember_size(self, place: Place, value: Any, size: int, tail: int) -> None:
        kind = type(value)
        if size >= _LONG if kind in (bytes, MutableString) else _length(value) >= _MANY:
            self._sizes[place] = (size, tail)
        else:
            self._sizes.pop(place, None)

    def _dump(self, value: Any) -> bytes:
        server = self.server
        return rdb.dump(
            value, server.limits, server.traits.rdb_version, compress=False, exact=True
        )

    def _has_edits(self) -> bool:
        known = self.server.search
        return known is not None and known.edits != self._edits

    def _keep_code(self) -> None:
        """Bring new scripts, functions and indexes to the store, and remove what has gone."""
        if self.server.search is not None:
            self._edits = self.server.search.edits
        code, before = stored_scripts.of(self.server), self._code
        if code != before:
            self._wrote_code = True
            for key in before.keys() - code.keys():
                self.store.delete(stored_scripts.DATABASE, key)
            for key, value in code.items():
                if before.get(key) != value:
                    self.store.save(stored_scripts.DATABASE, key, Record(self._dump(value)))
            self._code = code

    # What others have changed ---------------------------------------------------------------

    def catch_up(self) -> None:
        """Take over what others have changed; whoever waited for it goes on.

        Raises:
            CommandError: the store cannot be read.
        """
        if not self.store.shared or self._touched is not None:
            return
        try:
            if not self._take_over():
                return
        except StoreError as error:
            raise refusal(error) from error
        if self.server.ready:
            with self.transaction():
                blocking.serve_ready(self.server)

    def _take_over(self) -> bool:
        """Take over what others have changed; whether there was anything."""
        if not self.store.shared:
            return False
        stamp = self.store.stamp()
        if stamp == self._stamp:
            return False
        self._applying = True
        try:
            changes = self.store.changes()
            if changes is None:
                self._reload_all()
            else:
                for change in changes:
                    self._apply(change)
            if isinstance(self.server.pubsub, CarriedPubSub):
                self.server.pubsub.receive()
        finally:
            self._applying = False
        self._stamp = stamp
        return True

    def _apply(self, change: Change) -> None:
        place = (change.database, change.key)
        if change.database == stored_scripts.DATABASE:
            self._reload(*place)
            return
        known = self._versions.get(place, 0)
        db = self.server.database(change.database)
        was_there = change.key in db.data
        played = False
        if change.version > known:
            played = was_there and known == change.before and change.delta is not None
            if played:
                assert change.delta is not None
                self._play(db, Delta.unpack(change.delta))
                self._versions[place] = change.version
                self._tell_indexes(*place)
            else:
                self._reload(*place)
        if self.server.switched & switches.REPLICATED:
            self._tell_replicas(db, change.key)
        if not played and (was_there or change.key in db.data):
            self._announce(db, change)
            if change.key in db.blocked:
                self.server.ready.append((db, change.key))

    def _tell_replicas(self, db: Database, key: bytes) -> None:
        """Tell this server's replicas what another process has made of a key."""
        value = db.data.get(key)
        payload = None
        if value is not None:
            payload = rdb.dump(value, self.server.limits, self.server.traits.rdb_version)
        self.server.replication.stream.replaced(db, key, payload)

    def _announce(self, db: Database, change: Change) -> None:
        """Announce a change as the process that made it has done."""
        for event in change.events.split():
            name, _, group = event.partition(":")
            if name.startswith(SILENT):
                name = name[len(SILENT) :]
                if name and self.server.notify_flags:
                    notifications.publish_event(self.server, db.index, change.key, name, group)
            elif name:
                self.server.key_modified(db, change.key, name, group)
            else:
                self.server.touch_watchers(db, change.key)
                self.server.ready.append((db, change.key))

    def _reload(self, number: int, key: bytes) -> None:
        """Read a key anew."""
        record = self.store.load(number, key)
        place = (number, key)
        self._tell_indexes(number, key)
        if number == stored_scripts.DATABASE:
            self._reload_code(key, record)
        elif record is None:
            self._versions.pop(place, None)
            self._sizes.pop(place, None)
            self._applying, before = True, self._applying
            self.server.database(number).delete(key)
            self._applying = before
        else:
            self._place(number, key, record)

    def _tell_indexes(self, number: int, key: bytes) -> None:
        """Tell indexes of a key that another process has changed."""
        if self.server.search is not None and number >= 0:
            self.server.search.changed(self.server.database(number), key, "", None)

    def _reload_code(self, key: bytes, record: Record | None) -> None:
        value = None if record is None else self._code_in(key, record)
        stored_scripts.take(self.server, key, value)
        if value is None:
            self._code.pop(key, None)
        else:
            self._code[key] = value

    def _code_in(self, key: bytes, record: Record) -> bytes:
        """The text of a script or of functions.

        Raises:
            StoreError: it is no text.
        """
        self._check(key, record)
        try:
            value = rdb.load(record.payload)
        except Exception as error:  # whatever is made of bytes that nobody has written so
            raise StoreError(f"what is kept of the script {key!r} is damaged: {error}") from error
        if not isinstance(value, (bytes, bytearray)):
            raise StoreError(f"what is kept of the script {key!r} is damaged: it is no text")
        return bytes(value)

    def _check(self, key: bytes, record: Record) -> None:
        if not rdb.is_intact(record.payload, self.server.traits.rdb_version):
            raise StoreError(
                f"what is kept of the key {key!r} is damaged, or of a newer server version"
            )

    def _reload_all(self) -> None:
        """Read everything anew; those who watch or wait learn of what has changed."""
        self._applying, was_applying = True, self._applying
        if self.server.replication is not None:
            self.server.replication.break_off()
        try:
            databases = list(self.server.databases.values())
            before = {db: set(db.data) for db in databases}
            for db in databases:
                db.clear()
            self._versions.clear()
            self._sizes.clear()
            self._stamp = self.store.stamp()
            gone = set(self._code)
            for number, key, record in self.store.scan():
                if number == stored_scripts.DATABASE:
                    gone.discard(key)
                    self._reload_code(key, record)
                else:
                    self._place(number, key, record)
            for key in gone:
                self._reload_code(key, None)
            for db in databases:
                tell(db, before.get(db, set()))
        finally:
            self._applying = was_applying

    def _place(self, number: int, key: bytes, record: Record) -> None:
        """Put what is kept of a key into its database."""
        self._check(key, record)
        db = self.server.database(number)
        if record.deadline is not None and record.deadline <= self.server.clock.milliseconds():
            return
        self.server.run_at = time.time()
        self._applying, before = True, self._applying
        try:
            try:
                db.place(key, rdb.load(record.payload, self.server.limits), None)
                for delta in record.deltas:
                    self._play(db, Delta.unpack(delta))
            except StoreError:
                raise
            except Exception as error:  # whatever is made of bytes that nobody has written so
                raise StoreError(f"what is kept of the key {key!r} is damaged: {error}") from error
            if record.deadline is not None and key in db.data:
                db.expire_at(key, record.deadline)
        finally:
            self._applying = before
        place = (number, key)
        self._versions[place] = record.version
        tail = sum(map(len, record.deltas))
        self._remember_size(place, db.data.get(key, b""), len(record.payload), tail)

    def _play(self, db: Database, delta: Delta) -> None:
        """Make a change that another process has made."""
        player = self._player
        if player is None:
            player = self._player = self._make_player()
        command = self.server.table.by_name[delta.argv[0]]
        args = delta.argv[1:]
        if command.subcommands is not None:
            command, args = command.subcommands[delta.argv[1]], delta.argv[2:]
        player.ctx.db = db
        player.ctx._now = delta.now
        player.invoke(command, args)

    def _make_player(self) -> Session:
        """A session that no client sees."""
        server = self.server
        player = Session(server, protocol=3)
        del server.sessions[player.id]
        server.next_session_id -= 1
        server.connections_received -= 1
        player.deny_blocking = True
        return player

    # Waiting --------------------------------------------------------------------------------

    def is_waited_for(self) -> bool:
        """Whether a session here waits for what other processes may do."""
        pubsub = self.server.pubsub
        return bool(
            self.server.waiting or pubsub.channels or pubsub.patterns or pubsub.shard_channels
        )

    def close(self) -> None:
        """Close the store; used again, it opens again."""
        if self._poller is not None:
            self._poller.stop()
        with self.server.lock:
            self.store.close()

    def poll(self) -> None:
        """Do what is due because of other processes; called again and again while some wait."""
        with self.server.lock, suppress(CommandError):  # the next command says what is wrong
            self.catch_up()


def _length(value: Any) -> int:
    """How many elements a value has."""
    length: int | None = getattr(value, "length", None)
    return len(value) if length is None else length
