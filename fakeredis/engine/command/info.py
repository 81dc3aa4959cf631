"""What COMMAND tells of commands: their facts, their documentation, and which words are keys.

What does not follow from the declarations is data (``fakeredis/data/commands.json``): key
specifications, tips, arguments, history and complexity.  The summaries are our own: the first
line of each handler's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from fakeredis import data
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.command import CONNECTION, MODULE, Command, Flags
from fakeredis.engine.command.help import first_line
from fakeredis.engine.core.replies import SetReply, Status
from fakeredis.errors import CommandError

# In the server's order.
CATEGORIES: Final = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
    "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous",
    "connection", "transaction", "scripting",
)  # fmt: skip
# Those of later versions, each with a command that only servers with the category have.
NEWER_CATEGORIES: Final = {"array": b"ARGET"}
# In the server's order, in which MODULE stands before ADMIN.
_FLAGS: Final = (
    *(flag for flag in Flags if flag < Flags.ADMIN), Flags.MODULE,
    *(flag for flag in Flags if flag >= Flags.ADMIN and flag not in (Flags.MODULE, CONNECTION)),
)  # fmt: skip
_SPEC_FIELDS: Final = {
    "index": ("index",), "keyword": ("keyword", "startfrom"), "unknown": (),
    "range": ("lastkey", "keystep", "limit"), "keynum": ("keynumidx", "firstkey", "keystep"),
}  # fmt: skip
_DOCS: Final = ("complexity", "history", "doc_flags", "deprecated_since", "replaced_by")

_INVALID_COMMAND: Final = "ERR Invalid command specified"
_INVALID_NUMBER: Final = "ERR Invalid number of arguments specified for command"
_INVALID_ARGUMENTS: Final = "ERR Invalid arguments specified for command"
_NO_KEYS: Final = "ERR The command has no key arguments"


@cache
def _data() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = data.load("commands")
    return loaded


def facts_of(command: Command) -> dict[str, Any]:
    """What the data file has on a command; nothing for one that is not the server's own."""
    if not command.flags & MODULE:
        return _data().get(command.label, {})
    first, last, step = command.key_positions()
    if not first:
        return {}
    # Of a module's keys, the server knows no more than where they are.
    last -= first if last >= 0 else 0
    return {"keys": [["RW access update", ["index", first], ["range", last, step, 0]]]}


def shown_name(command: Command) -> bytes:
    """The name as COMMAND gives it."""
    return command.label.encode()


def _statuses(names: Sequence[str]) -> list[Any]:
    return SetReply(Status(name.encode()) for name in names)


def subcommands_of(command: Command) -> list[Command]:
    """The subcommands of a container, in the order of their names."""
    found = set((command.subcommands or {}).values())
    return sorted(found, key=lambda one: one.name)


# COMMAND INFO -----------------------------------------------------------------------------------


def describe(command: Command) -> list[Any]:
    """A command's entry in COMMAND and COMMAND INFO."""
    facts = facts_of(command)
    categories = command.declaration.categories()
    return [
        shown_name(command), command.arity,
        _statuses([
            str(flag.name).lower() for flag in _FLAGS if flag & command.flags
        ]),
        *command.key_positions(),
        _statuses([
            f"@{name}" for name in (*CATEGORIES, *NEWER_CATEGORIES) if name in categories
        ]),
        SetReply(tip.encode() for tip in facts.get("tips", ())),
        SetReply(_spec(*spec) for spec in facts.get("keys", ())),
        # Without subcommands it is a set, with some an array: so the server has it.
        [describe(subcommand) for subcommand in subcommands_of(command)] or SetReply(),
    ]  # fmt: skip


def _spec(flags: str, begin: list[Any], find: list[Any], notes: str | None = None) -> Any:
    described: dict[bytes, Any] = {} if notes is None else {b"notes": notes.encode()}
    described[b"flags"] = _statuses(flags.split())
    described[b"begin_search"] = _spec_part(begin)
    described[b"find_keys"] = _spec_part(find)
    return described


def _spec_part(part: list[Any]) -> dict[bytes, Any]:
    kind, *values = part
    fields = zip(_SPEC_FIELDS[kind], values, strict=True)
    return {
        b"type": kind.encode(),
        b"spec": {
            name.encode(): value.encode() if isinstance(value, str) else value
            for name, value in fields
        },
    }


# COMMAND DOCS -----------------------------------------------------------------------------------


def document(command: Command) -> dict[bytes, Any]:
    """A command's entry in COMMAND DOCS."""
    if command.flags & MODULE:
        return {b"group": b"module", b"module": command.group.encode()}
    facts, since = facts_of(command), command.declaration.since
    docs: dict[bytes, Any] = {
        b"summary": first_line(command).encode(),
        b"since": (since if isinstance(since, str) else next(iter(since.values()))).encode(),
        b"group": str(facts.get("group") or command.group).encode(),
    }
    docs |= {name.encode(): _doc(name, facts[name]) for name in _DOCS if name in facts}
    if "arguments" in facts:
        docs[b"arguments"] = [_argument(argument) for argument in facts["arguments"]]
    if command.subcommands:
        docs[b"subcommands"] = {
            shown_name(one): document(one) for one in subcommands_of(command)
        }
    return docs


def _doc(name: str, value: Any) -> Any:
    if name == "history":
        return [[version.encode(), change.encode()] for version, change in value]
    return _statuses(value) if name == "doc_flags" else value.encode()


