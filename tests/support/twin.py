"""The twin: each command goes to the fake engine and to the real server, which must agree.

So nobody types an expected value. At the end of a test the whole state of both is compared too:
what a command left behind counts as much as what it said, and a failed one must leave nothing.

    def test_getset(twin):
        twin("SET", "k", 1)
        assert twin("GETSET", "k", "v") == b"1"

``twin(...)`` gives the reply, also when it is an error (then a CommandError). Beside it there are
``twin.unordered``, ``twin.near`` (times), ``twin.same_shape`` (random replies), ``twin.session()``
(another client of both), ``reply()``, ``replies(n)`` and ``silent()`` for what comes unasked:
pushes, messages, and the replies of commands that had to wait, which give ``BLOCKED`` at first.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from fakeredis.datatypes.set import Set as StoredSet
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY, Push, Status
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.server import FakeServer
from fakeredis.stores import SQLiteStore
from tests.support import servers
from tests.support.engines import Server, settle_modules
from tests.support.wire import Set, Wire, to_bytes

Compare = Callable[[Any, Any], bool]
TOLERANCE_MS = 500
CLOSED = CommandError("(the connection is closed)")
SILENCE = 0.02  # seconds after which the real server is held to be blocked
DATABASES = 16
# Set, the fake keeps its keys in a file, and what is there is compared too.
STORED = os.environ.get("FAKEREDIS_TWIN_STORE") == "sqlite"
_OTHER_DATABASES = {b"SELECT", b"MOVE", b"COPY", b"SWAPDB"}


class Mismatch(AssertionError):
    """Fake and server disagree."""


class Pair:
    """One session of the fake and one connection of the real server, side by side."""

    def __init__(self, twin: Twin, name: str) -> None:
        self.twin, self.name = twin, name
        self.fake = twin.server.session(protocol=twin.protocol)
        self.wire = Wire.to(twin.url, twin.protocol)

    def __call__(self, *args: object) -> Any:
        """Send a command to both; the reply (an error too), which must be the same."""
        db = self.fake.ctx.db
        chance = is_left_to_chance(db, [to_bytes(arg) for arg in args])
        return self._compare(args, same_items if chance else same)

    def unordered(self, *args: object) -> Any:
        """The same, where the order of the reply's items means nothing."""
        return self._compare(args, same_items)

    def near(self, *args: object, tolerance: float = TOLERANCE_MS) -> Any:
        """The same for numbers that depend on the time."""
        return self._compare(args, lambda a, b: close(a, b, tolerance))

    def same_shape(self, *args: object) -> Any:
        """The same for random replies: types and lengths of arrays are compared, values are not."""
        return self._compare(
            args, lambda a, b: shape(without_modules(a)) == shape(without_modules(b))
        )

    def reply(self, compare: Compare | None = None) -> Any:
        """What comes without being asked: a blocked command's reply, a message."""
        pushes = self.wire.pushes
        try:
            real = pushes.pop(0) if pushes else self.wire.read_any()
        except TimeoutError:
            real = "nothing"
        self.twin.server.catch_up()  # a wait that ended in time there has ended here too
        fake = self.fake.outbox.popleft() if self.fake.outbox else "nothing"
        if fake == real == "nothing":
            raise Mismatch(f"{self._history()}\nneither side has anything to say to {self.name}")
        return self._check("(what came later)", fake, real, compare or same)

    def replies(self, count: int) -> list[Any]:
        """The next ``count`` of what comes without being asked."""
        return [self.reply() for _ in range(count)]

    def silent(self) -> None:
        """Neither side has anything to say."""
        if self.fake.outbox:
            raise Mismatch(self._message("(nothing expected)", self.fake.outbox[0], "silence"))
        if self.wire.pushes or not self.wire.is_silent(SILENCE):
            real = self.wire.pushes[0] if self.wire.pushes else self.wire.read_any()
            raise Mismatch(self._message("(nothing expected)", "silence", real))

    def check_unread(self) -> None:
        """Either both sides have something to say that the test did not read, or neither has."""
        said = bool(self.fake.outbox)  # then a busy machine's real server is about to say it
        real = bool(self.wire.pushes) or self.wire.has_more(self.wire.timeout if said else 0)
        if said != real:
            fake = list(self.fake.outbox)
            raise Mismatch(self._message("(unread at the end)", fake, "something" if real else []))

    def close(self) -> None:
        self.fake.close()
        self.wire.close()

    def _compare(self, args: tuple[object, ...], compare: Compare) -> Any:
        argv = [to_bytes(arg) for arg in args]
        self.twin.note(argv)
        fake = fake_reply(self.fake, argv)
        self.wire.send(*argv)
        if fake is BLOCKED:
            self._expect_silence(argv)
            self.twin.history.append(f"{self.name}> {show(argv)} -> (blocks)")
            return fake
        if fake is NO_REPLY:
            self.twin.history.append(f"{self.name}> {show(argv)} -> (pushes)")
            return fake
        return self._check(show(argv), fake, self._read(argv, fake), compare)

    def _expect_silence(self, argv: list[bytes]) -> None:
        if not self.wire.is_silent(SILENCE):
            raise Mismatch(self._message(show(argv), "(blocks)", self.wire.read_any()))

    def _read(self, argv: list[bytes], fake: Any) -> Any:
        try:
            return self.wire.read()
        except (EOFError, ConnectionError):
            return CLOSED
        except TimeoutError:
            raise Mismatch(self._message(show(argv), fake, "(no reply: it blocks)")) from None

    def _check(self, command: str, fake: Any, real: Any, compare: Compare) -> Any:
        if not compare(fake, real):
            raise Mismatch(self._message(command, fake, real))
        self.twin.history.append(f"{self.name}> {command} -> {describe(real)}")
        return real

    def _message(self, command: str, fake: Any, real: Any) -> str:
        return (
            f"{self._history()}\n"
            f"{self.name}> {command}        (RESP{self.twin.protocol})\n"
            f"    fake: {describe(fake)}\n"
            f"    real: {describe(real)}"
        )

    def _history(self) -> str:
        past = self.twin.history
        left_out = [f"({len(past) - 20} commands before)"] if len(past) > 20 else []
        return "\n".join(["the fake differs from the real server.", *left_out, *past[-20:]])


