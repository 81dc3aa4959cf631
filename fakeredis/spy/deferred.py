"""Modules that are imported when they are first used: to enter a patch needs none of them."""

from __future__ import annotations

import importlib
from typing import Any


class Deferred:
    """Stands for a module.

    Args:
        name: of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value
