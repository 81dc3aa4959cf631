"""Workloads on ours and on the real server, in turn: what the benchmarks of groups share."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

Work = Callable[[Any, int], Any]
Workloads = dict[str, tuple[int, Work]]  # how often in a round, and what, of a client and a number
Best = dict[str, list[float]]  # microseconds a call: ours, the real server's


def measure(client: Any, count: int, work: Work) -> float:
    """Microseconds a call."""
    start = time.perf_counter()
    for number in range(count):
        work(client, number)
    return (time.perf_counter() - start) / count * 1e6


def best_of(workloads: Workloads, ours: Any, real: Any, rounds: int) -> Best:
    """The best round of each workload."""
    best = {name: [math.inf, math.inf] for name in workloads}
    for _ in range(rounds):
        for name, (count, work) in workloads.items():
            for side, client in enumerate((ours, real)):
                best[name][side] = min(best[name][side], measure(client, count, work))
    return best


def geometric_mean(ratios: Iterable[float]) -> float:
    """Of some numbers, which are positive."""
    logarithms = list(map(math.log, ratios))
    return math.exp(sum(logarithms) / len(logarithms))


def table(best: Best) -> list[str]:
    """The lines of a table, with the geometric mean below."""
    mean = geometric_mean(real / ours for ours, real in best.values())
    return [
        f"{'':24}{'ours':>9}{'real':>9}  times",
        *(f"{name:24}{ours:8.1f} {real:8.1f}  {real / ours:5.1f}"
          for name, (ours, real) in best.items()),
        f"{'geometric mean':42}  {mean:5.1f}",
    ]
