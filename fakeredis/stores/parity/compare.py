"""Whether two servers have said the same, as far as servers must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis.commands.catalogue import declaration_of
from fakeredis.engine.command.command import unchanged
from fakeredis.engine.command.form import elements
from fakeredis.errors import CommandError

Argv = Sequence[bytes]
Check = Callable[[Argv, Any, Any], bool]

_SECOND: Final = 1000  # milliseconds by which two servers may differ


def same(name: str, argv: Argv, ours: Any, theirs: Any) -> bool:
    """Whether both replies are what a command may reply to the same data.

    Args:
        name: the command's, such as ``"CONFIG GET"``.
        argv: what was sent.
        ours: the reply of the one.
        theirs: the reply of the other.
    """
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        return _same_errors(ours, theirs)
    if plain(ours) == plain(theirs):
        return True
    if name.endswith(" HELP"):
        return True  # each in its own words
    declared = declaration_of(name)
    check = None if declared is None else _CHECKS.get(declared.varies)
    return check is not None and check(argv, plain(ours), plain(theirs))


def _same_errors(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, CommandError) and str(theirs).startswith("ERR fakeredis:"):
        return True  # the store does not let it through
    return type(ours) is type(theirs) and str(ours) == str(theirs)


def plain(value: Any) -> Any:
    """A reply without the kinds of text, array and number."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, CommandError):
        return ("error", str(value))
    return value


def _key(key: Any) -> Any:
    return bytes(key) if isinstance(key, bytes) else key


# How they may differ ----------------------------------------------------------------------------


def _shape(argv: Argv, ours: Any, theirs: Any) -> bool:
    """Of one kind: what it says is about the server, the moment or chance."""
    return (ours is None) == (theirs is None)


def _as_many(argv: Argv, ours: Any, theirs: Any) -> bool:
    """Chosen at random: as many, unless they may repeat."""
    if type(ours) is not list or type(theirs) is not list:
        return (ours is None) == (theirs is None)
    return len(ours) == len(theirs)


def _unordered(argv: Argv, ours: Any, theirs: Any) -> bool:
    if type(ours) is not list or type(theirs) is not list:
        return False
    return sorted(ours, key=repr) == sorted(theirs, key=repr)


def _unordered_pairs(argv: Argv, ours: Any, theirs: Any) -> bool:
    if type(ours) is not list or type(theirs) is not list:
        return False
    return dict(zip(ours[::2], ours[1::2], strict=False)) == dict(
        zip(theirs[::2], theirs[1::2], strict=False)
    )


def _sets_inside(argv: Argv, ours: Any, theirs: Any) -> bool:
    """The lists within a map or a list are sets."""
    if type(ours) is dict and type(theirs) is dict:
        ours, theirs = ([part for pair in sorted(each.items()) for part in pair]
                        for each in (ours, theirs))
    if type(ours) is not list or type(theirs) is not list or len(ours) != len(theirs):
        return False
    return all(
        one == two or (type(one) is list and _unordered(argv, one, two))
        for one, two in zip(ours, theirs, strict=True)
    )


def _close_by(difference: int) -> Check:
    """Numbers that depend on the moment, anywhere in the reply."""

    def check(argv: Argv, ours: Any, theirs: Any) -> bool:
        if type(ours) is int and type(theirs) is int:
            return ours == theirs or (min(ours, theirs) >= 0 and abs(ours - theirs) <= difference)
        if type(ours) is list and type(theirs) is list:
            return len(ours) == len(theirs) and all(
                check(argv, one, other) for one, other in zip(ours, theirs, strict=True)
            )
        if type(ours) is dict and type(theirs) is dict:
            return ours.keys() == theirs.keys() and all(
                check(argv, ours[key], theirs[key]) for key in ours
            )
        return bool(ours == theirs)

    return check


# How replies may differ, as declarations have it.
_CHECKS: Final[dict[str, Check]] = {
    "always": _shape, "number": _as_many, "order": _unordered, "pairs": _unordered_pairs,
    "inner": _sets_inside, "second": _close_by(1), "milliseconds": _close_by(_SECOND),
}


def counterpart(name: str, argv: Argv, reply: Any) -> tuple[Argv, Callable[[Any], Any]]:
    """What makes the same happen on another server, and that one's reply as the first had it.

    Args:
        name: the command's.
        argv: what the first server was sent.
        reply: what it replied.
    """
    declared = declaration_of(name)
    if declared is None or declared.counterpart is None:
        return argv, unchanged
    return declared.counterpart(argv[len(name.split()) :], reply)


def cursor_of(name: str) -> int | None:
    """Where a scan's cursor stands among the words; None for a command that is no scan."""
    declared = declaration_of(name)
    form = () if declared is None else elements(declared.full_form)
    words = [element.words for element in form]
    return words.index(("cursor",)) + 1 if ("cursor",) in words else None
