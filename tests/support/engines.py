"""A server without clients, stores and listeners: the engine and its commands alone."""

from __future__ import annotations

from typing import Any

from fakeredis.commands import catalogue
from fakeredis.engine.command.command import Table
from fakeredis.engine.core import server


def settle_modules(made: server.Server) -> None:
    """Let a server say what the modules of Redis Stack 7.4 say, which the tests' real one has."""
    made.traits = made.traits._replace(tells_usual_policy=False)


class Server(server.Server):
    """The engine's server with the commands of the package."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        settle_modules(self)

    def _catalogue(self, for_bytes: bool = False) -> Table:
        """The commands that it has."""
        return catalogue.table(self.profile, self.modules, for_bytes)
