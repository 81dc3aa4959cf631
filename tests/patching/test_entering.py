"""What entering and leaving cost, without a clock: calls of Python functions, and imports."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.patching import installer
from tests.support import processes

pytestmark = pytest.mark.usefixtures("no_network")
CEILINGS = {True: 300, False: 200}


def calls_of(function: Callable[[], Any]) -> int:
    """How many Python functions are called, the fewest of three times."""
    counts = []
    for _ in range(3):
        count = 0

        def note(frame: Any, event: str, arg: Any) -> None:
            nonlocal count
            count += event == "call"

        gc.collect()
        gc.disable()
        sys.setprofile(note)
        try:
            function()
        finally:
            sys.setprofile(None)
            gc.enable()
        counts.append(count)
    return min(counts)


def enter(names: bool) -> None:
    with fakeredis.patch(names=names):
        pass


def add_modules() -> None:
    for number in range(500):
        name = f"more_{number}"
        sys.modules[name] = types.ModuleType(name)


def count_calls(names: bool) -> None:
    """Print how many calls entering is, without and with many more modules."""
    enter(names)
    few = calls_of(lambda: enter(names))
    add_modules()
    enter(names)
    print(few, calls_of(lambda: enter(names)), calls_of(lambda: enter_after_an_import(names)))


def enter_after_an_import(names: bool) -> None:
    module = types.ModuleType(f"new_{len(sys.modules)}")
    vars(module)["Redis"] = redis.Redis
    sys.modules[module.__name__] = module
    with fakeredis.patch(names=names):
        assert (vars(module)["Redis"] is fakeredis.FakeRedis) is names
    assert vars(module)["Redis"] is redis.Redis


def test_calls(names: bool) -> None:
    """In a process of its own: clients that other tests have left are looked at, too."""
    code = f"from tests.patching.test_entering import count_calls; count_calls({names})"
    done = processes.python("-c", code, cwd=processes.ROOT)
    assert done.returncode == 0, done.stderr
    few, many, after_an_import = map(int, done.stdout.split())
    assert few <= CEILINGS[names]
    assert many <= few + 2  # however many modules there are
    assert after_an_import <= few + 22  # of all of which the new one alone is looked through


def test_a_new_client_and_its_first_command(names: bool) -> None:
    with fakeredis.patch(names=names):
        redis.Redis().get("k")
        # redis-py's own constructor and handshake, of which a fake class needs a third.
        assert calls_of(lambda: redis.Redis().get("k")) <= (900 if names else 2500)


PROGRAM = """
import sys
import redis, fakeredis
before = set(sys.modules)
with fakeredis.patch():
    pass
new = set(sys.modules) - before
heavy = [name for name in new if name.startswith((
    "fakeredis.engine.core.server", "fakeredis.engine.command.command", "fakeredis.spy.lint",
    "fakeredis.spy.canonical",
    "fakeredis.resp", "fakeredis.stores.keyspace", "fakeredis.patching.processes.fork_host",
    "fakeredis.tcp",
))]
assert not heavy, heavy
others = {name.partition(".")[0] for name in new} - {"fakeredis"}
assert others <= sys.stdlib_module_names, others
print(len(new))
"""


def test_the_first_entry_imports_no_engine() -> None:
    done = processes.python("-c", PROGRAM)
    assert done.stderr == ""
    assert int(done.stdout) <= 55  # folders count, too


def test_a_store_hears_the_end_of_a_patch_that_did_not_begin(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(fakeredis.RedisStore):
        uses = 0

        def begin_use(self) -> None:
            self.uses += 1

        def end_use(self) -> None:
            self.uses -= 1

    def fail(names: bool, kinds: frozenset[str]) -> None:
        raise ValueError("no")

    store = Told("redis://localhost:1/15")
    monkeypatch.setattr(installer.machinery, "install", fail)
    with pytest.raises(ValueError, match="no"):
        fakeredis.patch(store=store).start()
    assert store.uses == 0
