"""Reads the facts that were taken from real servers; see ``data/README.rst``."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from fakeredis.commands.catalogue import table
from fakeredis.commands.registry import Command, Table
from fakeredis.engine.core.profiles import profile
from fakeredis.engine.core.replies import Status
from fakeredis.errors import CommandError
from tests.support.wire import Set

_DATA = Path(__file__).parents[1] / "data"
BLOCKS = "(no reply: blocks)"
CLOSED = "(the connection is closed)"

# The command that makes a key of each type.
MAKERS = {
    "string": "SET {} v", "list": "RPUSH {} 1", "set": "SADD {} 1", "zset": "ZADD {} 1 a",
    "hash": "HSET {} f v", "stream": "XADD {} 1-1 f v", "vectorset": "VADD {} VALUES 2 1 0 e",
    "json": "JSON.SET {} $ {{}}", "bloom": "BF.ADD {} x", "cuckoo": "CF.ADD {} x",
    "cms": "CMS.INITBYDIM {} 10 2", "topk": "TOPK.RESERVE {} 3", "tdigest": "TDIGEST.CREATE {}",
    "timeseries": "TS.CREATE {}",
}


class Case(NamedTuple):
    """One call in a state of its own, and what the real server said."""

    before: list[str]
    call: list[str]
    reply: Any
    protocol: int = 2


@lru_cache
def command_facts() -> dict[str, dict[str, Any]]:
    """COMMAND INFO of each command and subcommand."""
    return _read("commands-redis8.json.gz")


@lru_cache
def replies(server: str = "redis8") -> dict[str, dict[str, Any]]:
    """The harvested calls of each command of one server."""
    return _read(f"errors-{server}.json.gz")


def _read(name: str) -> dict[str, dict[str, Any]]:
    data: dict[str, dict[str, Any]] = json.loads(gzip.decompress((_DATA / name).read_bytes()))
    return data


def commands() -> Table:
    """The fake's commands for the server from which the facts are."""
    return table_of("8.2.3")


def table_of(version: str, server_type: str = "redis") -> Table:
    """The fake's commands for a server."""
    return table(profile(version, server_type))


def all_commands() -> list[Command]:
    """Every command of the fake, containers and subcommands too."""
    tops = commands().commands()
    subs = [sub for command in tops for sub in (command.subcommands or {}).values()]
    return list({id(command): command for command in [*tops, *subs]}.values())


def is_known(words: list[str], known: Table | None = None) -> bool:
    """Whether the fake has the command of a call: in `known`, by default the table of 8.2."""
    command = (known or commands()).find(words[0].encode())
    if command is None:
        return False
    if command.subcommands is None or len(words) < 2:
        return True
    return words[1].upper().encode() in command.subcommands


def cases(name: str, server: str = "redis8") -> Iterator[tuple[str, list[Case]]]:
    """The calls of a command that were harvested from one server, by category."""
    facts = replies(server)[name]
    before = facts.get("example", {}).get("before", [])
    simple = []
    if facts.get("no_arguments"):
        simple.append(Case([], name.split(), facts["no_arguments"]))
    simple += [
        Case(before, facts[kind]["call"], facts[kind]["reply"])
        for kind in ("too_few_arguments", "too_many_arguments", "unknown_subcommand")
        if kind in facts
    ]
    example = facts.get("example")
    yield "arguments", simple
    if example:
        call = example["call"]
        yield "example", [Case(before, call, example[f"resp{p}"], p) for p in (2, 3)]
    yield "key types", list(_key_types(facts, before))
    yield "numbers", list(_numbers(facts, before))
    yield "syntax", [Case(before, i["call"], i["reply"]) for i in facts.get("syntax", ())]


def _key_types(facts: dict[str, Any], before: list[str]) -> Iterator[Case]:
    for item in facts.get("key_types", ()):
        key, call = item["key"], item["call"]
        for error, kinds in item["errors"].items():
            for kind in kinds:
                yield Case([*before, f"DEL {key}", MAKERS[kind].format(key)], call, error)
        for kind in item["accepted"]:
            yield Case([*before, f"DEL {key}", MAKERS[kind].format(key)], call, ...)
        if "missing" in item:
            yield Case([*before, f"DEL {key}"], call, item["missing"])


def _numbers(facts: dict[str, Any], before: list[str]) -> Iterator[Case]:
    for item in facts.get("numbers", ()):
        at = item["position"]
        for value, reply in item["replies"].items():
            yield Case(before, [*item["call"][:at], value, *item["call"][at + 1 :]], reply)


def value_of(note: Any) -> Any:
    """A reply in the notation of the data file as `tests.support.wire` would read it.

    Raises:
        ValueError: the reply was not kept (too long, or none).
    """
    if isinstance(note, list):
        return [value_of(item) for item in note]
    if isinstance(note, dict):
        return _aggregate(*next(iter(note.items())))
    if note is None:
        return None
    kind, rest = note[0], note[1:]
    if kind == "-":
        return CommandError(rest)
    if kind in "$=":
        return _bytes(rest.removeprefix("txt:") if kind == "=" else rest)
    if kind == "(" and not rest.lstrip("-").isdigit():
        raise ValueError(note)
    if kind == "#":
        return rest == "t"
    return {"+": lambda: Status(_bytes(rest)), ",": lambda: float(rest)}.get(
        kind, lambda: int(rest)
    )()


def _aggregate(kind: str, items: Any) -> Any:
    if kind == "*":
        return None
    if kind == "%":
        return {value_of(key): value_of(value) for key, value in items}
    if kind == ">":
        raise ValueError("a push")
    return Set(map(value_of, items))


def _bytes(text: str) -> bytes:
    if "\\x" in text:
        raise ValueError("not kept to the byte")
    return text.encode()
