"""What is imported when it is first used: nothing in this package imports otherwise in a function.

For type checkers the same name is imported outright::

    if TYPE_CHECKING:
        from fakeredis.engine.data import rdb_file
    else:
        rdb_file = LazyModule("fakeredis.engine.data.rdb_file")

`tests/package/test_imports.py` reads these names as it reads imports.
"""

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


class LazyModule:
    """A module that is imported by the first look at one of its names, which are looked up anew.

    Args:
        name: the module's full name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)  # somebody looks through all there is
        return getattr(importlib.import_module(self._name), attribute)
