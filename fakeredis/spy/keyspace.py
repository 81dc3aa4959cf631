"""What the recorded commands did to the expirations of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fakeredis.spy.calls import CommandCall
from fakeredis.spy.facts import names as commands
from fakeredis.spy.values import Wire

__all__ = ["WRITES", "KeyState", "key_states"]

_REPLACING = commands(
    "SET SETEX PSETEX GETSET SETNX MSET MSETNX MSETEX RESTORE SINTERSTORE SUNIONSTORE "
    "SDIFFSTORE ZUNIONSTORE ZINTERSTORE ZDIFFSTORE ZRANGESTORE GEOSEARCHSTORE BITOP RENAME "
    "RENAMENX COPY"
)
_CHANGING = commands(
    "APPEND INCR DECR INCRBY DECRBY INCRBYFLOAT SETRANGE SETBIT BITFIELD HSET HMSET HSETNX "
    "HSETEX HINCRBY HINCRBYFLOAT LPUSH RPUSH LMOVE BLMOVE RPOPLPUSH BRPOPLPUSH SADD SMOVE "
    "ZADD ZINCRBY GEOADD PFADD PFMERGE XADD JSON.SET JSON.MSET TS.ADD TS.CREATE BF.ADD "
    "BF.INSERT BF.RESERVE CF.ADD CF.RESERVE TOPK.RESERVE CMS.INITBYDIM CMS.INITBYPROB "
    "TDIGEST.CREATE VADD"
)
WRITES = frozenset((*_REPLACING, *_CHANGING))
_REPLACES = frozenset(_REPLACING)
# Commands that write to their first key only, though they name more.
_FIRST_ONLY = frozenset(
    commands(
        "SINTERSTORE SUNIONSTORE SDIFFSTORE ZUNIONSTORE ZINTERSTORE ZDIFFSTORE ZRANGESTORE BITOP "
        "GEOSEARCHSTORE PFMERGE"
    )
)
_SECOND = frozenset(commands("LMOVE BLMOVE RPOPLPUSH BRPOPLPUSH SMOVE RENAME RENAMENX COPY"))
_UNITS = {"EX": 1.0, "PX": 0.001, "EXAT": 1.0, "PXAT": 0.001}
_EXPIRES = {"EXPIRE": "EX", "PEXPIRE": "PX", "EXPIREAT": "EXAT", "PEXPIREAT": "PXAT"}
# Where the command stands for its own expiry: value's place, unit.
_TIMED = {"SETEX": (1, "EX"), "PSETEX": (1, "PX"), "RESTORE": (1, "PX")}

Name = tuple[str, int, Wire]


class KeyState(NamedTuple):
    """A key as the recorded commands left it: seconds to live when written, None for ever."""

    ttl: float | None
    call: CommandCall


def key_states(calls: Iterable[CommandCall]) -> dict[Name, KeyState]:
    """For each key that was written and not removed: its TTL as last set."""
    states: dict[Name, KeyState] = {}
    for call in calls:
        if call.error is None:
            _follow(call, states)
    return states


def _follow(call: CommandCall, states: dict[Name, KeyState]) -> None:
    name = call.name
    names = [(call.server, call.db, key) for key in call.keys]
    if name in ("DEL", "UNLINK", "GETDEL"):
        for each in names:
            states.pop(each, None)
    elif name in ("FLUSHALL", "FLUSHDB"):
        for each in list(states):
            if each[0] == call.server and (name == "FLUSHALL" or each[1] == call.db):
                del states[each]
    elif not names:
        return
    elif name in _EXPIRES:
        if call.reply in (1, True):
            states[names[0]] = KeyState(_seconds(call, _EXPIRES[name], call.args[1]), call)
    elif name == "PERSIST":
        if call.reply in (1, True):
            states[names[0]] = KeyState(None, call)
    elif name == "GETEX":
        if call.reply is not None and (option := _expiry(call)) is not None:
            states[names[0]] = KeyState(option[0], call)
    elif name in WRITES and not _refused(call):
        _write(call, names, states)


def _write(call: CommandCall, names: list[Name], states: dict[Name, KeyState]) -> None:
    name = call.name
    if name in ("RENAME", "RENAMENX", "COPY") and len(names) == 2:
        source = states.get(names[0]) if name == "COPY" else states.pop(names[0], None)
        states[names[1]] = KeyState(source.ttl if source else None, call)
        return
    written = names[:1] if name in _FIRST_ONLY else names[1:] if name in _SECOND else names
    for each in written:
        old = states.get(each)
        if name not in _REPLACES:
            states[each] = KeyState(old.ttl if old else None, call)
            continue
        option = _expiry(call)
        if option is None and "KEEPTTL" in _words(call.args) and old is not None:
            option = (old.ttl,)
        states[each] = KeyState(option[0] if option else None, call)


def _refused(call: CommandCall) -> bool:
    """Whether a condition kept the command from writing."""
    if call.name == "SET":
        words = _words(call.args[2:])
        if "GET" in words:
            found = call.reply is not None
            return ("NX" in words and found) or ("XX" in words and not found)
        return call.reply is None
    return call.name in ("SETNX", "MSETNX", "RENAMENX", "COPY") and call.reply in (0, False)


def _expiry(call: CommandCall) -> tuple[float | None] | None:
    """Seconds to live that the command itself sets; None when it sets none."""
    if call.name in _TIMED:
        at, unit = _TIMED[call.name]
        seconds = _seconds(call, unit, call.args[at])
        return (seconds or None,) if call.name == "RESTORE" else (seconds,)
    if call.name not in ("SET", "GETEX", "MSETEX"):
        return None
    for part in call.canonical[1].parts:
        for unit_ in part.units:
            if unit_.token in _UNITS:
                return (_seconds(call, unit_.token, unit_.values[0]),)
            if unit_.token == "PERSIST":
                return (None,)
    return None


def _seconds(call: CommandCall, unit: str, value: object) -> float:
    seconds = float(str(value)) * _UNITS[unit]
    return seconds - call.at if unit.endswith("AT") else seconds


def _words(args: Sequence[Wire]) -> set[str]:
    return {arg.upper() for arg in args}
