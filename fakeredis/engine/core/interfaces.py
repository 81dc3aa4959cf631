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
        """See `Session.subscriptions`."""

    def execute(self, argv: Sequence[bytes]) -> Any:
        """See `Session.execute`."""

    def execute_many(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """See `Session.execute_many`."""

    def look(self) -> None:
        """See `Session.look`."""

    def close(self) -> None:
        """See `Session.close`."""


class Shell(Protocol):
    """Who owns a session: it may be given another one."""

    session: SessionLike
