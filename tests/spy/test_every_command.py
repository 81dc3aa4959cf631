"""What the spy says of keys, for every command: which they are, and whether they have a TTL."""

from __future__ import annotations

import pytest

import fakeredis
from fakeredis.commands import catalogue
from fakeredis.commands.registry import Command
from fakeredis.engine.command import command as declared
from fakeredis.engine.command import info
from fakeredis.engine.core.profiles import newest
from fakeredis.errors import CommandError
from fakeredis.spy import Spy, keyspace, spy_on
from tests.support.examples_of_commands import examples, left_out

# Calls of commands that Redis 8.2 does not have: before, call.
NEWER = {
    "ARSET": ("", "ARSET k 0 v w"), "ARMSET": ("", "ARMSET k 0 v 5 w"),
    "ARGET": ("ARSET k 0 v", "ARGET k 0"), "ARMGET": ("ARSET k 0 v", "ARMGET k 0 1"),
    "ARGETRANGE": ("ARSET k 0 v", "ARGETRANGE k 0 1"), "ARLEN": ("ARSET k 0 v", "ARLEN k"),
    "ARCOUNT": ("ARSET k 0 v", "ARCOUNT k"), "ARDEL": ("ARSET k 0 v w", "ARDEL k 0"),
    "ARDELRANGE": ("ARSET k 0 v w", "ARDELRANGE k 0 0"), "ARINSERT": ("", "ARINSERT k v"),
    "ARRING": ("", "ARRING k 3 v"), "ARNEXT": ("ARSET k 0 v", "ARNEXT k"),
    "ARSEEK": ("ARSET k 0 v", "ARSEEK k 7"), "ARLASTITEMS": ("ARSET k 0 v", "ARLASTITEMS k 1"),
    "ARSCAN": ("ARSET k 0 v", "ARSCAN k 0 10"), "ARINFO": ("ARSET k 0 v", "ARINFO k"),
    "ARGREP": ("ARSET k 0 v", "ARGREP k 0 10 EXACT v"), "AROP": ("ARSET k 0 1", "AROP k 0 10 SUM"),
    "CLUSTERSCAN": ("", "CLUSTERSCAN 0-{06S}-0"), "DELIFEQ": ("SET k v", "DELIFEQ k v"),
    "VRANGE": ("VADD k VALUES 2 1 2 a", "VRANGE k - +"),
    "XIDMPRECORD": ("XADD k 1-1 f v", "XIDMPRECORD k p i 1-1"),
    "DELEX": ("SET k v", "DELEX k IFEQ v"), "DIGEST": ("SET k v", "DIGEST k"),
    "MSETEX": ("SET d 1", "MSETEX 2 k 1 d 2 EX 100"),
    "TS.NRANGE": ("TS.ADD k 1 1; TS.ADD d 1 1", "TS.NRANGE 2 k d - +"),
    "TS.NREVRANGE": ("TS.ADD k 1 1; TS.ADD d 1 1", "TS.NREVRANGE 2 k d - +"),
    "TS.READ": ("TS.ADD k 1 1", "TS.READ k 0"),
    "INCREX": ("SET k 1 EX 100", "INCREX k BYINT 2 PERSIST"),
    "HIMPORT SET": ("HIMPORT PREPARE s f g", "HIMPORT SET k s 1 2"),
    "LMOVEM": ("RPUSH k a b", "LMOVEM k d LEFT RIGHT"),
    "BLMOVEM": ("RPUSH k a b", "BLMOVEM k d LEFT RIGHT 0"),
    "XCFGSET": ("XADD k 1-1 f v", "XCFGSET k IDMP-DURATION 10"),
    "XNACK": ("XADD k 1-1 f v; XGROUP CREATE k g 0", "XNACK k g FAIL IDS 1 1-1"),
    "FT.HYBRID": ("", "FT.HYBRID k SEARCH a VSIM @v $b PARAMS 2 b x"),
    "FT.ALIASLIST": ("FT.CREATE k SCHEMA t TEXT", "FT.ALIASLIST k"),
    "SDIFFCARD": ("SADD k 1 2; SADD d 2", "SDIFFCARD 2 k d"),
    "SUNIONCARD": ("SADD k 1 2; SADD d 2", "SUNIONCARD 2 k d"),
}
MORE = {
    "FT.CURSOR": ["FT.CURSOR READ k 1"],
    "SET": ["SET k v KEEPTTL", "SET d v XX", "SET d v NX GET", "SET k v GET EX 100"],
    "SORT": ["SORT k STORE d", "SORT missing STORE k"],
    "GEORADIUS": ["GEORADIUS k 15 37 2000 km STORE d", "GEORADIUS missing 15 37 1 km STORE k"],
    "GEORADIUSBYMEMBER": ["GEORADIUSBYMEMBER k a 2000 km STOREDIST d"],
    "XGROUP CREATE": ["XGROUP CREATE d h $ MKSTREAM"],
    "EXPIRE": ["EXPIRE k -1", "EXPIRE k 100 NX"],
    "COPY": ["COPY k d", "COPY k k DB 1"], "MOVE": ["MOVE k 1"], "SWAPDB": ["SWAPDB 0 1"],
    "ZADD": ["ZADD d XX 1 a"], "GEOADD": ["GEOADD d XX 13 38 a"], "LPUSHX": ["LPUSHX d v"],
    "XADD": ["XADD d NOMKSTREAM 9-1 f v"], "SETRANGE": ["SETRANGE d 0 "],
    "SINTERSTORE": ["SINTERSTORE k missing"], "ZRANGESTORE": ["ZRANGESTORE k missing 0 -1"],
    "BITOP": ["BITOP AND k missing"], "GETEX": ["GETEX k EX 100", "GETEX k PERSIST"],
    "RENAME": ["RENAME k d"], "DEL": ["DEL k d"], "UNLINK": ["UNLINK missing k"],
    "GETDEL": ["GETDEL k"], "FLUSHALL": ["FLUSHALL"], "FLUSHDB": ["FLUSHDB"],
    "RESTORE": ["RESTORE d 9999999999999 \\x00\\x01v\\x0b\\x00 ABSTTL"],
}