def _argument(argument: dict[str, Any]) -> dict[bytes, Any]:
    """An argument's description; ``display_text`` is the name unless the data say otherwise."""
    shown: dict[bytes, Any] = {
        b"name": argument["name"].encode(), b"type": argument["type"].encode()
    }
    if argument["type"] not in ("oneof", "block"):
        shown[b"display_text"] = argument.get("display_text", argument["name"]).encode()
    for name in ("key_spec_index", "token", "since", "deprecated_since", "flags", "arguments"):
        if name not in argument:
            continue
        value = argument[name]
        if name == "flags":
            shown[b"flags"] = _statuses(value)
        elif name == "arguments":
            shown[b"arguments"] = [_argument(one) for one in value]
        else:
            shown[name.encode()] = value.encode() if isinstance(value, str) else value
    return shown


# COMMAND GETKEYS --------------------------------------------------------------------------------


def keys_with_flags(
    command: Command | None, argv: Sequence[bytes]
) -> list[tuple[bytes, list[str]]]:
    """The keys of a call and what the command does to each.

    Raises:
        CommandError: no such command, a wrong number of arguments, no keys.
    """
    if command is None:
        raise CommandError(_INVALID_COMMAND)
    args = argv[len(command.parts) :]
    specs = [spec for spec in facts_of(command).get("keys", ()) if "not_key" not in spec[0].split()]
    declared = command.group != "pubsub" and (
        command.declaration.keys is not None or command.key_positions()[0]
    )
    if not specs and not declared and command.syntax.numkeys is None:
        raise CommandError(_NO_KEYS)
    if not command.accepts(len(args)):
        raise CommandError(_INVALID_NUMBER)
    if command.name == "MIGRATE":  # its specs are said to be incomplete
        found = [(key, ["RW", "access", "delete"]) for key in command.keys(args)]
    else:
        found = list(_by_specs(command, specs, argv))
        found += _not_in_specs(command, specs, args, [key for key, _ in found])
    if not found and command.group != "scripting":
        raise CommandError(_INVALID_ARGUMENTS)
    return found


def _not_in_specs(
    command: Command, specs: Sequence[Any], args: Sequence[bytes], known: Sequence[bytes]
) -> list[tuple[bytes, list[str]]]:
    """Keys that only the command's own declaration finds (SORT's STORE)."""
    unknown = any(spec[1][0] == "unknown" for spec in specs)
    if specs and not (unknown and command.declaration.keys is not None):
        return []
    flags = specs[-1][0].split() if specs else []
    try:
        keys = list(command.keys(args))
    except (CommandError, IndexError):
        raise CommandError(_INVALID_ARGUMENTS) from None
    for key in known:
        if key in keys:
            keys.remove(key)
    return [(key, flags) for key in keys]


def _by_specs(
    command: Command, specs: Sequence[Any], argv: Sequence[bytes]
) -> Iterator[tuple[bytes, list[str]]]:
    for spec in specs:
        flags = _flags_of_call(command, spec[0].split(), argv)
        begin = _begin(spec[1], argv)
        if begin is None:
            continue
        if begin >= len(argv):
            if spec[1][0] == "index":
                raise CommandError(_INVALID_ARGUMENTS)  # PFMERGE without sources
            continue
        for at in _positions(command, spec[2], begin, argv):
            yield argv[at], flags


def _flags_of_call(command: Command, flags: list[str], argv: Sequence[bytes]) -> list[str]:
    """A key's flags, where they depend on the call."""
    if "variable_flags" in flags:
        words = {word.upper() for word in argv[3:]}  # behind SET's value
        flags = [flag for flag in flags if flag != "variable_flags"]
        if command.name == "SET" and b"GET" not in words:
            return ["OW", "update"]
        if command.name == "BITFIELD" and _only_reads(argv[2:]):
            return ["RO", "access"]
    return [flag for flag in flags if flag != "incomplete"]


def _only_reads(words: Sequence[bytes]) -> bool:
    """Whether BITFIELD's words are GETs throughout; what is wrong among them may write."""
    at = 0
    while at < len(words):
        taken = {b"GET": 2, b"OVERFLOW": 1}.get(words[at].upper())
        if taken is None or at + taken >= len(words):
            return False
        at += 1 + taken
    return True


def _begin(begin: list[Any], argv: Sequence[bytes]) -> int | None:
    """Where the keys start; None when the keyword before them is not there."""
    if begin[0] == "index":
        return int(begin[1])
    if begin[0] == "unknown":
        return None
    keyword, start = str(begin[1]), int(begin[2])
    step = 1 if start > 0 else -1
    at, end = (start, len(argv)) if start > 0 else (len(argv) + start, 0)
    while at != end and 0 < at < len(argv):
        if argv[at].upper() == keyword.encode():
            return at + 1
        at += step
    return None


def _positions(
    command: Command, find: list[Any], begin: int, argv: Sequence[bytes]
) -> Sequence[int]:
    """The positions of the keys that start at ``begin``."""
    count = len(argv)
    if find[0] == "range":
        _, last, step, limit = find
        if last >= 0:
            end = begin + last
        elif limit <= 1:
            end = count + last
        else:
            end = begin + (count - begin) // limit + last
        return range(begin, min(end, count - 1) + 1, step)
    _, at, first, step = find
    number = parse_int(argv[begin + at]) if begin + at < count else None
    start = begin + first
    end = start + ((number or 0) - 1) * step
    if number is None or number < 1 or end >= count:
        if command.group == "scripting":
            return ()
        raise CommandError(_INVALID_ARGUMENTS)
    return range(start, end + 1, step)
