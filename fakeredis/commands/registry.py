"""The door through which commands come: what a file of commands, ours or not, declares with."""

from __future__ import annotations

from fakeredis.engine.command.command import (
    ADMIN,
    ALLOW_BUSY,
    ASKING,
    BLOCKING,
    CONNECTION,
    DENYOOM,
    FAST,
    LOADING,
    MAY_REPLICATE,
    MODULE,
    MOVABLEKEYS,
    NO_ASYNC_LOADING,
    NO_AUTH,
    NO_MANDATORY_KEYS,
    NO_MULTI,
    NOSCRIPT,
    PUBSUB,
    READONLY,
    SKIP_MONITOR,
    SKIP_SLOWLOG,
    STALE,
    TOUCHES_ARBITRARY_KEYS,
    WRITE,
    Command,
    Declaration,
    Flags,
    Group,
    Table,
)

__all__ = [
    "ADMIN", "ALLOW_BUSY", "ASKING", "BLOCKING", "CONNECTION", "DENYOOM", "FAST", "LOADING",
    "MAY_REPLICATE", "MODULE", "MOVABLEKEYS", "NOSCRIPT", "NO_ASYNC_LOADING", "NO_AUTH",
    "NO_MANDATORY_KEYS", "NO_MULTI", "PUBSUB", "READONLY", "SKIP_MONITOR", "SKIP_SLOWLOG", "STALE",
    "TOUCHES_ARBITRARY_KEYS", "WRITE", "Command", "Declaration", "Flags", "Group", "Table",
]  # fmt: skip
