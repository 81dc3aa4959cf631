"""What a Sentinel answers, of whose masters none ever fails; only servers that are one know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Rest
from fakeredis.commands.registry import ADMIN, Group, table
from fakeredis.datatypes.glob import matcher
from fakeredis.engine.context import Context
from fakeredis.engine.replies import DEEP, OK, Status
from fakeredis.engine.server import Server
from fakeredis.errors import CommandError

group = Group("sentinel")
group.container("SENTINEL", since="2.8.4", flags=ADMIN, acl=("admin", "slow", "dangerous"))

_UNKNOWN: Final = "ERR No such master with that name"
_EXTRA: Final = "sentinel"  # where a server keeps its `Watched`
Words = Sequence[bytes]


class Watched:
    """What the Sentinels of a network know: masters by name, and how many Sentinels there are."""

    def __init__(self) -> None:
        self.masters: dict[str, Server] = {}
        self.sentinels = 1


def make_sentinel(server: Server, watched: Watched) -> None:
    """Let a server answer as a Sentinel, beside all else."""
    if _EXTRA not in server.extra:
        with server.lock:
            server.modules = (*server.modules, group)
            server.table = table(server.profile, server.modules)
            vars(server).pop("wire_table", None)
    server.extra[_EXTRA] = watched


def _watched(ctx: Context) -> Watched:
    found: Watched = ctx.server.extra[_EXTRA]
    return found


def _master(ctx: Context, words: Words) -> tuple[str, Server]:
    name = words[0].decode("utf-8", "surrogateescape")
    server = _watched(ctx).masters.get(name)
    if server is None:
        raise CommandError(_UNKNOWN)
    return name, server


def _address(server: Server) -> tuple[str, str]:
    host, _, port = server.address.rpartition(":")
    return "127.0.0.1" if host == "localhost" else host, port


def _facts(name: str, server: Server, watched: Watched) -> dict[bytes, bytes]:
    host, port = _address(server)
    down = not server.connected
    facts = {
        "name": name, "ip": host, "port": port, "runid": server.run_id,
        "flags": "s_down,o_down,master,disconnected" if down else "master",
        "link-pending-commands": 0, "link-refcount": 1, "last-ping-sent": 0,
        "last-ok-ping-reply": 0, "last-ping-reply": 0, "down-after-milliseconds": 30000,
        "info-refresh": 0, "role-reported": "master", "role-reported-time": 0, "config-epoch": 0,
        "num-slaves": 0, "num-other-sentinels": watched.sentinels - 1,
        "quorum": watched.sentinels // 2 + 1, "failover-timeout": 180000, "parallel-syncs": 1,
    }  # fmt: skip
    return {
        key.encode(): str(value).encode("utf-8", "surrogateescape") for key, value in facts.items()
    }


@group.command("SENTINEL MASTERS", arity=2, flags=ADMIN, since="2.8.4", reply=DEEP)
def masters(ctx: Context) -> list[Any]:
    """Facts of all masters."""
    watched = _watched(ctx)
    return [_facts(name, server, watched) for name, server in watched.masters.items()]


@group.command("SENTINEL MASTER", Rest(1), arity=3, flags=ADMIN, since="2.8.4", reply=DEEP)
def master(ctx: Context, words: Words) -> Any:
    """Facts of one master."""
    return _facts(*_master(ctx, words), _watched(ctx))


@group.command("SENTINEL SLAVES", Rest(1), arity=3, flags=ADMIN, since="2.8.0")
def slaves(ctx: Context, words: Words) -> list[Any]:
    """The replicas of a master: there are none."""
    _master(ctx, words)
    return []


@group.command("SENTINEL REPLICAS", Rest(1), arity=3, flags=ADMIN, since="5.0.0")
def replicas(ctx: Context, words: Words) -> list[Any]:
    """The replicas of a master: there are none."""
    _master(ctx, words)
    return []


@group.command("SENTINEL SENTINELS", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def sentinels(ctx: Context, words: Words) -> list[Any]:
    """The other Sentinels, which nobody is told about."""
    _master(ctx, words)
    return []


@group.command(
    "SENTINEL GET-MASTER-ADDR-BY-NAME", Rest(1), arity=3, flags=ADMIN, since="2.8.4"
)
def get_master_addr_by_name(ctx: Context, words: Words) -> list[bytes] | None:
    """Host and port of a master; None for one that is not known."""
    try:
        _, server = _master(ctx, words)
    except CommandError:
        return None
    return [part.encode() for part in _address(server)]


@group.command("SENTINEL CKQUORUM", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def ckquorum(ctx: Context, words: Words) -> Status:
    """Whether enough Sentinels are there."""
    _master(ctx, words)
    count = _watched(ctx).sentinels
    text = f"OK {count} usable Sentinels. Quorum and failover authorization can be reached"
    return Status(text.encode())


@group.command("SENTINEL MYID", arity=2, flags=ADMIN, since="6.2.0")
def myid(ctx: Context) -> bytes:
    """The ID of this Sentinel."""
    return ctx.server.run_id.encode()


@group.command("SENTINEL FLUSHCONFIG", arity=2, flags=ADMIN, since="2.8.4")
def flushconfig(ctx: Context) -> Status:
    """Say that the configuration was written to a file; there is none."""
    return OK


@group.command("SENTINEL RESET", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def reset(ctx: Context, words: Words) -> int:
    """Count the masters that match a pattern; nothing of them needs to be forgotten."""
    matches = matcher(words[0])
    return sum(1 for name in _watched(ctx).masters if matches(name.encode()))


@group.command("SENTINEL FAILOVER", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def failover(ctx: Context, words: Words) -> Status:
    """Refused: no replica could take over."""
    _master(ctx, words)
    raise CommandError("NOGOODSLAVE No suitable replica to promote")


@group.command("SENTINEL REMOVE", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def remove(ctx: Context, words: Words) -> Status:
    """Watch a master no longer."""
    name, _ = _master(ctx, words)
    del _watched(ctx).masters[name]
    return OK


@group.command("SENTINEL SET", Rest(1), arity=-5, flags=ADMIN, since="2.8.4")
def set_(ctx: Context, words: Words) -> Status:
    """Take options of a master, which change nothing."""
    _master(ctx, words)
    if len(words) % 2 == 0:
        raise CommandError(errors.SYNTAX)
    return OK
