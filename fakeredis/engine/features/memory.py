"""Memory: how much a key would take in a real server, and ``maxmemory`` with its policies.

Sizes are what the server's allocator would give to the structures that it makes of a value: exact
for strings and for what is small, estimated from samples for the rest. Totals are worked out when
somebody asks; while ``maxmemory`` is set they are kept, from the keys that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from heapq import heappop, heappush, nsmallest
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.quicklist import entry_bytes
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.stream import Stream
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.command.command import DENYOOM, READONLY, RUNS_QUEUE, WRITE
from fakeredis.engine.core import switches
from fakeredis.engine.core.road import Check, Origin
from fakeredis.engine.features import key_access
from fakeredis.engine.lua.shebang import without_shebang
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.datatypes.limits import EncodingLimits
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

BASE: Final = 700_000  # what an empty server takes
CLIENT: Final = 1_920  # and what each connection adds
_SLOT: Final = 16  # a key's place in the table of keys
_DEADLINE_SLOT: Final = 24
_NODE: Final = 8192  # bytes of a list's node
_SAMPLED: Final = 1000  # keys that are looked at to estimate all of a database


# Sizes ------------------------------------------------------------------------------------------


def allocated(size: int) -> int:
    """What the allocator gives for so many bytes: it knows four sizes for each power of two."""
    if size <= 64:
        return max(8, size + 7 & ~7)
    step = 1 << (size - 1).bit_length() - 3
    return -(-size // step) * step


def _text(size: int) -> int:
    """Bytes of a string with its header, which depends on the length."""
    header = 1 if size < 32 else 3 if size < 256 else 5 if size < 65536 else 9
    return header + size + 1


def size_of(
    key: bytes, value: Any, deadline: bool, limits: EncodingLimits, samples: int = 5
) -> int:
    """Bytes of a key and its value, as MEMORY USAGE tells them.

    Args:
        samples: how many elements of a big value are looked at; 0 means all.
    """
    head = 17 + 8 * deadline + _text(len(key))
    kind = type(value)
    if kind is bytes:
        return _string(head, len(key), deadline, value)
    if kind is MutableString and value.embedded:
        return allocated(head + len(value) + 4)
    if kind is MutableString:
        return allocated(head) + allocated(_text(len(value)))
    measure = _MEASURES.get(kind)
    if measure is not None:
        return allocated(head) + measure(value, limits, samples)
    own = getattr(value, "memory_usage", None)  # a type that another package brought
    if own is not None:
        return allocated(head) + int(own())
    return allocated(head) + 64 + 64 * (len(value) if hasattr(value, "__len__") else 1)


def _string(head: int, key_size: int, deadline: bool, value: bytes) -> int:
    size = len(value)
    if size <= 20 and parse_int(value) is not None:
        return allocated(head)
    if size <= 41 - key_size - (8 if deadline and key_size < 32 else 0):  # beside the key
        return allocated(head + size + 4)
    return allocated(head) + allocated(_text(size))


def _mean(items: Iterable[int], count: int, samples: int) -> int:
    """The sum of all items, estimated from the first ones."""
    if not samples or count <= samples:
        return sum(items)
    return sum(islice(items, samples)) * count // samples


def _packed(items: Iterable[bytes], count: int, samples: int) -> int:
    """A listpack of these items."""
    sampled = 0 if samples == 0 or count <= 512 else 64
    return allocated(7 + _mean(map(entry_bytes, items), count, sampled))


def _table(count: int, items: Iterator[int], samples: int) -> int:
    """A hash table: its array, an entry for each item, and what the items take."""
    array = 8 * max(4, 1 << (count - 1).bit_length())
    return 56 + array + 24 * count + _mean(items, count, samples)


def _list(value: List, limits: EncodingLimits, samples: int) -> int:
    count = len(value)
    if value.encoding(limits) == b"listpack":
        return _packed(value, count, samples)
    size = _mean(map(entry_bytes, value), count, samples)
    nodes, rest = divmod(size, _NODE)
    return 56 + 32 * (nodes + 1) + nodes * _NODE + allocated(rest + 7)


def _set(value: Set, limits: EncodingLimits, samples: int) -> int:
    count, encoding = len(value), value.encoding(limits)
    if encoding == b"intset":
        largest = max(abs(int(member)) for member in value)
        return allocated(8 + count * (2 if largest < 1 << 15 else 4 if largest < 1 << 31 else 8))
    if encoding == b"listpack":
        return _packed(value, count, samples)
    return _table(count, (allocated(_text(len(member))) for member in value), samples)


def _hash(value: Hash, limits: EncodingLimits, samples: int) -> int:
    count = len(value)
    if value.encoding(limits).startswith(b"listpack"):
        extra = 10 * count if value.expires else 0
        return _packed(value.flat(), 2 * count, samples) + extra
    sizes = (
        allocated(_text(len(field))) + allocated(_text(len(text))) for field, text in value.items()
    )
    return _table(count, sizes, samples)


def _sorted_set(value: SortedSet, limits: EncodingLimits, samples: int) -> int:
    count = len(value)
    if value.encoding(limits) == b"listpack":
        scores = (b"%.17g" % score for _, score in value.items())
        return _packed([*value.members(), *scores], 2 * count, samples)
    return _table(count, (38 + allocated(_text(len(one))) for one in value.members()), samples)


def _stream(value: Stream, limits: EncodingLimits, samples: int) -> int:
    """A stream: nodes of a hundred entries, the last with room for more."""
    nodes = max(1, -(-value.length // max(1, limits.stream_node_max_entries)))
    return 4712 + 1947 * (nodes - 1)


_MEASURES: Final[dict[type, Callable[[Any, EncodingLimits, int], int]]] = {
    List: _list, Set: _set, Hash: _hash, SortedSet: _sorted_set, Stream: _stream,
}


def _size_in(db: Database, key: bytes, samples: int = 5) -> int:
    """A key's bytes with its place in the tables; 0 when it is not there."""
    value = db.data.get(key)
    if value is None:
        return 0
    expires = key in db.expires
    size = size_of(key, value, expires, db.server.limits, samples)
    return size + _SLOT + _DEADLINE_SLOT * expires


