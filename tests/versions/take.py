"""Writes ``tests/data/versions.json.gz`` anew from the servers that are installed.

    python -m tests.versions.take [NAME ...]

Each call is made in a state of its own: everything flushed, the calls before it made by another
connection. Commands that change the server itself get a server of their own.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
from typing import Any

from tests.support import harvest, servers
from tests.support.harvest import BLOCKS, CLOSED, Case
from tests.support.wire import Wire
from tests.versions import recorded

_FLUSHES = (b"FLUSHALL", b"FUNCTION FLUSH", b"SCRIPT FLUSH", b"SLOWLOG RESET")
_OWN_SERVER = {"server", "connection", "cluster"}
_FATAL = {"SHUTDOWN", "DEBUG", "FAILOVER", "SYNC", "PSYNC", "REPLICAOF", "SLAVEOF", "MIGRATE"}


def main() -> None:
    names = sys.argv[1:] or recorded.NAMES
    found = json.loads(gzip.decompress(recorded.FILE.read_bytes()))
    for name in names:
        if servers.binary(name) is None:
            sys.exit(servers.SERVERS[name].reason)
        found[name] = Taker(name).everything()
        print(name, len(found[name]["commands"]), sum(map(len, found[name]["replies"].values())))
    text = json.dumps(found, ensure_ascii=True, separators=(",", ":"))
    recorded.FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


class Taker:
    """One server, started again when that is needed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.server = servers.RealServer(name=name)
        self.used_up = False

    def everything(self) -> dict[str, Any]:
        commands = self.commands()
        replies: dict[str, dict[str, Any]] = {}
        for command in recorded.core_names() if self.name not in recorded.HARVESTED else ():
            words = command.split(" ")
            if " ".join(words) not in commands or words[0] in _FATAL:
                continue
            if harvest.command_facts().get(command, {}).get("group") in _OWN_SERVER:
                self.restart()
            for category, calls in harvest.cases(command):
                changed = {
                    str(at): note
                    for at, call in enumerate(calls)
                    if _is_kept(call.reply)
                    and (note := self.reply(call)) != _comparable(call.reply)
                    and not (call.reply is ... and not str(note).startswith("-"))
                }
                if changed:
                    replies[f"{command}: {category}"] = changed
        self.server.stop()
        return {"commands": commands, "replies": replies}

    def restart(self) -> None:
        self.server.stop()
        self.server = servers.RealServer(name=self.name)

    def commands(self) -> dict[str, Any]:
        """COMMAND, by names."""
        with Wire.to(self.server.url) as wire:
            rows = wire.call(b"COMMAND")
        found: dict[str, Any] = {}
        for row in rows:
            self._facts(row, found)
        if self.server.kind.version.startswith("6"):
            found.update(self._subcommands(found))
            found.update(self._hidden(found))
        return found

    @staticmethod
    def _hidden(known: dict[str, Any]) -> dict[str, Any]:
        """Subcommands that HELP does not tell outside of a cluster: those of that time."""
        facts = harvest.command_facts()
        return {
            name: {} for name in facts
            if name.startswith("CLUSTER ") and facts[name].get("since", "9") < "6.3"
            and "CLUSTER" in known
        }

    def _facts(self, row: list[Any], found: dict[str, Any]) -> None:
        found[row[0].decode().upper().replace("|", " ")] = {
            "arity": row[1], "flags": sorted(flag.decode() for flag in row[2]),
            "first_key": row[3], "last_key": row[4], "key_step": row[5],
            "acl_categories": sorted(name.decode() for name in row[6]) if len(row) > 6 else None,
        }
        for subrow in row[9] if len(row) > 9 else ():
            self._facts(subrow, found)

    def _subcommands(self, known: dict[str, Any]) -> dict[str, Any]:
        """The subcommands of 6.2, which COMMAND does not tell: those that HELP lists."""
        found: dict[str, Any] = {}
        containers = {name.split(" ")[0] for name in harvest.command_facts() if " " in name}
        with Wire.to(self.server.url) as wire:
            for name in sorted(containers & set(known)):
                reply = wire.call(name.encode(), b"HELP")
                if not isinstance(reply, list) or not reply or b"subcommand" not in bytes(reply[0]):
                    continue
                for line in reply[1:]:
                    word = line.partition(b" ")[0].decode().upper()
                    if line[:1] not in (b" ", b"") and word:
                        found[f"{name} {word.strip(':')}"] = {}
        return found

    def reply(self, case: Case) -> Any:
        for _ in range(3):
            with contextlib.suppress(OSError):
                return self._reply(case)
            self.restart()
        return "(not kept)"

    def _reply(self, case: Case) -> Any:
        with Wire.to(self.server.url) as wire:
            for command in _FLUSHES:
                wire.call(*command.split())
            for call in case.before:
                wire.send(*_words(call.split(" ")))
                if not wire.is_silent(0.05):
                    wire.read()
        with Wire.to(self.server.url, case.protocol) as wire:
            wire.send(*_words(case.call))
            try:
                if wire.is_silent(0.1):
                    return BLOCKS
                return _without_names(recorded.note_of(wire.read_any()), self.server.port)
            except EOFError:
                return CLOSED


def _is_kept(note: Any) -> bool:
    """Whether the reply of Redis 8.2 was worth keeping."""
    try:
        return note is ... or note in (BLOCKS, CLOSED) or harvest.value_of(note) is not note
    except (ValueError, TypeError):
        return False


def _comparable(note: Any) -> Any:
    return json.loads(json.dumps(note)) if note is not ... else note


def _without_names(note: Any, port: int) -> Any:
    """What tells of this one server is not kept."""
    text = json.dumps(note)
    return "(not kept)" if str(port) in text else note


def _words(call: list[str]) -> list[bytes]:
    return [word.encode() for word in call]


if __name__ == "__main__":
    main()
