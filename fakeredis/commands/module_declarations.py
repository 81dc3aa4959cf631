"""How the commands of a module of Redis 8 are declared: their handlers come by the first call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fakeredis.commands.arguments import Declared
from fakeredis.commands.registry import FAST, MODULE, READONLY, Group
from fakeredis.engine.core.replies import DEEP
from fakeredis.lazy import Lazy

_NO_OTHER_NAMES: Final[Mapping[str, str]] = {}


def declare(
    group: Group, prefix: str, names: str, module: str, arguments: Sequence[Declared], flags: int,
    functions: Mapping[str, str] = _NO_OTHER_NAMES, **more: Any,
) -> None:
    """Declare commands whose handlers are functions of one file, which the first call imports.

    They are since Redis 8.0, and in the categories of their group, of what they do and how fast.
    As modules do, they count their words themselves.

    Args:
        group: the commands'; its name is that of their ACL category.
        prefix: the module's part of their names, ``"JSON"``.
        names: the other parts, with spaces between.
        module: the file of the handlers, as it is imported.
        arguments: see `fakeredis.engine.command.command.Group.command`, as ``flags`` and ``more``.
        flags: the server's, without ``MODULE``.
        functions: the handlers that are not called as their commands are, by the commands' names.
        more: what else is declared, or declared otherwise.
    """
    access = "read" if flags & READONLY else "write"
    speed = "fast" if flags & FAST else "slow"
    facts: dict[str, Any] = {
        "since": {"redis": "8.0.0"}, "acl": (group.name, access, speed), "reply": DEEP,
        "arity": -1, **more,
    }
    for name in names.split():
        handler = Lazy(module, functions.get(name) or name.lower().lstrip("_"))
        group.command(f"{prefix}.{name}", *arguments, flags=flags | MODULE, **facts)(
            handler
        )