class Twin(Pair):
    """The first pair, and what is common to all pairs of a test."""

    def __init__(self, url: str, protocol: int, version: str = "8.2") -> None:
        self.url, self.protocol = url, protocol
        self._folder = tempfile.TemporaryDirectory() if STORED else None
        self.server = self._make_server(version)
        self._ahead = 0.0  # seconds by which clocks have been moved
        # Another process's view of the same store, which follows all changes.
        self._replica = self._make_server(version) if STORED else None
        self.server.next_session_id = 1000  # calls that name client 1 name nobody on either side
        self.history: list[str] = []
        self._pairs: list[Pair] = []
        self._databases = {0}
        self._ignored: set[bytes] = set()
        self._state = True
        self.configured = self.users_changed = self.functions_changed = False
        super().__init__(self, "1")

    def _make_server(self, version: str) -> Server:
        kind = "redis"
        if servers.PROFILE != "redis8":
            kind, version = servers.SERVERS[servers.PROFILE][:2]
        if self._folder is None:
            return Server(version=version, server_type=kind)
        store = SQLiteStore(f"{self._folder.name}/state.db")
        server = FakeServer(store, version, server_type=kind)
        settle_modules(server)
        return server

    @property
    def resp3(self) -> bool:
        """Whether this run of the test speaks RESP3."""
        return self.protocol == 3

    def session(self) -> Pair:
        """Another client of both servers."""
        pair = Pair(self, str(len(self._pairs) + 2))
        self._pairs.append(pair)
        return pair

    def ignore(self, *keys: str | bytes) -> None:
        """Leave keys with random contents out of the comparison of the state."""
        self._ignored.update(to_bytes(key) for key in keys)

    def ignore_state(self) -> None:
        """Compare no state at the end: the test moved the fake's clock, or flushed one side."""
        self._state = False

    def advance(self, seconds: float) -> None:
        """Move the fake's clock, and that of what follows its store."""
        self._ahead += seconds
        for each in (self.server, self._replica):
            if each is not None:
                each.advance(seconds)

    def note(self, argv: list[bytes]) -> None:
        """Remember what the end of the test must look at or undo."""
        name = argv[0].upper() if argv else b""
        if name in _OTHER_DATABASES:
            self._databases = set(range(DATABASES))
        self.configured |= name == b"CONFIG"
        self.users_changed |= name == b"ACL"
        self.functions_changed |= name == b"FUNCTION"

    def finish(self) -> None:
        """Compare the state of both servers, and what they still have to say."""
        if self._state:
            self.check_state()
        for pair in (self, *self._pairs):
            pair.check_unread()
        if self._replica is not None:
            self._check_store()

    def _check_store(self) -> None:
        """What follows the store, and who opens it now, have what the server has."""
        late = self._make_server(self.server.profile.version_text)
        late.advance(self._ahead)
        views = [
            {**view_of(each), **indexes_of(each)} for each in (self.server, self._replica, late)
        ]
        late.let_go()
        for view in views[1:]:
            wrong = {k: (views[0].get(k), view.get(k)) for k in {*views[0], *view}
                     if views[0].get(k) != view.get(k)}
            assert not wrong, f"{self._history()}\n{wrong}"

    def check_state(self) -> None:
        """Every key of both: type, value, expiry, encoding."""
        checker = Checker(self.server.session(protocol=2), Wire.to(self.url))
        try:
            differences = [
                line
                for database in sorted(self._databases)
                for line in checker.differences(database, self._ignored)
            ]
        finally:
            checker.close()
        if differences:
            raise Mismatch(
                "\n".join([self._history(), "the states differ afterwards:", *differences])
            )

    def close(self) -> None:
        for pair in self._pairs:
            pair.close()
        super().close()
        if self._folder is not None:
            self.server.let_go()
            if self._replica is not None:
                self._replica.let_go()
            self._folder.cleanup()


