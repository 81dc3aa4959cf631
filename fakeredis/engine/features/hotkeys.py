"""HOTKEYS: which keys cost most, counted while that is asked for.

While nobody asks, nothing here is called: `switches.COUNTED` among the bits of the server says when
somebody does. Bytes are those that a client would send and receive; all commands are counted, of
those with several keys each key gets its share.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fakeredis.engine.cluster.cluster import slot_of
from fakeredis.engine.core import switches
from fakeredis.engine.core.road import Check, Go, Origin
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

    Run = Callable[[Command, Sequence[bytes]], Any]


class Collection:
    """What was asked for, and what has been counted."""

    __slots__ = (
        "active", "cpu", "ended", "most", "net", "ratio", "seconds", "server", "slots", "started",
        "times", "total_bytes", "total_time", "traffic", "used",
    )

    def __init__(
        self, server: Server, metrics: set[bytes], most: int, seconds: int, ratio: int,
        slots: list[int] | None,
    ) -> None:
        self.server = server
        self.cpu, self.net = b"CPU" in metrics, b"NET" in metrics
        self.most, self.seconds, self.ratio, self.slots = most, seconds, ratio, slots
        self.active = True
        self.started = self.ended = server.clock.milliseconds()
        self.used = os.times()
        self.times: Counter[bytes] = Counter()
        self.traffic: Counter[bytes] = Counter()
        self.total_time = self.total_bytes = 0
        server.switch_on(switches.COUNTED, Check(layer=self.layer))

    def stop(self, at: int | None = None) -> None:
        """Count no longer."""
        if self.active:
            self.active = False
            self.ended = self.server.clock.milliseconds() if at is None else at
            self.server.switch_off(switches.COUNTED)

    def check(self) -> None:
        """Stop when the time that was asked for is over."""
        end = self.started + self.seconds * 1000
        if self.seconds and self.server.clock.milliseconds() >= end:
            self.stop(end)

    def layer(self, server: Server, origin: Origin, go: Go) -> Go:
        """Count what commands cost."""
        return lambda session, command, args: self._run(session, command, args, go)

    def _run(self, session: Session, command: Command, args: Sequence[bytes], go: Go) -> Any:
        self.check()
        if not self.active:
            return go(session, command, args)
        before = self.server.clock.seconds()
        reply: Any = None
        try:
            reply = go(session, command, args)
        finally:
            elapsed = int((self.server.clock.seconds() - before) * 1_000_000)
            size = _size([*command.parts, *args]) + _size(reply)
            self._count(command, args, max(elapsed, 1), size)
        return reply

    def _count(self, command: Command, args: Sequence[bytes], elapsed: int, size: int) -> None:
        self.total_time += elapsed
        self.total_bytes += size
        try:
            keys = command.keys(args)
        except CommandError:
            return
        if self.slots is not None:
            keys = [key for key in keys if slot_of(key) in self.slots]
        for key in keys:
            self.times[key] += elapsed // len(keys) or 1
            self.traffic[key] += size // len(keys)

    def duration(self) -> int:
        """Milliseconds since the start, or until the end."""
        end = self.server.clock.milliseconds() if self.active else self.ended
        return max(end - self.started, 0)


def _size(value: Any) -> int:
    """The bytes of a command or a reply on the wire."""
    if isinstance(value, bytes):
        return len(value) + 5 + len(str(len(value)))
    if isinstance(value, dict):
        return 4 + sum(_size(key) + _size(item) for key, item in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return 4 + sum(map(_size, value))
    return 3 + len(str(value)) if isinstance(value, (int, float)) else 5