def all_commands() -> list[Command]:
    found: dict[str, Command] = {}
    for profile in newest():
        for command in catalogue.table(profile).all():
            if command.declaration.handler is not None and not left_out(command.name):
                found.setdefault(command.name, command)
    return sorted(found.values(), key=lambda command: command.name)


COMMANDS = all_commands()
WITH_KEYS = [command for command in COMMANDS if command.specs]
WRITING = [command for command in COMMANDS if command.flags & declared.WRITE]


def calls_of(command: Command) -> list[tuple[list[list[str]], list[str]]]:
    """Calls of a command, each with those that make its keys."""
    if command.name in NEWER:
        before, call = NEWER[command.name]
        return [([each.split(" ") for each in before.split("; ") if each], call.split(" "))]
    found = [(each.before, each.call) for each in examples(command.name, command.group)]
    before = found[0][0] if found else []
    return found + [(before, call.split(" ")) for call in MORE.get(command.name, ())]


def server_of(command: Command) -> fakeredis.FakeServer:
    for profile in newest():
        if catalogue.table(profile).find(command.parts[0]) is not None:
            return fakeredis.FakeServer(version=profile.version, server_type=profile.server_type)
    raise AssertionError(command)


def keys_of(command: Command, call: list[str]) -> list[str]:
    """What COMMAND GETKEYS says; nothing where it has no answer."""
    try:
        found = info.keys_with_flags(command, [word.encode() for word in call])
    except CommandError:
        return []
    return list(dict.fromkeys(key.decode() for key, _ in found))


def run(server: fakeredis.FakeServer, *calls: list[str]) -> Spy:
    session = server.session()
    with spy_on(server) as spy:
        for call in calls:
            try:
                session.execute([word.encode() for word in call])
            except CommandError:
                pass
        session.close()
    return spy


@pytest.mark.parametrize("command", WITH_KEYS, ids=lambda command: command.name)
def test_keys_are_those_of_getkeys(command: Command) -> None:
    calls = calls_of(command)
    assert calls, "a command with keys has an example"
    for before, call in calls:
        spy = run(server_of(command), *before, call)
        seen = [each for each in spy.calls if each.name == command.name][-1:]
        expected = keys_of(command, call)
        if command.name == "JSON.MGET":  # of whose keys the server says but the first
            expected = call[1:-1]
        elif command.name in ("CMS.MERGE", "TDIGEST.MERGE"):  # likewise
            expected = list(dict.fromkeys([call[1], *call[3 : 3 + int(call[2])]]))
        elif command.name in ("TS.CREATERULE", "TS.DELETERULE"):  # likewise
            expected = call[1:3]
        if expected:
            assert [list(each.keys) for each in seen] == [expected], call


@pytest.mark.parametrize("command", WRITING, ids=lambda command: command.name)
def test_deadlines_are_those_of_the_server(command: Command) -> None:
    for before, call in calls_of(command):
        without_keys = [each for each in before if each[0] in ("SCRIPT", "HIMPORT")]
        for made in (before, without_keys) if before != without_keys else (before,):
            for deadlines in ([], [["EXPIRE", key, "1000"] for key in ("k", "k2", "d")]):
                check_deadlines(command, [*made, *deadlines], call)


def check_deadlines(command: Command, before: list[list[str]], call: list[str]) -> None:
    server = server_of(command)
    spy = run(server, *before, call)
    actual = deadlines_of(server)
    predicted = {
        (name[1], str(name[2])): state.ttl is not None
        for name, state in keyspace.key_states(spy.calls).items()
    }
    assert actual == predicted, call


def deadlines_of(server: fakeredis.FakeServer) -> dict[tuple[int, str], bool]:
    """Which keys have one."""
    session = server.session()
    found = {}
    for db in (0, 1):
        session.execute([b"SELECT", b"%d" % db])
        for key in session.execute([b"KEYS", b"*"]):
            found[db, key.decode()] = session.execute([b"PTTL", key]) >= 0
    session.close()
    return found
