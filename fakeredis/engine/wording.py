"""How the server words what it cannot find, and how Redis 6.2 words its errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine.command.syntax import UNLIMITED
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.command.interfaces import Running

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
]
_SUBCOMMAND_ARITY: Final = re.compile(
    r"^ERR wrong number of arguments for '([\w-]+)\|([\w-]+)' command$"
).match


def clean(raw: bytes) -> str:
    """Bytes as text that fits into one error line; as the server quotes them, up to a zero byte."""
    raw = raw.partition(b"\0")[0]
    return raw.replace(b"\r", b" ").replace(b"\n", b" ").decode("utf-8", "surrogateescape")


def unknown_command(argv: Sequence[bytes], brief: bool = False) -> CommandError:
    """The error that quotes a command's name and first arguments, cut as the server cuts them.

    Args:
        brief: say nothing of arguments where there are none.
    """
    if brief and len(argv) == 1:
        return CommandError(errors.UNKNOWN_COMMAND_ALONE % clean(argv[0][:128]))
    quoted = ""
    for arg in argv[1:]:
        if len(quoted) >= 128:
            break
        quoted += f"'{clean(arg[: 128 - len(quoted)])}' "
    return CommandError(errors.UNKNOWN_COMMAND % (clean(argv[0][:128]), quoted))


# Redis 6.2 --------------------------------------------------------------------------------------


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


def legacy_unknown_command(argv: Sequence[bytes]) -> CommandError:
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


def _no_subcommand(ctx: Running, name: bytes, *words: bytes) -> Any:
    assert ctx.command is not None
    text = errors.UNKNOWN_SUBCOMMAND % (clean(name[:128]), ctx.command.name)
    raise reword(CommandError(text), ctx.server.is_clustered)
