"""One numbered database: keys, values, deadlines, and who wants to hear of changes."""

from __future__ import annotations

from heapq import heappush
from math import inf
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.order import Order
from fakeredis.engine.core import notifications, switches
from fakeredis.engine.features import key_access

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.features.key_access import Used
    from fakeredis.engine.features.memory import Sizes

# Keys that are made within so many seconds were all made at once, as far as `births` knows.
_TOGETHER: Final = 0.1
_OBSERVING = switches.TRACKED | switches.LIMITED | switches.RECORDED


# Classes of events for which `put` looks whether keys are new.
_ABOUT_KEYS = frozenset("noc")


def _kind(value: Any) -> type:
    """The type of a value; there are two for strings."""
    return bytes if isinstance(value, bytearray) else type(value)


class Database:
    """Keys and values.

    ``data`` maps a key to its value itself: `bytes` (or `MutableString`), or an object
    of `fakeredis.datatypes`.  ``expires`` maps a key to its deadline in milliseconds since the
    epoch.  Both may be read freely; they are changed through the methods only.
    """

    __slots__ = (
        "server", "index", "data", "expires", "field_deadlines", "order", "observed", "watchers",
        "blocked", "uses", "births", "born_at", "used", "sizes",
    )

    def __init__(self, server: Server, index: int) -> None:
        self.server = server
        self.index = index
        self.data: dict[bytes, Any] = {}
        self.expires: dict[bytes, int] = {}
        # Hashes with expiring fields: when the server looks at them next.
        self.field_deadlines: dict[bytes, int] = {}
        self.order: Order | None = None  # made by the first SCAN or RANDOMKEY
        self.watchers: dict[bytes, set[Session]] = {}
        self.blocked: dict[bytes, dict[Session, None]] = {}  # oldest first
        # When keys were used, as `Server.run_at`; after `key_access.begin` it is in `used`. Keys
        # that nobody has used since they were made need no note of their own: ``data`` has keys in
        # the order in which they were made, and ``births`` names the first of each time.
        self.uses: dict[bytes, float] = {}
        self.births: dict[bytes, float] = {}
        self.born_at = -inf  # the last of the times in ``births``
        self.used: Used | None = None
        self.sizes: Sizes | None = None  # how big they are: see `memory`
        self.observed = False  # whether `Server.key_modified` has anything to do here

    def observe(self) -> None:
        """Work out whether changes interest anyone; called when that may have changed."""
        server = self.server
        self.observed = bool(
            self.watchers or self.blocked or server.notify_flags or server.switched & _OBSERVING
            or server.notes_use or (server.search is not None and server.search.indexes)
            or server.series is not None
        )
        if server.notes_use and self.used is None:
            key_access.start(self)
        if not _ABOUT_KEYS.isdisjoint(server.notify_flags):
            self.ordering()  # so that `put` looks whether keys are new

    # Values ---------------------------------------------------------------------------------

    def put(self, key: bytes, value: Any) -> None:
        """Store a value as SET does: whatever was there is gone, its deadline too."""
        if self.expires and key in self.expires:
            self._drop_deadline(key)
        if self.order is not None:
            if key not in self.data:
                self._appeared(key)
            elif self.server.notify_flags:
                self.tell_overwritten(key, self.data[key], value)
        run_at = self.server.run_at
        if key in self.data:
            self.uses[key] = run_at
        elif not 0 <= run_at - self.born_at < _TOGETHER:
            self.births[key] = self.born_at = run_at
        self.data[key] = value

    def tell_overwritten(self, key: bytes, gone: Any, value: Any) -> None:
        """Announce that a value has given way to another one."""
        server = self.server
        notifications.publish_event(server, self.index, key, "overwritten", "")
        if _kind(gone) is not _kind(value):
            notifications.publish_event(server, self.index, key, "type_changed", "")

    def _drop_deadline(self, key: bytes) -> None:
        """Forget a deadline; when it has passed, the key expires before it is written again."""
        deadline = self.expires.pop(key, None)
        if (
            deadline is not None and (self.observed or self.server.switched & switches.REPLICATED)
            and not self.server.switched & switches.FOLLOWING
            and deadline <= self.server.clock.milliseconds()
        ):
            self.server.expire_key(self, key)

    def replace(self, key: bytes, value: Any) -> None:
        """Store a value and keep the deadline."""
        run_at = self.server.run_at
        if key in self.data:
            self.uses[key] = run_at
        else:
            if self.order is not None:
                self._appeared(key)
            if not 0 <= run_at - self.born_at < _TOGETHER:
                self.births[key] = self.born_at = run_at
        self.data[key] = value

    def _appeared(self, key: bytes) -> None:
        """Note a new key; called only where there is an order, for whatever reason."""
        order = self.ordering()
        order.trim(self.data)
        order.add(key)
        if "n" in self.server.notify_flags:
            notifications.publish_event(self.server, self.index, key, "new", "")

    def place(self, key: bytes, value: Any, deadline: int | None) -> None:
        """Store a value that comes in one piece, with its deadlines; what was there is gone."""
        self.delete(key)
        if self.used is not None:
            self.used.pop(key, None)
        self.put(key, value)
        if deadline is not None:
            self.expire_at(key, deadline)
        if type(value) is Hash:
            soonest = value.next_expiry
            if soonest is not None:
                self.expire_fields_at(key, soonest)

    def delete(self, key: bytes) -> bool:
        """Remove a key; whether it was there.  The caller announces it."""
        if key in self.births:
            key_access.note_born_since(self, key)
        if self.data.pop(key, None) is None:
            return False
        self.uses.pop(key, None)
        if self.expires:
            self.expires.pop(key, None)
        return True

    def clear(self) -> None:
        """Remove everything."""
        self.data = {}
        self.expires = {}
        self.field_deadlines = {}
        self.uses = {}
        self.births = {}
        self.born_at = -inf
        self.order = None
        self.used = self.sizes = None
        if self.server.search is not None:
            self.server.search.all_changed()
        if self.server.series is not None:
            self.server.series.all_changed()
        self.observe()

    # Deadlines ------------------------------------------------------------------------------

    def expire_at(self, key: bytes, deadline: int) -> None:
        """Set a present key's deadline, in milliseconds since the epoch."""
        self.expires[key] = deadline
        self._schedule(key, deadline)

    def _schedule(self, key: bytes, deadline: int) -> None:
        server = self.server
        heappush(server.deadlines, (deadline, self.index, key))
        if len(server.deadlines) > server.deadlines_limit:
            server.trim_deadlines()

    def expire_fields_at(self, key: bytes, deadline: int) -> None:
        """Note when the first field of the hash at ``key`` may expire, and look at it then.

        To be called whenever a field gets a deadline, and for each hash with expiring fields that
        comes to a key in one piece (RENAME, COPY, RESTORE ...).
        """
        known = self.field_deadlines.get(key)
        if known is None or deadline < known:
            self.field_deadlines[key] = deadline
            self._schedule(key, deadline)

    def persist(self, key: bytes) -> bool:
        """Remove the deadline; whether there was one."""
        return self.expires.pop(key, None) is not None

    # Scans ----------------------------------------------------------------------------------

    def ordering(self) -> Order:
        """The order in which SCAN and RANDOMKEY see the keys."""
        if self.order is None:
            self.order = Order()
        return self.order
