"""`SQLiteStore` with real processes, crashes, and files that are not as they should be."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.errors import CommandError
from fakeredis.stores import SQLiteStore, StoreError
from fakeredis.stores.keyspace.sqlite import SCHEMA_VERSION
from fakeredis.testing import contents
from tests.support import processes

LONG = bool(os.environ.get("FAKEREDIS_LONG"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def make(path: Path) -> Iterator[Callable[..., fakeredis.FakeServer]]:
    """Makes servers on the file, and closes them."""
    made: list[fakeredis.FakeServer] = []

    def make(**options: Any) -> fakeredis.FakeServer:
        made.append(fakeredis.FakeServer(SQLiteStore(path, **options)))
        return made[-1]

    yield make
    for server in made:
        for session in list(server.sessions.values()):
            session.close()
        server.close()


class Child:
    """Another Python process with a client ``r`` on the same file."""

    def __init__(self, path: Path, program: str, *args: object) -> None:
        head = (
            "import sys, fakeredis\n"
            f"r = fakeredis.FakeRedis(store='sqlite:///{path}', decode_responses=True)\n"
            "def say(word):\n    print(word, flush=True)\n"
        )
        command = [sys.executable, "-W", "error", "-c", head + program, *map(str, args)]
        self._running = processes.started(command)
        self.process = self._running.__enter__()
        assert self.process.stdout is not None
        self.out = self.process.stdout

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(*error)

    def line(self) -> str:
        return self.out.readline().strip()

    def end(self) -> str:
        """All it has still to say; it must have ended well."""
        rest = self.out.read()
        assert self.process.wait(30) == 0
        return rest.strip()


# Several processes ----------------------------------------------------------------------------


def test_several_processes_count(path: Path, make: Any) -> None:
    """Increments of commands, transactions and scripts; none is lost."""
    program = (
        "r.setnx('s', 0)\n"
        "for n in range(int(sys.argv[1])):\n"
        "    r.incr('plain')\n"
        "    r.hincrby('hash', 'f', 1)\n"
        "    r.eval(\"redis.call('SET', KEYS[1], redis.call('GET', KEYS[1]) + 1)\", 1, 's')\n"
        "    def add(pipe):\n"
        "        value = int(pipe.get('watched') or 0)\n"
        "        pipe.multi(); pipe.set('watched', value + 1)\n"
        "    r.transaction(add, 'watched')\n"
        "    r.rpush('list', n)\n"
    )
    times = 200 if LONG else 30
    children = [Child(path, program, times) for _ in range(4)]
    for child in children:
        with child:
            assert child.end() == ""
    server = make()
    expected = str(4 * times).encode()
    assert [server.execute("GET", key) for key in ("plain", "s", "watched")] == [expected] * 3
    assert server.execute("HGET", "hash", "f") == expected
    assert server.execute("LLEN", "list") == 4 * times


def test_a_wait_ends_soon_and_burns_no_core(path: Path, make: Any) -> None:
    """BLPOP hears of another process's RPUSH; while it waits, it hardly works."""
    program = (
        "import time\n"
        "say('ready')\n"
        "before = time.process_time()\n"
        "print(r.blpop('q', 20)[1], r.get('k'), time.process_time() - before)\n"
    )
    server = make()
    with Child(path, program) as child:
        assert child.line() == "ready"
        server.execute("SET", "k", "v")
        time.sleep(1)  # the child's work while it waits is what is measured
        server.execute("RPUSH", "q", "job")
        job, value, worked = child.line().split()
        assert (job, value) == ("job", "v")
        assert float(worked) < 0.5


def test_messages_between_processes(path: Path, make: Any) -> None:
    """Channels, patterns, and events of keys, each once."""
    program = (
        "p = r.pubsub()\n"
        "p.subscribe('news'); p.psubscribe('__keyspace@0__:*')\n"
        "for _ in range(2): p.get_message(timeout=30)\n"
        "say('ready')\n"
        "for _ in range(3): say(p.get_message(timeout=30)['data'])\n"
        "say(p.get_message(timeout=0.1))\n"
        "p.close()\n"
    )
    server = make()
    with Child(path, "r.config_set('notify-keyspace-events', 'KEA')\n" + program) as child:
        assert child.line() == "ready"
        pipe = server.client().pipeline()
        pipe.publish("news", "hello").set("k", "v").hset("h", "f", "v")
        assert pipe.execute()[0] == 1
        # Changes are told before messages, so that who gets a message finds what it is about.
        assert [child.line() for _ in range(4)] == ["set", "hset", "hello", "None"]
    assert server.execute("PUBLISH", "news", "nobody") == 0


