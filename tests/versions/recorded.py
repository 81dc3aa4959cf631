"""What other servers say to the harvested calls.

Of the older ones only what differs from Redis 8.2.3 is kept; from those in `HARVESTED` the calls
themselves were harvested too, those to newer commands and options among them.
"""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from fakeredis.engine.core.replies import Push, Status
from fakeredis.errors import CommandError
from tests.support import harvest, servers
from tests.support.engines import Server
from tests.support.wire import Map, Set

FILE = Path(__file__).parent.parent / "data" / "versions.json.gz"
HARVESTED = ("redis86", "valkey9")
NAMES = ("redis6", "redis7", "valkey8", *HARVESTED)
_LONGEST = 1500


@lru_cache
def recorded(name: str) -> dict[str, Any]:
    """The facts of a server of `servers.SERVERS`: ``commands`` and ``replies``."""
    found: dict[str, Any] = json.loads(gzip.decompress(FILE.read_bytes()))[name]
    return found


def has(name: str, words: list[str]) -> bool:
    """Whether a server has the command of a call."""
    known = recorded(name)["commands"]
    first = words[0].upper()
    if first not in known or len(words) < 2:
        return first in known
    if not any(other.startswith(f"{first} ") for other in known):
        return True
    return f"{first} {words[1].upper()}" in known


def cases(name: str) -> dict[str, list[harvest.Case]]:
    """The calls of each command and category, with the replies of that server."""
    if name in HARVESTED:
        return _harvested(name)
    replies = recorded(name)["replies"]
    found = {}
    for command in core_names():
        if not has(name, command.split(" ")) or not harvest.is_known(command.split(" ")):
            continue
        for category, calls in harvest.cases(command):
            key = f"{command}: {category}"
            changed = replies.get(key, {})
            found[key] = [
                call._replace(reply=changed.get(str(at), call.reply))
                for at, call in enumerate(calls)
                if all(has(name, before.split(" ")) for before in call.before)
            ]
    return found


def _harvested(name: str) -> dict[str, list[harvest.Case]]:
    kind = servers.SERVERS[name]
    known = harvest.table_of(kind.version, kind.server_type)
    return {
        f"{command}: {category}": calls
        for command in harvest.replies(name)
        if command != "(general)" and harvest.is_known(command.split(" "), known)
        for category, calls in harvest.cases(command, name)
    }


def core_names() -> list[str]:
    """The commands that belong to no module."""
    facts = harvest.command_facts()
    return [
        name for name in harvest.replies()
        if name != "(general)" and facts.get(name, {}).get("group") != "module" and "." not in name
    ]


def note_of(value: Any) -> Any:
    """A reply as the data files write it; the inverse of `harvest.value_of`."""
    note = _note(value)
    return note if len(json.dumps(note)) <= _LONGEST else "(not kept)"


def _note(value: Any) -> Any:
    if isinstance(value, CommandError):
        return f"-{value}"
    if isinstance(value, Status):
        return f"+{value.decode('utf-8', 'backslashreplace')}"
    if isinstance(value, bytes):
        return f"${value.decode('utf-8', 'backslashreplace')}"
    if isinstance(value, bool):
        return f"#{'t' if value else 'f'}"
    if isinstance(value, (int, float)):
        return f"{':' if isinstance(value, int) else ','}{value}"
    return None if value is None else _aggregate(value)


def _aggregate(value: Any) -> Any:
    if isinstance(value, (dict, Map)):
        pairs = value.items() if isinstance(value, dict) else value
        return {"%": [[_note(key), _note(item)] for key, item in pairs]}
    items = [_note(item) for item in value]
    if isinstance(value, Set):
        return {"~": items}
    return {">": items} if isinstance(value, Push) else items


def label(name: str) -> str:
    """A server's type and version."""
    kind = servers.SERVERS[name]
    return f"{kind.server_type} {kind.version}"


def fake(name: str) -> Server:
    """A new server of ours that imitates one of those."""
    kind = servers.SERVERS[name]
    return Server(kind.version, kind.server_type)
