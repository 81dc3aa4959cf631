"""What COMMAND tells of commands: their facts, their documentation, and which words are keys.

What is text and no fact is data (``fakeredis/data/commands.json``): notes, history, complexity, and
what is deprecated.  The summaries are our own: the first line of each handler's documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain, repeat
from typing import Any, Final

from fakeredis import data
from fakeredis.engine.command.command import MODULE, MOVABLEKEYS, Command, Flags
from fakeredis.engine.command.help import first_line
from fakeredis.engine.command.keys import INVALID_ARGUMENTS, UNKNOWN, KeySpec, index, span
from fakeredis.engine.command.modules import MODULES
from fakeredis.engine.command.shown import FIELDS, Node, arguments_of
from fakeredis.engine.core.profiles import Profile
from fakeredis.engine.core.replies import SetReply, Status
from fakeredis.errors import CommandError

# In the server's order.
CATEGORIES: Final = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
    "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous",
    "connection", "transaction", "scripting",
)
# Those of later versions, with which a group of commands came.
NEWER_CATEGORIES: Final = (
    "array", "json", "search", "tdigest", "cms", "bloom", "cuckoo", "topk", "timeseries",
)
# In the server's order, in which MODULE stands before ADMIN.
_FLAGS: Final = (
    *(flag for flag in Flags if flag < Flags.ADMIN), Flags.MODULE,
    *(flag for flag in Flags if flag >= Flags.ADMIN and flag is not Flags.MODULE),
)
_SPEC_FIELDS: Final = {
    "index": ("index",), "keyword": ("keyword", "startfrom"), "unknown": (),
    "range": ("lastkey", "keystep", "limit"), "keynum": ("keynumidx", "firstkey", "keystep"),
}
# Groups that are documented as part of another.
_SHOWN_GROUPS: Final = {"acl": "server"}
_DOCS: Final = ("complexity", "history", "doc_flags", "deprecated_since", "replaced_by")

_INVALID_COMMAND: Final = "ERR Invalid command specified"
_INVALID_NUMBER: Final = "ERR Invalid number of arguments specified for command"
_NO_KEYS: Final = "ERR The command has no key arguments"


@cache
def _data() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = data.load("commands")
    return loaded


def facts_of(command: Command) -> dict[str, Any]:
    """What the data file has on a command; nothing for one that is not the server's own."""
    return {} if command.flags & MODULE else _data().get(command.label, {})


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


def describe(command: Command, slow_log: str = "slowlog") -> list[Any]:
    """A command's entry in COMMAND and COMMAND INFO.

    Args:
        slow_log: what the server calls its log, after which a flag is named.
    """
    facts = facts_of(command)
    categories = command.declaration.categories()
    return [
        shown_name(command), command.arity,
        _statuses([
            str(flag.name).lower().replace("slowlog", slow_log)
            for flag in _FLAGS if flag & command.flags
        ]),
        *command.key_positions(),
        _statuses([
            f"@{name}" for name in (*CATEGORIES, *NEWER_CATEGORIES) if name in categories
        ]) if not command.declaration.module else SetReply(),
        SetReply(tip.encode() for tip in command.declaration.tips.split()),
        SetReply(map(_spec, shown_specs(command), chain(facts.get("key_notes", ()), repeat(None)))),
        # Without subcommands it is a set, with some an array: so the server has it.
        [describe(subcommand, slow_log) for subcommand in subcommands_of(command)] or SetReply(),
    ]


def shown_specs(command: Command) -> Sequence[KeySpec]:
    """The key specifications; of a module's keys the server knows no more than where they are."""
    if not command.flags & MODULE or command.flags & MOVABLEKEYS:
        return command.specs
    first, last, step = command.key_positions()
    if not first:
        return ()
    found = span(last - first if last >= 0 else last, step)
    return (KeySpec("RW access update", index(first), found),)


def _spec(spec: KeySpec, note: str | None) -> dict[bytes, Any]:
    described: dict[bytes, Any] = {b"notes": note.encode()} if note else {}
    described[b"flags"] = _statuses(spec.access.split())
    described[b"begin_search"] = _spec_part(spec.begin)
    described[b"find_keys"] = _spec_part(spec.find)
    return described


def _spec_part(part: Sequence[Any]) -> dict[bytes, Any]:
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


def module_of(command: Command) -> str:
    """The name of the module that a command is of."""
    known = MODULES.get(command.declaration.module)
    return command.group if known is None else known.name


