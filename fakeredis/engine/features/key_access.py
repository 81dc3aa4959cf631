"""When keys were last used, and how often: for OBJECT IDLETIME and FREQ, and for eviction.

At first each look-up of a `Context` merely notes the time at which its command began
(`Database.uses`), which costs next to nothing, and new keys are not even noted one by one. When
somebody asks, or when the clock is about to be moved so that those times would mean nothing
(`begin`), these notes become the beginning of what is kept from then on as `Database.used`: order,
counters, and who asked not to be noted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.command import NO_TOUCH, TOUCHES, WRITE

if TYPE_CHECKING:
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

# When a key was used (seconds since the epoch), and its counter; the least recently used first.
Used = OrderedDict[bytes, tuple[float, int]]

_NEW_KEY: Final = 5  # the counter of a key that nobody has used since it was made
_MOST: Final = 255


class _Running:
    """The command that runs, by its arguments, and the keys that it has used."""

    __slots__ = ("args", "keys")

    def __init__(self) -> None:
        self.args: Any = None
        self.keys: set[tuple[int, bytes]] = set()


def begin(server: Server) -> None:
    """Keep track from now on."""
    if server.notes_use:
        return
    server.notes_use = True
    server.running_use = _Running()
    for db in list(server.databases.values()):
        db.observe()


def start(db: Database) -> None:
    """Begin with what is known of a database's keys."""
    clock = db.server.clock
    now = clock.seconds()
    if clock.moved:  # by somebody who did not say so: nobody knows what the notes mean
        known = dict.fromkeys(db.data, (now, _NEW_KEY))
    else:
        known = {key: (then, _NEW_KEY) for key, then in _noted(db, now)}
    db.used = OrderedDict(sorted(known.items(), key=_time_of))
    db.uses = {}


def _noted(db: Database, now: float) -> Iterator[tuple[bytes, float]]:
    """When each key was used, or else made."""
    uses, births, born = db.uses, db.births, now
    for key in db.data:
        born = births.get(key, born)
        yield key, uses.get(key, born)


def note_born_since(db: Database, first: bytes) -> None:
    """Note when keys were made from ``first`` on, which is about to go and of their births.

    Each key is noted once at most, however often this is done.
    """
    uses, births = db.uses, db.births
    younger: list[bytes] = []
    for key in reversed(db.data):
        if key not in uses:
            younger.append(key)
        if key in births:
            uses.update(dict.fromkeys(younger, births.pop(key)))
            younger.clear()
            if key == first:
                break
    db.born_at = -inf


def clock_moves(server: Server) -> None:
    """What was used so far was used before the clock moved: to be called first."""
    node = server.node
    for each in [server] if node is None else [one.server for one in node.cluster.nodes]:
        begin(each)  # a cluster has one clock
        for session in list(each.sessions.values()):
            session.last_used, session.ctx.run_at = last_used(session), 0.0


def last_used(session: Session) -> float:
    """When a session's last command began, by the server's clock."""
    return max(session.last_used, session.server.clock.when(session.ctx.run_at))


def of(db: Database) -> Used:
    """The keys of a database and their use."""
    used = db.used
    if used is None:
        begin(db.server)
        used = db.used
        assert used is not None
    return used


def counts_frequency(server: Server) -> bool:
    """Whether the policy is one of those by frequency, whose numbers are counters then."""
    return "lfu" in server.config.maxmemory_policy


def _by_changes(server: Server) -> bool:
    """Whether the policy is one of those by when keys were changed, so reading is no use."""
    return server.config.maxmemory_policy.endswith("lrm")


def _writes(ctx: Context) -> bool:
    return ctx.command is None or bool(ctx.command.flags & WRITE)


def idle_seconds(db: Database, key: bytes) -> int:
    """Whole seconds since a key was used."""
    now = db.server.clock.seconds()
    return max(0, int(now - of(db).get(key, (now, 0))[0]))


def frequency(db: Database, key: bytes) -> int:
    """A key's counter: it grows ever more slowly with use, and shrinks by the minute."""
    then, counter = of(db).get(key, (0.0, _NEW_KEY))
    period = db.server.config.lfu_decay_time
    if not period or not then:
        return counter
    minutes = int(db.server.clock.seconds() // 60) - int(then // 60)
    return max(0, counter - minutes // period)


def _grown(server: Server, counter: int) -> int:
    """A counter after one more use, which it notes with a chance only."""
    if counter >= _MOST:
        return _MOST
    above = max(0, counter - _NEW_KEY)
    chance = 1.0 / (above * server.config.lfu_log_factor + 1)
    return counter + 1 if server.random.random() < chance else counter


def set_idle(db: Database, key: bytes, seconds: int) -> None:
    """RESTORE's IDLETIME."""
    used = of(db)
    used[key] = (db.server.clock.seconds() - seconds, _NEW_KEY)
    _sort(used)


def set_frequency(db: Database, key: bytes, counter: int) -> None:
    """RESTORE's FREQ."""
    of(db)[key] = (db.server.clock.seconds(), counter)


def _time_of(pair: tuple[bytes, tuple[float, int]]) -> float:
    return pair[1][0]


def _sort(used: Used) -> None:
    pairs = sorted(used.items(), key=_time_of)
    used.clear()
    used.update(pairs)


def touch(ctx: Context, key: bytes) -> None:
    """A command uses a key; once is enough for each command."""
    db, server = ctx.db, ctx.server
    used = db.used
    if used is None or key not in used:
        return
    if not _is_first(ctx, key) or (_by_changes(server) and not _writes(ctx)):
        return
    counter = used[key][1]
    if counts_frequency(server):
        counter = _grown(server, frequency(db, key))
    used[key] = (server.clock.seconds(), counter)
    used.move_to_end(key)


def _is_first(ctx: Context, key: bytes) -> bool:
    """Whether the running command uses a key for the first time; it does now."""
    running: _Running = ctx.server.running_use
    if running.args is not ctx.args:
        running.args = ctx.args
        running.keys.clear()
    if (ctx.db.index, key) in running.keys:
        return False
    running.keys.add((ctx.db.index, key))
    return True


def changed(db: Database, key: bytes, ctx: Context | None) -> None:
    """A key was made, written or removed, by a command of ``ctx`` where it was one."""
    used = db.used
    if used is None:
        return
    if ctx is not None and key not in used:
        _is_first(ctx, key)  # to make a key is not to use it
    if key not in db.data:
        used.pop(key, None)
    elif key not in used:
        used[key] = (db.server.clock.seconds(), _NEW_KEY)
    if ctx is not None and not ctx.session.no_touch:
        touch(ctx, key)


def looked(ctx: Context, key: bytes) -> None:
    """A command looks a key up."""
    command = ctx.command
    if command is None or command.flags & NO_TOUCH:
        return
    if ctx.session.no_touch and not command.flags & TOUCHES:
        return
    touch(ctx, key)
