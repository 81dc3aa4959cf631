"""What the recorded commands did to the expirations of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fakeredis.engine.command.command import WRITE
from fakeredis.spy.calls import CommandCall
from fakeredis.spy.facts import names as commands
from fakeredis.spy.values import Wire

__all__ = ["KeyState", "key_states"]

# What stands in no flag: these replace the value, and with it the TTL, as those do that overwrite.
_REPLACES = frozenset([*commands("SET GETSET MSETEX"), "HIMPORT SET"])
# These need a key that is there, though their flags are those of commands that make one.
_NEEDS_KEY = frozenset(
    commands(
        "LPUSHX RPUSHX LSET LINSERT HGETEX HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HPERSIST XACK "
        "XACKDEL XCLAIM XSETID XNACK XCFGSET ARDEL ARDELRANGE ARSEEK VREM VSETATTR "
        "JSON.DEL JSON.FORGET JSON.CLEAR JSON.ARRAPPEND JSON.ARRINSERT JSON.ARRPOP JSON.ARRTRIM "
        "JSON.NUMINCRBY JSON.NUMMULTBY JSON.NUMPOWBY JSON.STRAPPEND JSON.TOGGLE TS.ALTER TS.DEL "
        "TS.CREATERULE TS.DELETERULE CF.DEL CF.COMPACT CMS.INCRBY TOPK.ADD TOPK.INCRBY "
        "TDIGEST.ADD TDIGEST.RESET"
    )
) | {"XGROUP SETID", "XGROUP CREATECONSUMER"}
# Of commands that no engine here has: which make keys.
_MAKES_KEY = frozenset(
    commands(
        "JSON.SET JSON.MSET JSON.MERGE TS.ADD TS.CREATE TS.MADD TS.INCRBY TS.DECRBY BF.ADD "
        "BF.MADD BF.INSERT BF.RESERVE BF.LOADCHUNK CF.ADD CF.ADDNX CF.INSERT CF.INSERTNX "
        "CF.RESERVE CF.LOADCHUNK CMS.INITBYDIM CMS.INITBYPROB TOPK.RESERVE TDIGEST.CREATE "
        "TDIGEST.MERGE"
    )
)
# Those whose result is a key: without members there is none.
_STORES = frozenset(
    commands(
        "SINTERSTORE SUNIONSTORE SDIFFSTORE ZUNIONSTORE ZINTERSTORE ZDIFFSTORE ZRANGESTORE BITOP "
        "GEOSEARCHSTORE GEORADIUS GEORADIUSBYMEMBER SORT"
    )
)
# Where a reply of nothing says that nothing was written.
_MAY_REFUSE = frozenset(
    commands(
        "SETNX MSETNX MSETEX HSETEX RENAMENX COPY MOVE SMOVE LMOVE BLMOVE RPOPLPUSH BRPOPLPUSH "
        "LMOVEM BLMOVEM LPUSHX RPUSHX XADD SETRANGE"
    )
)
_FROM_FIRST_TO_SECOND = frozenset(commands("LMOVEM BLMOVEM"))
_UNITS = {"EX": 1.0, "PX": 0.001, "EXAT": 1.0, "PXAT": 0.001}
_EXPIRES = {"EXPIRE": "EX", "PEXPIRE": "PX", "EXPIREAT": "EXAT", "PEXPIREAT": "PXAT"}
# Where the command stands for its own expiry: value's place, unit.
_TIMED = {"SETEX": (1, "EX"), "PSETEX": (1, "PX")}

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
    keys = [((call.server, call.db, key), flags) for key, flags in call.keys_with_flags()]
    if name in _WHOLE:
        _WHOLE[name](call, states)
    elif not keys:
        return
    elif name in _EXPIRES:
        if call.reply in (1, True):
            _expire(call, keys[0][0], _seconds(call, _EXPIRES[name], call.args[1]), states)
    elif name == "PERSIST":
        if call.reply in (1, True):
            states[keys[0][0]] = KeyState(None, call)
    elif name == "GETEX":
        if call.reply is not None and (option := _expiry(call)) is not None:
            _expire(call, keys[0][0], option[0], states)
    elif name in ("RENAME", "RENAMENX", "COPY", "MOVE"):
        if not _refused(call):
            _rename(call, [each for each, _ in keys], states)
    elif _writes(call) and not _refused(call):
        for each, flags in _written(call, keys):
            _write(call, each, flags, states)


def _expire(
    call: CommandCall, key: Name, seconds: float | None, states: dict[Name, KeyState]
) -> None:
    if seconds is not None and seconds <= 0:
        states.pop(key, None)
    else:
        states[key] = KeyState(seconds, call)


def _flush(call: CommandCall, states: dict[Name, KeyState]) -> None:
    for each in list(states):
        if each[0] == call.server and (call.name == "FLUSHALL" or each[1] == call.db):
            del states[each]


def _swap(call: CommandCall, states: dict[Name, KeyState]) -> None:
    first, second = int(call.args[0]), int(call.args[1])
    other = {first: second, second: first}
    moved = {
        each: states.pop(each)
        for each in list(states)
        if each[0] == call.server and each[1] in other
    }
    states.update({(each[0], other[each[1]], each[2]): moved[each] for each in moved})


_WHOLE = {"FLUSHALL": _flush, "FLUSHDB": _flush, "SWAPDB": _swap}


def _rename(call: CommandCall, names: list[Name], states: dict[Name, KeyState]) -> None:
    """A key that comes under another name, or into another database, with its TTL."""
    source = names[0]
    target = names[-1]
    words = [arg.upper() for arg in call.args]
    if call.name == "MOVE":
        target = (source[0], int(call.args[1]), source[2])
    elif call.name == "COPY" and "DB" in words[2:]:
        target = (target[0], int(call.args[words.index("DB", 2) + 1]), target[2])
    state = states.get(source) if call.name == "COPY" else states.pop(source, None)
    states[target] = KeyState(state.ttl if state else None, call)


def _writes(call: CommandCall) -> bool:
    command = call.declared
    return call.name in _MAKES_KEY if command is None else bool(command.flags & WRITE)


def _written(
    call: CommandCall, keys: list[tuple[Name, frozenset[str]]]
) -> list[tuple[Name, frozenset[str]]]:
    """Those of a call's keys that it writes to, and those that it removes."""
    if call.name in _FROM_FIRST_TO_SECOND:
        return keys[1:]
    return [
        (each, flags)
        for each, flags in keys
        if not flags or "RM" in flags or flags & {"insert", "update"} or call.name == "GETDEL"
    ]