def test_a_script_that_runs_twice(path: Path) -> None:
    """State is there the next time."""
    for expected in ("1", "2"):
        with Child(path, "print(r.incr('runs'))\n") as child:
            assert child.end() == expected


def test_patch(path: Path, tmp_path: Path) -> None:
    """Under patch each address has a part of its own, and finds it again."""
    for expected in (1, 2):
        with fakeredis.patch(f"sqlite:///{path}"):
            assert redis.Redis().incr("n") == expected
            assert redis.Redis(host="elsewhere").incr("n") == expected


def test_forked_children_share_the_parents_view(path: Path) -> None:
    with processes.limited(), fakeredis.patch(f"sqlite:///{path}"):
        client = redis.Redis()
        client.set("k", 1)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                code = 0 if client.incr("k") == 2 else 2
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert client.get("k") == b"2"


# Crashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(300 if LONG else 4))
def test_a_killed_process_loses_nothing(path: Path, make: Any, seed: int) -> None:
    """What was acknowledged is there, and nothing is half there."""
    program = (
        "n = 0\n"
        "r.hset('big', mapping={f'f{i}': 0 for i in range(200)})\n"
        "while True:\n"
        "    n += 1\n"
        "    p = r.pipeline(); p.set('a', n); p.hset('big', 'f1', n); p.set('b', n); p.execute()\n"
        "    say(n)\n"
    )
    with Child(path, program) as child:
        assert child.line() == "1"
        time.sleep(random.Random(seed).random() * 0.05)
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()
        said = [line for line in child.out.read().split("\n")[:-1] if line]
    acknowledged = int(said[-1]) if said else 1
    server = make()
    a, b = int(server.execute("GET", "a")), int(server.execute("GET", "b"))
    assert a == b == int(server.execute("HGET", "big", "f1"))
    assert a in (acknowledged, acknowledged + 1)
    assert server.execute("HLEN", "big") == 200


# Files that are not as they should be ---------------------------------------------------------


def test_a_full_disk(path: Path, make: Any) -> None:
    """The client is told, and the data are as they were, here and in the file."""
    server = make()
    server.execute("SET", "k", "v")
    server.execute("RPUSH", "l", *range(100))
    before = contents(server)
    sql = server.store_sync.store._sql
    (pages,) = sql.execute("PRAGMA page_count").fetchone()
    sql.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(CommandError, match=r"^MISCONF .*full"):
        server.execute("SET", "k", "x" * 100_000)
    with pytest.raises(CommandError, match=r"^MISCONF .*full"):
        server.execute("RPUSH", "l", "x" * 100_000)
    assert contents(server) == before
    sql.execute("PRAGMA max_page_count = 1000000")
    server.execute("SET", "k", "x" * 100_000)
    assert contents(make()) == contents(server)


def test_a_file_that_somebody_holds(path: Path, make: Any) -> None:
    """A writer gives up in the end; readers go on."""
    server = make(timeout=0.05)
    server.execute("SET", "k", "v")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(CommandError, match=r"^BUSY .*locked"):
        server.execute("SET", "k", "x")
    assert server.execute("GET", "k") == b"v"
    holder.execute("ROLLBACK")
    holder.close()
    server.execute("SET", "k", "x")
    assert make().execute("GET", "k") == b"x"


def test_a_newer_file(path: Path, make: Any) -> None:
    make().close()
    sql = sqlite3.connect(path)
    sql.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    sql.close()
    with pytest.raises(StoreError, match=f"newer fakeredis .format {SCHEMA_VERSION + 1}"):
        make()


