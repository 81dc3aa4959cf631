"""Scripts of commands, one a line as redis-cli's user would type them, played on the twin.

A line may start with ``?`` (random reply: only its shape is compared), ``~`` (the order of its
items means nothing) or ``@`` (times: small differences do not count).
"""

from __future__ import annotations

import shlex
from typing import Any

from tests.support.twin import Pair, Twin


def words(line: str) -> list[bytes]:
    """The arguments of a line; Python's escapes are understood, best within quotes."""
    return [word.encode("latin-1").decode("unicode_escape").encode("latin-1")
            for word in shlex.split(line)]


def play(pair: Pair, script: str) -> list[Any]:
    """Send each line; the replies."""
    senders = {"?": pair.same_shape, "~": pair.unordered, "@": pair.near}
    lines = [line.strip() for line in script.strip().splitlines() if line.strip()]
    return [senders.get(line[0], pair)(*words(line.lstrip("?~@"))) for line in lines]


def play_with_events(twin: Twin, script: str, classes: str = "EAmn") -> None:
    """Play a script; the keyspace events of both sides must be the same too."""
    twin("CONFIG", "SET", "notify-keyspace-events", classes)
    listener = twin.session()
    listener("PSUBSCRIBE", "__keyevent@*")
    listener.reply()  # or the first commands may overtake it
    play(twin, script)
    twin("SET", "the last", "1")
    while listener.reply()[-1] != b"the last":
        pass
