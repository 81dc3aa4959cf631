"""What a declaration needs of the command that runs; for type checkers alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command, Table
    from fakeredis.engine.core.profiles import Profile


class ServerFacts(Protocol):
    """What a declaration asks of the server on which a command runs."""

    @property
    def table(self) -> Table:
        """The commands that it has."""

    @property
    def profile(self) -> Profile:
        """Its type and version."""

    @property
    def is_clustered(self) -> bool:
        """Whether it is a node of a cluster."""


class Running(Protocol):
    """A command that runs: `fakeredis.engine.core.context.Context` is it."""

    @property
    def command(self) -> Command | None:
        """What is running; None between commands."""

    @property
    def args(self) -> Sequence[bytes]:
        """Its arguments as they came."""

    @property
    def server(self) -> ServerFacts:
        """The server on which it runs."""
