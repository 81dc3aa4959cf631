"""A thread that looks whether other processes have done what clients here wait for."""

from __future__ import annotations

import threading
import weakref
from typing import Final, Protocol

POLL_EVERY: Final = 0.004  # seconds
_PATIENCE: Final = 100  # polls after nobody waits any more


class Polled(Protocol):
    """What is asked for news again and again."""

    def is_waited_for(self) -> bool:
        """Whether a client waits for what other processes may do."""

    def poll(self) -> None:
        """Take over what they have done; whoever waited for it goes on."""


class ChangePoller:
    """Polls while somebody waits; has no thread otherwise.

    Args:
        polled: what is polled; it is not kept alive.
    """

    def __init__(self, polled: Polled) -> None:
        self._polled = weakref.ref(polled)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Poll from now on, as somebody waits."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._ended.clear()
                self._thread = threading.Thread(
                    target=_poll, args=(self._polled, self._ended),
                    name="fakeredis store", daemon=True,
                )
                self._thread.start()

    def stop(self) -> None:
        """End the thread, which somebody else's wait may start again."""
        thread = self._thread
        self._ended.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(1)


def _poll(reference: weakref.ref[Polled], ended: threading.Event) -> None:
    idle = 0
    while idle < _PATIENCE and not ended.wait(POLL_EVERY):
        polled = reference()
        if polled is None:
            return
        if polled.is_waited_for():
            idle = 0
            polled.poll()
        else:
            idle += 1
        del polled
