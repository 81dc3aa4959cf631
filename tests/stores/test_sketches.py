"""Sketches, top-k lists and digests come back from stores as they are.

The server's own form of them loses something: what waits in a digest, counters in great number.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.errors import CommandError
from fakeredis.stores import MemoryStore

KEYS = """
    CMS.INITBYDIM cms 10 2|CMS.INCRBY cms a 5 b 4294967295|CMS.INITBYDIM huge 1000000000000 3
    CMS.INCRBY huge a 5 b 6|TOPK.RESERVE top 3|TOPK.INCRBY top a 5 b 3 "" 7
    TOPK.RESERVE big 4294967295 4294967295 3 0.5|TOPK.INCRBY big a 5 b 6
    TDIGEST.CREATE one|TDIGEST.ADD one 7|TDIGEST.CREATE many COMPRESSION 5|TDIGEST.CREATE none
"""
LOOKS = """
    CMS.INFO cms|CMS.QUERY cms a b c|CMS.INFO huge|CMS.QUERY huge a b c|TOPK.LIST top WITHCOUNT
    TOPK.INFO top|TOPK.COUNT top a b c|TOPK.LIST big WITHCOUNT|TOPK.COUNT big a b c
    TDIGEST.INFO one|TDIGEST.INFO many|TDIGEST.INFO none|TDIGEST.MIN many
"""


def play(server: fakeredis.FakeServer, script: str) -> list[Any]:
    calls = [shlex.split(call) for line in script.split("\n") for call in line.split("|")]
    return [server.execute(*call) for call in calls if call]


def filled(server: fakeredis.FakeServer) -> fakeredis.FakeServer:
    play(server, KEYS)
    server.execute("TDIGEST.ADD", "many", *(number % 17 for number in range(100)))
    return server


def by_sqlite(tmp_path: Path) -> tuple[fakeredis.FakeServer, Callable[[], fakeredis.FakeServer]]:
    url = f"sqlite:///{tmp_path}/s.db"
    return filled(fakeredis.FakeServer(url)), lambda: fakeredis.FakeServer(url)


def by_plain_data(
    tmp_path: Path,
) -> tuple[fakeredis.FakeServer, Callable[[], fakeredis.FakeServer]]:
    store = MemoryStore()

    def again() -> fakeredis.FakeServer:
        copy = MemoryStore()
        copy.load(store.dump())
        return fakeredis.FakeServer(copy)

    return filled(fakeredis.FakeServer(store)), again


@pytest.mark.parametrize("way", [by_sqlite, by_plain_data])
def test_nothing_is_lost(
    tmp_path: Path,
    way: Callable[[Path], tuple[fakeredis.FakeServer, Callable[[], fakeredis.FakeServer]]],
) -> None:
    server, again = way(tmp_path)
    looks = play(server, LOOKS)
    other = again()
    assert play(other, LOOKS) == looks
    assert play(server, LOOKS) == looks
    other.execute("TDIGEST.ADD", "one", "9")
    assert other.execute("TDIGEST.QUANTILE", "one", "0", "1") == [7.0, 9.0]


def test_two_processes_have_the_same_groups(tmp_path: Path) -> None:
    """What one has made of a digest by asking, the other has as well."""
    one, make_other = by_sqlite(tmp_path)
    other = make_other()
    for turn in range(5):
        server, beside = (one, other) if turn % 2 else (other, one)
        server.execute("TDIGEST.ADD", "many", *(number * turn % 101 for number in range(70)))
        server.execute("TDIGEST.QUANTILE", "many", "0.5")
        server.execute("CMS.INCRBY", "cms", f"item{turn}", "3")
        server.execute("TOPK.ADD", "top", *"abcdefgh")
        assert play(beside, LOOKS) == play(server, LOOKS)


def test_files_of_what_is_too_large(tmp_path: Path) -> None:
    server = filled(fakeredis.FakeServer(config={"enable-debug-command": "yes"}))
    with pytest.raises(ValueError, match="no form for so many counters"):
        server.save_rdb(tmp_path / "dump.rdb")
    with pytest.raises(CommandError, match="too large"):
        server.execute("DEBUG", "RELOAD")
    server.execute("DEL", "huge", "big")
    server.save_rdb(tmp_path / "dump.rdb")
    looks = play(server, "CMS.QUERY cms a b c|TDIGEST.CDF many 3 9")
    server.execute("FLUSHALL")
    server.load_rdb(tmp_path / "dump.rdb")
    assert play(server, "CMS.QUERY cms a b c|TDIGEST.CDF many 3 9") == looks
    # Of the list, the server loses the empty item.
    assert server.execute("TOPK.LIST", "top") == [None, b"a", b"b"]


def test_what_state_shows() -> None:
    with fakeredis.patch() as fake:
        client = redis.Redis()
        client.topk().reserve("top", 3, 100, 4, 0.9)
        client.topk().incrby("top", ["a", "b"], [1, 2])
        client.cms().initbydim("cms", 10, 2)
        client.tdigest().create("digest")
        client.tdigest().add("digest", [1.5, 2.5])
        [[shown]] = [databases.values() for databases in fake.state().values()]
        assert shown["top"] == {"b": 2, "a": 1}
        assert shown["cms"] == {"width": 10, "depth": 2, "count": 0}
        assert shown["digest"]["Observations"] == 2
