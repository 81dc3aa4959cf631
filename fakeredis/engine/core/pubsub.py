"""Channels, patterns, shard channels, and who listens to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fakeredis.datatypes.glob import matcher
from fakeredis.engine.core.replies import Push

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session

Subscribers = dict[bytes, dict["Session", None]]


class PubSub:
    """Subscriptions of one server; sessions are kept in the order in which they came."""

    __slots__ = ("channels", "patterns", "shard_channels")

    def __init__(self) -> None:
        self.channels: Subscribers = {}
        self.patterns: Subscribers = {}
        self.shard_channels: Subscribers = {}

    def publish(self, channel: bytes, message: bytes) -> int:
        """PUBLISH: deliver to all who listen, wherever; how many received it."""
        return self.deliver(channel, message)

    def deliver(self, channel: bytes, message: bytes) -> int:
        """Deliver to a channel's subscribers and to matching patterns; how many received it."""
        receivers = self._send(self.channels, b"message", channel, message)
        for pattern, sessions in self.patterns.copy().items():
            if matcher(pattern)(channel):
                for session in list(sessions):
                    session.push(Push([b"pmessage", pattern, channel, message]))
                    receivers += 1
        return receivers

    def spublish(self, channel: bytes, message: bytes) -> int:
        """Deliver to a shard channel's subscribers; how many received it."""
        return self._send(self.shard_channels, b"smessage", channel, message)

    @staticmethod
    def _send(where: Subscribers, kind: bytes, channel: bytes, message: bytes) -> int:
        sessions = list(where.get(channel, ()))
        for session in sessions:
            session.push(Push([kind, channel, message]))
        return len(sessions)

    def subscribe(self, where: Subscribers, name: bytes, session: Session) -> None:
        """Add a subscriber."""
        where.setdefault(name, {})[session] = None

    def unsubscribe(self, where: Subscribers, name: bytes, session: Session) -> None:
        """Remove a subscriber; a name that nobody listens to is forgotten."""
        sessions = where.get(name)
        if sessions is not None:
            sessions.pop(session, None)
            if not sessions:
                del where[name]

    def drop(self, session: Session) -> None:
        """Forget everything of a session that has gone."""
        for where, names in (
            (self.channels, session.channels),
            (self.patterns, session.patterns),
            (self.shard_channels, session.shard_channels),
        ):
            for name in list(names):
                self.unsubscribe(where, name, session)
            names.clear()

    def matching(self, where: Subscribers, pattern: bytes | None) -> list[bytes]:
        """The names with subscribers, those that match ``pattern`` if one is given."""
        if pattern is None:
            return list(where)
        matches: Callable[[bytes], object] = matcher(pattern)
        return [name for name in list(where) if matches(name)]
