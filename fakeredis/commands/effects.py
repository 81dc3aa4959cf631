"""What replicas get in the place of a command, where chance, time or this server has decided.

Each function is asked after its command has run, and gives the commands with the same effect: none
where there was none, or those that the command itself has told of (see `Stream.tell`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fakeredis.datatypes import geohash
from fakeredis.datatypes.numbers import parse_float
from fakeredis.datatypes.stream import format_id
from fakeredis.engine.features.replication_stream import Call, Effect, Words, removal
from fakeredis.errors import CommandError


def _uppers(words: Sequence[bytes]) -> Words:
    return [word.upper() for word in words]


def _deadline(call: Call) -> bytes:
    return b"%d" % call.db.expires.get(call.args[0], 0)


# Strings and keys --------------------------------------------------------------------------------

_RELATIVE: Final = frozenset({b"EX", b"PX", b"EXAT"})


def _set(call: Call) -> list[Words]:
    options = _uppers(call.args[2:])
    if not _RELATIVE.isdisjoint(options):
        return [[b"SET", *call.args[:2], b"PXAT", _deadline(call)]]
    if b"GET" in options and b"PXAT" not in options:
        rest = [word for word in call.args[2:] if word.upper() != b"GET"]
        return [[*call.name, *call.args[:2], *rest]]
    return [call.words]


def _setex(call: Call) -> list[Words]:
    return [[b"SET", call.args[0], call.args[2], b"PXAT", _deadline(call)]]


def _getset(call: Call) -> list[Words]:
    return [[b"SET", *call.args]]


def _expired(call: Call) -> list[Words] | None:
    """The removal of a key whose deadline was set to the past; None where it is there."""
    if call.args[0] in call.db.data:
        return None
    return [[removal(call.db, "lazyfree-lazy-expire"), call.args[0]]]


def _getex(call: Call) -> list[Words]:
    gone = _expired(call)
    if gone is not None:
        return gone
    if call.args[1:2] and call.args[1].upper() == b"PERSIST":
        return [[b"PERSIST", call.args[0]]]
    return [[b"PEXPIREAT", call.args[0], _deadline(call)]]


def _getdel(call: Call) -> list[Words]:
    return [[b"DEL", call.args[0]]]


def _expire(call: Call) -> list[Words]:
    return _expired(call) or [[b"PEXPIREAT", call.args[0], _deadline(call), *call.args[2:]]]


def _incrbyfloat(call: Call) -> list[Words]:
    return [[b"SET", call.args[0], bytes(call.db.data[call.args[0]]), b"KEEPTTL"]]


def _restore(call: Call) -> list[Words]:
    if call.args[1].strip() == b"0" or b"ABSTTL" in _uppers(call.args[3:]):
        return [call.words]
    return [[*call.name, call.args[0], _deadline(call), *call.args[2:], b"ABSTTL"]]


def _migrate(call: Call) -> list[Words]:
    gone = [key for key in call.command.keys(call.args) if key not in call.db.data]
    return [[b"DEL", *gone]] if gone else []


# Hashes ------------------------------------------------------------------------------------------


def _fields(call: Call, width: int = 1) -> Sequence[bytes]:
    """The fields behind FIELDS and their number."""
    at = _uppers(call.args).index(b"FIELDS", 1) + 2
    return call.args[at::width]


def _field_deadline(call: Call, fields: Sequence[bytes]) -> int | None:
    """When the first of these fields that is there expires; None if none is."""
    value = call.db.data.get(call.args[0])
    known = {} if value is None else value.expires or {}
    return next((known[field] for field in fields if field in known), None)


def _hincrbyfloat(call: Call) -> list[Words]:
    key, field = call.args[:2]
    value = bytes(call.db.data[key].get(field))
    if b"HSETEX" in call.db.server.table.by_name:
        return [[b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, value]]
    return [[b"HSET", key, field, value]]


def _hgetdel(call: Call) -> list[Words]:
    return [[b"HDEL", call.args[0], *_fields(call)]]


def _hgetex(call: Call) -> list[Words]:
    key, fields = call.args[0], _fields(call)
    if call.args[1].upper() == b"PERSIST":
        return [[b"HPERSIST", *call.args[:1], *call.args[2:]]]
    deadline = _field_deadline(call, fields)
    if deadline is None:
        there = [field for field, value in zip(fields, call.reply, strict=True)
                 if value is not None]
        return [[b"HDEL", key, field] for field in there]
    count = b"%d" % len(fields)
    return [[b"HPEXPIREAT", key, b"%d" % deadline, b"FIELDS", count, *fields]]


def _hsetex(call: Call) -> list[Words]:
    key, fields = call.args[0], _fields(call, 2)
    at = _uppers(call.args).index(b"FIELDS", 1)
    options = list(call.args[1:at])
    value = call.db.data.get(key)
    if value is None or value.get(fields[0]) is None:
        return [[b"HDEL", key, field] for field in fields]
    for place, word in enumerate(_uppers(options)):
        if word in _RELATIVE:
            deadline = _field_deadline(call, fields)
            options[place : place + 2] = [b"PXAT", b"%d" % (deadline or 0)]
            break
    return [[*call.name, key, *options, *call.args[at:]]]


def _hexpire(call: Call) -> list[Words]:
    key, fields = call.args[0], _fields(call)
    at = _uppers(call.args).index(b"FIELDS", 1)
    done = list(zip(fields, call.reply, strict=True))
    told = [[b"HDEL", key, field] for field, code in done if code == 2]
    changed = [field for field, code in done if code == 1]
    if changed:
        deadline = _field_deadline(call, changed)
        told.append([
            b"HPEXPIREAT", key, b"%d" % (deadline or 0), *call.args[2:at], b"FIELDS",
            b"%d" % len(changed), *changed,
        ])
    return told


# Sets, lists and sorted sets ----------------------------------------------------------------------

_BATCH: Final = 1024  # members that one SREM has


def _spop(call: Call) -> list[Words]:
    key = call.args[0]
    if len(call.args) == 1:
        return [[b"SREM", key, call.reply]]
    if key not in call.db.data:
        return [[removal(call.db, "lazyfree-lazy-server-del"), key]]
    gone = list(call.reply)
    return [[b"SREM", key, *gone[at : at + _BATCH]] for at in range(0, len(gone), _BATCH)]


def _pops(names: dict[bytes, bytes], at: int) -> Effect:
    """The effect of commands that take from the first of several keys; ``at``: their number."""

    def effect(call: Call) -> list[Words]:
        side = call.args[at + 1 + int(call.args[at])].upper()
        key, elements = call.reply
        return [[names[side], key, b"%d" % len(elements)]]

    return effect


_SIDES: Final = {b"LEFT": b"LPOP", b"RIGHT": b"RPOP"}
_ENDS: Final = {b"MIN": b"ZPOPMIN", b"MAX": b"ZPOPMAX"}


def _pop(name: bytes) -> Effect:
    return lambda call: [[name, call.reply[0]]]


def _geoadd(call: Call) -> list[Words]:
    args = list(call.args)
    at = 1
    while args[at].upper() in (b"NX", b"XX", b"CH"):
        at += 1
    words = [b"zadd", *args[:at]]
    for place in range(at, len(args), 3):
        longitude, latitude = parse_float(args[place]), parse_float(args[place + 1])
        assert longitude is not None
        assert latitude is not None
        words += [b"%d" % geohash.encode(longitude, latitude), args[place + 2]]
    return [words]


# Streams -----------------------------------------------------------------------------------------


def _exact(call: Call, args: Words, at: int) -> None:
    """Make of "about so many" how many there are; ``at``: where MAXLEN or MINID stands."""
    if args[at + 1] != b"~":
        return
    stream = call.db.data[args[0]]
    long = args[at].upper() == b"MAXLEN"
    args[at + 1 : at + 3] = [
        b"=", b"%d" % stream.length if long else format_id(stream.first_id),
    ]


_TRIMMING: Final = frozenset({b"MAXLEN", b"MINID"})
# Words of XADD before its ID, with how many others follow each.
_BEFORE_ID: Final = {
    b"NOMKSTREAM": 0, b"KEEPREF": 0, b"DELREF": 0, b"ACKED": 0, b"LIMIT": 1, b"MAXLEN": 1,
    b"MINID": 1, b"IDMP": 2, b"IDMPAUTO": 1,
}


def _xadd(call: Call) -> list[Words]:
    args = list(call.args)
    at = 1
    while (word := args[at].upper()) in _BEFORE_ID:
        if word in _TRIMMING:
            _exact(call, args, at)
            at += args[at + 1] in (b"=", b"~")
        at += 1 + _BEFORE_ID[word]
    if args[at] == b"*" or args[at].endswith(b"-*"):
        args[at] = call.reply
    return [[*call.name, *args]]


def _xtrim(call: Call) -> list[Words]:
    args = list(call.args)
    at = next(place for place in range(1, len(args)) if args[place].upper() in _TRIMMING)
    _exact(call, args, at)
    return [[*call.name, *args]]


def _told(call: Call) -> list[Words]:
    """What the command has told of by itself."""
    return []


# Modules -----------------------------------------------------------------------------------------


def _ts_add(call: Call) -> list[Words]:
    args = list(call.args)
    if args[1] == b"*":
        args[1] = b"%d" % call.reply
    return [[*call.name, *args]]


def _ts_madd(call: Call) -> list[Words]:
    words = list(call.name)
    for at, reply in enumerate(call.reply):
        if not isinstance(reply, CommandError):
            words += [call.args[3 * at], b"%d" % reply, call.args[3 * at + 2]]
    return [words]


def _lowered(call: Call) -> list[Words]:
    return [[call.name[0].lower(), *call.args]]


def _named(name: bytes) -> Effect:
    """The same under a name that takes it as done where it is done already."""
    return lambda call: [[name, *call.args]]


def _dropped(call: Call) -> list[Words]:
    """The index alone goes there: its documents have gone one by one."""
    return [[b"FT._DROPINDEXIFX", call.args[0], b"_FORCEKEEPDOCS"]]


EFFECTS: Final[dict[str, Effect]] = {
    "SET": _set, "SETEX": _setex, "PSETEX": _setex, "GETSET": _getset, "GETEX": _getex,
    "GETDEL": _getdel, "INCRBYFLOAT": _incrbyfloat,
    **dict.fromkeys(("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"), _expire),
    "RESTORE": _restore, "RESTORE-ASKING": _restore, "MIGRATE": _migrate,
    "HINCRBYFLOAT": _hincrbyfloat, "HGETDEL": _hgetdel, "HGETEX": _hgetex, "HSETEX": _hsetex,
    **dict.fromkeys(("HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"), _hexpire),
    "SPOP": _spop, "LMPOP": _pops(_SIDES, 0), "BLMPOP": _pops(_SIDES, 1),
    "ZMPOP": _pops(_ENDS, 0), "BZMPOP": _pops(_ENDS, 1),
    "BLPOP": _pop(b"LPOP"), "BRPOP": _pop(b"RPOP"),
    "BZPOPMIN": _pop(b"ZPOPMIN"), "BZPOPMAX": _pop(b"ZPOPMAX"),
    "BLMOVE": lambda call: [[b"LMOVE", *call.args[:4]]],
    "BRPOPLPUSH": lambda call: [[b"RPOPLPUSH", *call.args[:2]]],
    "GEOADD": _geoadd, "XADD": _xadd, "XTRIM": _xtrim,
    **dict.fromkeys(("XREADGROUP", "XCLAIM", "XAUTOCLAIM"), _told),
    "TS.ADD": _ts_add, "TS.MADD": _ts_madd, "TS.INCRBY": _lowered, "TS.DECRBY": _lowered,
    "FT.CREATE": _named(b"FT._CREATEIFNX"), "FT.ALTER": _named(b"FT._ALTERIFNX"),
    "FT.ALIASADD": _named(b"FT._ALIASADDIFNX"), "FT.ALIASDEL": _named(b"FT._ALIASDELIFX"),
    "FT.DROPINDEX": _dropped, "FT.DROP": _dropped,
}
# Told to replicas whether they change anything or not.
ALWAYS: Final = frozenset({
    "FLUSHALL", "FLUSHDB", "PUBLISH", "SPUBLISH", "BF.ADD", "BF.MADD", "BF.INSERT", "CF.ADDNX",
    "CF.INSERTNX", "FT.CREATE", "FT.ALTER", "FT.ALIASADD", "FT.ALIASUPDATE", "FT.ALIASDEL",
    "FT.DROPINDEX", "FT.DROP", "FT.SYNUPDATE", "FT.DICTADD", "FT.DICTDEL", "FT.SUGDEL",
})
