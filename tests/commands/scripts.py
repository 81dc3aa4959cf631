"""Scripts of commands, one a line, for the twin."""

from __future__ import annotations

import shlex
from typing import Any

from tests.support.twin import Pair, Twin


def words(line: str) -> list[bytes]:
    r"""A line's words as bytes; quotes as in a shell, and ``\x00`` as in Python."""
    return [
        word.encode("latin-1").decode("unicode_escape").encode("latin-1")
        for word in shlex.split(line)
    ]


def play(pair: Pair, script: str) -> Any:
    """Send all lines to both servers, which must agree; the last reply."""
    reply = None
    for line in filter(None, map(str.strip, script.splitlines())):
        reply = pair(*words(line))
    return reply


def play_with_events(twin: Twin, script: str) -> int:
    """The same, and the keyspace events of each line must agree too; how many there were."""
    twin("CONFIG", "SET", "notify-keyspace-events", "KEA")
    listener = twin.session()
    listener("PSUBSCRIBE", "__key*__:*")
    while listener.fake.outbox:
        listener.reply()
    count = 0
    for line in filter(None, map(str.strip, script.splitlines())):
        twin(*words(line))
        while listener.fake.outbox:
            listener.reply()
            count += 1
    listener.silent()
    return count
