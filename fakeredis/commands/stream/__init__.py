"""Stream commands: Redis's "stream" group, in the files of this folder."""

from __future__ import annotations

from fakeredis.commands.stream import (
    adding,
    consumer_groups,
    deleting,
    information,
    newer,
    pending,
    reading,
)
from fakeredis.commands.stream.common import group

__all__ = [
    "adding", "consumer_groups", "deleting", "group", "information", "newer", "pending", "reading",
]
