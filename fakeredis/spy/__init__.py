"""The spy: records the commands that servers run, and asserts about them.

``fakeredis.spy(client)`` is a context manager that listens to one client or server.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from fakeredis.spy.assertions import Assertions
from fakeredis.spy.building import call
from fakeredis.spy.calls import CommandCall, Where
from fakeredis.spy.lint import Finding
from fakeredis.spy.recorder import Recorder
from fakeredis.spy.values import ANY, like, matching
from fakeredis.spy.watching import Span, Spy, spy_on

__all__ = [
    "ANY",
    "Assertions",
    "CommandCall",
    "Finding",
    "Recorder",
    "Span",
    "Spy",
    "Where",
    "call",
    "like",
    "matching",
    "spy_on",
]


class _CallableModule(ModuleType):
    """This module under its public name is the function, too: ``fakeredis.spy(client)``."""

    def __call__(self, *targets: Any) -> Spy:
        return spy_on(*targets)


sys.modules[__name__].__class__ = _CallableModule