def document(command: Command, profile: Profile) -> dict[bytes, Any]:
    """A command's entry in COMMAND DOCS, as a profile's server has it."""
    if command.flags & MODULE:
        return _document_of_module(command, profile)
    facts = facts_of(command)
    docs: dict[bytes, Any] = {
        b"summary": first_line(command).encode(),
        b"since": _shown_since(command),
        b"group": _SHOWN_GROUPS.get(command.group, command.group).encode(),
    }
    docs |= {name.encode(): _doc(name, facts[name]) for name in _DOCS if name in facts}
    arguments = arguments_of(command.declaration, profile)
    if arguments:
        docs[b"arguments"] = [_argument(argument) for argument in arguments]
    if command.subcommands:
        docs[b"subcommands"] = {
            shown_name(one): document(one, profile) for one in subcommands_of(command)
        }
    return docs


def _document_of_module(command: Command, profile: Profile) -> dict[bytes, Any]:
    """What is told of a module's command: of some, newer servers tell more."""
    docs: dict[bytes, Any] = {b"group": b"module", b"module": module_of(command).encode()}
    if command.declaration.names and profile.traits.documents_modules:
        arguments = arguments_of(command.declaration, profile)
        docs |= {
            b"summary": first_line(command).encode(), b"since": _shown_since(command),
            b"arguments": [_argument(argument) for argument in arguments],
        }
    return docs


def _shown_since(command: Command) -> bytes:
    since = command.declaration.since
    return (since if isinstance(since, str) else next(iter(since.values()))).encode()


def _doc(name: str, value: Any) -> Any:
    if name == "history":
        return [[version.encode(), change.encode()] for version, change in value]
    return _statuses(value) if name == "doc_flags" else value.encode()


def _argument(argument: Node) -> dict[bytes, Any]:
    """An argument's description; ``display_text`` is the name unless it is said otherwise."""
    if argument["type"] not in ("oneof", "block"):
        argument = {"display_text": argument["name"]} | argument
    return {name.encode(): _field(name, argument[name]) for name in FIELDS if name in argument}


def _field(name: str, value: Any) -> Any:
    if name == "flags":
        return _statuses(value)
    if name == "arguments":
        return [_argument(one) for one in value]
    return value.encode() if isinstance(value, str) else value


# COMMAND GETKEYS --------------------------------------------------------------------------------


def keys_with_flags(
    command: Command | None, argv: Sequence[bytes], *, as_declared: bool = False
) -> list[tuple[bytes, list[str]]]:
    """The keys of a call and what the command does to each.

    Args:
        as_declared: of a module's commands, too, of which the server knows less.

    Raises:
        CommandError: no such command, a wrong number of arguments, no keys.
    """
    if command is None:
        raise CommandError(_INVALID_COMMAND)
    args = argv[len(command.parts) :]
    known = command.specs if as_declared else shown_specs(command)
    specs = [spec for spec in known if "not_key" not in spec.access.split()]
    declared = command.group != "pubsub" and command.declaration.keys is not None
    if not specs and not declared:
        raise CommandError(_NO_KEYS)
    if not command.accepts(len(args)):
        raise CommandError(_INVALID_NUMBER)
    found = _found(command, specs, argv)
    if not found and command.group != "scripting":
        raise CommandError(INVALID_ARGUMENTS)
    return found


def _found(
    command: Command, specs: Sequence[KeySpec], argv: Sequence[bytes]
) -> list[tuple[bytes, list[str]]]:
    args = argv[len(command.parts) :]
    for spec in specs:
        words = spec.access.split()
        if "incomplete" in words:  # the command alone knows
            words.remove("incomplete")
            return [(key, words) for key in command.keys(args)]
    access = command.declaration.access
    found = []
    for spec in specs:
        words = (spec.access if access is None else access(args)).split()
        places = spec.positions(argv, command.group == "scripting")
        found += [(argv[at], words) for at in places]
    return found + _not_in_specs(command, specs, args, [key for key, _ in found])


def _not_in_specs(
    command: Command, specs: Sequence[KeySpec], args: Sequence[bytes], known: Sequence[bytes]
) -> list[tuple[bytes, list[str]]]:
    """Keys that only the command's own declaration finds (SORT's STORE)."""
    unknown = any(spec.begin == UNKNOWN for spec in specs)
    if command.declaration.keys is None or (specs and not unknown):
        return []
    words = (specs[-1].access if specs else command.default_access).split()
    try:
        keys = list(command.keys(args))
    except (CommandError, IndexError):
        raise CommandError(INVALID_ARGUMENTS) from None
    for key in known:
        if key in keys:
            keys.remove(key)
    return [(key, words) for key in keys]
