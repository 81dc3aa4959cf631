"""What the generic commands share: looking at keys, and announcing what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fakeredis.commands.registry import NO_TOUCH, Group
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database

group = Group("generic")
# What TYPE says; other classes of values say it themselves, by an attribute `type_name` (bytes).
_TYPE_NAMES: Final[dict[type, Status]] = {
    bytes: Status(b"string"), MutableString: Status(b"string"), Hash: Status(b"hash"),
    List: Status(b"list"), Set: Status(b"set"), SortedSet: Status(b"zset"),
}
NONE: Final = Status(b"none")
KEYSPACE_READ: Final = ("keyspace", "read", "slow")


def type_name(value: Any) -> Status:
    """The name of a value's type, as TYPE and SCAN's option TYPE know it."""
    name = _TYPE_NAMES.get(type(value))
    return Status(value.type_name) if name is None else name


def lookup_any(ctx: Context, key: bytes, notify: bool = True) -> Any:
    """The value at a key whatever its type, counted as a hit or miss.

    ``notify``: a miss is an event too.
    """
    db, server = ctx.db, ctx.server
    if server.notes_use:
        ctx.lookup(key)
    value = db.data.get(key)
    if value is not None and not (key in db.expires and ctx.expire_if_due(key)):
        server.hits += 1
        assert ctx.command is not None
        if not ctx.command.flags & NO_TOUCH:
            db.uses[key] = server.run_at
        return value
    server.misses += 1
    if notify and db.observed:
        server.key_missed(db, key)
    return None


def modified_in(ctx: Context, db: Database, key: bytes, event: str) -> None:
    """What ``ctx.modified`` does, for a key of another database than the selected one."""
    ctx.server.dirty += 1
    if db.observed:
        ctx.server.key_modified(db, key, event, "generic", ctx)


def server_tells(ctx: Context) -> bool:
    """Whether anyone may hear of overwritten keys."""
    return "o" in ctx.server.notify_flags or "c" in ctx.server.notify_flags


def tell_overwritten(ctx: Context, db: Database, key: bytes, gone: Any) -> None:
    """Announce that a value, if there was one, has given way to one that came in one piece."""
    if gone is not None:
        db.tell_overwritten(key, gone, db.data[key])
