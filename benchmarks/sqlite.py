"""The SQLite store: operations a second of one process and of several at once, and nothing lost.

    python benchmarks/sqlite.py [--seconds 5] [--processes 4] [--mixed 60] [--save]

The same clients' code runs on the memory store, on SQLite in one process, on SQLite in several
processes at once, and on the real server over loopback, where one is installed.  ``--mixed`` has
that many seconds of mixed writers (commands, pipelines, WATCH, scripts, blocking pops) count what
they do; at the end the counts must be in the file.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

Step = Callable[[Any, int], Any]
WORK: dict[str, Step] = {
    "GET": lambda r, n: r.get("k7"),
    "SET": lambda r, n: r.set(f"k{n % 100}", n),
    "INCR": lambda r, n: r.incr("counter"),
    "HSET of 10,000 fields": lambda r, n: r.hset("big", f"f{n % 10_000}", n),
    "LPUSH + RPOP": lambda r, n: (r.lpush("list", n), r.rpop("list")),
    "pipeline of 100 SET": lambda r, n: pipeline(r, n),
    "MULTI of 100 SET": lambda r, n: pipeline(r, n, transaction=True),
}
COMMANDS = {"LPUSH + RPOP": 2, "pipeline of 100 SET": 100, "MULTI of 100 SET": 100}


def pipeline(r: Any, n: int, transaction: bool = False) -> None:
    """A hundred commands in one go."""
    with r.pipeline(transaction=transaction) as pipe:
        for number in range(100):
            pipe.set(f"k{number}", n)
        pipe.execute()


def client(target: str) -> Any:
    """A client of a store's URL, or of a real server's."""
    if target.startswith("redis://"):
        import redis

        return redis.Redis.from_url(target)
    import fakeredis

    return fakeredis.FakeRedis(store=target)


def fill(target: str) -> None:
    """The data that the work finds."""
    r = client(target)
    r.flushall()
    r.set("k7", "value")
    r.hset("big", mapping={f"f{n}": n for n in range(10_000)})


def rate(target: str, name: str, seconds: float) -> float:
    """Commands a second in this process."""
    r, step, number = client(target), WORK[name], 0
    step(r, 0)
    start = time.perf_counter()
    end = start + seconds
    while time.perf_counter() < end:
        for _ in range(10):
            number += 1
            step(r, number)
    return number * COMMANDS.get(name, 1) / (time.perf_counter() - start)


def rate_of_many(target: str, name: str, seconds: float, processes: int) -> float:
    """Commands a second of several processes together."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return sum(pool.starmap(rate, [(target, name, seconds)] * processes))


def mix(target: str, seconds: float, seed: int) -> dict[str, int]:
    """Mixed writes for some time; what they should have added up to."""
    r, chance, done = client(target), random.Random(seed), {"plain": 0, "popped": 0, "pushed": 0}
    script = r.register_script("return redis.call('HINCRBY', KEYS[1], 'f', 1)")

    def watched(pipe: Any) -> None:
        value = int(pipe.get("watched") or 0)
        pipe.multi()
        pipe.set("watched", value + 1)

    done.update(watched=0, script=0, piped=0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kind = chance.choice(list(done))
        if kind == "plain":
            r.incr("plain")
        elif kind == "pushed":
            r.rpush("queue", seed)
        elif kind == "popped":
            if r.blpop("queue", 0.01) is None:
                continue
        elif kind == "watched":
            r.transaction(watched, "watched")
        elif kind == "script":
            script(keys=["hash"])
        else:
            with r.pipeline() as pipe:
                pipe.incr("piped").sadd("members", chance.randrange(1000)).execute()
        done[kind] += 1
    return done


def lost(target: str, seconds: float, processes: int) -> str:
    """A line that says what mixed writers did and what is missing of it."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        counts = pool.starmap(mix, [(target, seconds, seed) for seed in range(processes)])
    done = {kind: sum(count[kind] for count in counts) for kind in counts[0]}
    r = client(target)
    found = {
        "plain": int(r.get("plain") or 0), "watched": int(r.get("watched") or 0),
        "script": int(r.hget("hash", "f") or 0), "piped": int(r.get("piped") or 0),
        "pushed": r.llen("queue") + done["popped"], "popped": done["popped"],
    }
    missing = {kind: done[kind] - found[kind] for kind in done if done[kind] != found[kind]}
    return (
        f"{processes} processes, {seconds:g} s of mixed writers: {sum(done.values()):,} operations "
        f"({done}); lost or doubled: {missing or 'none'}"
    )


def table(seconds: float, processes: int) -> list[str]:
    """Lines of operations a second."""
    from tests.support import servers

    lines = [(f"{'operations a second':24}{'memory':>12}{'SQLite':>12}"
             f"{f'SQLite, {processes} at once':>20}{'real server':>14}")]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/state.db"
        fill(url)
        context = servers.running() if servers.available() else None
        real = context.__enter__() if context else None
        try:
            if real:
                fill(real)
            for name in WORK:
                memory = rate("memory://", name, seconds / 5)
                one, many = rate(url, name, seconds), rate_of_many(url, name, seconds, processes)
                there = f"{rate(real, name, seconds):14,.0f}" if real else f"{'-':>14}"
                lines.append(f"{name:24}{memory:12,.0f}{one:12,.0f}{many:20,.0f}{there}")
        finally:
            if context:
                context.__exit__(None, None, None)
    return lines


def main() -> None:
    """Measure, print, and keep what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5, help="for each figure")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--mixed", type=float, default=60, help="seconds of mixed writers")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    lines = ["python " + " ".join(["benchmarks/sqlite.py", *sys.argv[1:]]), ""]
    lines += table(options.seconds, options.processes)
    with tempfile.TemporaryDirectory() as folder:
        lines += ["", lost(f"sqlite:///{folder}/state.db", options.mixed, options.processes)]
    print("\n".join(lines))
    if options.save:
        (HERE / "results" / "sqlite.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
