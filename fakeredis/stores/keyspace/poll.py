"""A thread that looks whether other processes have done what clients here wait for."""

from __future__ import annotations

import threading
import weakref
from typing import Final, Protocol

LOOK_EVERY: Final = 0.004  # seconds
_PATIENCE: Final = 100  # looks after nobody waits any more


class Looker(Protocol):
    """What is called."""

    def somebody_waits(self) -> bool:
        """Whether there is a reason to look."""

    def look(self) -> None:
        """Look."""


class Watcher:
    """Has something looked at again and again while somebody waits; has no thread otherwise."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Somebody waits."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._ended.clear()
                self._thread = threading.Thread(
                    target=_watch, args=(weakref.ref(self._looker), self._ended),
                    name="fakeredis store", daemon=True,
                )  # fmt: skip
                self._thread.start()

    def stop(self) -> None:
        """End the thread, which somebody else's wait may start again."""
        thread = self._thread
        self._ended.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(1)


def _watch(reference: weakref.ref[Looker], ended: threading.Event) -> None:
    idle = 0
    while idle < _PATIENCE and not ended.wait(LOOK_EVERY):
        looker = reference()
        if looker is None:
            return
        if looker.somebody_waits():
            idle = 0
            looker.look()
        else:
            idle += 1
        del looker
