"""A pytest plugin that writes down how each test ended, at once: a run that hangs is known as well.

Each line is a JSON list: the node's id, the phase (setup, call, teardown), its outcome, and why.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

_owner = os.getpid()


def pytest_configure(config: pytest.Config) -> None:
    """Register at the end, so that other plugins' words on a report are heard."""
    path = os.environ.get("SUITE_OUTCOMES")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path), "suite-outcomes")


class Recorder:
    """Writes to a file.

    Args:
        path: where to.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def _write(self, *words: Any) -> None:
        if os.getpid() == _owner:  # a forked child that runs into pytest's end tells nothing
            with open(self._path, "a", encoding="utf-8") as file:
                print(json.dumps(words), file=file)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note which tests need Redis: those in whose time it gets commands."""
        before = _commands()
        try:
            return (yield)
        finally:
            if _commands() != before:
                self._write(item.nodeid, "redis", "needed")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a phase of a test."""
        if getattr(report, "context", None) is not None:
            return  # a subtest: its test tells
        outcome: str = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "skipped" if outcome == "skipped" else outcome
        if outcome in ("passed", "failed", "skipped"):
            self._write(report.nodeid, report.when, outcome, _reason(report))

    def pytest_unconfigure(self) -> None:
        """All has been said; some suites leave processes behind that end never."""
        self._write("", "end", "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected."""
        if report.failed:
            self._write(report.nodeid, "collect", "failed", _reason(report))


def _commands() -> list[int]:
    """How many commands the fake servers have got, where there are any."""
    fakeredis = sys.modules.get("fakeredis")
    fake = fakeredis.active() if fakeredis is not None else None
    return [] if fake is None else [server.processed for server in list(fake.servers.values())]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it failed, in a line."""
    if not report.failed:
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr) if crash is None else f"{crash.message} ({crash.path})"
    return " ".join(text.split())[:500]
