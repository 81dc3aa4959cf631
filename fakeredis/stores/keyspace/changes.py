"""What becomes of a key until a store is told: its changes, as the commands that make them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple


class Delta(NamedTuple):
    """A change of one value, as a command."""

    now: int  # milliseconds since the epoch at which it ran
    argv: Sequence[bytes]

    def pack(self) -> bytes:
        """The change as bytes: time, sizes and words, little-endian."""
        sizes = (len(self.argv), *map(len, self.argv))
        return struct.pack(f"<q{len(sizes)}I", self.now, *sizes) + b"".join(self.argv)

    @classmethod
    def unpack(cls, raw: bytes) -> Delta:
        """The change that `pack` has made bytes of."""
        now, count = struct.unpack_from("<qI", raw)
        at = 12 + 4 * count
        argv = []
        for size in struct.unpack_from(f"<{count}I", raw, 12):
            argv.append(raw[at : at + size])
            at += size
        return cls(now, argv)


class Touched:
    """What a transaction has done to a key."""

    __slots__ = ("args", "deltas", "events", "whole")

    def __init__(self) -> None:
        self.events: list[str] = []
        self.deltas: list[bytes] = []
        self.whole = False  # whether the changes as such are not known
        self.args: Any = None  # of the command that made the last one
