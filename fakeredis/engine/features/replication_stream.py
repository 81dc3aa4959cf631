"""The stream that a master sends its replicas: what commands have changed, as commands.

A *unit* is what replicas do at once: a command with the removals of expired keys that came with it,
a transaction, a script. Of more than one command MULTI and EXEC make one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from fakeredis.engine.command.command import RUNS_QUEUE, WRITE, Command
from fakeredis.engine.core import switches
from fakeredis.engine.core.road import CLIENT, RETRY, Check, Go, Origin
from fakeredis.engine.core.words import Spelled
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

Words = list[bytes]
Unit = list[tuple[int, Words]]  # databases' numbers, and what is done there
NO_ID: Final = "0" * 40


class Call(NamedTuple):
    """A command that has run."""

    db: Database  # the one that was selected when it began
    command: Command
    name: Words  # as it was written
    args: Sequence[bytes]
    reply: Any

    @property
    def words(self) -> Words:
        """All of it, as it was written."""
        return [*self.name, *self.args]


Effect = Callable[[Call], list[Words]]


def removal(db: Database, setting: str) -> bytes:
    """How replicas are told to remove a key: the setting says whether that may take its time."""
    return b"UNLINK" if db.server.config.boolean(setting) else b"DEL"


class Keeper(Protocol):
    """What has the data of one moment, and is to be told before they change."""

    def keep(self, db: Database, keys: Iterable[bytes]) -> None:
        """Some keys may change now."""

    def keep_all(self) -> None:
        """Any key may change now."""


class Backlog:
    """The end of the stream, from which replicas go on whose link was cut.

    Args:
        offset: how many bytes the stream has had before.
    """

    def __init__(self, offset: int) -> None:
        self._data = bytearray()
        self._first = offset + 1  # the offset of the first byte

    def add(self, data: bytes, size: int) -> None:
        """Keep what the stream says, and forget what is more than ``size`` bytes ago."""
        self._data += data
        if len(self._data) > 2 * size:
            self._first += len(self._data) - size
            del self._data[:-size]

    def bounds(self, size: int) -> tuple[int, int]:
        """The offset of the first byte of the last ``size``, and how many there are."""
        length = min(len(self._data), size)
        return self._first + len(self._data) - length, length

    def since(self, offset: int, size: int) -> bytes | None:
        """What the stream said from an offset on; None where that is not known any more."""
        first, length = self.bounds(size)
        if not first <= offset <= first + length:
            return None
        return bytes(self._data[offset - self._first :])


class Stream:
    """What one server tells its replicas, and what it has told.

    Args:
        server: the master.
        send: is given all that the stream says.
    """

    def __init__(self, server: Server, send: Callable[[bytes], None]) -> None:
        self.server = server
        self._send = send
        # By commands' names: what replicas get in their place, and which are told of always.
        self.effects: Mapping[str, Effect] = {}
        self.always: frozenset[str] = frozenset()
        self.offset = 0
        self.backlog: Backlog | None = None  # until there is a replica, nothing is told
        self.selected = -1  # the database that replicas have selected
        self.snapshots: list[Keeper] = []  # that are being made
        self.written: dict[Session, int] = {}  # the offsets behind sessions' last writes
        self._unit: Unit | None = None  # of the command that runs
        self._later: list[tuple[Session, Unit]] = []  # of those that it let go on
        self._told = False  # the running command has said by itself what it does
        self.silent = False  # what the running script does is its own matter
        self._foreign = 0  # changes by those that others let go on

    # When something is told -------------------------------------------------------------------

    def begin(self) -> None:
        """Tell of all commands from now on."""
        if self.backlog is None:
            self.backlog = Backlog(self.offset)
        if not self.server.switched & (switches.REPLICATED | switches.FOLLOWING):
            self.server.switch_on(switches.REPLICATED, Check(layer=self.layer))

    def end(self) -> None:
        """Nobody listens."""
        self.backlog = None
        self.server.switch_off(switches.REPLICATED)

    @property
    def size(self) -> int:
        """How many bytes the backlog keeps."""
        return int(self.server.config.text("repl-backlog-size"))

    # Commands -----------------------------------------------------------------------------------

    def layer(self, server: Server, origin: Origin, go: Go) -> Go:
        """A layer of the road that notes what commands change."""
        alone = origin in (CLIENT, RETRY)

        def run(session: Session, command: Command, args: Sequence[bytes]) -> Any:
            outer, told, silent = self._unit, self._told, self.silent
            if alone:
                self._unit = []
            self._told = False
            if alone:
                self.silent = False
            dirty, foreign = server.dirty, self._foreign
            db = session.ctx.db
            if self.snapshots:
                self.keep(command, args)
            try:
                reply = go(session, command, args)
                changed = server.dirty - dirty - (self._foreign - foreign)
                if changed > 0 or command.name in self.always:
                    self._note(db, command, args, reply)
                return reply
            except CommandError:
                if server.dirty - dirty - (self._foreign - foreign) > 0 and not self._told:
                    self._verbatim(db, command, args)
                raise
            finally:
                self._told = told
                if alone or command.declaration.runs:
                    self.silent = silent
                if alone:
                    unit, self._unit = self._unit, outer
                    if outer is not None:
                        self._foreign += server.dirty - dirty
                    self._close(session, unit or [], outer)

        return run

    def _note(self, db: Database, command: Command, args: Sequence[bytes], reply: Any) -> None:
        if self._told or self._unit is None or self.silent:
            return
        effect = self.effects.get(command.name)
        if effect is None:
            self._verbatim(db, command, args)
            return
        name = args.name if type(args) is Spelled else command.parts
        call = Call(db, command, list(name), args, reply)
        self._unit += [(db.index, words) for words in effect(call)]

    def _verbatim(self, db: Database, command: Command, args: Sequence[bytes]) -> None:
        if self._unit is None or self.silent:
            return
        if command.flags & RUNS_QUEUE or command.declaration.runs:
            return  # what runs inside tells of itself
        name = args.name if type(args) is Spelled else command.parts
        self._unit.append((db.index, [*name, *args]))

    def tell(self, ctx: Context, *words: bytes) -> None:
        """Say what the running command does, in the place of itself."""
        self._told = True
        if self._unit is not None and not self.silent:
            self._unit.append((ctx.db.index, list(words)))

    def removed(self, db: Database, key: bytes, setting: str = "lazyfree-lazy-expire") -> None:
        """A key has gone without a command: it has expired, or has been evicted."""
        self._add(db, [removal(db, setting), key])

    def replaced(self, db: Database, key: bytes, payload: bytes | None) -> None:
        """A key has another value, or none, by what was no command here.

        Args:
            db: its database.
            key: its name.
            payload: as DUMP gives it.
        """
        if payload is None:
            self._emit([(db.index, [b"DEL", key])])
        else:
            deadline = b"%d" % db.expires.get(key, 0)
            words = [b"RESTORE", key, deadline, payload, b"REPLACE", b"ABSTTL"]
            self._emit([(db.index, words)])

    def fields_removed(self, db: Database, key: bytes, fields: Sequence[bytes]) -> None:
        """Fields of a hash have expired."""
        for field in fields:
            self._add(db, [b"HDEL", key, field])

    def _add(self, db: Database, words: Words) -> None:
        if self._unit is None:
            self._emit([(db.index, words)])
        else:
            self._unit.append((db.index, words))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What happens inside has nothing to do with the running command: each is a unit."""
        unit, self._unit = self._unit, None
        try:
            yield
        finally:
            self._unit = unit

    def _close(self, session: Session, unit: Unit, outer: Unit | None) -> None:
        """A command has ended: tell of it, and then of those that it let go on."""
        if outer is not None:
            self._later.append((session, unit))
            return
        later, self._later = self._later, []
        for each, done in ((session, unit), *later):
            if done:
                self._emit(done)
                self.written[each] = self.offset

    def _emit(self, unit: Unit) -> None:
        parts = []
        if len(unit) > 1:
            parts.append(_MULTI)
        for number, words in unit:
            if number != self.selected:
                self.selected = number
                parts.append(packed([b"SELECT", b"%d" % number]))
            parts.append(packed(words))
        if len(unit) > 1:
            parts.append(_EXEC)
        self.say(b"".join(parts))

    def say(self, data: bytes) -> None:
        """Send bytes, which may be those of another master's stream."""
        if self.backlog is not None:
            self.offset += len(data)
            self.backlog.add(data, self.size)
            self._send(data)

    # Snapshots ----------------------------------------------------------------------------------

    def keep(self, command: Command, args: Sequence[bytes]) -> None:
        """Have snapshots take what a command may change before it does."""
        if not self.snapshots or not command.flags & WRITE:
            return
        if command.group == "timeseries":
            for snapshot in self.snapshots:
                snapshot.keep_all()  # a compaction changes keys that nobody names
            return
        try:
            keys = command.keys(args)
        except CommandError:
            return
        for snapshot in self.snapshots:
            for each in list(self.server.databases.values()):
                snapshot.keep(each, keys)


def packed(words: Sequence[bytes]) -> bytes:
    """A command as it is sent."""
    return b"*%d\r\n%b" % (
        len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]),
    )


PING: Final = packed([b"PING"])
ASK: Final = packed([b"REPLCONF", b"GETACK", b"*"])
_MULTI: Final = packed([b"MULTI"])
_EXEC: Final = packed([b"EXEC"])
