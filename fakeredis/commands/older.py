"""How older servers word their errors and write their numbers.

`adapt` changes the commands of a profile when its table is made; newer profiles pay nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.commands.registry import Command
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
        (r"^ERR Unbalanced 'xread(?:group)?' list of streams: .*$",
         _UNBALANCED),
    )
]  # fmt: skip
_SUBCOMMAND_ARITY: Final = re.compile(
    r"^ERR wrong number of arguments for '([\w-]+)\|([\w-]+)' command$"
).match
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


def adapt(command: Command, traits: Traits) -> None:
    """Change a command into what an older server makes of it."""
    if traits.exact_doubles and command.resp2 is not None:
        command.resp2 = _after(_long_texts, command.resp2)
    if traits.long_coordinates and command.group == "geo" and command.resp2 is not None:
        command.resp2 = _after(_coordinates, command.resp2)
        command.resp3 = _rounded if command.resp3 is None else _after(_rounded, command.resp3)
    if traits.nesting_aborts and command.name in ("MULTI", "WATCH"):
        from fakeredis.commands.registry import NO_MULTI

        command.flags |= NO_MULTI
    if traits.older_errors:
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
