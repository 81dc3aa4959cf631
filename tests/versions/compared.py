"""What each version that can be imitated is compared with: the table of docs/versions.rst."""

from __future__ import annotations

from fakeredis.engine.core import profiles
from tests.support import harvest, servers
from tests.versions import known, recorded, sequences

_NEIGHBOURS = "what was found at its neighbours, and the versions that the reference names"
_UNSEEN = "the public reference; no such server could be installed"
# Versions that are judged by another one's server, or by none, and what they follow then.
JUDGED: dict[tuple[str, str], tuple[str, str]] = {
    ("redis", "7.0"): ("", _NEIGHBOURS),
    ("redis", "7.2"): ("", _NEIGHBOURS),
    ("redis", "8.0"): ("", _NEIGHBOURS),
    ("redis", "8.4"): ("redis86", "less what came with 8.6"),
    ("redis", "8.8"): ("", _UNSEEN),
    ("redis", "8.10"): ("", _UNSEEN),
    ("valkey", "7.2"): ("", _NEIGHBOURS),
    ("valkey", "8.0"): ("", _NEIGHBOURS),
    ("valkey", "9.0"): ("valkey9", "less what came with 9.1"),
}
_BY_ALL_TESTS = "redis8"


def rows() -> list[tuple[str, str, str, str]]:
    """Version, server, recorded calls, and commands with known differences, for each version."""
    return [
        _row(server_type, f"{major}.{minor}")
        for server_type, releases in profiles.releases().items()
        for major, minor, _ in releases
    ]


def _row(server_type: str, version: str) -> tuple[str, str, str, str]:
    name, note = JUDGED.get((server_type, version), ("", ""))
    if not name and not note:
        name = own_server(server_type, version)
    label = f"{server_type.capitalize()} {version}"
    if not name:
        return label, f"none: {note}", "", ""
    kind = servers.SERVERS[name]
    server = f"{kind.server_type.capitalize()} {kind.version}"
    if note:
        return label, f"{server}, {note}", "", ""
    if name == _BY_ALL_TESTS:
        calls = sum(len(cases) for one in harvest.replies() if one != "(general)"
                    for _, cases in harvest.cases(one))
        return label, f"{server}, by all tests", str(calls), ""
    return label, f"{server}, and on demand", str(calls_of(name)), str(differing(name))


def own_server(server_type: str, version: str) -> str:
    """The tests' server of a version."""
    return next(
        name for name, kind in servers.SERVERS.items()
        if kind.server_type == server_type and kind.version.startswith(f"{version}.")
    )


def calls_of(name: str) -> int:
    """How many calls have been recorded of a server."""
    count = sum(map(len, recorded.cases(name).values()))
    if name in sequences.NAMES:
        count += sum(map(len, sequences.parts(name).values()))
    return count


def differing(name: str) -> int:
    """How many entries the list of known differences has for a server."""
    lists = (known.DIFFERENCES, known.FACTS, known.MISSING, known.TWINS)
    return sum(label.startswith(f"{name} ") for each in lists for label in each)
