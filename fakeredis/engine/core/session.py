"""A session: one connection's state, and the way of a command from its arguments to its reply."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType

from fakeredis import errors
from fakeredis.engine.core import blocking, dispatch, road, statistics, switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import BLOCKED, OTHER_NULL
from fakeredis.engine.features import pause
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command, Table
    from fakeredis.engine.core.interfaces import Shell
    from fakeredis.engine.core.server import Server

    Batch = Sequence[tuple[Command, Sequence[bytes]]]

# What may keep a batch from being run in one go: see `Session._hinders`.
_HINDRANCES: Final = switches.PAUSED | switches.DOWN | switches.LEAVING
# What may refuse a command that MULTI queues. Faults concern none that comes in a batch.
_MET_BY_QUEUED: Final = (
    switches.RESTRICTED | switches.CLUSTERED | switches.LIMITED | switches.MONITORED | switches.BUSY
    | switches.GUARDED | switches.FOLLOWING | switches.STALE
)


class Session:
    """What the server calls a client.  Shells (sync, async, TCP) own one for each connection.

    ``execute`` and ``call`` run one command at once and return its reply, as the protocol has it.
    What comes later (pushes, the reply of a command that had to wait) goes to ``outbox``, and
    ``wake`` is called, under the server's lock and possibly from another thread.
    """

    __slots__ = (
        "server", "id", "ctx", "protocol", "switched", "outbox", "wake", "wait", "name", "user",
        "address", "lib_name", "lib_version", "created", "last_used", "last_command", "closed",
        "deny_blocking", "queue", "queue_failed", "watched", "watch_failed", "channels",
        "patterns", "shard_channels", "reply_mode", "via", "group", "position", "method",
        "on_close", "script", "asking", "reads_here", "no_evict", "no_touch", "fieldsets",
        "script_fieldsets", "shell", "plain", "collected", "lag", "sends_pieces",
        "sent", "__weakref__",
    )

    forwarded = False  # whether commands run at another server
    ahead = 0  # how many items of the outbox come before the running command's reply

    def __init__(self, server: Server, protocol: int = 2, address: str = "127.0.0.1:0") -> None:
        self.server = server
        self.plain = server.table.plain  # what clients may call without a look at it
        self.protocol = protocol
        self.address = address
        self.ctx = Context(self, server.database(0))
        self.switched = 0  # bits of fakeredis.engine.core.dispatch: 0 in the plain case
        self.outbox: deque[Any] = deque()
        self.wake: Callable[[], None] | None = None
        self.wait: blocking.Wait | None = None
        self.on_close: Callable[[], None] | None = None
        self.shell: ReferenceType[Shell] | None = None  # of who may be given another session
        self.closed = False
        self.deny_blocking = False
        self.collected: list[Any] | None = None  # EXEC's replies so far
        self.reply_mode = "ON"
        self.lag = 0.0  # seconds by which the shell is to hold back the next reply
        self.sent: Sequence[bytes] = ()  # the last command with a subcommand, as it came
        self.sends_pieces = False  # whether a long reply may be made while it is sent
        self.script: Any = None  # the frame of the script that it runs
        self.via = "direct"  # for the spy
        self.method: Any = None
        self.group = self.position = 0
        self.asking = self.reads_here = False  # ASKING and READONLY, in a cluster
        self.no_evict = self.no_touch = False
        # What HIMPORT has prepared, by names; within a script until its end.
        self.fieldsets: dict[bytes, tuple[bytes, ...]] | None = None
        self.script_fieldsets: dict[bytes, tuple[bytes, ...]] | None = None
        self.id = server.register(self)
        self.created = self.last_used = server.clock.seconds()
        self.last_command = "NULL"
        self.name = b""
        self.lib_name = self.lib_version = b""
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}
        self.shard_channels: dict[bytes, None] = {}
        self.reset_transaction()
        self.watched: dict[tuple[int, bytes], bool] = {}
        self.watch_failed = False
        self.user = "default"
        server.greet(self)

    # Commands -------------------------------------------------------------------------------

    def execute(self, argv: Sequence[bytes]) -> Any:
        """Run a command given as on the wire.

        Returns:
            The reply, `BLOCKED` when it will come through ``outbox``, or `NO_REPLY`.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the server is down or the session is closed.
        """
        command = self.server.table.by_name.get(argv[0])
        if command is None or command.subcommands is not None:
            try:
                command = dispatch.find(self, argv)
            except CommandError:
                if self.switched & switches.REPLY_MODE:
                    return dispatch.unheard(self)
                raise
            self.sent = argv
        if self.server.switched:
            return self.call(command, dispatch.spelled(command, argv))
        return self.call(command, argv[len(command.parts) :])

    def ask(self, *argv: bytes) -> Any:
        """Run a command that does not block, and wait for its reply, should it run elsewhere.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: there is none any more.
        """
        return self.execute(argv)

    def call(self, command: Command, args: Sequence[bytes]) -> Any:
        """Run a command already looked up; ``args`` leave its name out.  See `execute`."""
        server = self.server
        with server.lock:
            try:
                state = self.switched
                if state or server.switched:
                    if command.low <= len(args) <= command.high:
                        go = server.client_roads.get(state)
                        if go is None:
                            go = road.client_road(server, state, Session.run)
                        return go(self, command, args)
                    return road.miscounted(self, command, args, Session.run)
                return self.run(command, args)
            except CommandError as error:
                statistics.failed(server, command, error)
                if server.ready:  # by what a script did before its error
                    blocking.serve_ready(server)
                raise

    def run(self, command: Command, args: Sequence[bytes]) -> Any:
        """Run a command that no gate stops, and serve those whom it let go on."""
        if not command.low <= len(args) <= command.high:
            raise dispatch.wrong_arity(self, command, args)
        server = self.server
        server.calls[command] += 1
        ctx = self.ctx
        ctx._now = 0
        ctx.run_at = server.run_at = time.time()  # looked up anew: tools for tests exchange it
        if server.deadlines:
            server.expire_due(ctx)
        ctx.command = command
        ctx.args = args
        parse = command.parse
        if parse is None:
            reply = command.handler(ctx, *args)
        else:
            reply = command.handler(ctx, *parse(args))
        if server.ready:
            blocking.serve_ready(server)
        shape = command.resp2 if self.protocol == 2 else command.resp3
        return reply if shape is None or reply is BLOCKED else shape(reply)

    def go_on(self, origin: road.Origin, command: Command, args: Sequence[bytes]) -> Any:
        """Run a command inside another one, past what is in force for its origin."""
        go = self.server.inner_roads.get(origin)
        if go is None:
            go = road.inner_road(self.server, origin, Session.invoke)
        return go(self, command, args)

    def invoke(self, command: Command, args: Sequence[bytes]) -> Any:
        """Run a command inside another one (EXEC, scripts, a wait that ends)."""
        self.server.calls[command] += 1
        if not command.low <= len(args) <= command.high:
            raise dispatch.reworded(self, CommandError(errors.ARITY % command.label))
        ctx = self.ctx
        ctx.command = command
        ctx.args = args
        parse = command.parse
        if parse is None:
            reply = command.handler(ctx, *args)
        else:
            reply = command.handler(ctx, *parse(args))
        shape = command.resp2 if self.protocol == 2 else command.resp3
        return reply if shape is None or reply is BLOCKED else shape(reply)

    def call_many(self, batch: Batch) -> list[Any] | None:
        """Run a pipeline's commands in one go; errors become items.

        Returns:
            The replies; None where the server is down, or one of the commands would have to wait:
            then nothing has been run.

        Raises:
            ConnectionLost: the session is closed.
        """
        server = self.server
        with server.lock, server.together():
            if server.switched & _HINDRANCES and self._hinders(batch):
                return None
            if server.store_sync is not None:
                return server.store_sync.run_many(len(batch), lambda: self._call_each(batch))
            return self._call_each(batch)

    def _call_each(self, batch: Batch) -> list[Any]:
        replies: list[Any] = []
        if self.server.switched & switches.RECORDED:
            return self._call_each_noted(batch)
        for command, args in batch:
            try:
                replies.append(self.call(command, args))
            except CommandError as error:
                replies.append(error.with_traceback(None))
        return replies

    def _call_each_noted(self, batch: Batch) -> list[Any]:
        """Run a batch, and note each command's place and the method that queued it for a spy."""
        replies: list[Any] = []
        try:
            for self.position, (command, args) in enumerate(batch):
                self.method = getattr(args, "method", None)
                try:
                    replies.append(self.call(command, args))
                except CommandError as error:
                    replies.append(error.with_traceback(None))
        finally:
            self.position, self.method = 0, None
        return replies

    def transaction(self, batch: Batch) -> tuple[list[Any], Any] | None:
        """MULTI, a batch whose commands are known to be well formed, and EXEC in one go.

        Returns:
            What MULTI and each command replied while the transaction was queued, if anything could
            refuse one, and EXEC's reply: a list, null where a watched key has changed, or an error.
            None as from `call_many`.

        Raises:
            ConnectionLost: the session is closed.
        """
        server = self.server
        with server.lock:
            if server.switched & _HINDRANCES and self._hinders(batch):
                return None
            multi, execute = server.table.by_name[b"MULTI"], server.table.by_name[b"EXEC"]
            queued: list[Any] = []
            try:
                if server.switched & _MET_BY_QUEUED:
                    queued = self._call_each([(multi, ()), *batch])
                else:
                    self.call(multi, ())
                    self.queue += batch
                return queued, self.call(execute, ())
            except CommandError as error:
                return queued, error
            finally:
                self.method = None  # the last command's, where a spy listens

    def _hinders(self, batch: Batch) -> bool:
        """Whether something that is switched on keeps a batch from being run in one go."""
        server = self.server
        if server.switched & switches.LEAVING:
            server.release_sessions()
        if server.switched & switches.DOWN:
            return True
        return bool(server.switched & switches.PAUSED) and pause.holds_up(self, batch)

    # Messages -------------------------------------------------------------------------------

    def deliver(self, item: Any) -> None:
        """Put a late reply or a push into the outbox and wake the shell."""
        sync = self.server.store_sync
        if sync is not None and sync.holds_back(self, item):
            return
        self.outbox.append(item)
        if self.wake is not None:
            self.wake()

    push = deliver

    def pushes_first(self) -> None:
        """What was pushed so far comes before the running command's reply."""

    def null_of(self, protocol: int) -> Any:
        """The null of a protocol, as a reply to this session."""

    def answer(self, item: Any) -> None:
        """Give one of several replies to the running command (SUBSCRIBE); EXEC collects them."""
        if self.collected is None:
            self.deliver(item)
        else:
            self.collected.append(item)

    # State ----------------------------------------------------------------------------------

    @property
    def table(self) -> Table:
        """The commands as this session finds them."""
        return self.server.table

    def as_written(self, command: Command, args: Sequence[bytes]) -> Sequence[bytes]:
        """A running command as the client wrote it, where that is known."""
        count = len(command.parts)
        if count > 1 and list(self.sent[count:]) == list(args):
            return self.sent
        return (*command.parts, *args)

    @property
    def local_address(self) -> str:
        """The server's end of the connection, as CLIENT LIST shows it."""
        return self.server.address.replace("localhost", "127.0.0.1", 1)

    @property
    def db(self) -> int:
        """The selected database's number."""
        return self.ctx.db.index

    def reset_transaction(self) -> None:
        """Leave MULTI; what was queued is forgotten."""
        self.queue: list[tuple[Command, Sequence[bytes]]] = []
        self.queue_failed = False
        self.switched &= ~switches.QUEUEING

    def unwatch(self) -> None:
        """Forget all WATCHes."""
        self.watch_failed = False
        watched, self.watched = self.watched, {}
        for index, key in watched:
            db = self.server.database(index)
            watchers = db.watchers.get(key)
            if watchers is not None:
                watchers.discard(self)
                if not watchers:
                    del db.watchers[key]
            db.observe()

    @property
    def subscriptions(self) -> int:
        """Channels and patterns listened to, as SUBSCRIBE counts them."""
        return len(self.channels) + len(self.patterns)

    def close(self) -> None:
        """The connection is gone: end waits, WATCHes and subscriptions.

        The garbage collector may call this in the middle of any command of the same thread, which
        must not find its dictionaries changed: then the rest is done before the next command.
        """
        server = self.server
        in_command = server.is_locked_here()
        with server.lock:
            if self.switched & switches.CLOSED:
                return
            self.switched |= switches.CLOSED
            if in_command:
                server.leaving.append(self)
                server.switch_on(switches.LEAVING)
                return
            self.release()

    def look(self) -> None:
        """Find out what has come from elsewhere, if commands are ``forwarded``."""

    def execute_many(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """Run commands that were sent at once by one message, if they run elsewhere.

        Returns:
            The replies of those that were run, errors and pushes as items: here none.
        """
        return []

    def release(self) -> None:
        """Forget everything of a closed session; the lock is held."""
        if self.closed:
            return
        self.closed = True
        self.switched |= switches.CLOSED
        if self.wait is not None:
            blocking.leave(self.wait)
        self.unwatch()
        self.reset_transaction()
        self.server.pubsub.drop(self)
        self.server.unregister(self)
        if self.on_close is not None:
            self.on_close()
        if self.wake is not None:
            self.wake()


class ProtocolSession(Session):
    """A session for shells that write the protocol's bytes.

    Its replies keep the types that a parser loses and clients inside this process never see:
    RESP3's sets and verbatim strings, RESP2's two nulls.
    """

    __slots__ = ("ahead", "local", "usage", "wire_table")

    def __init__(
        self, server: Server, protocol: int = 2, address: str = "127.0.0.1:0", local: str = ""
    ) -> None:
        self.wire_table = server.wire_table
        self.local = local  # the server's end of the connection
        self.ahead = 0  # how many items of the outbox come before the running command's reply
        self.usage: Callable[[], dict[str, int]] | None = None  # facts for CLIENT LIST
        super().__init__(server, protocol, address)
        self.sent: Sequence[bytes] = ()  # the last command of all, as it came

    def as_written(self, command: Command, args: Sequence[bytes]) -> Sequence[bytes]:
        """A running command as the client wrote it, where that is known."""
        last = self.sent[len(command.parts) :]
        return self.sent if list(last) == list(args) else super().as_written(command, args)

    @property
    def local_address(self) -> str:
        """The server's end of this connection, as CLIENT LIST shows it."""
        return self.local or super().local_address

    def pushes_first(self) -> None:
        """Mark that what was pushed so far comes before the running command's reply."""
        self.ahead = len(self.outbox)

    def null_of(self, protocol: int) -> Any:
        """The null of a protocol, as a reply to this session, which may speak the other one."""
        return None if protocol == self.protocol else OTHER_NULL

    @property
    def table(self) -> Table:
        """The commands with the shapes of bytes."""
        return self.wire_table

    def execute(self, argv: Sequence[bytes]) -> Any:
        """Run a command given as on the wire, with replies in the types of the protocol.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the server is down, or the session is closed.
        """
        self.sent = argv
        command = self.wire_table.by_name.get(argv[0])
        if command is None or command.subcommands is not None:
            try:
                command = dispatch.find(self, argv)
            except CommandError:
                if self.switched & switches.REPLY_MODE:
                    return dispatch.unheard(self)
                raise
        if self.server.switched:
            return self.call(command, dispatch.spelled(command, argv))
        return self.call(command, argv[len(command.parts) :])
