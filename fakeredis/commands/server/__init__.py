"""Server commands: Redis's "server" group, in the files of this folder."""

from __future__ import annotations

from fakeredis.commands.server import (
    commands,
    configuration,
    databases,
    diagnoses,
    ending,
    facts,
    replication,
    saving,
)
from fakeredis.commands.server.common import group

__all__ = [
    "commands",
    "configuration",
    "databases",
    "diagnoses",
    "ending",
    "facts",
    "group",
    "replication",
    "saving",
]
