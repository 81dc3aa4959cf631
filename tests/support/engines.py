"""A server without clients, stores and listeners: the engine and its commands alone."""

from __future__ import annotations

from fakeredis.commands import catalogue
from fakeredis.engine.command.command import Table
from fakeredis.engine.core import server


class Server(server.Server):
    """The engine's server with the commands of the package."""

    def _catalogue(self, for_bytes: bool = False) -> Table:
        """The commands that it has."""
        return catalogue.table(self.profile, self.modules, for_bytes)
