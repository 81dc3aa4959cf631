"""What older servers make of commands: their words for errors, their way to write numbers.

`adapt` changes the commands of a profile when its table is made; newer profiles pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.generic.sorting import as_python
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.command.command import BEGINS_QUEUE, NO_MULTI, WATCHES, WRITE
from fakeredis.engine.wording import reword
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.profiles import Traits


def adapt(command: Command, traits: Traits) -> None:
    """Change a command into what an older server makes of it."""
    if traits.exact_doubles and command.resp2 is not None:
        command.resp2 = _after(_long_texts, command.resp2)
    if traits.long_coordinates and command.group == "geo" and command.resp2 is not None:
        command.resp2 = _after(_coordinates, command.resp2)
        command.resp3 = _rounded if command.resp3 is None else _after(_rounded, command.resp3)
    declared = command.declaration
    if traits.c_numbers and declared.score_bounds:
        command.handler = _reads_bounds_as_c(command.handler, declared.score_bounds)
    if traits.lua_is_module and command.group == "string" and command.flags & WRITE:
        command.handler = _keeps_texts(command.handler)
    if traits.nesting_aborts and command.flags & (BEGINS_QUEUE | WATCHES):
        command.flags |= NO_MULTI
    if traits.older_errors:
        if len(command.parts) > 1:
            command.arity = -2  # the container's: the words behind are counted when it runs
        own = declared.legacy_arity
        command.handler = _reworded(command.handler, own)
        if command.parse is not None:
            command.parse = _reworded(command.parse, own)


def _after(first: Callable[[Any], Any], then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda reply: then(first(reply))


def _reworded(call: Callable[..., Any], own: str) -> Callable[..., Any]:
    """A handler or parser whose errors are reworded."""

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except CommandError as error:
            if own and str(error).startswith(errors.ARITY.partition("'")[0]):
                raise CommandError(f"ERR wrong number of arguments for {own}") from None
            raise reword(error) from None

    return run


def _reads_bounds_as_c(call: Callable[..., Any], at: int) -> Callable[..., Any]:
    """A handler that takes bounds of scores as C's strtod reads them: ``( 1``, ``0x10``."""

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except CommandError as error:
            if str(error) != errors.BOUND_NOT_FLOAT:
                raise
        return call(*args[:at], *map(_plain_bound, args[at : at + 2]), *args[at + 2 :])

    return run


def _keeps_texts(call: Callable[..., Any]) -> Callable[..., Any]:
    """A handler that leaves a number as the text that a script has stored.

    Elsewhere the server makes a number of it, which it cannot while the script has a hold on it.
    """

    def run(ctx: Any, *args: Any) -> Any:
        reply = call(ctx, *args)
        if ctx.session.via == "script":
            data = ctx.db.data
            for key in args:
                value = data.get(key)
                if type(value) is bytes and any(value is word for word in args):
                    data[key] = _as_text(value)
        return reply

    return run


def _as_text(value: bytes) -> bytes | MutableString:
    if len(value) > _LONGEST_NUMBER or parse_int(value) is None:
        return value
    text = MutableString(value)
    text.embedded = True
    return text


_LONGEST_NUMBER: Final = 20


def _plain_bound(raw: bytes) -> bytes:
    head = b"(" if raw[:1] == b"(" else b""
    return head + as_python(raw[len(head) :]) if raw != head else raw


def _texts(reply: Any, write: Callable[[float], bytes]) -> Any:
    """A reply whose doubles are texts already."""
    kind = type(reply)
    if kind is float:
        return write(reply)
    if kind is list:
        return [_texts(item, write) for item in reply]
    if kind is tuple:
        return tuple(_texts(item, write) for item in reply)
    if kind is dict:
        return {key: _texts(item, write) for key, item in reply.items()}
    return reply


def _long_texts(reply: Any) -> Any:
    return _texts(reply, lambda value: b"%.17g" % value)


def _rounded(reply: Any) -> Any:
    """Coordinates with as many digits as in RESP2, which here stay numbers."""
    if type(reply) is list:
        return [_rounded(item) for item in reply]
    return float(b"%.17f" % reply) if type(reply) is float else reply


def _coordinates(reply: Any) -> Any:
    return _texts(reply, lambda value: (b"%.17f" % value).rstrip(b"0").rstrip(b"."))