class Checker:
    """Reads the state of both sides through the same commands."""

    def __init__(self, session: Any, wire: Wire) -> None:
        self.session, self.wire = session, wire

    def close(self) -> None:
        self.session.close()
        self.wire.close()

    def ask(self, *args: bytes) -> tuple[Any, Any]:
        """The replies of fake and server."""
        return fake_reply(self.session, list(args)), self.wire.call(*args)

    def differences(self, database: int, ignored: set[bytes]) -> Iterator[str]:
        """Lines that tell where the two differ."""
        self.ask(b"SELECT", b"%d" % database)
        fake, real = self.ask(b"DBSIZE")
        if fake == real == 0:
            return
        fake, real = map(in_order, self.ask(b"KEYS", b"*"))
        if not same(fake, real):
            yield f"    keys of database {database}: fake {describe(fake)}, real {describe(real)}"
            return
        for key in real:
            if key not in ignored:
                yield from self._key(database, key)

    def _key(self, database: int, key: bytes) -> Iterator[str]:
        fake, real = self.ask(b"TYPE", key)
        compare: Compare = same
        readers = [(b"TYPE", key), (b"OBJECT", b"ENCODING", key), *value_readers(bytes(real), key)]
        for command in readers if fake == real else readers[:1]:
            fake, real = self.ask(*command)
            if command[1:2] == (b"ENCODING",):
                compare = same_items if real == b"hashtable" else same
            if not compare(fake, real):
                yield self._line(database, command, fake, real)
        fake, real = self.ask(b"PEXPIRETIME", key)
        if not close(fake, real, TOLERANCE_MS):
            yield self._line(database, (b"PEXPIRETIME", key), fake, real)
        if bytes(self.wire.call(b"TYPE", key)) == b"hash":
            yield from self._field_expiry(database, key)

    def _field_expiry(self, database: int, key: bytes) -> Iterator[str]:
        fields = self.wire.call(b"HKEYS", key)
        command = (b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(fields), *fields)
        fake, real = self.ask(*command)
        if not close(fake, real, TOLERANCE_MS):
            yield self._line(database, command, fake, real)

    @staticmethod
    def _line(database: int, command: tuple[bytes, ...], fake: Any, real: Any) -> str:
        return f"    {database}> {show(command)}: fake {describe(fake)}, real {describe(real)}"


