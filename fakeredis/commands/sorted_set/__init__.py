"""Sorted sets: Redis's "sorted-set" group, in the files of this folder."""

from __future__ import annotations

from fakeredis.commands.sorted_set import algebra, members, popping, ranges
from fakeredis.commands.sorted_set.common import group

__all__ = [
    "algebra",
    "group",
    "members",
    "popping",
    "ranges",
]
