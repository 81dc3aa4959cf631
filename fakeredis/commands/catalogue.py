"""The table of all commands, made of the groups that the files of this folder declare."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Final

from fakeredis.engine.command.command import DECLARED, Declaration, Group, Table
from fakeredis.engine.core.profiles import Profile

CORE_GROUPS: Final = (
    "acl", "string", "increx", "generic", "dump", "hash", "list", "set", "sorted_set", "stream",
    "bitmap", "hyperloglog", "geo", "connection", "pubsub", "transactions",
    "scripting", "functions", "server", "latency", "debug", "hotkeys", "cluster", "late", "json",
    "search", "probabilistic", "timeseries", "valkey",
)


@cache
def core_groups() -> list[Group]:
    """The groups of this package; a group may stand in several files, a file may have several."""
    groups: list[Group] = []
    for name in CORE_GROUPS:
        module = importlib.import_module(f"fakeredis.commands.{name}")
        groups += module.groups if hasattr(module, "groups") else [module.group]
    return list({id(group): group for group in groups}.values())


def declaration_of(name: str) -> Declaration | None:
    """What is declared of a command of any server, by its name in capitals."""
    core_groups()
    return DECLARED.get(name)


@cache
def core_table(profile: Profile, for_bytes: bool = False) -> Table:
    """The shared table of a profile without third parties' commands."""
    return _table(profile, core_groups(), for_bytes)


def table(profile: Profile, modules: Sequence[Group] = (), for_bytes: bool = False) -> Table:
    """The commands of ``profile`` and of ``modules``: third parties', or Redis's own asked for.

    Args:
        for_bytes: see `fakeredis.engine.command.command.Table`.

    Raises:
        ValueError: a name is declared twice.
    """
    if modules:
        asked = {group.module for group in modules if group.module}
        return _table(profile, [*core_groups(), *modules], for_bytes, asked)
    return core_table(profile, for_bytes)


def module_group(name: str) -> list[Group]:
    """The groups of a module that is known by its name; none for one that is not."""
    return [group for group in core_groups() if group.module == name]


def _table(
    profile: Profile, groups: Sequence[Group], for_bytes: bool, asked: Iterable[str] = ()
) -> Table:
    groups = list({id(group): group for group in groups}.values())
    if not profile.is_older:
        return Table(profile, groups, for_bytes, asked=asked)
    legacy = importlib.import_module("fakeredis.commands.legacy")
    adapt = partial(legacy.adapt, traits=profile.traits)
    return Table(profile, groups, for_bytes, adapt, asked)
