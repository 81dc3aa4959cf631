"""Connection commands: Redis's "connection" group, in the files of this folder."""

from __future__ import annotations

from fakeredis.commands.connection import clients, session, tracking
from fakeredis.commands.connection.common import group

__all__ = [
    "clients",
    "group",
    "session",
    "tracking",
]
