"""How the time of single commands grows with the size of a value, beside the real server.

    python benchmarks/scaling.py [--sizes 10000 100000 1000000] [--save]

Both run in this process, in turn; the best of several rounds counts.  ``--save`` writes the table
to ``benchmarks/results/scaling.txt``.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

Make = Callable[[Any, int], None]
Run = Callable[[Any, int], Any]


def batches(n: int, step: int = 10_000) -> list[range]:
    return [range(at, min(at + step, n)) for at in range(0, n, step)]


def make_zset(r: Any, n: int) -> None:
    for part in batches(n):
        r.zadd("z", {f"member:{i}": i for i in part})


def make_list(r: Any, n: int) -> None:
    for part in batches(n):
        r.rpush("l", *part)


def make_set(r: Any, n: int) -> None:
    for part in batches(n):
        r.sadd("s", *(f"member:{i}" for i in part))
    r.sadd("few", *(f"member:{i}" for i in range(10)))


def make_hash(r: Any, n: int) -> None:
    for part in batches(n):
        r.hset("h", mapping={f"field:{i}": i for i in part})


def make_keys(r: Any, n: int) -> None:
    for part in batches(n):
        r.mset({f"key:{i}": i for i in part})
    r.scan(count=10)  # the first one orders the keys


def make_string(r: Any, n: int) -> None:
    r.set("b", b"\x55" * (n * 10))
    r.setbit("b", 0, 1)


WORKLOADS: dict[str, tuple[Make, Run]] = {
    "ZRANGEBYSCORE LIMIT 10": (make_zset, lambda r, n: r.zrangebyscore(
        "z", n // 2, "+inf", start=0, num=10)),
    "ZRANGEBYSCORE LIMIT n/4 10": (make_zset, lambda r, n: r.zrangebyscore(
        "z", 0, "+inf", start=n // 4, num=10)),
    "ZADD": (make_zset, lambda r, n: r.zadd("z", {f"member:{n // 3}": n / 3 + 0.5})),
    "ZRANK": (make_zset, lambda r, n: r.zrank("z", f"member:{n // 2}")),
    "ZRANGE middle 10": (make_zset, lambda r, n: r.zrange("z", n // 2, n // 2 + 9)),
    "ZPOPMIN+ZADD": (make_zset, lambda r, n: (r.zpopmin("z"), r.zadd("z", {"member:0": 0}))),
    "ZSCAN 10": (make_zset, lambda r, n: r.zscan("z", count=10)),
    "LPUSH+RPOP": (make_list, lambda r, n: (r.lpush("l", 1), r.rpop("l"))),
    "LINDEX middle": (make_list, lambda r, n: r.lindex("l", n // 2)),
    "LRANGE middle 10": (make_list, lambda r, n: r.lrange("l", n // 2, n // 2 + 9)),
    "LSET middle": (make_list, lambda r, n: r.lset("l", n // 2, "x")),
    "SADD+SPOP": (make_set, lambda r, n: (r.sadd("s", "one more"), r.spop("s"))),
    "SRANDMEMBER": (make_set, lambda r, n: r.srandmember("s")),
    "SINTER with 10": (make_set, lambda r, n: r.sinter("few", "s")),
    "SSCAN 10": (make_set, lambda r, n: r.sscan("s", count=10)),
    "HGET": (make_hash, lambda r, n: r.hget("h", f"field:{n // 2}")),
    "HRANDFIELD": (make_hash, lambda r, n: r.hrandfield("h")),
    "HSCAN 10": (make_hash, lambda r, n: r.hscan("h", count=10)),
    "SCAN 10": (make_keys, lambda r, n: r.scan(count=10)),
    "RANDOMKEY": (make_keys, lambda r, n: r.randomkey()),
    "SETRANGE in 10n bytes": (make_string, lambda r, n: r.setrange("b", 5 * n, "hello")),
    "SETBIT in 10n bytes": (make_string, lambda r, n: r.setbit("b", 40 * n, 1)),
    "GETRANGE in 10n bytes": (make_string, lambda r, n: r.getrange("b", 5 * n, 5 * n + 9)),
    "BITCOUNT of 10n bytes": (make_string, lambda r, n: r.bitcount("b")),
    "BITPOS in 10n bytes": (make_string, lambda r, n: r.bitpos("b", 1, 5 * n)),
}


def measure(run: Run, r: Any, n: int, rounds: int = 7, number: int = 20) -> float:
    """Microseconds a call, the best round."""
    best = math.inf
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(number):
            run(r, n)
        best = min(best, time.perf_counter() - started)
    return best / number * 1e6


def rows(ours: Any, real: Any, sizes: list[int]) -> list[str]:
    """One line a workload: our time / the server's at each size."""
    lines = [f"{'µs: ours / real':28}" + "".join(f"{size:>22,}" for size in sizes)]
    figures: dict[str, list[str]] = {name: [] for name in WORKLOADS}
    for size in sizes:
        made: Make | None = None
        for name, (make, run) in WORKLOADS.items():
            if make is not made:
                made = make
                for r in (ours, real):
                    r.flushall()
                    make(r, size)
            mine, theirs = measure(run, ours, size), measure(run, real, size)
            mark = "" if mine <= theirs else " !"
            figures[name].append(f"{mine:10.1f} /{theirs:8.1f}{mark:2}")
    return lines + [f"{name:28}" + "".join(parts) for name, parts in figures.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    import redis

    import fakeredis
    from tests.support.servers import running

    with running() as url:
        real = redis.Redis.from_url(url, socket_timeout=60)
        text = "\n".join(rows(fakeredis.FakeRedis(), real, options.sizes))
        real.close()
    print(text)
    if options.save:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "scaling.txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