def indexes_of(server: FakeServer) -> dict[Any, Any]:
    """The indexes, dictionaries and aliases, and which documents each index has."""
    if server.search is None:
        return {}
    kept = server.search.keep()
    server.search.catch_up()
    view: dict[Any, Any] = dict(vars(kept))
    view["definitions"] = {each.name: each for each in kept.definitions}
    view["documents"] = {
        name: sorted(index.numbers_of) for name, index in server.search.indexes.items()
    }
    return view if kept else {}


def view_of(server: Server | None) -> dict[Any, Any]:
    """All values and deadlines, for comparison."""
    assert server is not None
    session = server.session(protocol=2)
    view: dict[Any, Any] = {}
    for database in range(DATABASES):
        session.execute([b"SELECT", b"%d" % database])
        for key in session.execute([b"KEYS", b"*"]):
            kind = bytes(session.execute([b"TYPE", key]))
            readers = [(b"TYPE", key), (b"PEXPIRETIME", key), *value_readers(kind, key)]
            view[database, key] = [in_order(fake_reply(session, list(command)))
                                   for command in readers]
    session.close()
    return view


def value_readers(kind: bytes, key: bytes) -> list[tuple[bytes, ...]]:
    """The commands that read the whole value of a key."""
    readers: dict[bytes, list[tuple[bytes, ...]]] = {
        b"string": [(b"GET", key)],
        b"list": [(b"LRANGE", key, b"0", b"-1")],
        b"hash": [(b"HGETALL", key)],
        b"set": [(b"SMEMBERS", key)],
        b"zset": [(b"ZRANGE", key, b"0", b"-1", b"WITHSCORES")],
        b"stream": [
            (b"XRANGE", key, b"-", b"+"), (b"XINFO", b"STREAM", key), (b"XINFO", b"GROUPS", key),
        ],
        b"ReJSON-RL": [(b"JSON.GET", key)],
        b"MBbloom--": [(b"BF.DEBUG", key), (b"DUMP", key)],
        b"MBbloomCF": [(b"CF.DEBUG", key), (b"DUMP", key)],
        b"TSDB-TYPE": [(b"TS.INFO", key, b"DEBUG"), (b"TS.RANGE", key, b"-", b"+")],
        b"CMSk-TYPE": [(b"CMS.INFO", key), (b"DUMP", key)],
        b"TopK-TYPE": [(b"TOPK.INFO", key), (b"TOPK.LIST", key, b"WITHCOUNT")],
        b"TDIS-TYPE": [(b"TDIGEST.INFO", key), (b"DUMP", key)],
        b"vectorset": [(b"VCARD", key), (b"VDIM", key)],
    }
    return readers.get(kind, [])


def without_modules(reply: Any) -> Any:
    """HELLO's reply without the modules, of which the tests' server has but some."""
    if isinstance(reply, dict):
        return {key: value for key, value in reply.items() if key != b"modules"}
    if isinstance(reply, list) and b"modules" in reply:
        return reply[: reply.index(b"modules")]
    return reply


def fake_reply(session: Any, argv: list[bytes]) -> Any:
    """The fake's reply; an error is returned, as the wire would carry it."""
    try:
        return session.execute(argv)
    except CommandError as error:
        return error
    except ConnectionLost:
        return CLOSED


def same(fake: Any, real: Any) -> bool:
    """Whether two replies are of the same types and values, all the way down."""
    if isinstance(real, dict):
        return isinstance(fake, dict) and same(pairs_in_order(fake), pairs_in_order(real))
    if isinstance(real, (list, tuple)):
        return (
            isinstance(fake, (list, tuple))
            and len(fake) == len(real)
            and all(map(same, fake, real))
        )
    return same_atom(fake, real)


