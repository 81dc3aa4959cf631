"""What a Sentinel answers, of whose masters none ever fails; only servers that are one know it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Rest
from fakeredis.commands.registry import ADMIN, Group
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, Status
from fakeredis.engine.core.server import Server
from fakeredis.errors import CommandError

group = Group("sentinel")
group.container("SENTINEL", since="2.8.4", flags=ADMIN, acl=("admin", "slow", "dangerous"))

_UNKNOWN: Final = "ERR No such master with that name"
Words = Sequence[bytes]


class Watched:
    """What the Sentinels of a network know: masters by name, and how many Sentinels there are."""

    def __init__(self) -> None:
        self.masters: dict[str, Server] = {}
        self.sentinels = 1
        self.find: Callable[[str], Server | None] = lambda address: None  # the server there
        self.options: dict[str, dict[str, int]] = {}  # what SENTINEL SET said, by master
        self.config = dict(_CONFIG)
        self.periods = dict(_PERIODS)

    def option(self, name: str, option: str) -> int:
        """An option of a master."""
        usual = self.sentinels // 2 + 1 if option == "quorum" else _OPTIONS[option]
        return self.options.get(name, {}).get(option, usual)

    def set(self, name: str, option: str, value: int) -> None:
        """Change an option of a master."""
        self.options.setdefault(name, {})[option] = value


# Options of masters, with what they are at first.
_OPTIONS: Final = {
    "down-after-milliseconds": 30000, "failover-timeout": 180000, "parallel-syncs": 1, "quorum": 0,
    "master-reboot-down-after-period": 0,
}
_CONFIG: Final = {
    "resolve-hostnames": "no", "announce-hostnames": "no", "announce-ip": "", "announce-port": "0",
    "sentinel-user": "", "sentinel-pass": "", "loglevel": "notice",
}
_PERIODS: Final = {
    "INFO-PERIOD": 10000, "PING-PERIOD": 1000, "ASK-PERIOD": 1000, "PUBLISH-PERIOD": 2000,
    "DEFAULT-DOWN-AFTER": 30000, "DEFAULT-FAILOVER-TIMEOUT": 180000, "TILT-TRIGGER": 2000,
    "TILT-PERIOD": 30000, "SLAVE-RECONF-TIMEOUT": 10000, "MIN-LINK-RECONNECT-PERIOD": 15000,
    "ELECTION-TIMEOUT": 10000, "SCRIPT-MAX-RUNTIME": 60000, "SCRIPT-RETRY-DELAY": 30000,
}
_LEVELS: Final = ("debug", "verbose", "notice", "warning", "nothing")
_SCRIPTS: Final = ("notification-script", "client-reconfig-script")
_SCRIPTS_DENIED: Final = (
    "ERR Reconfiguration of scripts path is denied for security reasons. Check the "
    "deny-scripts-reconfig configuration directive in your Sentinel configuration"
)
_CONFIG_USAGE: Final = (
    "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> "
    "[<param> <value> ...] are supported."
)
_NO_QUORUM: Final = (
    "NOQUORUM %d usable Sentinels. Not enough available Sentinels to reach the specified quorum "
    "for this master"
)


def make_sentinel(server: Server, watched: Watched) -> None:
    """Make a server answer as a Sentinel, beside all else."""
    if server.sentinel is None:
        with server.lock:
            server.add_module(group)
    server.sentinel = watched


def _watched(ctx: Context) -> Watched:
    found: Watched = ctx.server.sentinel
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
        "last-ok-ping-reply": 0, "last-ping-reply": 0,
        "down-after-milliseconds": watched.option(name, "down-after-milliseconds"),
        "info-refresh": 0, "role-reported": "master", "role-reported-time": 0, "config-epoch": 0,
        "num-slaves": 0, "num-other-sentinels": watched.sentinels - 1,
        "quorum": watched.option(name, "quorum"),
        "failover-timeout": watched.option(name, "failover-timeout"),
        "parallel-syncs": watched.option(name, "parallel-syncs"),
    }
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
    """ChildConnection and port of a master; None for one that is not known."""
    try:
        _, server = _master(ctx, words)
    except CommandError:
        return None
    return [part.encode() for part in _address(server)]


@group.command("SENTINEL CKQUORUM", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def ckquorum(ctx: Context, words: Words) -> Status:
    """Whether enough Sentinels are there."""
    name, _ = _master(ctx, words)
    count = _watched(ctx).sentinels
    if count < _watched(ctx).option(name, "quorum"):
        raise CommandError(_NO_QUORUM % count)
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
    found = [name for name in _watched(ctx).masters if matches(name.encode())]
    for name in found:
        _tell(ctx, "+reset-master", name, "")
    return len(found)


def _tell(ctx: Context, event: str, name: str, more: str) -> None:
    """Publish what has happened to a master, as Sentinels do."""
    host, port = _address(_watched(ctx).masters[name])
    text = f"master {name} {host} {port}{more}"
    ctx.server.pubsub.publish(event.encode(), text.encode("utf-8", "surrogateescape"))


@group.command("SENTINEL FAILOVER", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def failover(ctx: Context, words: Words) -> Status:
    """Refused: no replica could take over."""
    _master(ctx, words)
    raise CommandError("NOGOODSLAVE No suitable replica to promote")


@group.command("SENTINEL REMOVE", Rest(1), arity=3, flags=ADMIN, since="2.8.4")
def remove(ctx: Context, words: Words) -> Status:
    """Watch a master no longer."""
    name, _ = _master(ctx, words)
    _tell(ctx, "-monitor", name, "")
    del _watched(ctx).masters[name]
    _watched(ctx).options.pop(name, None)
    return OK


@group.command("SENTINEL MONITOR", Rest(4), arity=6, flags=ADMIN, since="2.8.4")
def monitor(ctx: Context, words: Words) -> Status:
    """Watch a further master.

    Checked in the server's order: quorum, port, quorum's range, host, port's range, name.
    """
    watched, texts = _watched(ctx), list(map(_text, words))
    name, host = texts[:2]
    quorum, port = _number(words[3], "Invalid quorum"), _number(words[2], "Invalid port")
    if quorum <= 0:
        raise CommandError("ERR Quorum must be 1 or greater.")
    _check_place(watched, host, port)
    if name in watched.masters:
        raise CommandError("ERR Duplicate master name.")
    address = f"{'localhost' if host == '127.0.0.1' else host}:{port}"
    watched.masters[name] = watched.find(address) or type(ctx.server)(address=f"{host}:{port}")
    watched.set(name, "quorum", quorum)
    _tell(ctx, "+monitor", name, f" quorum {quorum}")
    return OK


def _check_place(watched: Watched, host: str, port: int) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if watched.config["resolve-hostnames"] == "no":
            raise CommandError("ERR Invalid IP address or hostname specified") from None
    if not 0 <= port <= 65535:
        raise CommandError("ERR Invalid port number.")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _number(raw: bytes, error: str) -> int:
    number = parse_int(raw)
    if number is None:
        raise CommandError(error if error.startswith("ERR ") else f"ERR {error}")
    return number


@group.command("SENTINEL SET", Rest(1), arity=-5, flags=ADMIN, since="2.8.4")
def set_(ctx: Context, words: Words) -> Status:
    """Change options of a master; those before one that is refused stay changed."""
    name, _ = _master(ctx, words)
    at = 1
    while at < len(words):
        at += _set_option(ctx, name, words[at:])
    return OK


def _set_option(ctx: Context, name: str, words: Words) -> int:
    """Take one option; how many words it had."""
    given, shown = _text(words[0]), _text(words[1]) if len(words) > 1 else ""
    option, count = given.lower(), 3 if words[0].lower() == b"rename-command" else 2
    known = option in _OPTIONS or option in (*_SCRIPTS, "auth-pass", "auth-user", "rename-command")
    if not known or len(words) < count:
        raise CommandError(
            f"ERR Unknown option or number of arguments for SENTINEL SET '{given}'"
        )
    if option in _SCRIPTS:
        raise CommandError(_SCRIPTS_DENIED)
    if option in _OPTIONS:
        number = parse_int(words[1])
        if number is None or number < (0 if option.startswith("master-reboot") else 1):
            raise CommandError(f"ERR Invalid argument '{shown}' for SENTINEL SET '{given}'")
        _watched(ctx).set(name, option, number)
    elif option == "auth-pass":
        shown = "******"
    more = " ".join([shown, *map(_text, words[2:count])])
    _tell(ctx, "+set", name, f" {given} {more}")
    return count


@group.command(
    "SENTINEL IS-MASTER-DOWN-BY-ADDR", Rest(4), arity=6, flags=ADMIN, since="2.8.4"
)
def is_master_down_by_addr(ctx: Context, words: Words) -> list[Any]:
    """Whether the master at an address is down; nobody is elected here."""
    port = _number(words[1], errors.NOT_INTEGER)
    _number(words[2], errors.NOT_INTEGER)
    place = _text(words[0]), str(port)
    found = [one for one in _watched(ctx).masters.values() if _address(one) == place]
    return [int(any(not one.connected for one in found)), b"*", 0]


@group.command("SENTINEL PENDING-SCRIPTS", arity=2, flags=ADMIN, since="2.8.4")
def pending_scripts(ctx: Context) -> list[Any]:
    """The scripts that run: none ever does."""
    return []


@group.command("SENTINEL SIMULATE-FAILURE", Rest(1), arity=-3, flags=ADMIN, since="3.2.0")
def simulate_failure(ctx: Context, words: Words) -> Any:
    """Promise to crash in a failover, which never comes."""
    for word in words:
        if word.lower() == b"help":
            return [b"crash-after-election", b"crash-after-promotion"]
        if word.lower() not in (b"crash-after-election", b"crash-after-promotion"):
            raise CommandError("ERR Unknown failure simulation specified")
    return OK


@group.command("SENTINEL INFO-CACHE", Rest(1), arity=-3, flags=ADMIN, since="3.2.0")
def info_cache(ctx: Context, words: Words) -> list[Any]:
    """What INFO of masters says."""
    found: list[Any] = []
    for name, server in _watched(ctx).masters.items():
        if name.encode("utf-8", "surrogateescape") in words:
            found += [name.encode("utf-8", "surrogateescape"), [[0, _info_of(server)]]]
    return found


def _info_of(server: Server) -> bytes:
    session = server.session()
    try:
        return bytes(session.execute([b"INFO"]))
    finally:
        session.close()


# Settings ---------------------------------------------------------------------------------------


@group.command("SENTINEL DEBUG", Rest(), arity=-2, flags=ADMIN, since="7.0.0", reply=DEEP)
def debug(ctx: Context, words: Words) -> Any:
    """All periods, in milliseconds; or change some."""
    periods = _watched(ctx).periods
    if not words:
        return {name.encode(): str(value).encode() for name, value in periods.items()}
    for at in range(0, len(words), 2):
        given = _text(words[at])
        if given.upper() not in periods or at + 1 == len(words):
            raise CommandError(
                f"ERR Unknown option or number of arguments for SENTINEL DEBUG '{given}'"
            )
        number = parse_int(words[at + 1])
        if number is None or number < 1:
            shown = _text(words[at + 1])
            raise CommandError(f"ERR Invalid argument '{shown}' for SENTINEL DEBUG '{given}'")
        periods[given.upper()] = number
    return OK


@group.command("SENTINEL CONFIG", Rest(2), arity=-4, flags=ADMIN, since="6.2.0", reply=DEEP)
def config(ctx: Context, words: Words) -> Any:
    """Read or change the settings of all Sentinels."""
    action, rest = words[0].upper(), words[1:]
    if action == b"GET":
        return _get_config(_watched(ctx).config, rest)
    if action != b"SET" or len(rest) < 2:
        raise CommandError(_CONFIG_USAGE)
    wanted: dict[str, str] = {}
    for name, value in zip_longest(map(_text, rest[::2]), map(_text, rest[1::2])):
        if name.lower() in wanted:
            raise CommandError(f"ERR Duplicate argument '{name}' to SENTINEL CONFIG SET")
        if name.lower() not in _CONFIG:
            raise CommandError(f"ERR Invalid argument '{name}' to SENTINEL CONFIG SET")
        if value is None:
            raise CommandError(f"ERR Missing argument '{name}' value")
        if not _is_valid(name.lower(), value):
            raise CommandError(f"ERR Invalid value '{value}' to SENTINEL CONFIG SET '{name}'")
        wanted[name.lower()] = value
    _watched(ctx).config.update(wanted)
    return OK


def _get_config(known: dict[str, str], patterns: Words) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for pattern in patterns:
        matches = matcher(pattern.lower())
        found |= {
            name.encode(): _raw(value) for name, value in known.items() if matches(name.encode())
        }
    return found


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_valid(name: str, value: str) -> bool:
    if name.endswith("hostnames"):
        return value.lower() in ("yes", "no")
    if name == "announce-port":
        number = parse_int(_raw(value))
        return number is not None and 0 <= number <= 65535
    return name != "loglevel" or value.lower() in _LEVELS


@group.command("SENTINEL HELP", arity=2, flags=ADMIN, since="6.2.0")
def help_(ctx: Context) -> list[Status]:
    """The subcommands."""
    return help_lines(ctx)
