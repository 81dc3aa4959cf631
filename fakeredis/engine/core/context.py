"""What a command handler may touch: database, session, server, clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fakeredis import errors
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.command.command import NO_TOUCH
from fakeredis.engine.core import blocking, notifications, switches
from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.features import key_access
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.profiles import Traits
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

MAX_MILLISECONDS = (1 << 63) - 1
_AT_ONCE = frozenset({"script", "transaction"})


class Context:
    """One for each session; handlers get it as their first argument."""

    __slots__ = (
        "session", "server", "db", "command", "args", "retrying", "run_at", "_now", "_micros",
    )

    def __init__(self, session: Session, db: Database) -> None:
        self.session = session
        self.server: Server = session.server
        self.db = db
        self.command: Command | None = None
        self.args: Sequence[bytes] = ()  # the running command's raw arguments, name left out
        self.retrying = False  # a blocked command is being run again
        # When the session's last command began, as `Server.run_at`; 0: see `Session.last_used`.
        self.run_at = 0.0
        self._now = 0
        self._micros = 0

    # Time -----------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Milliseconds since the epoch; the same during a whole command, MULTI or script."""
        if not self._now:
            self._now = self.server.clock.milliseconds()
        return self._now

    def forget_time(self) -> None:
        """Forget ``now``: its next reading looks at the clock again."""
        self._now = 0

    def micros(self) -> int:
        """Microseconds since the epoch; the same during a whole MULTI or script."""
        if self.session.via not in _AT_ONCE:
            return round(self.server.clock.seconds() * 1_000_000)
        if not self._micros:
            first = self.now * 1000
            found = round(self.server.clock.seconds() * 1_000_000)
            self._micros = min(max(found, first), first + 999)
        return self._micros

    def begin(self) -> None:
        """A MULTI or a script begins, of which all happens at one time."""
        self._micros = 0

    def see_time_pass(self) -> None:
        """Make `micros` tell the time while a script runs long; ``now`` stays the same."""
        self._micros = round(self.server.clock.seconds() * 1_000_000)

    @property
    def traits(self) -> Traits:
        """Behaviours that differ between server versions."""
        return self.server.traits

    # Look-ups -------------------------------------------------------------------------------

    def lookup(self, key: bytes) -> Any:
        """The value at a key whatever its type, None when there is none; counts no hit or miss."""
        db = self.db
        if db.used is not None:
            key_access.looked(self, key)
        value = db.data.get(key)
        if value is not None and db.expires and key in db.expires:
            if self.expire_if_due(key):
                return None
        if value is not None:
            command = self.command
            if command is None or not command.flags & NO_TOUCH:
                self.db.uses[key] = self.server.run_at
        return value

    def lookup_read(self, key: bytes, kind: type) -> Any:
        """The value at a key for reading, None when there is none.

        ``kind`` is the type wanted; for strings ``bytes``, see `string` for the exception.

        Raises:
            CommandError: WRONGTYPE, the value is of another type.
        """
        db = self.db
        if db.used is not None:
            key_access.looked(self, key)
        value = db.data.get(key)
        if value is None or (db.expires and key in db.expires and self.expire_if_due(key)):
            self.server.misses += 1
            if db.observed:
                self.server.key_missed(db, key)
            return None
        server = self.server
        server.hits += 1
        db.uses[key] = server.run_at
        if type(value) is not kind:
            if kind is bytes and type(value) is MutableString:
                return bytes(value)
            raise CommandError(errors.WRONGTYPE)
        return value

    def lookup_write(self, key: bytes, kind: type) -> Any:
        """The value at a key for changing it, None when there is none.

        Raises:
            CommandError: WRONGTYPE, the value is of another type.
        """
        db = self.db
        if db.used is not None:
            key_access.looked(self, key)
        value = db.data.get(key)
        if value is None or (db.expires and key in db.expires and self.expire_if_due(key)):
            return None
        db.uses[key] = self.server.run_at
        if type(value) is not kind:
            if kind is bytes and type(value) is MutableString:
                return bytes(value)
            raise CommandError(errors.WRONGTYPE)
        return value

    def string(self, key: bytes) -> bytes | bytearray | None:
        """The string at a key without a copy: those changed in place are a `MutableString`.

        Raises:
            CommandError: WRONGTYPE, the value is no string.
        """
        value = self.lookup(key)
        if value is None or type(value) is bytes or type(value) is MutableString:
            return value
        raise CommandError(errors.WRONGTYPE)

    def read_string(self, key: bytes) -> bytes | bytearray | None:
        """The string at a key, for reading: counts a hit or a miss. It must not become a reply.

        Raises:
            CommandError: WRONGTYPE, the value is no string.
        """
        db = self.db
        value = db.data.get(key)
        if type(value) is MutableString and key not in db.expires:
            if db.used is not None:
                key_access.looked(self, key)
            self.server.hits += 1
            self.db.uses[key] = self.server.run_at
            return value
        found: bytes | None = self.lookup_read(key, bytes)
        return found

    def exists(self, key: bytes) -> bool:
        """Whether there is a key of any type."""
        return self.lookup(key) is not None

    def expire_if_due(self, key: bytes) -> bool:
        """Remove a key whose deadline has passed; whether that was so."""
        deadline = self.db.expires.get(key)
        if deadline is None:  # a finalizer's command came between the caller's look and this one
            return key not in self.db.data
        if deadline > self.now:
            return False
        server = self.server
        if server.switched & switches.FOLLOWING:  # its master says when the key goes
            return self.session is not server.replication.following.session
        if not server.is_paused():
            server.expire_key(self.db, key)
        return True

    # Changes --------------------------------------------------------------------------------

    def modified(self, key: bytes, event: str, changes: int = 1) -> None:
        """Announce that the value or the deadline at a key has changed: the one place for it.

        Counts the change, tells the store, fails WATCHes and tracking clients' copies, wakes
        sessions blocked on the key, and sends the keyspace event.

        Args:
            event: the keyspace event; empty for none.
            changes: how many changes the server counts.
        """
        server = self.server
        server.dirty += changes
        if self.db.observed:
            command = self.command
            group = "" if command is None else command.group
            server.key_modified(self.db, key, event, group, self)

    def modified_unsignalled(self, key: bytes, event: str = "", changes: int = 1) -> None:
        """Announce a change that is none to WATCH, tracking and who waits (consumer groups).

        It is counted, the store keeps it, and there may be an event.

        Args:
            event: the keyspace event, if the server sends one.
            changes: how many changes the server counts.
        """
        server = self.server
        server.dirty += changes
        if server.store_sync is not None:
            server.store_sync.key_modified_unsignalled(self, key, event)
        if event and server.notify_flags:
            command = self.command
            group = "" if command is None else command.group
            notifications.publish_event(server, self.db.index, key, event, group)

    def signal_modified(self, key: bytes) -> None:
        """Let WATCH and tracking take a key as changed, though nothing else does.

        So the server does when a module opens a key for writing, whatever comes of it.
        """
        if self.db.observed:
            self.server.signal_modified(self.db, key)

    def edit_string(
        self, key: bytes, value: bytes | bytearray | None, size: int = 0
    ) -> MutableString:
        """The string at a key, of at least ``size`` bytes, to be changed in place.

        Who changes it says so by its ``changed``, where it has ``counts``.

        Args:
            value: what `string` gave.
        """
        if type(value) is not MutableString:
            value = MutableString(value or size)
            self.db.replace(key, value)
        value.embedded = False
        if len(value) < size:
            value.extend(bytes(size - len(value)))
        return value

    def check_string_length(self, size: int) -> None:
        """Refuse strings beyond ``proto-max-bulk-len``, which is never below a megabyte.

        Raises:
            CommandError: the string would be too long.
        """
        if size > 1 << 20 and size > int(self.server.config.text("proto-max-bulk-len") or 1 << 29):
            raise CommandError(errors.STRING_TOO_LONG)

    def delete(self, key: bytes) -> bool:
        """Remove a key and announce it as ``del``; whether it was there."""
        if self.lookup(key) is None:
            return False
        self.db.delete(key)
        self.modified(key, "del")
        return True

    def shrunk(self, key: bytes, value: Any, event: str, changes: int = 1) -> None:
        """Announce that a container lost elements, and remove its key when it is empty."""
        self.modified(key, event, changes)
        if not value:
            self.db.delete(key)
            self.modified(key, "del", 0)  # the server counts the elements alone

    # Deadlines ------------------------------------------------------------------------------

    def deadline(self, option: str, raw: bytes, positive: bool = True) -> int:
        """The absolute deadline in milliseconds that EX, PX, EXAT or PXAT and a number mean.

        Raises:
            CommandError: no integer; not positive, or beyond what fits.
        """
        value = parse_int(raw)
        if value is None:
            raise CommandError(errors.NOT_INTEGER)
        seconds = option in ("EX", "EXAT")
        if (positive and value <= 0) or (seconds and abs(value) > MAX_MILLISECONDS // 1000):
            raise self.invalid_expire()
        if seconds:
            value *= 1000
        if option in ("EX", "PX"):
            value += self.now
            if value > MAX_MILLISECONDS:
                raise self.invalid_expire()
        return value

    def invalid_expire(self) -> CommandError:
        """The error for an expire time that makes no sense, naming the command."""
        command = self.command
        return CommandError(errors.INVALID_EXPIRE % ("" if command is None else command.label))

    def wrong_arity(self) -> CommandError:
        """The error for too few words, or too many, where a command counts them itself."""
        command = self.command
        return CommandError(errors.ARITY % ("" if command is None else command.label))

    def misused(self) -> CommandError:
        """The error for words of a subcommand that make no sense; it is named as it was written."""
        command = self.command
        assert command is not None
        written = self.session.as_written(command, self.args)[1]
        name = written.decode("utf-8", "surrogateescape")
        return CommandError(errors.SUBCOMMAND_ARITY % (name, command.parts[0].decode()))

    # Waiting --------------------------------------------------------------------------------

    def block(
        self, keys: Sequence[bytes], timeout: int, on_timeout: Callable[[], Any] | None = None,
        kind: type | None = None,
    ) -> Any:
        """Wait until one of ``keys`` may be ready; the handler runs again then.

        Returns the value that the handler must return: `BLOCKED`, or the time-out's reply at once
        in a transaction or a script, where nothing waits.

        Args:
            timeout: milliseconds; 0 waits for ever.
            on_timeout: makes the reply when the time is over; null by default.
            kind: the type that a key's value must have for the handler to run again.
        """
        assert self.command is not None
        if self.retrying:
            self.server.calls[self.command] -= 1  # counted when it ends
            return BLOCKED
        session = self.session
        if session.deny_blocking:
            return None if on_timeout is None else on_timeout()
        self.server.calls[self.command] -= 1
        deadline = self.now + timeout if timeout else None
        blocking.enter(blocking.Wait(
            session, self.command, self.args, self.db, keys, deadline, on_timeout, kind,
        ))
        return BLOCKED
