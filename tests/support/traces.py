"""Recorded conversations of real libraries with a real server, and their replay.

A recording (``tests/data/traces``) is a JSON object a line: ``{"conn": 1, "cmd": [...], "reply":
...}``, in the order in which the commands reached the server. Text stands for a bulk string,
``{"hex": ...}`` for one that is no UTF-8; ``{"simple": ...}``, ``{"error": ...}``, ``{"double":
...}``, ``{"map": [[k, v], ...]}``, ``{"set": [...]}`` for what they say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fakeredis
from fakeredis.engine.core.replies import Status
from fakeredis.errors import CommandError
from tests.support import found
from tests.support.stage import same_document

FOLDER = Path(__file__).parents[1] / "data" / "traces"
# What they say tells of one server: of these replies only the kind is compared.
_OF_THE_SERVER = {
    "HELLO", "INFO", "TIME", "CLIENT", "MODULE", "MEMORY", "JSON.DEBUG", "TTL", "COMMAND",
}


def names() -> list[str]:
    """The recordings that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def differences(name: str, server: fakeredis.FakeServer) -> Iterator[str]:
    """Lines that tell where a server's replies are others than those recorded."""
    sessions: dict[int, Any] = {}
    cursors: dict[int, int] = {}  # by those of the recording
    for number, line in enumerate((FOLDER / f"{name}.jsonl").read_text().splitlines(), 1):
        item = json.loads(line)
        if "cmd" not in item:
            continue
        session = sessions.setdefault(item["conn"], server.session(protocol=2))
        argv = [_raw(word) for word in item["cmd"]]
        if argv[0].upper() == b"FT.CURSOR":
            argv[3] = b"%d" % cursors.get(int(argv[3]), 0)
        reply = _asked(session, argv)
        _note_cursor(cursors, item["reply"], reply)
        if not _agree(argv, reply, item["reply"]):
            yield f"line {number}: {item['cmd']}\n  expected {item['reply']}\n  got {reply}"
    for session in sessions.values():
        session.close()


def _note_cursor(cursors: dict[int, int], expected: Any, reply: Any) -> None:
    if isinstance(expected, list) and len(expected) == 2 and isinstance(reply, list):
        if isinstance(expected[1], int) and isinstance(reply[-1], int):
            cursors[expected[1]] = reply[-1]


def _raw(word: Any) -> bytes:
    return bytes.fromhex(word["hex"]) if isinstance(word, dict) else str(word).encode()


def _asked(session: Any, argv: list[bytes]) -> Any:
    try:
        return _recorded(session.execute(argv))
    except CommandError as error:
        return {"error": str(error)}


def _recorded(reply: Any) -> Any:
    """A reply as a recording has it; simple strings as bulk strings."""
    if isinstance(reply, CommandError):
        return {"error": str(reply)}
    if isinstance(reply, (bytes, Status)):
        try:
            return bytes(reply).decode()
        except UnicodeDecodeError:
            return {"hex": bytes(reply).hex()}
    if isinstance(reply, float):
        return {"double": reply}
    if isinstance(reply, dict):
        return {"map": [[_recorded(key), _recorded(value)] for key, value in reply.items()]}
    if isinstance(reply, (list, tuple, set)):
        return [_recorded(each) for each in reply]
    return reply


def _agree(argv: list[bytes], reply: Any, expected: Any) -> bool:
    if argv[0].decode().upper() in _OF_THE_SERVER:
        return isinstance(reply, type(_plain(expected)))
    if argv[0].upper() == b"JSON.GET":
        return same_document(_bytes(_plain(reply)), _bytes(_plain(expected)))
    return bool(found.form(argv, _plain(reply)) == found.form(argv, _plain(expected)))


def _bytes(reply: Any) -> Any:
    return reply.encode() if isinstance(reply, str) else reply


def _plain(reply: Any) -> Any:
    if isinstance(reply, list):
        return [_plain(each) for each in reply]
    if not isinstance(reply, dict):
        return reply
    ((kind, value),) = reply.items()
    if kind == "simple":
        return value
    if kind == "double":
        return {kind: str(float(value))}  # by which what is no number is itself
    return _plain(value) if kind == "set" else {kind: _plain(value)}