def test_somebody_elses_file(path: Path, make: Any) -> None:
    sql = sqlite3.connect(path)
    sql.execute("CREATE TABLE users (id)")
    sql.commit()
    sql.close()
    with pytest.raises(StoreError, match="something else"):
        make()
    path.write_bytes(b"no database at all, but a text of some length" * 30)
    with pytest.raises(StoreError, match="not a database"):
        make()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nosuch/state\.db: unable to open"):
        fakeredis.FakeServer(SQLiteStore(tmp_path / "nosuch" / "state.db"))


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite://host/path", "sqlite:///x?speed=1", "sqlite:///x?timeout="],
)
def test_urls_that_make_no_sense(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a mistake would make the file
    with pytest.raises(ValueError, match="timeout"):
        SQLiteStore.from_url(url)


@pytest.mark.parametrize("path", [None, 3, b"x"])
def test_paths_that_make_no_sense(
    path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match="a file's path"):
        SQLiteStore(path)


# What is in it --------------------------------------------------------------------------------


def test_one_elements_work_for_one_elements_change(path: Path, make: Any) -> None:
    """A change of a big value writes little, and another process reads as little."""
    server, other = make(), make()
    fields = [word for number in range(20_000) for word in (f"f{number}", "v" * 20)]
    server.execute("HSET", "h", *fields)
    assert other.execute("HLEN", "h") == 20_000
    loads: list[Any] = []
    store = other.store_sync.store
    load, store.load = store.load, lambda *place: loads.append(place) or load(*place)
    sql = server.store_sync.store._sql
    (before,) = sql.execute("SELECT sum(length(body)) FROM deltas").fetchone()
    for number in range(50):
        server.execute("HSET", "h", f"f{number}", "w")
        assert other.execute("HGET", "h", f"f{number}") == b"w"
    (after,) = sql.execute("SELECT sum(length(body)) FROM deltas").fetchone()
    assert before is None
    assert after < 50 * 100
    assert not loads
    assert contents(other) == contents(server) == contents(make())


def test_a_script_that_is_no_text(path: Path, make: Any) -> None:
    server = make()
    server.execute("SCRIPT", "LOAD", "return 1")
    server.execute("RPUSH", "list", "a")
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        ((a_list,),) = file.execute("SELECT payload FROM entries WHERE name = x'6c697374'")
        of_script = "hex(name) LIKE '736372697074%'"
        file.execute(f"UPDATE entries SET payload = ? WHERE {of_script}", (a_list,))
    with pytest.raises(StoreError, match="damaged: it is no text"):
        make()


def test_changes_are_not_kept_for_ever(path: Path, make: Any) -> None:
    """Many changes of one value are folded into it."""
    server = make()
    server.execute("RPUSH", "l", *range(100))
    for number in range(2_000):
        server.execute("LSET", "l", number % 100, number)
    sql = server.store_sync.store._sql
    (kept,) = sql.execute("SELECT count(*) FROM deltas").fetchone()
    assert kept < 1_000
    assert contents(make()) == contents(server)


def test_who_has_missed_too_much_reads_all(
    path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fakeredis.stores.keyspace.sqlite._TRIM_EVERY", 10)
    monkeypatch.setattr("fakeredis.stores.keyspace.sqlite._KEPT_CHANGES", 10)
    server, other = make(), make()
    other.execute("SET", "old", "1")
    server.execute("DEL", "old")
    for number in range(100):
        server.execute("SET", f"k{number % 30}", number)
    assert contents(other) == contents(server)


def test_used_again_after_close(path: Path, make: Any) -> None:
    server, other = make(), make()
    server.execute("SET", "k", "1")
    server.close()
    other.execute("SET", "k", "2")
    assert server.execute("GET", "k") == b"2"


def test_a_file_that_another_process_is_making(path: Path) -> None:
    other = SQLiteStore(str(path))
    thread = threading.Thread(target=lambda: other.load(0, b"k"))  # makes its tables

    class Slow:
        """A connection of somebody who looks at the file meanwhile."""

        def execute(self, statement: str) -> sqlite3.Cursor:
            done = sql.execute(statement)
            if "application_id" in statement:
                rows = done.fetchall()
                thread.start()
                thread.join(0.2)
                return sql.execute("SELECT ?", rows[0])
            return done

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as sql:
        SQLiteStore(str(path))._check(Slow())  # type: ignore[arg-type]
        thread.join(30)
    other.close()
