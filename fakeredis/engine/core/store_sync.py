"""What a server asks of that which keeps its data in a store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.road import Go, Origin
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session


class StoreSync(Protocol):
    """Brings what changes to a store, and what others have changed there to the server."""

    #: Where the data are kept: a `fakeredis.stores.KeyspaceStore`.
    store: Any

    def make_database(self, index: int) -> Database:
        """A database whose changes are noted."""

    def layer(self, server: Server, origin: Origin, go: Go) -> Go:
        """Its part of the road: run commands and keep what they change."""

    def run_many(self, count: int, run: Callable[[], list[Any]]) -> list[Any]:
        """Run a pipeline of so many commands, which are kept together; the replies."""

    def transaction(self) -> AbstractContextManager[None]:
        """Keep all that happens inside, or nothing.

        Raises:
            CommandError: the store does not take it.
        """

    def rewriting(self) -> AbstractContextManager[None]:
        """Keep everything anew after what happens inside: not commands, but whole databases.

        Raises:
            CommandError: the store does not take it.
        """

    def key_modified(
        self, ctx: Context | None, db: Database, key: bytes, event: str, group: str
    ) -> None:
        """A key has changed: by a command, whose context it is, or by itself."""

    def key_modified_unsignalled(self, ctx: Context, key: bytes, event: str) -> None:
        """A command has changed a key in a way that WATCH does not hear of."""

    def replicate_as(self, ctx: Context, *argv: bytes) -> None:
        """Say before a change what has the same effect as the running command, always.

        For commands whose effect is left to chance.
        """

    def holds_back(self, session: Session, item: Any) -> bool:
        """Whether what a session is to get waits for the end of a transaction."""

    def close(self) -> None:
        """Close the store; used again, it opens again."""
