"""Ours, the real server over loopback with hiredis, and the public fakeredis, interleaved.

    python benchmarks/compare.py --rival /path/to/rival-venv/bin/python [--rounds 15] [--save]

Each round times every workload once on each target, in turn, so that a busy machine disturbs all of
them alike; the best round of each counts.  The rival's environment holds ``fakeredis[lua]==2.40``
and ``hiredis``.  ``--save`` writes the table to ``benchmarks/results/compare.txt``.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

SINGLE = (
    "GET", "SET", "INCR", "MGET 10", "HSET", "HGETALL 10", "LPUSH+RPOP", "ZADD",
    "ZRANGE 100 WITHSCORES", "EXPIRE", "lock", "pub/sub round trip", "new client and GET",
)
PIPELINES = ("pipeline GET", "pipeline SET", "MULTI SET")
ASYNC = ("async GET", "async SET", "async pipeline GET")


class Worker:
    """A process that times workloads on one target."""

    def __init__(self, python: str, target: str, port: int) -> None:
        folder = HERE if target == "rival" else HERE.parent
        self.process = subprocess.Popen(
            [python, str(HERE / "workloads.py"), target, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=None if target == "rival" else {"PYTHONPATH": str(folder), "PATH": ""},
        )
        self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker failed: {self.process.args}")
        return line

    def measure(self, name: str) -> float:
        """Microseconds a command, of one round."""
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self._line())

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def mean(ratios: list[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def table(best: dict[str, dict[str, float]], targets: list[str]) -> list[str]:
    """The figures, one workload a line, and the means of each kind."""
    lines = [f"{'µs a command':24}" + "".join(f"{name:>10}" for name in targets)
             + "".join(f"{name + '/ours':>12}" for name in targets[1:])]
    for title, names in (("single", SINGLE), ("pipelines", PIPELINES), ("async", ASYNC)):
        for name in names:
            figures = [best[target][name] for target in targets]
            lines.append(
                f"{name:24}" + "".join(f"{figure:10.2f}" for figure in figures)
                + "".join(f"{figure / figures[0]:12.1f}" for figure in figures[1:])
            )
        means = [
            mean([best[target][name] / best["ours"][name] for name in names])
            for target in targets[1:]
        ]
        lines += [f"{'geometric mean, ' + title:24}" + " " * 10 * len(targets)
                  + "".join(f"{value:12.1f}" for value in means), ""]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rival", help="the Python of an environment with fakeredis[lua]==2.40")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", nargs="*", help="these workloads alone")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    from tests.support.servers import running

    with running() as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        workers = {"ours": Worker(sys.executable, "ours", port),
                   "real": Worker(sys.executable, "real", port)}
        if options.rival:
            workers["rival"] = Worker(options.rival, "rival", port)
        every = [*SINGLE, *PIPELINES, *ASYNC]
        names = options.only or every
        best = {target: dict.fromkeys(every, math.inf) for target in workers}
        for _ in range(options.rounds):
            for name in names:
                for target, worker in workers.items():
                    best[target][name] = min(best[target][name], worker.measure(name))
        for worker in workers.values():
            worker.stop()
    if options.only:
        for name in names:
            print(f"{name:24}", {target: round(best[target][name], 2) for target in workers})
        return
    text = "\n".join(table(best, list(workers)))
    print(text)
    if options.save:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "compare.txt").write_text(text)


if __name__ == "__main__":
    main()
