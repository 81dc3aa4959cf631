"""Records what parameters other servers have: fakeredis/data/config-versions.json.

``python -m tests.versions.settings`` asks the servers of ``tests.support.servers`` for all that
differs from ``config.json``: names that are missing, other defaults, and parameters of their own
with what these accept, which their refusals tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakeredis import data
from tests.support import servers
from tests.support.wire import Wire

FILE = Path(data.__file__).with_name("config-versions.json")
# What these tests' way to start a server sets, what the machine decides, and TLS, which one of the
# servers was built without.
OTHERS_BUSINESS = re.compile(
    r"port|dir|logfile|bind|save|appendonly|unixsocket|proc-title-template|tls-.*"
    r"|locale-collate|maxclients"
).fullmatch
# Names for the same: CONFIG does not tell.
ALIASES = {
    "primaryauth": "masterauth", "primaryuser": "masteruser",
    "commandlog-execution-slower-than": "slowlog-log-slower-than",
    "commandlog-slow-execution-max-len": "slowlog-max-len",
}
_BOUNDS = re.compile(r"between (-?\d+) and (\d+) inclusive").search
_WORDS = re.compile(r"must be one of the following: (.*)$").search


def known() -> dict[str, str]:
    """The parameters of Redis 8.2, aliases too, with their defaults."""
    table: dict[str, Any] = data.load("config")
    return {
        name: table[facts][0] if isinstance(facts, str) else facts[0]
        for name, facts in table.items()
    }


def asked(wire: Wire) -> dict[str, str]:
    """What CONFIG GET * tells, without what is others' business."""
    found = wire.call(b"CONFIG", b"GET", b"*")
    pairs = zip(found[::2], found[1::2], strict=True)
    return {
        name.decode(): value.decode() for name, value in pairs
        if not OTHERS_BUSINESS(name.decode())
    }


def differences(
    wire: Wire, hidden: frozenset[str], changed: Sequence[str] = ()
) -> dict[str, Any]:
    """How one server's parameters differ from those of Redis 8.2."""
    base, here, table = known(), asked(wire), data.load("config")
    gone = [
        name for name in base if name not in here and name not in hidden
        and not OTHERS_BUSINESS(name)
    ]
    values = {
        name: value for name, value in here.items()
        if name in base and base[name] != value and not isinstance(table[name], str)
        and name != "enable-debug-command"  # which the tests' servers are started with
    }
    own = {
        name: ALIASES.get(name) or facts(wire, name, value) for name, value in here.items()
        if name not in base or name in hidden or name in changed
    }
    own.update(_of_other_kinds(wire, here, table))
    return {"gone": " ".join(sorted(gone)), "values": dict(sorted(values.items())),
            "own": dict(sorted(own.items()))}


def _of_other_kinds(
    wire: Wire, here: dict[str, str], table: dict[str, Any]
) -> dict[str, list[Any]]:
    """What both have, but with other bounds or words, or only one of them lets it be set."""
    found = {}
    for name, value in here.items():
        known = table.get(name)
        if isinstance(known, list) and known[1] in _COUNTED:
            real = facts(wire, name, value)
            if real[1] in ("integer", "enum") and real[1:] != known[1:]:
                found[name] = real
    return found


_COUNTED = ("integer", "enum", "immutable")

# What the refusals do not tell, or tell of parameters that have others in Redis 8.2.
_KINDS = {"key-memory-histograms": "boolean-at-start", "cluster-slot-stats-enabled": "words"}
_CHANGED = {"redis86": ("maxmemory-policy", "repl-diskless-load", "cluster-slot-stats-enabled")}


def facts(wire: Wire, name: str, value: str) -> list[Any]:
    """A parameter as ``config.json`` has it: default, kind, and what the kind needs to know."""
    found = _facts(wire, name, value)
    return [value, _KINDS[name], *(found[2:] if found[1] == "enum" else ())] if (
        name in _KINDS
    ) else found


def _facts(wire: Wire, name: str, value: str) -> list[Any]:
    refusal = str(wire.call(b"CONFIG", b"SET", name.encode(), b"-99999999999999"))
    words, bounds = _WORDS(refusal), _BOUNDS(refusal)
    if "immutable" in refusal or "Unsupported" in refusal:
        return [value, "immutable"]
    if "'yes' or 'no'" in refusal:
        return [value, "boolean"]
    if words:
        return [value, "enum", *words[1].split(", ")]
    if bounds:
        return [value, "integer", int(bounds[1]), int(bounds[2])]
    refused = _BOUNDS(str(wire.call(b"CONFIG", b"SET", name.encode(), b"0")))
    wire.call(b"CONFIG", b"SET", name.encode(), value.encode())
    if "greater or equal to 0" in refusal:
        high = str(wire.call(b"CONFIG", b"SET", name.encode(), b"9" * 18))
        found = _BOUNDS(high)
        wire.call(b"CONFIG", b"SET", name.encode(), value.encode())
        low = int(refused[1]) if refused else 0
        return [value, "unsigned", low, int(found[2]) if found else (1 << 63) - 1]
    if "memory value" in refusal:
        return [value, "memory", int(refused[1]) if refused else 0]
    return [value, "string"]


def written(found: dict[str, Any]) -> str:
    """The file's text, one parameter a line."""
    text = re.sub(r'\n(?=[\d"\]-][^:\n]*\n)', " ", json.dumps(found, indent=0))
    return text.replace("[ ", "[").replace(" ]", "]") + "\n"


def main() -> None:
    """Write the file."""
    from fakeredis.engine.core.config import HIDDEN

    found = {}
    for name in servers.SERVERS:
        if not name.startswith("redis8") or name == "redis86":
            server = servers.RealServer(name=name)
            with Wire.to(server.url) as wire:
                found[name] = differences(wire, HIDDEN, _CHANGED.get(name, ()))
            server.stop()
    FILE.write_text(written(found), encoding="utf-8")


if __name__ == "__main__":
    main()
