"""Samples of the moment, with the time that a server gave them: for another server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakeredis.commands.arguments import Args
from fakeredis.engine.command.command import unchanged

Counterpart = tuple[Args, Callable[[Any], Any]]


def of_add(args: Args, reply: Any) -> Counterpart:
    """TS.ADD with the time of the sample."""
    said = [b"TS.ADD", *args]
    if type(reply) is int and len(args) > 1 and args[1] == b"*":
        said[2] = b"%d" % reply
    return said, unchanged


def of_madd(args: Args, reply: Any) -> Counterpart:
    """TS.MADD with the times of the samples."""
    said = [b"TS.MADD", *args]
    for at, time in enumerate(reply if type(reply) is list else ()):
        place = 3 * at + 2
        if type(time) is int and place < len(said) and said[place] == b"*":
            said[place] = b"%d" % time
    return said, unchanged


def _of_change(name: bytes) -> Callable[[Args, Any], Counterpart]:
    def of_change(args: Args, reply: Any) -> Counterpart:
        """The same change, with the time of the sample."""
        said = [name, *args]
        if type(reply) is not int:
            return said, unchanged
        time = b"%d" % reply
        at = next((at for at, word in enumerate(said) if word.upper() == b"TIMESTAMP"), 0)
        if not at:
            said[3:3] = [b"TIMESTAMP", time]
        elif at + 1 < len(said) and said[at + 1] == b"*":
            said[at + 1] = time
        return said, unchanged

    return of_change


of_incrby = _of_change(b"TS.INCRBY")
of_decrby = _of_change(b"TS.DECRBY")