def _write(
    call: CommandCall, key: Name, flags: frozenset[str], states: dict[Name, KeyState]
) -> None:
    name, old = call.name, states.get(key)
    if "RM" in flags or name in ("GETDEL", "DELEX"):
        if call.reply not in (0, None):
            states.pop(key, None)
    elif name in _STORES and call.reply in (0, []):
        states.pop(key, None)
    elif old is None and (name in _NEEDS_KEY or _needs_key(call)):
        return
    elif "OW" not in flags and name not in _REPLACES:
        option = _expiry(call)
        if old is not None and old.ttl is not None and "ENX" in _words(call.args):  # of INCREX
            option = None
        states[key] = KeyState(option[0] if option else old.ttl if old else None, call)
    else:
        option = _expiry(call)
        if option is None and "KEEPTTL" in _words(call.args) and old is not None:
            option = (old.ttl,)
        _expire(call, key, option[0] if option else None, states)


def _needs_key(call: CommandCall) -> bool:
    """Whether an option keeps a command from making its key."""
    words = _words(call.args)
    if call.name in ("ZADD", "GEOADD"):
        return "XX" in words
    return call.name == "XGROUP CREATE" and "MKSTREAM" not in words


def _refused(call: CommandCall) -> bool:
    """Whether a condition kept the command from writing."""
    if call.name == "SET":
        words = _words(call.args[2:])
        if "GET" in words:
            found = call.reply is not None
            return ("NX" in words and found) or ("XX" in words and not found)
        return call.reply is None
    if call.name == "INCREX":  # out of its bounds: nothing was added
        return not float(call.reply[1])
    return call.name in _MAY_REFUSE and call.reply in (0, False, None, [])


def _expiry(call: CommandCall) -> tuple[float | None] | None:
    """Seconds to live that the command itself sets; None when it sets none."""
    if call.name in ("RESTORE", "RESTORE-ASKING"):
        if call.args[1] == "0":
            return (None,)
        unit = "PXAT" if "ABSTTL" in _words(call.args[3:]) else "PX"
        return (_seconds(call, unit, call.args[1]),)
    if call.name in _TIMED:
        at, unit = _TIMED[call.name]
        return (_seconds(call, unit, call.args[at]),)
    if call.name not in ("SET", "GETEX", "MSETEX", "INCREX"):
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