def used(server: Server) -> int:
    """Bytes that a real server with this data would take."""
    total = BASE + CLIENT * len(server.sessions)
    return total + sum(map(data_size, list(server.databases.values())))


def data_size(db: Database) -> int:
    """Bytes of a database, estimated where there are many keys."""
    if db.server.switched & switches.LIMITED:
        return _settled(db)
    count = len(db.data)
    keys = list(islice(db.data, _SAMPLED))
    return _mean((_size_in(db, key) for key in keys), count, _SAMPLED)


# Totals while there is a limit --------------------------------------------------------------------


class Sizes:
    """The sizes of a database's keys, and the keys that have changed since."""

    __slots__ = ("known", "total", "stale")

    def __init__(self) -> None:
        self.known: dict[bytes, int] = {}
        self.total = 0
        self.stale: set[bytes] = set()


def _settled(db: Database) -> int:
    sizes = db.sizes
    if sizes is None:
        sizes = db.sizes = Sizes()
    known = sizes.known
    while sizes.stale:
        try:
            key = sizes.stale.pop()
        except KeyError:  # a finalizer's command came in between, and settled the rest
            break
        _update(db, sizes, key)
    if len(known) != len(db.data):  # not every change was announced (FLUSHALL, loading a file)
        for key in known.keys() ^ db.data.keys():
            _update(db, sizes, key)
    return sizes.total


def _update(db: Database, sizes: Sizes, key: bytes) -> None:
    size = _size_in(db, key)
    sizes.total += size - sizes.known.pop(key, 0)
    if size:
        sizes.known[key] = size


def changed(db: Database, key: bytes) -> None:
    """A key was made, written or removed."""
    if db.sizes is not None:
        db.sizes.stale.add(key)


# The limit --------------------------------------------------------------------------------------


class Limit:
    """What is known while ``maxmemory`` is set."""

    __slots__ = ("full", "queue", "script_may_write")

    def __init__(self) -> None:
        self.full = False  # when the last command that a client sent began
        self.queue: list[tuple[Database, bytes, Any]] = []  # what goes next, the first at the end
        self.script_may_write = False


def _limit(server: Server) -> Limit:
    found: Limit | None = server.memory_limit
    if found is None:
        found = server.memory_limit = Limit()
    return found


def configure(server: Server) -> None:
    """``maxmemory`` or its policy was set."""
    if server.config.maxmemory:
        server.switch_on(switches.LIMITED, _CHECK)
    else:
        server.switch_off(switches.LIMITED)
    if server.config.maxmemory_policy.endswith(("lru", "lfu", "lrm")):
        key_access.begin(server)
    _limit(server).queue.clear()
    for db in list(server.databases.values()):
        if not server.config.maxmemory:
            db.sizes = None
        db.observe()


def make_room(server: Server) -> bool:
    """Evict keys until the data fit again; whether they do."""
    limit = server.config.maxmemory
    if not limit or used(server) <= limit:
        return True
    with nullcontext() if server.store_sync is None else server.store_sync.transaction():
        while used(server) > limit:
            victim = _victim(server)
            if victim is None:
                return False
            _evict(*victim)
    return True