def same_items(fake: Any, real: Any) -> bool:
    """The same, where the order of a reply's items means nothing."""
    return same(in_order(fake), in_order(real))


def is_left_to_chance(db: Any, argv: list[bytes]) -> bool:
    """Whether the order of a reply of members follows from the server's secret hash seed."""
    name = argv[0].upper() if argv else b""
    if name not in (b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"SPOP"):
        return False
    sets = [value for key in argv[1:] if type(value := db.data.get(key)) is StoredSet]
    kinds = [value.encoding() for value in sorted(sets, key=len)]
    if name in (b"SMEMBERS", b"SINTER"):
        kinds = kinds[:1]
        return kinds == [b"hashtable"]
    return kinds != [b"intset"] * len(kinds)


def same_atom(fake: Any, real: Any) -> bool:
    """Whether two replies that hold no others are the same."""
    if isinstance(real, CommandError):
        return isinstance(fake, CommandError) and str(fake) == str(real)
    if type(fake) is not type(real) and not (
        isinstance(fake, bytes) and type(real) is bytes and not isinstance(fake, Status)
    ):
        return False
    if isinstance(real, float) and math.isnan(real):
        return math.isnan(fake)
    return bool(fake == real)


def close(fake: Any, real: Any, tolerance: float) -> bool:
    """Whether two replies agree but for small differences of their numbers."""
    if isinstance(real, (list, tuple)):
        return (
            isinstance(fake, (list, tuple))
            and len(fake) == len(real)
            and all(close(a, b, tolerance) for a, b in zip(fake, real, strict=True))
        )
    a, b = number(fake), number(real)
    if a is None or b is None or type(fake) is not type(real):
        return same(fake, real)
    # -1 and -2 stand for "no expiry" and "no key": these are near to nothing else.
    return a == b or (min(a, b) >= 0 and abs(a - b) <= tolerance)


def number(value: Any) -> float | None:
    """A reply as a number, if it is one."""
    try:
        return float(value) if isinstance(value, (int, float, bytes)) else None
    except ValueError:
        return None


def in_order(reply: Any) -> Any:
    """A reply whose arrays are sorted, at all levels."""
    if isinstance(reply, (list, tuple, set, frozenset)):
        return sorted(map(in_order, reply), key=describe)
    if isinstance(reply, dict):
        return {key: in_order(value) for key, value in reply.items()}
    return reply


def pairs_in_order(reply: dict[Any, Any]) -> list[Any]:
    """A map as its sorted pairs."""
    return sorted(
        ([key, value] for key, value in reply.items()), key=lambda pair: describe(pair[0])
    )


def shape(reply: Any) -> Any:
    """Types and lengths only."""
    if isinstance(reply, (list, tuple, set, frozenset)):
        return [shape(item) for item in reply]
    if isinstance(reply, dict):
        return {key: shape(value) for key, value in reply.items()}
    if isinstance(reply, CommandError):
        return str(reply)
    return "bytes" if isinstance(reply, bytes) and not isinstance(reply, Status) else type(reply)


def show(argv: Any) -> str:
    """A command as redis-cli's user would type it."""
    words = (arg.decode("utf-8", "backslashreplace") for arg in argv)
    return " ".join(
        word if word.isprintable() and word and " " not in word else repr(word) for word in words
    )


def describe(reply: Any) -> str:
    """A reply with its types."""
    if isinstance(reply, CommandError):
        return f"(error) {reply}"
    if isinstance(reply, Status):
        return f"(status) {reply.decode()}"
    if isinstance(reply, (list, tuple)):
        kind = {Set: "set", Push: "push"}.get(type(reply), "")
        return f"{kind}[{', '.join(map(describe, reply))}]"
    if isinstance(reply, dict):
        pairs = ", ".join(f"{describe(k)}: {describe(v)}" for k, v in reply.items())
        return "{" + pairs + "}"
    return repr(bytes(reply) if isinstance(reply, bytes) else reply)
