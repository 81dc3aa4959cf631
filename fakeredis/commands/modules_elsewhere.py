"""Commands that servers or their modules have and the engine here has not: for the spy alone.

No table holds them, so no server knows them, but where a store forwards commands to one that does.
A module that comes to be declared goes from here.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import Declared, Key, Rest
from fakeredis.commands.registry import MODULE, READONLY, Group

_FIRST: Final = (Key, Rest())
_NO_KEY: Final = (Rest(),)
_READS: Final = READONLY | MODULE


def _declare(
    group: Group, names: str, arguments: tuple[Declared, ...], flags: int, **more: Any
) -> None:
    """Declare several commands; those of a family have its name before theirs."""
    for name in names.split():
        full = name if group.name == "server" else f"{group.name.upper()}.{name}"
        group.command(full, *arguments, flags=flags, arity=-1, acl=(), **more)(_not_here)


def _not_here(ctx: Any, *args: Any) -> Any:
    raise AssertionError("no server here has this command")


# The first argument of most is an index, which is no key.
_ft: Final = Group("ft")
_declare(_ft, "ADDHASH", _NO_KEY, MODULE)

_server: Final = Group("server")
_declare(_server, "STRALGO", _NO_KEY, READONLY)

groups: Final = (_ft, _server)