def _evict(db: Database, key: bytes) -> None:
    server = db.server
    db.delete(key)
    server.statistics.evicted += 1
    if server.switched & switches.REPLICATED:
        with server.replication.stream.apart():
            server.replication.stream.removed(db, key, "lazyfree-lazy-eviction")
    server.key_modified(db, key, "evicted", "generic")


def refusal(
    session: Session, command: Command, args: Sequence[bytes]
) -> CommandError | None:
    """The error of a command that may take memory where there is none left."""
    server = session.server
    limit = _limit(server)
    limit.full = not make_room(server)
    if server.switched & switches.TRACKED:
        session.pushes_first()  # it hears of what was evicted before its own reply
    if not limit.full:
        return None
    calls = session.queue if command.flags & RUNS_QUEUE else [(command, args)]
    if any(_may_take_memory(server, *call) for call in calls):
        return CommandError(errors.OUT_OF_MEMORY)
    return None


def _may_take_memory(server: Server, command: Command, args: Sequence[bytes]) -> bool:
    runs = command.declaration.runs
    if runs and runs != "function" and args and not command.flags & READONLY:
        return _script_may_take_memory(server, args[0])
    return bool(command.flags & DENYOOM)


def _script_may_take_memory(server: Server, source: bytes) -> bool:
    """Whether a script, by its source or its SHA1, says of itself what it may, but not this."""
    known = server.scripting
    if known is not None and source.lower() in known.scripts:
        flags = known.scripts[source.lower()].flags
    else:
        try:
            flags = without_shebang(source)[1]
        except CommandError:
            return False
    return flags is not None and not {"allow-oom", "no-writes"} & set(flags)


def check_script(session: Session, allowed: bool) -> None:
    """Note that a script starts.

    Args:
        allowed: whether it says of itself that it may take memory.
    """
    _limit(session.server).script_may_write = allowed


def is_full(server: Server) -> bool:
    """Whether there was no room left when the last command began."""
    return bool(server.switched & switches.LIMITED) and _limit(server).full


def _script_gate(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Refuse what may take memory where there is none left and the script has not written yet."""
    limit = _limit(session.server)
    if limit.full and not limit.script_may_write and command.flags & DENYOOM:
        return CommandError(errors.OUT_OF_MEMORY)
    if command.flags & WRITE:
        limit.script_may_write = True  # one that has begun to write is not stopped half way
    return None


_CHECK: Final = Check({Origin.CLIENT: refusal, Origin.SCRIPT: _script_gate})


# Who goes first ---------------------------------------------------------------------------------


def _victim(server: Server) -> tuple[Database, bytes] | None:
    policy = server.config.maxmemory_policy
    volatile = policy.startswith("volatile")
    if policy == "noeviction":
        return None
    if policy == "volatile-ttl":
        return _soonest(server)
    queue = _limit(server).queue
    for _ in range(2):
        while queue:
            db, key, mark = queue.pop()
            if key in (db.expires if volatile else db.data) and mark == _mark(db, key):
                return db, key
        queue += _next_victims(server, policy, volatile)
    return None


def _mark(db: Database, key: bytes) -> Any:
    """What tells whether a key was used since it was chosen."""
    return None if db.used is None else db.used.get(key)


def _next_victims(
    server: Server, policy: str, volatile: bool
) -> list[tuple[Database, bytes, Any]]:
    """Some keys that may go, those to go first at the end."""
    candidates = [
        (db, key)
        for db in list(server.databases.values())
        for key in list(db.expires if volatile else db.data)
    ]
    if policy.endswith("random"):
        chosen = server.random.sample(candidates, min(16, len(candidates)))
    elif policy.endswith(("lru", "lrm")):
        chosen = nsmallest(64, candidates, key=lambda one: _mark(*one) or (0.0, 0))
    else:
        chosen = nsmallest(16, candidates, key=lambda one: key_access.frequency(*one))
    return [(db, key, _mark(db, key)) for db, key in reversed(chosen)]


def _soonest(server: Server) -> tuple[Database, bytes] | None:
    """The key that would expire first."""
    deadlines, kept = server.deadlines, []
    found = None
    while deadlines and found is None:
        due, index, key = entry = heappop(deadlines)
        if index < 0:
            kept.append(entry)
            continue
        db = server.database(index)
        if db.expires.get(key) == due and key in db.data:
            found = db, key
        if found is not None or db.field_deadlines.get(key) == due:
            kept.append(entry)
    for entry in kept:
        heappush(deadlines, entry)
    return found
