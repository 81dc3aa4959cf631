"""What there is to know of the modules that Redis 8 has built in.

A group of commands says which module it is of (``Group("json", module="json")``), by the name that
``FakeServer(modules=["json"])`` takes.  Redis 8 has all of them; older servers and Valkey have
those that are asked for, in the versions of Redis Stack 7.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from fakeredis.engine.core.profiles import Profile, Since

__all__ = ["MODULES", "Module", "entries", "info_lines", "is_built_in", "was_in_stack"]


class Module(NamedTuple):
    """A module.

    Args:
        name: as MODULE LIST has it.
        stack_version: that of Redis Stack 7.4; 0 where it was in none.
        file: the library's name, without a folder; none where it is part of the server itself.
        options: as in INFO.
        in_capitals: whether its commands are shown in capitals.
    """

    name: str
    stack_version: int
    file: str = ""
    options: str = ""
    in_capitals: bool = False


MODULES: Final[dict[str, Module]] = {
    "vectorset": Module("vectorset", 0, "", "handle-io-errors|handle-repl-async-load", True),
    "json": Module("ReJSON", 20803, "rejson.so", "handle-io-errors"),
    "bf": Module("bf", 20802, "redisbloom.so"),
    "timeseries": Module("timeseries", 11202, "redistimeseries.so"),
    "search": Module("search", 21005, "redisearch.so", "handle-io-errors", True),
}
# What runs scripts in Valkey 9.1: a module without a library of its own.
_LUA: Final = Module("lua", 1, "lua", "handle-repl-async-load|handle-atomic-slot-migration")


_BUILT_IN: Final = {"redis": "8.0.0"}  # since when


def is_built_in(profile: Profile) -> bool:
    """Whether the servers of a profile have the modules of their own."""
    return profile.has(_BUILT_IN)


def was_in_stack(since: Since) -> bool:
    """Whether a module's command was in Redis Stack, and not only in Redis 8."""
    return since in (_BUILT_IN, _BUILT_IN["redis"])


def _version(module: Module, profile: Profile) -> int:
    """Since Redis 8, modules have the server's version, in two digits for each part."""
    if not module.file:
        return 1
    if not is_built_in(profile):
        return module.stack_version
    major, minor, patch = profile.version
    return major * 10_000 + minor * 100 + patch


def entries(names: Iterable[str], profile: Profile) -> list[dict[bytes, Any]]:
    """Modules as MODULE LIST and HELLO tell of them."""
    return [
        {
            b"name": module.name.encode(), b"ver": _version(module, profile),
            b"path": module.file.encode(),
            b"args": [],
        }
        for module in _modules(names, profile)
    ]


def _modules(names: Iterable[str], profile: Profile) -> list[Module]:
    found = list(map(MODULES.__getitem__, names))
    return [_LUA, *found] if profile.traits.lua_is_module else found


def info_lines(names: Iterable[str], profile: Profile) -> list[str]:
    """Modules as INFO tells of them."""
    return [
        f"name={module.name},ver={_version(module, profile)},api=1,filters=0,usedby=[],using=[],"
        f"options=[{module.options}]"
        for module in _modules(names, profile)
    ]
