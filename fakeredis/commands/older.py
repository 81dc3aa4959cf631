"""How older servers word their errors and write their numbers.

`adapt` changes the commands of a profile when its table is made; newer profiles pay nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import UNLIMITED
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.commands.registry import Command
    from fakeredis.engine.context import Context
    from fakeredis.engine.profiles import Traits

_UNBALANCED: Final = (
    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
)
# Redis 6.2's texts, by those of today.
_REWORDED: Final = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"^ERR unknown subcommand '(.*)'\. Try (\w+) HELP\.",
         r"ERR Unknown subcommand or wrong number of arguments for '\1'. Try \2 HELP."),
        (r"^ERR unknown subcommand or wrong", "ERR Unknown subcommand or wrong"),
        (r"^(ERR invalid expire time in) '(.*)' command$", r"\1 \2"),
        (r"^(ERR at least 1 input key is needed for) '(.*)' command$", r"\1 \2"),
        (r"^ERR \S.* is not compatible with WITHDIST, WITHHASH and WITHCOORD options$",
         ("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and "
          "WITHCOORDS options")),
        (r"from the second \.\.\. or use negative to start from the end of the list$",
         "from the second, ..."),
        (r"please use M, KM, FT, MI$", "please use m, km, ft, mi"),
        (r"^ERR Unknown option or number of arguments for CONFIG SET - '(.*)'$",
         r"ERR Unsupported CONFIG parameter: \1"),
        (r"^ERR CONFIG SET failed \(possibly related to argument '(.*)'\) - can't set \w+ config$",
         r"ERR Unsupported CONFIG parameter: \1"),
        (r"^ERR Can't execute '([^|']*)[^']*': only \(P\|S\)SUBSCRIBE / \(P\|S\)UNSUBSCRIBE",
         r"ERR Can't execute '\1': only (P)SUBSCRIBE / (P)UNSUBSCRIBE"),
        (r"^NOPERM User .* has no permissions to run the '([^|']*)[^']*' command$",
         r"NOPERM this user has no permissions to run the '\1' command or its subcommand"),
        (r"^ERR Unbalanced 'xread(?:group)?' list of streams: .*$",
         _UNBALANCED),
    )
]  # fmt: skip
_SUBCOMMAND_ARITY: Final = re.compile(
    r"^ERR wrong number of arguments for '([\w-]+)\|([\w-]+)' command$"
).match
# Commands with bounds of scores, and where these stand behind the context.
_BOUNDED: Final = {
    "ZCOUNT": 2, "ZRANGE": 2, "ZRANGEBYSCORE": 2, "ZRANGESTORE": 3, "ZREMRANGEBYSCORE": 2,
    "ZREVRANGEBYSCORE": 2,
}  # fmt: skip
_OWN_ARITY: Final = {"MSET": "MSET", "MSETNX": "MSET", "XADD": "XADD"}


def reword(error: CommandError, clustered: bool = True) -> CommandError:
    """An error in Redis 6.2's words, which asks for a cluster before it looks at subcommands."""
    text = str(error)
    if not clustered and ("'cluster|" in text or text.endswith("Try CLUSTER HELP.")):
        return CommandError("ERR This instance has cluster support disabled")
    found = _SUBCOMMAND_ARITY(text)
    if found is not None:
        container, name = (part.upper() for part in found.groups())
        return CommandError(
            f"ERR Unknown subcommand or wrong number of arguments for '{name}'. Try {container} "
            "HELP."
        )
    for pattern, replacement in _REWORDED:
        changed = pattern.sub(replacement, text)
        if changed != text:
            return CommandError(changed)
    return error


def unknown_command(argv: Sequence[bytes], clean: Callable[[bytes], str]) -> CommandError:
    """Redis 6.2's error for a command that it does not have."""
    quoted = ""
    for arg in argv[1:]:
        if len(quoted) >= 128:
            break
        text = arg.partition(b"\0")[0][: 128 - len(quoted)]
        quoted += f"`{clean(text)}`, "
    name = clean(argv[0].partition(b"\0")[0][:128])
    return CommandError(f"ERR unknown command `{name}`, with args beginning with: {quoted}")


@cache
def unknown_subcommand(container: Command) -> Command:
    """What Redis 6.2 runs for a subcommand that a container does not have."""
    command = copy(container)
    command.low, command.high, command.arity = 1, UNLIMITED, -2
    command.parse = None
    command.handler = _no_subcommand
    return command


def _no_subcommand(ctx: Context, name: bytes, *words: bytes) -> Any:
    from fakeredis.engine import dispatch

    assert ctx.command is not None
    text = errors.UNKNOWN_SUBCOMMAND % (dispatch.clean(name[:128]), ctx.command.name)
    raise dispatch.reworded(ctx.session, CommandError(text))


def adapt(command: Command, traits: Traits) -> None:
    """Change a command into what an older server makes of it."""
    if traits.exact_doubles and command.resp2 is not None:
        command.resp2 = _after(_long_texts, command.resp2)
    if traits.long_coordinates and command.group == "geo" and command.resp2 is not None:
        command.resp2 = _after(_coordinates, command.resp2)
        command.resp3 = _rounded if command.resp3 is None else _after(_rounded, command.resp3)
    if traits.c_numbers and command.name in _BOUNDED:
        command.handler = _reads_bounds_as_c(command.handler, _BOUNDED[command.name])
    if traits.nesting_aborts and command.name in ("MULTI", "WATCH"):
        from fakeredis.commands.registry import NO_MULTI

        command.flags |= NO_MULTI
    if traits.older_errors:
        if len(command.parts) > 1:
            command.arity = -2  # the container's: the words behind are counted when it runs
        own = _OWN_ARITY.get(command.name)
        command.handler = _reworded(command.handler, own)
        if command.parse is not None:
            command.parse = _reworded(command.parse, own)


def _after(first: Callable[[Any], Any], then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda reply: then(first(reply))


def _reworded(call: Callable[..., Any], own: str | None) -> Callable[..., Any]:
    """A handler or parser whose errors are reworded."""

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except CommandError as error:
            if own is not None and str(error).startswith(errors.ARITY.partition("'")[0]):
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


def _plain_bound(raw: bytes) -> bytes:
    from fakeredis.commands.generic import as_python

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
