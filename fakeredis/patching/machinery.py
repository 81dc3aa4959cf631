"""What is done once for all patches: the outermost replaces, the last one out restores."""

from __future__ import annotations

from threading import RLock
from typing import Any, Final

import redis
import redis.asyncio
import redis.asyncio.client
import redis.asyncio.connection
import redis.client
import redis.connection

from fakeredis.clients import standin
from fakeredis.clients.aio import FakeAsyncRedis
from fakeredis.clients.sync import FakeRedis
from fakeredis.patching.chokes import swaps_for
from fakeredis.patching.names import Names
from fakeredis.patching.swapping import AttributeSwap, Swap

LOCK: Final = RLock()
KINDS: Final = frozenset({"redis", "redis.asyncio"})


class Machinery:
    """Swaps and names, each installed while anyone wants it."""

    def __init__(self) -> None:
        self._swaps: list[Swap | AttributeSwap] = []
        self._names: Names | None = None
        self._wanted = self._named = 0
        # The fake classes' own methods, left out while something stands in the real ones' place.
        self._covered: list[tuple[type, str, Any]] = []
        self._originals = {
            (fake, name): vars(vars(fake)["_stands_for"]).get(name)
            for fake in (FakeRedis, FakeAsyncRedis)
            for name in ("__init__", "execute_command", "pipeline", "from_url")
        }

    def install(self, names: bool) -> None:
        """Lead the real classes to the engine; with ``names``, replace their names, too."""
        self._wanted += 1
        if self._wanted == 1:
            for each in self._all_swaps():
                each.install()
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
            for each in reversed(self._swaps):
                each.remove()

    def _all_swaps(self) -> list[Swap | AttributeSwap]:
        if not self._swaps:
            self._swaps += swaps_for("redis", redis.connection, redis.client)
            self._swaps += swaps_for(
                "redis.asyncio", redis.asyncio.connection, redis.asyncio.client
            )
        return self._swaps

    def _replace(self) -> None:
        if self._names is None:
            pairs = [(vars(fake)["_stands_for"], fake) for fake in (FakeRedis, FakeAsyncRedis)]
            self._names = Names(pairs)
        for (fake, name), original in self._originals.items():
            real = vars(fake)["_stands_for"]
            if vars(real).get(name) is not original and name in vars(fake):
                self._covered.append((fake, name, vars(fake)[name]))
                type.__delattr__(fake, name)
        self._names.replace()
        for fake in (FakeRedis, FakeAsyncRedis):
            standin.stand(fake)

    def _restore(self) -> None:
        assert self._names is not None
        for fake in (FakeRedis, FakeAsyncRedis):
            standin.leave(fake)
        self._names.restore()
        while self._covered:
            owner, name, value = self._covered.pop()
            type.__setattr__(owner, name, value)


machinery: Final = Machinery()
