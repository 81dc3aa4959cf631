"""Whether two servers have said the same, as far as servers must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis.datatypes.numbers import parse_int
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
    check = CHECKS.get(name)
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


# Commands whose replies may differ --------------------------------------------------------------


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
                        for each in (ours, theirs))  # fmt: skip
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


CHECKS: Final[dict[str, Check]] = {
    **dict.fromkeys((
        "ACL CAT", "ACL GENPASS", "ACL LOG", "CLIENT GETREDIR", "CLIENT ID", "CLIENT INFO",
        "CLIENT LIST", "CLIENT TRACKINGINFO", "COMMAND", "COMMAND COUNT", "COMMAND DOCS",
        "COMMAND INFO", "COMMAND LIST", "CONFIG GET", "DEBUG", "DUMP", "FUNCTION DUMP",
        "FUNCTION STATS", "HELLO", "INFO", "LASTSAVE", "LATENCY DOCTOR", "LATENCY GRAPH",
        "LATENCY HISTOGRAM", "LATENCY HISTORY", "LATENCY LATEST", "LOLWUT", "MEMORY DOCTOR",
        "MEMORY MALLOC-STATS", "MEMORY STATS", "MEMORY USAGE", "MODULE LIST", "OBJECT FREQ",
        "OBJECT IDLETIME", "OBJECT REFCOUNT", "RANDOMKEY", "ROLE", "SLOWLOG GET", "SLOWLOG LEN",
        "TIME", "VINFO", "VLINKS", "CLUSTER INFO", "CLUSTER LINKS", "CLUSTER MYID",
        "CLUSTER MYSHARDID", "CLUSTER NODES", "CLUSTER SHARDS", "CLUSTER SLOTS",
    ), _shape),
    **dict.fromkeys(("HRANDFIELD", "SRANDMEMBER", "ZRANDMEMBER", "VRANDMEMBER"), _as_many),
    **dict.fromkeys((
        "FUNCTION LIST", "HKEYS", "HVALS", "KEYS", "PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS",
        "SDIFF", "SINTER", "SMEMBERS", "SUNION", "ACL USERS", "ACL LIST",
    ), _unordered),
    "HGETALL": _unordered_pairs, "ACL GETUSER": _sets_inside,
    **dict.fromkeys((
        "PTTL", "HPTTL", "PEXPIRETIME", "HPEXPIRETIME", "XPENDING", "XINFO CONSUMERS",
        "XINFO STREAM",
    ), _close_by(_SECOND)),
    **dict.fromkeys(("TTL", "HTTL", "EXPIRETIME", "HEXPIRETIME"), _close_by(1)),
}  # fmt: skip


# Commands whose effect is not known before ------------------------------------------------------


def counterpart(name: str, argv: Argv, reply: Any) -> tuple[Argv, Callable[[Any], Any]]:
    """What makes the same happen on another server, and that one's reply as the first had it.

    Args:
        name: the command's.
        argv: what the first server was sent.
        reply: what it replied.
    """
    if name == "XADD" and type(reply) is bytes:
        said = list(argv)
        for at in range(2, len(said)):
            if said[at] == b"*" or (said[at].endswith(b"-*") and _is_time(said[at][:-2])):
                said[at] = reply
                break
        return said, _unchanged
    if name == "SPOP" and type(reply) is bytes:
        return [b"SREM", argv[1], reply], lambda count: reply if count == 1 else None
    if name == "SPOP" and isinstance(reply, (list, set)) and reply:
        members = [bytes(member) for member in reply]
        return [b"SREM", argv[1], *members], (
            lambda count: reply if count == len(members) else f"{count} of them were there"
        )
    return argv, _unchanged


def _is_time(text: bytes) -> bool:
    return parse_int(text) is not None


def _unchanged(reply: Any) -> Any:
    return reply


# SCAN and its kin: where the cursor stands, and the sort of the items.
SCANS: Final = {"SCAN": 1, "HSCAN": 2, "SSCAN": 2, "ZSCAN": 2}
