"""Which commands there are: names that are spelt right, containers, and what the engine knows.

All that any server version has, and all that groups of third parties have declared, are one table
here: whether a server of this version knows a command is no question of spelling.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import cache

from fakeredis.commands import registry
from fakeredis.spy.facts import ELSEWHERE
from fakeredis.spy.values import glob_to_regex

__all__ = ["check", "containers", "exists", "is_pattern", "nearest"]


@cache
def _load() -> None:
    """Have all groups of this package declared; those of others are when they are made."""
    import fakeredis.commands.sentinel  # noqa: F401 - declares its group

    registry.core_groups()


def names() -> set[str]:
    """All commands and subcommands: ``GET``, ``CONFIG``, ``CONFIG GET`` ..."""
    _load()
    return registry.DECLARED | ELSEWHERE


def containers() -> set[str]:
    """Commands that have subcommands."""
    _load()
    return registry.CONTAINERS


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
