"""What others need of the engine's objects, whatever their class; for type checkers alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ReferenceType

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.server import Server


class SessionLike(Protocol):
    """A session as its shell sees it, wherever commands run."""

    server: Server
    id: int
    address: str
    protocol: int
    switched: int
    outbox: deque[Any]
    wake: Callable[[], None] | None
    plain: dict[Any, Command]  # what may be called directly, see `Session.call`
    via: str
    group: int
    position: int
    method: Any
    lag: float
    shell: ReferenceType[Shell] | None

    @property
    def forwarded(self) -> bool:
        """Whether commands run at another server."""

    @property
    def wait(self) -> Any:
        """What a command waits for that was sent last."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be said any more."""

    @property
    def subscriptions(self) -> int:
        """Channels and patterns listened to, as SUBSCRIBE counts them."""

    def execute(self, argv: Sequence[bytes]) -> Any:
        """Run a command given as on the wire.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the server is down, or the session is closed.
        """

    def execute_many(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """Run commands that were sent at once, if they run elsewhere; errors are items."""

    def look(self) -> None:
        """Find out what has come from elsewhere, if commands are ``forwarded``."""

    def close(self) -> None:
        """End waits, WATCHes and subscriptions, as the connection is gone."""


class Shell(Protocol):
    """Who owns a session: it may be given another one."""

    session: SessionLike
