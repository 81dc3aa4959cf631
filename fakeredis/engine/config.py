"""Configuration parameters: names, defaults, and what follows from a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakeredis.engine.server import Server


class Config:
    """The parameters of one server, as text, as CONFIG GET prints them."""

    __slots__ = ("server", "values")

    def __init__(self, server: Server) -> None:
        self.server = server
        self.values: dict[str, str] = {"databases": "16", "requirepass": ""}

    def text(self, name: str) -> str:
        """A parameter as text."""
        return self.values.get(name, "")

    def integer(self, name: str) -> int:
        """A parameter as a number."""
        return int(self.values[name])
