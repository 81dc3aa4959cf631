"""What Python child processes run first, under ``patch(subprocesses=True)``.

Its text is copied to a private folder as ``sitecustomize.py``, which Python imports when it starts;
so it uses nothing but the standard library.  A program that never imports a Redis library
pays next to nothing: `Joining` only waits for the first.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

LIBRARIES = ("redis", "valkey", "aioredis")


def start(folder: str, package: str) -> None:
    """Run the program's own ``sitecustomize``, then wait for a Redis library.

    Args:
        folder: where this copy is.
        package: where the parent's ``fakeredis`` is.
    """
    own = os.path.realpath(folder)
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) != own]
    _chain()
    if not os.environ.get("FAKEREDIS_PARENT"):
        return
    for name in LIBRARIES:
        if name in sys.modules:  # a .pth file was quicker
            join(name, package)
            return
    sys.meta_path.insert(0, Joining(package))


def _chain() -> None:
    """Run the ``sitecustomize`` that this one hides."""
    own = sys.modules.pop("sitecustomize", None)
    importlib.invalidate_caches()
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if own is not None:
            sys.modules.setdefault("sitecustomize", own)


class Joining:
    """A finder that joins the parent's servers as soon as a Redis library has been loaded.

    Args:
        package: where the parent's ``fakeredis`` is.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._finding = False

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> Any:
        """What the other finders find; the loader of a Redis library tells when it is done.

        That of fakeredis, too: its modules import redis, and joining needs all of them.
        """
        if name not in (*LIBRARIES, "fakeredis") or self._finding:
            return None
        self._finding = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._finding = False
        if spec is not None and spec.loader is not None:
            self._listen(name, spec.loader)
        return spec

    def _listen(self, name: str, loader: Any) -> None:
        """Shadow the loader's method once."""
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            if name == "fakeredis":
                if self in sys.meta_path:
                    importlib.import_module("redis")
            elif self in sys.meta_path:
                sys.meta_path.remove(self)
                join(name, self._package)

        loader.exec_module = exec_module


def join(name: str, package: str) -> None:
    """Patch this process; also where it finds no ``fakeredis`` of its own."""
    if importlib.util.find_spec("fakeredis") is None:
        spec = importlib.util.spec_from_file_location(
            "fakeredis", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules["fakeredis"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    importlib.import_module("fakeredis.patching.processes.child_processes").join(name)
