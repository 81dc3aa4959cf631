"""The "hash" group."""

from __future__ import annotations

from fakeredis.commands.registry import Group

group = Group("hash")
