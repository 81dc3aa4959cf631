"""What the connection commands share."""

from __future__ import annotations

from typing import Final

from fakeredis.commands.registry import ALLOW_BUSY, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE, Group

group = Group("connection")
CLIENT_FLAGS: Final = NOSCRIPT | LOADING | STALE
BUSY_SINCE: Final = (ALLOW_BUSY, {"valkey": "9.0.0"})  # flags, and since when
OPEN_FLAGS: Final = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY
