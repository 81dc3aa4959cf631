"""Libraries that are first imported while a patch is active."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class Watcher:
    """A finder that finds nothing itself, but tells when a module has been loaded.

    Args:
        loaded: gets the names of the modules that were watched and are loaded now.
    """

    def __init__(self, names: set[str], loaded: Callable[[str], None]) -> None:
        self._names = names
        self._loaded = loaded

    def install(self) -> None:
        """Watch from now on."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop watching; without `install` it does nothing."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find; a watched module's loader tells when it is done."""
        if name not in self._names:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                self._listen(name, spec.loader)
                return spec
        return None

    def _listen(self, name: str, loader: object) -> None:
        """Shadow the loader's method once; afterwards the loader is as it was."""
        if not hasattr(loader, "__dict__") or not hasattr(loader, "exec_module"):
            return

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            loader.exec_module(module)
            self._loaded(name)

        loader.exec_module = exec_module
