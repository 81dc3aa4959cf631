"""Which commands there are: names that are spelt right, containers, and what the engine knows.

All that any server version has, and all that groups of third parties have declared, are one table
here: whether a server of this version knows a command is no question of spelling.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from fakeredis.commands import catalogue
from fakeredis.engine.command import command as declared
from fakeredis.engine.command import form, info
from fakeredis.engine.core.profiles import newest
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule
from fakeredis.spy.values import EncodedText, glob_to_regex

if TYPE_CHECKING:
    from fakeredis.commands import modules_elsewhere, sentinel
else:
    modules_elsewhere = LazyModule("fakeredis.commands.modules_elsewhere")
    sentinel = LazyModule("fakeredis.commands.sentinel")

__all__ = [
    "check", "command_of", "containers", "declaration_of", "exists", "flags_of", "form_of",
    "is_pattern", "keys_of", "nearest", "same_as",
]


@cache
def _load() -> None:
    """Import all groups of this package, so that their commands are known.

    Those of others are known as soon as they are made.
    """
    catalogue.core_groups()
    _ = modules_elsewhere.groups, sentinel.group


def names() -> Collection[str]:
    """All commands and subcommands: ``GET``, ``CONFIG``, ``CONFIG GET`` ..."""
    _load()
    return declared.DECLARED.keys()


def containers() -> set[str]:
    """Commands that have subcommands."""
    _load()
    return declared.CONTAINERS


def exists(name: str) -> bool:
    """Whether a name is spelt right."""
    return name in names()


def is_pattern(name: str) -> bool:
    """Whether a name stands for several, as a glob."""
    return "*" in name or "?" in name


def check(name: str, recorded: Callable[[], Iterable[str]] = tuple) -> None:
    """Refuse a name, or pattern of names, that fits no command.

    Args:
        name: upper case.
        recorded: gives names that are known besides, since a program did send them.

    Raises:
        ValueError: it is no command's.
    """
    if exists(name) or name == "*":
        return
    if is_pattern(name):
        fits = glob_to_regex(name).fullmatch
        if not any(fits(each.encode()) for each in (*names(), *recorded())):
            raise ValueError(f"no command's name fits {name!r}")
    elif name not in recorded():
        raise ValueError(f"there is no command {name!r}{nearest(name)}")


def nearest(name: str, recorded: Iterable[str] = ()) -> str:
    """A question that names the commands spelt alike; empty where there are none.

    Args:
        name: upper case.
        recorded: names to propose first; where the name itself is right, none but these.
    """
    close = difflib.get_close_matches(name, dict.fromkeys(recorded), n=2, cutoff=0.7)
    if not close and not exists(name):
        container = name.partition(" ")[0]
        head = f"{container} " if " " in name and container in containers() else ""
        known = sorted(
            each for each in names() if each.startswith(head) and (head or " " not in each)
        )
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.65)
    return f"; did you mean {' or '.join(close)}?" if close else ""


# What is declared of a command ------------------------------------------------------------------


def declaration_of(name: str) -> declared.Declaration | None:
    """What is declared of a command, whatever server has it."""
    _load()
    return declared.DECLARED.get(name)


def flags_of(name: str) -> int:
    """A command's flags; 0 for an unknown one."""
    found = declaration_of(name)
    return 0 if found is None else found.flags


def form_of(name: str) -> tuple[form.Element, ...]:
    """The form of a command's arguments; of an unknown one, one by one."""
    found = declaration_of(name)
    return form.elements("" if found is None else found.full_form)


def same_as(name: str) -> tuple[str, tuple[EncodedText, ...]] | None:
    """The command that one is compared as, and the arguments that it has besides."""
    found = declaration_of(name)
    if found is None or not found.same_as:
        return None
    other, *more = found.same_as.split()
    return other, tuple(map(EncodedText, more))


@cache
def _newest() -> dict[str, declared.Command]:
    """Every command of the newest servers of each type and of modules, by its name."""
    found: dict[str, declared.Command] = {}
    for server in newest():
        for command in catalogue.table(server).all():
            found.setdefault(command.name, command)
    for command in declared.Table(newest()[0], modules_elsewhere.groups).all():
        found.setdefault(command.name, command)
    return found


def command_of(name: str, server: Any = None) -> declared.Command | None:
    """A command as its server has it, or the newest one that does; None where none is known."""
    table = getattr(server, "table", None)
    if table is not None:
        first, _, second = name.encode("utf-8", "surrogateescape").partition(b" ")
        found: declared.Command | None = table.find(first)
        if found is not None and second:
            found = (found.subcommands or {}).get(second)
        if found is not None:
            return found
    return _newest().get(name)


def keys_of(
    command: declared.Command, argv: Sequence[bytes]
) -> list[tuple[bytes, frozenset[str]]]:
    """The keys of a call, and COMMAND GETKEYSANDFLAGS's words for each.

    Where that has no answer (too few arguments), the keys that the declaration finds all the same.
    """
    try:
        found = info.keys_with_flags(command, argv, as_declared=True)
        return [(key, frozenset(flags)) for key, flags in found]
    except CommandError:
        pass
    if command.group == "pubsub":
        return []
    try:
        keys = command.keys(argv[len(command.parts) :])
    except (CommandError, IndexError, ValueError):
        return []
    return [(key, frozenset()) for key in keys]
