"""What is imported when it is first called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


class Lazy:
    """A function of a module that is imported by the first call.

    Args:
        module: the module's full name.
        function: the function's name there.
    """

    __slots__ = ("module", "function", "_found")

    def __init__(self, module: str, function: str) -> None:
        self.module = module
        self.function = function
        self._found: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return (self._found or self.load())(*args, **kwargs)

    def load(self) -> Callable[..., Any]:
        """Import the function, once."""
        if self._found is None:
            self._found = getattr(importlib.import_module(self.module), self.function)
        found: Callable[..., Any] = self._found
        return found
