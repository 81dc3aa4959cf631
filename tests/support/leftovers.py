"""After the tests nothing is left: no process, nothing in the temporary folder or in the tree.

A plugin of pytest that `tests.conftest` registers.  It gives each pytest process a guard, too
(`tests.support.guard`), and all of a run one temporary folder of their own.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import guard, processes

ROOT = Path(__file__).parents[2]
_PATIENCE = 10.0  # seconds in which what is about to end may end
_CACHES = {"__pycache__", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox"}
# Until the interpreter ends: multiprocessing's sockets.
_LATER = ("pymp-",)


class Leftovers:
    """Looks at a run's end for what it has left."""

    def __init__(self, config: pytest.Config) -> None:
        self._worker = hasattr(config, "workerinput")
        self._config = config
        self._left: list[str] = []
        self._patched = False
        self._folder = ""
        if not self._worker:
            os.environ[guard.RUN] = secrets.token_hex(8)
            self._folder = _own_folder()
        self._tree = _untracked()
        self._guarded = not (config.option.usepdb or getattr(config.option, "trace", False))
        self._guard = processes.guard = guard.Guard(self._folder)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Iterator[None]:
        """Set the limit of a test, its fixtures included."""
        if self._guarded:
            self._guard.test(item.nodeid)
        try:
            return (yield)
        finally:
            self._guard.idle()
            if nextitem is None or nextitem.parent is not item.parent:
                self._look_for_patches(item)

    def _look_for_patches(self, item: pytest.Item) -> None:
        """None is left when a class or module is done; whatever comes next would run in it."""
        loaded = sys.modules.get("fakeredis.patching.installer")
        installed = loaded is not None and loaded.machinery.installed
        if installed and not self._patched:
            self._left.append(f"a patch, when {item.nodeid} had ended")
        self._patched = installed

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist tells what it has left."""
        self._left += getattr(node, "workeroutput", {}).get("left", [])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Look, when all fixtures are gone and all workers have ended."""
        result = yield
        self._left += _processes(not self._worker)
        if self._worker:
            self._config.workeroutput["left"] = self._left  # type: ignore[attr-defined]
            return result
        self._left += [f"temporary: {name}" for name in sorted(_entries(self._folder))]
        self._left += [f"in the tree: {name}" for name in sorted(_untracked() - self._tree)]
        if self._left:
            print("\nthe tests have left behind:", *self._left, sep="\n    ")
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result


def _own_folder() -> str:
    """A temporary folder for this run, in which all that it starts puts its files."""
    outer = tempfile.gettempdir()
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", outer)  # pytest keeps those of failed tests
    folder = tempfile.mkdtemp(prefix="fakeredis-tests-")
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _entries(folder: str) -> set[str]:
    return {name for name in os.listdir(folder) if not name.startswith(_LATER)}


def _processes(whole_run: bool) -> list[str]:
    """What still runs after a while, and is killed now."""
    ends = time.monotonic() + _PATIENCE
    while True:
        pids = guard.descendants(os.getpid())
        if whole_run:
            pids |= guard.of_run(os.environ[guard.RUN])
        left = guard.others(pids)
        if not left or time.monotonic() > ends:
            break
        time.sleep(0.05)
    guard.kill(set(left), signal.SIGKILL)
    return [f"process {pid}: {line}" for pid, line in left.items()]


def _untracked() -> set[str]:
    """The files in the tree that git does not know; nothing where there is no git."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--others"], cwd=ROOT, capture_output=True, timeout=60,
            check=True, text=True, stdin=subprocess.DEVNULL,
        )
        return {name for name in listed.stdout.split("\0")
                if name and not _CACHES & set(name.split("/"))}
    return set()
