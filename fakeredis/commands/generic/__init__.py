"""Generic commands: Redis's "generic" group, in the files of this folder."""

from __future__ import annotations

from fakeredis.commands.generic import deadlines, keys, moving, objects, sorting, waiting
from fakeredis.commands.generic.common import group

__all__ = [
    "deadlines",
    "group",
    "keys",
    "moving",
    "objects",
    "sorting",
    "waiting",
]
