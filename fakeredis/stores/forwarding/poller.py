"""Waiting for many links with one thread, which exists only while there is one to wait for."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from fakeredis.stores.forwarding.link import Link, Watch

NAME: Final = "fakeredis-upstream"  # of the thread; forks know it
_LINGER: Final = 0.2  # seconds for which the thread stays when there is nothing to wait for
_PATIENCE: Final = 5.0  # seconds for its end

_pollers: Final[WeakSet[Poller]] = WeakSet()


class Poller(Watch):
    """Looks at links when something comes.

    Only its thread touches the selector; the others leave it orders, first come first served, so
    that a descriptor's number that is used anew is never mistaken for the old one.
    """

    def __init__(self) -> None:
        self._begin()
        _pollers.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[tuple[Link, Callable[[], None] | None]] = deque()
        self._thread: threading.Thread | None = None
        self._bells: tuple[socket.socket, ...] = ()  # what is sent by one wakes the thread
        self._ends = False

    def add(self, link: Link, look: Callable[[], None]) -> None:
        """Call ``look()`` in the thread whenever something can be received, and once at first."""
        self._order(link, look)

    def discard(self, link: Link) -> None:
        """Stop calling a link's ``look()``."""
        if self._thread is not None:
            self._order(link, None)

    def _order(self, link: Link, look: Callable[[], None] | None) -> None:
        with self._lock:
            self._orders.append((link, look))
            if self._thread is None:
                if look is None:
                    self._orders.clear()
                    return
                self._ends = False
                self._start()
            elif self._thread is not threading.current_thread():
                self._ring()

    def _start(self) -> None:
        self._bells = socket.socketpair()
        for bell in self._bells:
            bell.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
        self._thread.start()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # it is full, which is as good
            if self._bells:
                self._bells[0].send(b"\0")

    def close(self) -> None:
        """End the thread, and wait until it has."""
        with self._lock:
            thread = self._thread
            self._ends = True
            self._ring()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_PATIENCE)

    # The thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        watched: dict[Link, tuple[Callable[[], None], list[Any]]] = {}
        bell = self._bells[1]
        with selectors.DefaultSelector() as selector:
            selector.register(bell, selectors.EVENT_READ)
            while True:
                self._follow(selector, watched)
                events = selector.select(None if watched else _LINGER)
                if (not events or self._ends) and self._may_end(watched):
                    break
                for key, _ in events:
                    if key.fileobj is bell:
                        with contextlib.suppress(OSError):
                            bell.recv(4096)
                    elif key.data in watched:
                        self._look(selector, watched, key.data)

    def _may_end(self, watched: dict[Link, Any]) -> bool:
        with self._lock:
            if (watched and not self._ends) or self._orders:
                return False
            self._silence()
            self._thread = None
            return True

    def _silence(self) -> None:
        for bell in self._bells:
            bell.close()
        self._bells = ()

    def _follow(self, selector: Any, watched: dict[Link, Any]) -> None:
        """Do what was ordered."""
        while self._orders:
            link, look = self._orders.popleft()
            known = watched.pop(link, None)
            for each in known[1] if known else ():
                _forget(selector, each)
            if look is not None:
                watched[link] = look, []
                self._look(selector, watched, link)

    def _look(self, selector: Any, watched: dict[Link, Any], link: Link) -> None:
        """Call a link's ``look``, then wait at the descriptors that the link has now."""
        look, files = watched[link]
        try:
            look()
        except Exception:
            link.close()  # its client will notice
            traceback.print_exc()
        numbers = [each if isinstance(each, int) else each.fileno() for each in link.files()]
        if numbers == files:
            return
        for each in files:
            _forget(selector, each)
        files[:] = numbers
        for each in numbers:
            with contextlib.suppress(OSError, ValueError, KeyError):  # it is closed
                selector.register(each, selectors.EVENT_READ, link)

    def forget(self) -> None:
        """In a forked child: all of it is the parent's."""
        self._silence()
        self._begin()


def _forget(selector: Any, number: int) -> None:
    with contextlib.suppress(OSError, ValueError, KeyError):
        selector.unregister(number)


def _in_child() -> None:
    for poller in list(_pollers):
        poller.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
