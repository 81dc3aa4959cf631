"""Memory a key, the time of imports, and of entering and leaving `patch()`.

    python benchmarks/footprint.py [--save]

``--save`` writes the figures to ``benchmarks/results/footprint.txt``.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
import tracemalloc
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

KEYS = 100_000


def small_strings(r: Any, i: int) -> None:
    r.set(f"key:{i}", f"value:{i}")


def small_hashes(r: Any, i: int) -> None:
    r.hset(f"key:{i}", mapping={"name": f"n{i}", "mail": f"m{i}", "age": i})


def small_sorted_sets(r: Any, i: int) -> None:
    r.zadd(f"key:{i}", {f"a{i}": i, f"b{i}": i + 1, f"c{i}": i + 2})


def bytes_a_key(store: Callable[[Any, int], None]) -> float:
    """What tracemalloc counts for `KEYS` keys, divided."""
    import fakeredis

    r = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    store(r, KEYS)  # imports, caches and connections are not counted
    gc.collect()
    tracemalloc.start()
    for i in range(KEYS):
        store(r, i)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return used / KEYS


def import_milliseconds(statement: str) -> float:
    """The time of an import statement in fresh processes, the best of several."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return 1000 * min(float(subprocess.check_output(command, cwd=HERE.parent)) for _ in range(15))


def extra_import() -> float:
    """What ``import fakeredis`` adds to ``import redis``, in milliseconds."""
    return import_milliseconds("import redis, fakeredis") - import_milliseconds("import redis")


def patch_microseconds(names: bool) -> tuple[float, float]:
    """Entering and leaving `patch()` with 1,500 modules: the first time, and later ones."""
    import fakeredis

    for number in range(1500 - len(sys.modules)):
        module = types.ModuleType(f"filler_{number}")
        module.__dict__.update({f"name_{i}": i for i in range(30)})
        sys.modules[module.__name__] = module
    times = []
    for _ in range(200):
        started = time.perf_counter()
        with fakeredis.patch(names=names):
            pass
        times.append(time.perf_counter() - started)
    return times[0] * 1e6, statistics.median(times[1:]) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    lines = [f"import fakeredis after redis: {extra_import():.1f} ms (at most 15)"]
    for names in (True, False):
        first, later = patch_microseconds(names)
        lines.append(
            f"patch(names={names}) with {len(sys.modules)} modules: first {first:.0f} µs, "
            f"later {later:.0f} µs"
        )
    for store, limit in ((small_strings, 150), (small_hashes, 400), (small_sorted_sets, 500)):
        name = store.__name__.replace("_", " ")
        lines.append(f"{name}: {bytes_a_key(store):.0f} bytes a key (at most {limit})")
    text = "\n".join(lines)
    print(text)
    if options.save:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "footprint.txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
