"""Hash commands: Redis's "hash" group, in the files of this folder."""

from __future__ import annotations

from fakeredis.commands.hash import deadlines, fields
from fakeredis.commands.hash.common import group

__all__ = [
    "deadlines",
    "fields",
    "group",
]
