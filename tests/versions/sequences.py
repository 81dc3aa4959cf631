"""Calls in a row, and what the newest servers say to them: ``tests/data/sequences-*``.

``python -m tests.versions.sequences redis86`` records the replies of a server anew, where it is
installed.
"""

from __future__ import annotations

import gzip
import json
import shlex
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from fakeredis.engine.cluster.cluster import Cluster
from tests.support import servers
from tests.support.engines import Server
from tests.support.twin import describe, in_order
from tests.support.wire import Wire
from tests.versions import recorded

NAMES = ("redis86", "valkey9")
_DATA = Path(__file__).parents[1] / "data"


class Call(NamedTuple):
    """A line of the text."""

    line: str
    is_compared: bool

    @property
    def words(self) -> list[bytes]:
        """Its words; what is escaped in them stands for a byte."""
        return [
            word.encode("latin-1").decode("unicode_escape").encode("latin-1")
            if "\\" in word else word.encode()
            for word in shlex.split(self.line)
        ]


@lru_cache
def parts(name: str) -> dict[str, list[Call]]:
    """The calls of each part, for one server."""
    found: dict[str, list[Call]] = {}
    calls: list[Call] = []
    for line in (_DATA / f"sequences-{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("== "):
            calls = found[line[3:]] = []
        elif line and not line.startswith("#"):
            calls.append(Call(line.removeprefix("~ "), not line.startswith("~ ")))
    return found


@lru_cache
def replies(name: str) -> dict[str, list[str]]:
    """What the server said, as text; see `shown`."""
    found: dict[str, list[str]] = json.loads(gzip.decompress(_replies(name).read_bytes()))
    return found


def shown(reply: Any) -> str:
    """A reply as text, whatever order its items have, which may be left to chance."""
    return describe(in_order(reply))


def _replies(name: str) -> Path:
    return _DATA / f"sequences-{name}.json.gz"


def fake(name: str, part: str) -> Server:
    """A new server of ours that imitates one of those, for a part."""
    server = recorded.fake(name)
    if part.startswith("cluster"):
        Cluster([server])
    return server


def main() -> None:
    """Write the files of replies."""
    for name in sys.argv[1:] or NAMES:
        found = {part: list(_taken(name, part, calls)) for part, calls in parts(name).items()}
        text = json.dumps(found, separators=(",", ":"))
        _replies(name).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _taken(name: str, part: str, calls: list[Call]) -> Iterator[str]:
    cluster = part.startswith("cluster")
    options = ("--cluster-enabled", "yes", "--cluster-port", "0") if cluster else ()
    server = servers.RealServer(*options, name=name)
    with Wire.to(server.url) as wire:
        if cluster:
            wire.call(b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383")
            while b"cluster_state:ok" not in wire.call(b"CLUSTER", b"INFO"):
                time.sleep(0.05)
        for call in calls:
            reply = wire.call(*call.words)
            yield shown(reply) if call.is_compared else ""
    server.stop()


if __name__ == "__main__":
    main()
