"""What is done once for all patches: the outermost replaces, the last one out restores."""

from __future__ import annotations

import importlib
import sys
from threading import RLock
from typing import Any, Final

from fakeredis.clients import standin
from fakeredis.clients.aio import FakeAsyncRedis
from fakeredis.clients.cluster import FakeAsyncRedisCluster, FakeRedisCluster
from fakeredis.clients.sentinel import FakeAsyncSentinel, FakeSentinel
from fakeredis.clients.sync import FakeRedis
from fakeredis.patching import topology
from fakeredis.patching.chokes import swaps_for, version_swaps
from fakeredis.patching.imports import Watcher
from fakeredis.patching.names import Names
from fakeredis.patching.swapping import AttributeSwap, Swap

LOCK: Final = RLock()
KINDS: Final = frozenset({
    "redis", "redis.asyncio", "redis.cluster", "redis.asyncio.cluster", "redis.sentinel",
    "redis.asyncio.sentinel", "valkey", "valkey.asyncio",
})  # fmt: skip
_FAKES: Final[tuple[type, ...]] = (
    FakeRedis, FakeAsyncRedis, FakeRedisCluster, FakeAsyncRedisCluster, FakeSentinel,
    FakeAsyncSentinel,
)  # fmt: skip
_LIBRARIES: Final = ("redis", "valkey")


class Machinery:
    """Swaps and names, each installed while anyone wants it."""

    def __init__(self) -> None:
        self._swaps: dict[str, list[Swap | AttributeSwap]] = {}  # by library
        self._watcher = Watcher(set(_LIBRARIES), self.loaded)
        self._names: Names | None = None
        self._wanted = self._named = 0
        # The fake classes' own methods, left out while something stands in the real ones' place.
        self._covered: list[tuple[type, str, Any]] = []
        self._originals = {
            (fake, name): vars(vars(fake)["_stands_for"]).get(name)
            for fake in _FAKES
            for name in ("__init__", "execute_command", "pipeline", "from_url")
        }

    def install(self, names: bool) -> None:
        """Lead the real classes to the engine; with ``names``, replace their names, too."""
        self._wanted += 1
        if self._wanted == 1:
            for library in _LIBRARIES:
                if is_loaded(library):
                    self._install(library)
            if len(self._swaps) < len(_LIBRARIES):
                self._watcher.install()
        if names:
            self._named += 1
            if self._named == 1:
                self._replace()

    def remove(self, names: bool) -> None:
        """Undo `install`."""
        if names:
            self._named -= 1
            if self._named == 0:
                self._restore()
        self._wanted -= 1
        if self._wanted == 0:
            self._watcher.remove()
            for swaps in self._swaps.values():
                for each in reversed(swaps):
                    each.remove()

    def _install(self, library: str) -> None:
        if library not in self._swaps:
            exceptions = None
            if library != "redis":
                exceptions = importlib.import_module(f"{library}.exceptions")
            self._swaps[library] = [
                each
                for kind in (library, f"{library}.asyncio")
                for each in swaps_for(
                    kind, importlib.import_module(f"{kind}.connection"),
                    importlib.import_module(f"{kind}.client"), exceptions,
                )
            ]  # fmt: skip
            if library == "redis":
                self._swaps[library] += [*topology.swaps(), *version_swaps()]
        for each in self._swaps[library]:
            each.install()

    def loaded(self, library: str) -> None:
        """A library was first imported while a patch is active."""
        with LOCK:
            if self._wanted:
                self._install(library)

    def _replace(self) -> None:
        if self._names is None:
            pairs = [(vars(fake)["_stands_for"], fake) for fake in _FAKES]
            self._names = Names(pairs)
            del pairs  # which refer to the classes, too
        self._cover()
        self._names.replace()
        standin.stand(_FAKES)

    def _cover(self) -> None:
        """Let what stands in the place of real methods (a mock) be in that of the fake ones."""
        for (fake, name), original in self._originals.items():
            real = vars(fake)["_stands_for"]
            if vars(real).get(name) is not original and name in vars(fake):
                self._covered.append((fake, name, vars(fake)[name]))
                type.__delattr__(fake, name)

    def _restore(self) -> None:
        assert self._names is not None
        standin.leave(_FAKES)
        self._names.restore()
        while self._covered:
            owner, name, value = self._covered.pop()
            type.__setattr__(owner, name, value)


def is_loaded(library: str) -> bool:
    """Whether a library is there, and not just being imported by another thread."""
    module = sys.modules.get(library)
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


machinery: Final = Machinery()
