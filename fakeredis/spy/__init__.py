"""The spy: records the commands that servers run, and asserts about them.

``fakeredis.spy(client)`` is a context manager that listens to one client or server.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fakeredis.spy.assertions import Assertions
    from fakeredis.spy.building import call
    from fakeredis.spy.calls import CommandCall, Where
    from fakeredis.spy.lint import Finding
    from fakeredis.spy.recorder import Recorder
    from fakeredis.spy.values import ANY, like, matching
    from fakeredis.spy.watching import Span, Spy, spy_on

# Where each name comes from; imported when first asked for.
_HOMES: Final = {
    "ANY": "values", "Assertions": "assertions", "CommandCall": "calls", "Finding": "lint",
    "Recorder": "recorder", "Span": "watching", "Spy": "watching", "Where": "calls",
    "call": "building", "like": "values", "matching": "values", "spy_on": "watching",
}

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


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


class _CallableModule(ModuleType):
    """This module under its public name is the function, too: ``fakeredis.spy(client)``."""

    def __call__(self, *targets: Any) -> Spy:
        listen: Callable[..., Spy] = __getattr__("spy_on")
        return listen(*targets)


sys.modules[__name__].__class__ = _CallableModule
