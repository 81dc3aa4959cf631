"""What the server commands share."""

from __future__ import annotations

from typing import Final

from fakeredis.commands.registry import ADMIN, LOADING, NOSCRIPT, STALE, Group
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

group = Group("server")
DANGEROUS_WRITE: Final = ("keyspace", "write", "dangerous")
KEYSPACE_READ: Final = ("keyspace", "read", "fast")
ADMIN_ONLY: Final = ADMIN | NOSCRIPT | LOADING | STALE
HELP_FLAGS: Final = LOADING | STALE
_NOT_ALLOWED: Final = (
    'ERR %s command not allowed. If the %s option is set to "local", you can run it from a local '
    "connection, otherwise you need to set this option in the configuration file, and then restart "
    "the server."
)


def check_allowed(ctx: Context, what: str, parameter: str) -> None:
    """A command that the configuration allows to nobody, to local connections, or to all."""
    if parameter in ctx.server.config.known.gone:
        return  # Redis 6.2 forbids neither
    allowed = ctx.server.config.text(parameter)
    local = ctx.session.address.startswith(("127.", "[::1]", "/", "unix"))
    if allowed == "no" or (allowed == "local" and not local):
        raise CommandError(_NOT_ALLOWED % (what, parameter))
