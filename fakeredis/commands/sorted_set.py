"""The "sorted_set" group."""

from __future__ import annotations

from fakeredis.commands.registry import Group

group = Group("sorted-set")
