"""Two versions of this package side by side: what a change costs, or saves.

    git worktree add /some/where/before COMMIT
    python benchmarks/before_after.py /some/where/before [--rounds 15] [--save]

The workloads of `compare`, a spied GET and pipeline, entering a patch and the import, each timed by
processes of both versions in turn; the best round of each counts.  ``--save`` writes the table to
``benchmarks/results/before_after.txt``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.compare import ASYNC, PIPELINES, SINGLE  # noqa: E402

# Programs that print microseconds, each of which says how many times it did what it timed.
HEAD = "import time, redis, fakeredis; now = time.perf_counter\n"
PROGRAMS = {
    "spied GET": HEAD + """
with fakeredis.patch(spy=True) as fake:
    r = redis.Redis(); r.set("k", "v"); best = 1e9
    for _ in range(7):
        start = now()
        for _ in range(2000): r.get("k")
        best = min(best, now() - start); fake.spy.reset()
print(best / 2000 * 1e6)
""",
    "spied pipeline GET": HEAD + """
with fakeredis.patch(spy=True) as fake:
    r = redis.Redis(); r.set("k", "v"); best = 1e9
    for _ in range(7):
        start = now()
        for _ in range(20):
            pipe = r.pipeline(transaction=False)
            for _ in range(100): pipe.get("k")
            pipe.execute()
        best = min(best, now() - start); fake.spy.reset()
print(best / 2000 * 1e6)
""",
    "GET, PING delayed": HEAD + """
with fakeredis.patch() as fake:
    r = redis.Redis(); r.set("k", "v"); fake.delay(0, "PING"); best = 1e9
    for _ in range(7):
        start = now()
        for _ in range(1000): r.get("k")
        best = min(best, now() - start)
print(best / 1000 * 1e6)
""",
    "SET on SQLite": HEAD + """
import tempfile
with tempfile.TemporaryDirectory() as folder:
    r = fakeredis.FakeRedis(store=f"sqlite:///{folder}/s.db"); best = 1e9
    for _ in range(7):
        start = now()
        for _ in range(200): r.set("k", "v")
        best = min(best, now() - start)
print(best / 200 * 1e6)
""",
    "patch, later entries": HEAD + """
with fakeredis.patch(): redis.Redis().ping()
best = 1e9
for _ in range(50):
    start = now()
    with fakeredis.patch(): pass
    best = min(best, now() - start)
print(best * 1e6)
""",
    "patch, first entry": HEAD + """
start = now()
with fakeredis.patch(): pass
print((now() - start) * 1e6)
""",
    "import fakeredis": """
import time, redis
start = time.perf_counter()
import fakeredis
print((time.perf_counter() - start) * 1e6)
""",
    "bytes a key": HEAD + """
import tracemalloc
r = fakeredis.FakeRedis(); r.set("x", "y"); tracemalloc.start()
before = tracemalloc.get_traced_memory()[0]
for number in range(20000): r.set(f"key-{number:06}", "value")
print((tracemalloc.get_traced_memory()[0] - before) / 20000)
""",
}  # each once a round


class Worker:
    """A process that times the workloads of one version."""

    def __init__(self, folder: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(folder)}
        self.place: dict[str, Any] = {"env": env, "cwd": folder}
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "benchmarks" / "workloads.py"), "ours", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **self.place,
        )
        self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker failed: {self.process.args}")
        return line

    def measure(self, name: str) -> float:
        """Microseconds, of one round."""
        if name in PROGRAMS:
            command = [sys.executable, "-c", PROGRAMS[name]]
            return float(subprocess.check_output(command, text=True, timeout=120, **self.place))
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self._line())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    workers = [Worker(options.before.resolve()), Worker(HERE.parent.resolve())]
    lines = ["microseconds, the best of all rounds"]
    lines.append(f"{'':26}{'before':>10}{'after':>10}{'ratio':>8}")
    for name in (*SINGLE, *PIPELINES, *ASYNC, *PROGRAMS):
        rounds = max(3, options.rounds // 3) if name in PROGRAMS else options.rounds
        best = [float("inf"), float("inf")]
        for number in range(rounds):
            for at in (0, 1) if number % 2 else (1, 0):
                best[at] = min(best[at], workers[at].measure(name))
        lines.append(f"{name:26}{best[0]:10.2f}{best[1]:10.2f}{best[1] / best[0]:8.2f}")
        print(lines[-1], flush=True)
    if options.save:
        text = "\n".join(lines) + "\n"
        (HERE / "results" / "before_after.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
