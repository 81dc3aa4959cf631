"""Tests for other people's stores: a subclass of a few lines proves a store.

::

    from fakeredis.testing import StoreTests

    class TestAcme(StoreTests):
        def make_store(self, tmp_path):
            return AcmeStore(tmp_path / "state")

pytest runs all tests that the store's promises (`Store.persistent`, `Store.shared`) call for.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.data import snapshots
from fakeredis.errors import CommandError
from fakeredis.server import FakeServer
from fakeredis.stores.base import CarriesMessages, KeyspaceStore, Store, StoreError

__all__ = ["StoreTests", "contents"]

_READERS: Final[dict[bytes, list[list[Any]]]] = {
    b"string": [["GET", "?"]],
    b"list": [["LRANGE", "?", "0", "-1"]],
    b"set": [["SMEMBERS", "?"]],
    b"hash": [["HGETALL", "?"]],
    b"zset": [["ZRANGE", "?", "0", "-1", "WITHSCORES"]],
    b"stream": [["XRANGE", "?", "-", "+"], ["XINFO", "STREAM", "?"], ["XINFO", "GROUPS", "?"]],
}

# One of each kind of value, with what makes it special.
_VALUES: Final[list[tuple[Any, ...]]] = [
    ("SET", "string", "value"),
    ("SET", "number", "12"),
    ("SET", "empty", ""),
    ("SET", "bytes", b"\x00\r\n\xff"),
    ("SETBIT", "bits", "70000", "1"),
    ("PFADD", "hll", "a", "b", "c"),
    ("RPUSH", "list", "a", "b", "c", ""),
    ("SADD", "set", "a", "b"),
    ("SADD", "numbers", "1", "2", "3"),
    ("HSET", "hash", "f", "v", "g", "w"),
    ("ZADD", "zset", "1.5", "a", "-inf", "b"),
    ("GEOADD", "geo", "13.36", "38.11", "Palermo"),
    ("XADD", "stream", "1-1", "f", "v"),
    ("XADD", "stream", "2-1", "f", "w", "g", "x"),
    ("XGROUP", "CREATE", "stream", "group", "0"),
    ("XREADGROUP", "GROUP", "group", "me", "COUNT", "1", "STREAMS", "stream", ">"),
    ("SET", "k" * 300, "v" * 20_000),
    ("RPUSH", "long", *map(str, range(500))),
    ("HSET", "wide", *(word for number in range(500) for word in (f"f{number}", str(number)))),
]


def contents(server: FakeServer, databases: int = 2) -> dict[int, dict[bytes, Any]]:
    """All that a server holds: by database and key the value and the deadline.

    Args:
        databases: how many databases to look at.
    """
    found: dict[int, dict[bytes, Any]] = {}
    for number in range(databases):
        server.execute("SELECT", number)
        for key in server.execute("KEYS", "*"):
            kind = bytes(server.execute("TYPE", key))
            value = [
                server.execute(*(key if word == "?" else word for word in reader))
                for reader in _READERS[kind]
            ]
            if kind == b"set":  # in no order
                value = [sorted(members) for members in value]
            found.setdefault(number, {})[key] = (value, server.execute("PEXPIRETIME", key))
    server.execute("SELECT", 0)
    return found


class StoreTests:
    """The tests; a subclass says how its store is made."""

    def make_store(self, tmp_path: Path) -> Store | str:
        """A store, or its URL.

        Called again with the same folder, it gives another one with the same state, where the store
        is persistent or shared.
        """
        raise NotImplementedError("a subclass of StoreTests says how its store is made")

    # What tests use -------------------------------------------------------------------------

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Where the store of this test lies."""
        return tmp_path

    @contextmanager
    def serving(self, folder: Path) -> Iterator[FakeServer]:
        """A server on the store; closed at the end."""
        server = FakeServer(self.make_store(folder))
        try:
            yield server
        finally:
            for session in list(server.sessions.values()):
                session.close()
            server.close()
            if server.store is not None:
                server.store.close()

    @pytest.fixture
    def server(self, folder: Path) -> Iterator[FakeServer]:
        """A server on the store."""
        with self.serving(folder) as server:
            yield server

    @pytest.fixture
    def other(self, server: FakeServer, folder: Path) -> Iterator[FakeServer]:
        """Another one on the same state, as another process has it."""
        self._must(server, "shared")
        with self.serving(folder) as other:
            yield other

    @staticmethod
    def _must(server: FakeServer, promise: str) -> None:
        if not getattr(server.store, promise):
            pytest.skip(f"this store is not {promise}")

    # Values ---------------------------------------------------------------------------------

    def test_every_kind_of_value(self, server: FakeServer, folder: Path) -> None:
        """Values are what they were put in as; and so they are found by those who come later."""
        memory = FakeServer()
        for command in _VALUES:
            assert server.execute(*command) == memory.execute(*command)
        expected = contents(memory)
        seen = contents(server)
        assert _without_times(seen) == _without_times(expected)
        self._look_again(server, folder, seen)

    def _look_again(self, server: FakeServer, folder: Path, expected: Any) -> None:
        """Those who open the store anew find the same."""
        store = server.store
        assert store is not None
        if store.persistent or store.shared:
            with self.serving(folder) as later:
                assert contents(later) == expected

    def test_changes_of_every_kind(self, server: FakeServer, folder: Path) -> None:
        """Changes, renames, removals, of keys and of databases."""
        memory = FakeServer()
        for command in [
            *_VALUES, ("DEL", "string"), ("RENAME", "list", "other"), ("COPY", "set", "copied"),
            ("MOVE", "hash", "1"), ("LPOP", "long"), ("LSET", "long", "3", "x"),
            ("LTRIM", "long", "0", "300"), ("HDEL", "wide", "f3"), ("HINCRBY", "wide", "f4", "3"),
            ("SREM", "numbers", "1", "2", "3"), ("ZINCRBY", "zset", "2", "a"),
            ("XDEL", "stream", "1-1"), ("XACK", "stream", "group", "1-1"),
            ("APPEND", "k" * 300, "more"), ("GETDEL", "number"), ("SETRANGE", "bytes", "2", "x"),
            ("SELECT", "1"), ("SET", "string", "elsewhere"), ("SWAPDB", "0", "1"),
            ("SUNIONSTORE", "union", "copied", "set"), ("LMOVE", "long", "short", "LEFT", "RIGHT"),
        ]:
            assert _outcome(server, command) == _outcome(memory, command)
        server.execute("SELECT", 0)
        memory.execute("SELECT", 0)
        seen = contents(server)
        assert _without_times(seen) == _without_times(contents(memory))
        self._look_again(server, folder, seen)

    def test_flushes(self, server: FakeServer, folder: Path) -> None:
        """A database is emptied, then all of them."""
        for command in [("SET", "a", "1"), ("SELECT", "1"), ("SET", "b", "2"), ("FLUSHDB",)]:
            server.execute(*command)
        assert list(contents(server)) == [0]
        server.execute("FLUSHALL")
        assert contents(server) == {}
        self._look_again(server, folder, {})

    def test_small_changes_of_big_values(self, server: FakeServer, folder: Path) -> None:
        """Many changes of one value add up, however the store keeps them."""
        server.execute("HSET", "h", *(word for n in range(300) for word in (f"f{n}", "0")))
        server.execute("RPUSH", "l", *range(300))
        server.execute("ZADD", "z", *(word for n in range(300) for word in (n, f"m{n}")))
        for number in range(300):
            server.execute("HINCRBY", "h", f"f{number % 7}", "1")
            server.execute("LMOVE", "l", "l", "LEFT", "RIGHT")
            server.execute("ZADD", "z", number, f"m{number % 11}")
        server.execute("EXPIRE", "h", "1000")
        assert server.execute("HGET", "h", "f0") == b"43"
        assert server.execute("LRANGE", "l", "0", "1") == [b"0", b"1"]
        self._look_again(server, folder, contents(server))

    def test_a_random_walk(self, server: FakeServer, folder: Path) -> None:
        """After many random commands the store holds what memory does."""
        memory, chance = FakeServer(), random.Random(20)
        for _ in range(400):
            command = _random_command(chance)
            assert _outcome(server, command) == _outcome(memory, command), command
        seen = contents(server)
        assert _without_times(seen) == _without_times(contents(memory))
        self._look_again(server, folder, seen)

    # Errors and transactions ----------------------------------------------------------------

    @pytest.mark.parametrize(
        "command",
        [
            ("INCR", "hash"), ("HSET", "hash", "f"), ("LPUSH", "hash", "x"), ("NOSUCH", "hash"),
            ("SET", "hash", "x", "EX", "0"), ("RENAME", "nosuch", "hash"),
        ],
        ids=lambda command: command[0],
    )
    def test_a_failed_command_leaves_no_trace(
        self, server: FakeServer, folder: Path, command: tuple[str, ...]
    ) -> None:
        """All is as before."""
        server.execute("HSET", "hash", "f", "v")
        before = contents(server)
        with pytest.raises(CommandError):
            server.execute(*command)
        assert contents(server) == before
        self._look_again(server, folder, before)

    def test_multi(self, server: FakeServer, folder: Path) -> None:
        """What is queued happens at once; what fails in between does not undo the rest."""
        client = server.client(decode_responses=True)
        pipe = client.pipeline(transaction=True)
        pipe.set("a", 1).lpush("a", 2).set("b", 3)
        replies = pipe.execute(raise_on_error=False)
        assert [replies[0], replies[2]] == [True, True]
        assert "WRONGTYPE" in str(replies[1])
        assert client.mget("a", "b") == ["1", "3"]
        client.close()
        self._look_again(server, folder, contents(server))

    def test_scripts(self, server: FakeServer, folder: Path) -> None:
        """What a script did before its error stays."""
        with pytest.raises(CommandError, match="boom"):
            server.execute(
                "EVAL", "redis.call('SET', KEYS[1], '1'); return redis.error_reply('boom')", 1, "k"
            )
        assert server.execute("GET", "k") == b"1"
        self._look_again(server, folder, contents(server))

    def test_scripts_and_functions_of_others(self, server: FakeServer, folder: Path) -> None:
        """What one process has loaded, the next one can call."""
        pytest.importorskip("lupa")
        store = server.store
        assert store is not None
        if not (store.persistent or store.shared):
            pytest.skip("nobody else uses this store")
        sha = server.execute("SCRIPT", "LOAD", "return 'script'")
        code = "#!lua name=lib\nredis.register_function('f', function() return 'function' end)"
        assert server.execute("FUNCTION", "LOAD", code) == b"lib"
        with self.serving(folder) as later:
            assert later.execute("EVALSHA", sha, 0) == b"script"
            assert later.execute("FCALL", "f", 0) == b"function"
            assert contents(later) == {}
            later.execute("FUNCTION", "DELETE", "lib")
        with self.serving(folder) as last:
            assert last.execute("FUNCTION", "LIST") == []

    def test_a_store_that_fails(
        self, server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The client gets an error, and all is as before, here and in the store."""
        sync = server.store_sync
        if sync is None:
            pytest.skip("this store keeps no values")
        server.execute("RPUSH", "list", "a")
        server.execute("SET", "a", "1")
        before = contents(server)

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise StoreError("the medium is full")

        with monkeypatch.context() as patched:
            patched.setattr(sync.store, "save", fail)
            for command in [("SET", "new", "1"), ("RPUSH", "list", "b"), ("RENAME", "a", "list")]:
                with pytest.raises(CommandError, match=r"MISCONF .*the medium is full"):
                    server.execute(*command)
        assert contents(server) == before
        server.execute("SET", "after", "1")
        self._look_again(server, folder, contents(server))

    # Time -----------------------------------------------------------------------------------

    def test_deadlines(self, server: FakeServer, folder: Path) -> None:
        """Keys and fields keep their deadlines; what is over is gone for everybody."""
        server.execute("SET", "long", "x", "EX", "1000")
        server.execute("SET", "short", "x", "PX", "1")
        server.execute("SET", "none", "x", "EX", "1000")
        server.execute("PERSIST", "none")
        server.execute("HSET", "hash", "f", "1", "g", "2")
        server.execute("HPEXPIRE", "hash", "1000000", "FIELDS", "1", "f")
        assert server.execute("PTTL", "long") > 900_000
        assert server.execute("TTL", "none") == -1
        while server.execute("EXISTS", "short"):
            threading.Event().wait(0.001)
        expires = server.execute("HPEXPIRETIME", "hash", "FIELDS", "2", "f", "g")
        assert expires[0] > 0
        assert expires[1] == -1
        seen = contents(server)
        self._look_again(server, folder, seen)
        assert b"short" not in seen[0]

    # Snapshots ------------------------------------------------------------------------------

    def test_snapshots(self, server: FakeServer, folder: Path) -> None:
        """A snapshot comes back whole."""
        if server.store_sync is None and not hasattr(server.store, "snapshot"):
            pytest.skip("this store has no snapshots")

        server.execute("SET", "a", "1")
        server.execute("RPUSH", "list", "a")
        before, saved = contents(server), snapshots.take(server)
        server.execute("RPUSH", "list", "b")
        server.execute("DEL", "a")
        server.execute("SET", "new", "1")
        snapshots.restore(server, saved)
        assert contents(server) == before
        self._look_again(server, folder, before)

    # Several users at once ------------------------------------------------------------------

    def test_others_see_changes(self, server: FakeServer, other: FakeServer) -> None:
        """Both ways, at once, for values of every kind."""
        for number, command in enumerate(_VALUES):
            (server, other)[number % 2].execute(*command)
            assert contents(server) == contents(other)
        for one, two in [(server, other), (other, server)] * 20:
            one.execute("HINCRBY", "wide", "f1", "1")
            two.execute("LMOVE", "long", "long", "LEFT", "RIGHT")
            two.execute("SPOP", "numbers")
            one.execute("SADD", "numbers", "7", "8", "9")
            one.execute("APPEND", "string", "x")
        assert contents(server) == contents(other)
        other.execute("FLUSHALL")
        assert contents(server) == {}

    def test_others_fail_a_watch(self, server: FakeServer, other: FakeServer) -> None:
        """WATCH notices what another process does."""
        client: Any = server.client()
        pipe = client.pipeline()
        pipe.watch("k")
        other.execute("SET", "k", "1")
        pipe.multi()
        pipe.set("k", "2")
        with pytest.raises(Exception, match="Watched"):
            pipe.execute()
        assert server.execute("GET", "k") == b"1"
        pipe.reset()
        client.close()

    def test_others_wake_those_who_wait(self, server: FakeServer, other: FakeServer) -> None:
        """A blocked command gets what another process gives."""
        session = server.session()
        done = threading.Event()
        session.wake = done.set
        assert session.execute([b"BLPOP", b"q", b"0"]) is BLOCKED
        other.execute("RPUSH", "q", "job")
        assert done.wait(5)
        assert session.outbox.popleft() == [b"q", b"job"]
        assert other.execute("EXISTS", "q") == 0
        session.close()

    def test_messages_reach_others(self, server: FakeServer, other: FakeServer) -> None:
        """PUBLISH counts and reaches subscribers of other processes."""
        sync = server.store_sync
        if sync is not None and not isinstance(sync.store, CarriesMessages):
            pytest.skip("this store carries no messages")
        client: Any = server.client(decode_responses=True)
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe("news")
        pubsub.psubscribe("n*")
        while pubsub.get_message(timeout=0.1) is not None or not pubsub.subscribed:
            pass
        assert other.execute("PUBLISH", "news", "hello") == 2
        assert other.execute("PUBLISH", "other", "hello") == 0
        got = []
        for _ in range(50):
            message = pubsub.get_message(timeout=0.1)
            if message:
                got.append((message["type"], message["data"]))
            if len(got) == 2:
                break
        assert sorted(got) == [("message", "hello"), ("pmessage", "hello")]
        pubsub.close()
        client.close()

    def test_writers_at_once(self, server: FakeServer, other: FakeServer) -> None:
        """Nothing is lost between two that count at the same time."""

        def count(target: FakeServer) -> None:
            session = target.session()
            for _ in range(100):
                session.execute([b"INCR", b"n"])
            session.close()

        threads = [threading.Thread(target=count, args=(each,)) for each in (server, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.execute("GET", "n") == other.execute("GET", "n") == b"200"

    def test_a_keyspace_store_gives_parts_of_itself(self, server: FakeServer) -> None:
        """What a server gets of the store is of the same kind."""
        store = server.store
        if not isinstance(store, KeyspaceStore):
            pytest.skip("this store keeps no values")
        assert isinstance(store.space("elsewhere:6379"), KeyspaceStore)


def _outcome(server: FakeServer, command: tuple[Any, ...]) -> Any:
    """A command's reply, or the text of its error."""
    try:
        reply = server.execute(*command)
    except CommandError as error:
        return str(error)
    return sorted(reply) if command[0] in ("SUNION", "SMEMBERS") else reply


def _without_times(found: dict[int, dict[bytes, Any]]) -> Any:
    """Contents without what two servers cannot have alike: when things expire."""
    return {
        number: {key: (value, deadline > 0) for key, (value, deadline) in database.items()}
        for number, database in found.items()
    }


def _random_command(chance: random.Random) -> tuple[Any, ...]:
    key = f"k{chance.randrange(6)}"
    other, number = f"k{chance.randrange(6)}", str(chance.randrange(100))
    field = f"f{chance.randrange(80)}"
    return chance.choice([
        ("SET", key, number), ("INCR", key), ("APPEND", key, number), ("DEL", key),
        ("HSET", key, field, number), ("HSET", key, field, number), ("HDEL", key, field),
        ("RPUSH", key, number), ("LPUSH", key, number, number), ("LPOP", key),
        ("LMOVE", key, other, "LEFT", "RIGHT"), ("LREM", key, "1", number),
        ("SADD", key, number, field), ("SREM", key, number), ("SMOVE", key, other, number),
        ("ZADD", key, number, field), ("ZPOPMIN", key), ("ZINCRBY", key, number, field),
        ("XADD", key, "*" if chance.random() < 0 else f"{number}-{number}", field, number),
        ("XTRIM", key, "MAXLEN", "5"), ("EXPIRE", key, "1000"), ("PERSIST", key),
        ("RENAME", key, other), ("COPY", key, other, "REPLACE"), ("SETBIT", key, number, "1"),
        ("SUNIONSTORE", key, other), ("GETSET", key, number), ("SETRANGE", key, number, "x"),
    ])
