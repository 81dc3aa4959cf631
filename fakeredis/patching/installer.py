"""What is done once for all patches: the outermost replaces, the last one out restores."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from fakeredis.clients import impersonation
from fakeredis.clients.aio import FakeAsyncRedis
from fakeredis.clients.cluster import FakeAsyncRedisCluster, FakeRedisCluster
from fakeredis.clients.originals import own_method
from fakeredis.clients.sentinel import FakeAsyncSentinel, FakeSentinel
from fakeredis.clients.sync import FakeRedis
from fakeredis.lazy import LazyModule
from fakeredis.patching import cluster_hooks
from fakeredis.patching.code_swap import AttributeSwap, Swap
from fakeredis.patching.hooks import swaps_for, version_swaps
from fakeredis.patching.import_watch import Watcher
from fakeredis.patching.names import Names

if TYPE_CHECKING:
    from fakeredis.clients import valkey as valkey_clients
else:
    valkey_clients = LazyModule("fakeredis.clients.valkey")

LOCK: Final = RLock()
KINDS: Final = frozenset({
    "redis", "redis.asyncio", "redis.cluster", "redis.asyncio.cluster", "redis.sentinel",
    "redis.asyncio.sentinel", "valkey", "valkey.asyncio", "valkey.cluster",
    "valkey.asyncio.cluster", "valkey.sentinel", "valkey.asyncio.sentinel", "aioredis",
})
_FAKES: Final[tuple[type, ...]] = (
    FakeRedis, FakeAsyncRedis, FakeRedisCluster, FakeAsyncRedisCluster, FakeSentinel,
    FakeAsyncSentinel,
)
_LIBRARIES: Final = ("redis", "valkey", "aioredis")


class Machinery:
    """Swaps and names, each installed while anyone wants it."""

    def __init__(self) -> None:
        self._swaps: dict[str, list[Swap | AttributeSwap]] = {}  # by library
        self._watcher = Watcher(set(_LIBRARIES), self.loaded)
        self._names: Names | None = None
        self._wanted = 0
        self._named: list[frozenset[str]] = []  # the kinds of the patches that replace names
        self._shown: frozenset[str] = frozenset()  # all of these
        # The fake classes' own methods, left out while something stands in the real ones' place.
        self._covered: list[tuple[type, str, Any]] = []
        self._fakes = list(_FAKES)
        self._originals = _originals_of(_FAKES)

    def install(self, names: bool, kinds: frozenset[str] = KINDS) -> None:
        """Lead the real classes to the engine; with ``names``, replace those of some kinds, too.

        What it raises leaves nothing behind.
        """
        self._wanted += 1
        if names:
            self._named.append(kinds)
        try:
            if self._wanted == 1:
                self._install_all()
            if names:
                self._show()
        except BaseException:
            self.remove(names, kinds)
            raise

    @property
    def installed(self) -> bool:
        """Whether anything is exchanged."""
        return self._wanted > 0

    def _install_all(self) -> None:
        for library in _LIBRARIES:
            if is_loaded(library):
                self._install(library)
        if len(self._swaps) < len(_LIBRARIES):
            self._watcher.install()

    def remove(self, names: bool, kinds: frozenset[str] = KINDS) -> None:
        """Undo `install`; the last that does so leaves everything as it was before the first."""
        self._wanted -= 1
        try:
            if names:
                self._named.remove(kinds)
                self._show()
        finally:
            if self._wanted == 0:
                self._remove_all()

    def _remove_all(self) -> None:
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
                for kind in _kinds_of(library)
                for each in swaps_for(
                    kind, importlib.import_module(f"{kind}.connection"),
                    importlib.import_module(f"{kind}.client"), exceptions,
                )
            ]
            if library == "valkey" and exceptions is not None:
                self._swaps[library] += cluster_hooks.valkey_swaps(exceptions)
                self._add_valkey()
            if library == "redis":
                self._swaps[library] += [*cluster_hooks.swaps(), *version_swaps()]
        for each in self._swaps[library]:
            each.install()

    def loaded(self, library: str) -> None:
        """A library was first imported while a patch is active."""
        with LOCK:
            if self._wanted:
                self._install(library)
                if self._named and self._names is not None:
                    self._names.replace_more(set(map(id, self._chosen())))
                    impersonation.activate(self._chosen())

    def _add_valkey(self) -> None:
        """Add valkey-py's names to those that are replaced, now that it is there."""
        fakes: tuple[type, ...] = (valkey_clients.FakeValkey, valkey_clients.FakeAsyncValkey)
        self._fakes += fakes
        self._originals.update(_originals_of(fakes))
        if self._names is not None:
            self._names.add(_pairs(fakes))

    def _show(self) -> None:
        """Replace the names that any active patch wants to be replaced, and no others."""
        shown = frozenset().union(*self._named)
        if shown == self._shown:
            return
        if self._shown:
            self._restore()
        self._shown = shown
        if shown:
            self._replace()

    def _chosen(self) -> list[type]:
        """The fake classes that are under the real ones' names."""
        if self._shown == KINDS:
            return self._fakes
        return [fake for fake in self._fakes if _kind_of(fake) in self._shown]

    def _replace(self) -> None:
        if self._names is None:
            self._names = Names(_pairs(self._fakes))
        self._cover()
        self._names.replace(set(map(id, self._chosen())))
        impersonation.activate(self._chosen())

    def _cover(self) -> None:
        """Leave out a fake class's methods where something, as a mock, stands in the real ones'."""
        for (fake, name), original in self._originals.items():
            real = vars(fake)["_real_class"]
            if vars(real).get(name) is not original and name in vars(fake):
                self._covered.append((fake, name, vars(fake)[name]))
                type.__delattr__(fake, name)

    def _restore(self) -> None:
        assert self._names is not None
        impersonation.deactivate(self._fakes)
        self._names.restore()
        while self._covered:
            owner, name, value = self._covered.pop()
            impersonation.give_back(owner, name, value)


def _kinds_of(library: str) -> tuple[str, ...]:
    """The packages of a library that have clients of their own; aioredis 2 is but one."""
    if library != "aioredis":
        return library, f"{library}.asyncio"
    return (library,) if hasattr(sys.modules[library], "BlockingConnectionPool") else ()


def _kind_of(fake: type) -> str:
    """The kind of clients whose class a fake one stands for."""
    module: str = vars(fake)["_real_class"].__module__
    return module.removesuffix(".client")


def _pairs(fakes: Iterable[type]) -> list[tuple[type, type]]:
    return [(vars(fake)["_real_class"], fake) for fake in fakes]


def _originals_of(fakes: Iterable[type]) -> dict[tuple[type, str], Any]:
    """What the real classes were written with of the methods that their fake peers have, too."""
    return {
        (fake, name): own_method(real, name) if name in vars(real) else None
        for fake in fakes
        for real in [vars(fake)["_real_class"]]
        for name in ("__init__", "execute_command", "pipeline", "from_url")
    }


def is_loaded(library: str) -> bool:
    """Whether a library is there, and not just being imported by another thread."""
    module = sys.modules.get(library)
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


machinery: Final = Machinery()
