"""What `patch()` costs: entering and leaving, the first time and later, and a new client inside.

    python benchmarks/entering.py [--save] [--rival PYTHON]

Each figure is taken in processes of its own, with as many modules loaded as said; freezegun and
time-machine, which replace names in modules and C functions, stand beside it where they are
installed, and with ``--rival`` the public fakeredis of another Python for a new client. ``--save``
writes the table to ``benchmarks/results/entering.txt``.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

PROCESSES = 7  # for each figure of a first time
ROUNDS = 300
LIMITS = {
    ("names=True", "first"): 30_000.0, ("names=False", "first"): 30_000.0,
    ("names=True", "later"): 300.0, ("names=False", "later"): 50.0,
}
# Standard modules whose import shows something, starts something or is refused.
_LEFT_OUT = ("antigravity", "this", "idlelib", "turtle", "tkinter", "lib2to3", "test", "__main__")


def load(count: int) -> None:
    """Have so many modules loaded: the standard library's, then copies of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(sys.stdlib_module_names):
            if name.startswith("_") or name.startswith(_LEFT_OUT):
                continue
            try:
                importlib.import_module(name)
            except ImportError:
                pass  # another system's
    originals = [each for each in sys.modules.values() if type(each) is types.ModuleType]
    number = 0
    while len(sys.modules) < count:
        copy = types.ModuleType(f"copy_{number}")
        space = vars(originals[number % len(originals)])
        vars(copy).update({k: v for k, v in space.items() if not k.startswith("__")})
        sys.modules[copy.__name__] = copy
        number += 1


def timed(function: Callable[[], None]) -> float:
    """Microseconds of one call."""
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1e6


# What runs in the processes ---------------------------------------------------------------------


def patch(names: bool) -> Callable[[], None]:
    """Entering and leaving, imports at the first time included."""
    import redis  # noqa: F401 - a program that has its client already

    import fakeredis

    def enter() -> None:
        with fakeredis.patch(names=names):
            pass

    return enter


def freezegun(_: bool) -> Callable[[], None]:
    """Enter and leave freezegun's."""
    from freezegun import freeze_time

    def enter() -> None:
        with freeze_time("2030-01-01"):
            pass

    return enter


def time_machine(_: bool) -> Callable[[], None]:
    """Enter and leave time-machine's."""
    import time_machine as machine

    def enter() -> None:
        with machine.travel(0):
            pass

    return enter


def inside(names: bool) -> Callable[[], None]:
    """A new client and its first command, inside of a patch that lasts."""
    import redis

    import fakeredis

    fakeredis.patch(names=names).start()

    def use() -> None:
        redis.Redis().get("k")

    return use


def rival(_: bool) -> Callable[[], None]:
    """A new client of the public fakeredis and its first command."""
    import fakeredis

    server = fakeredis.FakeServer()

    def use() -> None:
        fakeredis.FakeRedis(server=server).get("k")

    return use


WORK = {
    each.__name__: each for each in (patch, freezegun, time_machine, inside, rival)
}


def work(name: str, names: bool, modules: int) -> None:
    """In a process of its own: print the first time, and the median of later ones."""
    load(modules)
    enter = WORK[name](names)
    first = timed(enter)
    print(first, statistics.median(timed(enter) for _ in range(ROUNDS)))


# The table --------------------------------------------------------------------------------------


def measured(name: str, names: bool, modules: int, python: str) -> tuple[float, float] | None:
    """First and later microseconds; None where it cannot be run."""
    command = [python, __file__, "--work", name, "--modules", str(modules)]
    if not names:
        command.append("--no-names")
    found: list[list[float]] = []
    for _ in range(PROCESSES):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        found.append([float(each) for each in done.stdout.split()])
    return min(each[0] for each in found), min(each[1] for each in found)


def rows(python: str, rival_python: str | None) -> list[str]:
    """The table's lines."""
    lines = [f"{'µs, best of processes':34}{'modules':>9}{'first':>12}{'later':>10}"]
    for names in (True, False):
        for modules in (800, 1500, 3000):
            lines += line(f"patch(names={names})", "patch", names, modules, python)
    for name in ("freezegun", "time_machine"):
        lines += line(name, name, True, 1500, python)
    for names in (True, False):
        label = f"new client and GET, names={names}"
        lines += line(label, "inside", names, 800, python)
    if rival_python is not None:
        lines += line("new client and GET, fakeredis 2", "rival", True, 800, rival_python)
    return lines


def line(label: str, name: str, names: bool, modules: int, python: str) -> list[str]:
    """One line of it; none where it cannot be run."""
    found = measured(name, names, modules, python)
    if found is None:
        return []
    return [f"{label:34}{modules:>9}{found[0]:>12,.0f}{found[1]:>10,.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--rival", metavar="PYTHON")
    parser.add_argument("--work", choices=WORK)
    parser.add_argument("--no-names", action="store_true")
    parser.add_argument("--modules", type=int, default=1500)
    options = parser.parse_args()
    if options.work:
        if options.work == "rival":
            sys.path.remove(str(HERE.parent))
        work(options.work, not options.no_names, options.modules)
        return
    table = "\n".join(rows(sys.executable, options.rival)) + "\n"
    print(table, end="")
    if options.save:
        (HERE / "results" / "entering.txt").write_text(table)


if __name__ == "__main__":
    main()
