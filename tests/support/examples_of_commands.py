"""Right calls of every command, for the checks that are made of all of them.

They are those that were harvested, and those of the tables below, where none was harvested or one
key is not enough. No expected value stands here: the real server gives it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from tests.support import harvest


class Example(NamedTuple):
    """A call, and the calls that make its keys, each as words."""

    before: list[list[str]]
    call: list[str]

    def __str__(self) -> str:
        return " ".join(word or "''" for word in self.call)


# What must not be sent to a real server that others use too, or tells of this one only.
LEFT_OUT = {
    "BGREWRITEAOF": "writes files", "BGSAVE": "writes files", "SAVE": "writes files",
    "CONFIG REWRITE": "writes files", "ACL LOAD": "reads files", "ACL SAVE": "writes files",
    "SHUTDOWN": "ends the server", "DEBUG": "may end the server",
    "FAILOVER": "needs replicas", "REPLICAOF": "changes the server's role",
    "SLAVEOF": "changes the server's role", "SYNC": "for replicas", "PSYNC": "for replicas",
    "REPLCONF": "for replicas", "RESTORE-ASKING": "for clusters",
    "MODULE LOAD": "reads files", "MODULE LOADEX": "reads files",
    "CLIENT PAUSE": "stops every client of the server",
    "MONITOR": "replies for ever", "LOLWUT": "art",
    "SCRIPT DEBUG": "there is no debugger", "MODULE UNLOAD": "modules are not loaded",
    "LATENCY HISTOGRAM": "tells of durations",
    "MEMORY MALLOC-STATS": "of the server's allocator", "MEMORY DOCTOR": "advice",
    "LATENCY DOCTOR": "advice", "PFSELFTEST": "takes a second",
    "TIMESERIES.FORCESHARDSCONNECTION": "ends the server",
}

# Calls of which the server dies.
DEADLY = {"TS.INCRBY k 1 TIMESTAMP", "TS.DECRBY k 1 TIMESTAMP"}

# In place of the harvested example: before, call.
REPLACED = {
    "ACL GETUSER": ("", "ACL GETUSER default"),
    "CLIENT REPLY": ("", "CLIENT REPLY ON"),
    "EXEC": ("SET k 1; MULTI; GET k", "EXEC"),
    "DISCARD": ("SET k 1; MULTI; GET k", "DISCARD"),
    "EVALSHA": ("SCRIPT LOAD return(1)", "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0"),
    "EXPIRE": ("SET k 1 EX 1000", "EXPIRE k 100"),
    "HEXPIRE": ("HSET k f 1 g 2", "HEXPIRE k 100 FIELDS 1 f"),
    "HPEXPIRE": ("HSET k f 1 g 2", "HPEXPIRE k 100000 FIELDS 1 f"),
    "MIGRATE": ("SET k 1", "MIGRATE 127.0.0.1 1 k 0 10"),
    "INCRBYFLOAT": ("SET k 10; SET k2 12", "INCRBYFLOAT k 0.5"),
    "PEXPIRE": ("SET k 1", "PEXPIRE k 100000"),
    "PSETEX": ("SET k 1", "PSETEX k 100000 v"),
    "QUIT": ("", "QUIT"),
    "SCRIPT KILL": ("", "SCRIPT KILL"),
    "FUNCTION KILL": ("", "FUNCTION KILL"),
    "COMMAND": ("", "COMMAND COUNT"),
    **{
        f"TIMESERIES.{name}": ("", f"TIMESERIES.{name}") for name in (
            "CLUSTERSET", "CLUSTERSETFROMSHARD", "HELLO", "INFOCLUSTER", "INNERCOMMUNICATION",
            "NETWORKTEST", "REFRESHCLUSTER",
        )
    },
    "WAIT": ("", "WAIT 0 10"),
    "WAITAOF": ("", "WAITAOF 0 0 10"),
}

# Further calls: several keys, other forms, options that the harvest does not have.
MORE = {
    "CLUSTER SLOT-STATS": [
        "CLUSTER SLOT-STATS ORDERBY key-count LIMIT 2 ASC",
        "CLUSTER SLOT-STATS ORDERBY key-count DESC",
    ],
    "ZREVRANGEBYSCORE": ["ZREVRANGEBYSCORE k 3 1 WITHSCORES LIMIT 1 1"],
    "ZRANDMEMBER": ["ZRANDMEMBER k 2 WITHSCORES"],
    "ZADD": ["ZADD k LT CH 0 a 9 b", "ZADD k XX GT CH 5 a 0 b 1 x", "ZADD k INCR 5 a"],
    "HRANDFIELD": ["HRANDFIELD k 2 WITHVALUES", "HRANDFIELD k -3 WITHVALUES"],
    "HSETEX": [
        "HSETEX k FXX EXAT 9999999999 FIELDS 1 f v",
        "HSETEX k FXX PX 100000 FIELDS 1 x v",
        "HSETEX k FNX PXAT 9999999999000 FIELDS 1 x v",
        "HSETEX k PXAT 1 FIELDS 2 f v g w",
    ],
    "HGETEX": [
        "HGETEX k EXAT 9999999999 FIELDS 1 f",
        "HGETEX k PX 100000 FIELDS 1 f",
        "HGETEX k PXAT 1 FIELDS 2 f g",
    ],
    "HPEXPIREAT": [
        "HPEXPIREAT k 9999999999000 GT FIELDS 2 f x",
        "HPEXPIREAT k 9999999999000 LT FIELDS 2 f x",
        "HPEXPIREAT k 9999999999000 NX FIELDS 2 f x",
        "HPEXPIREAT k 9999999999000 XX FIELDS 2 f x",
    ],
    "HEXPIREAT": ["HEXPIREAT k 9999999999 LT FIELDS 1 f", "HEXPIREAT k 9999999999 XX FIELDS 1 f"],
    "COMMAND LIST": ["COMMAND LIST FILTERBY ACLCAT hash", "COMMAND LIST FILTERBY MODULE none"],
    "CLIENT UNBLOCK": ["CLIENT UNBLOCK 999999 TIMEOUT", "CLIENT UNBLOCK 999999 ERROR"],
    "CLIENT SETINFO": ["CLIENT SETINFO LIB-VER 1.2", "CLIENT SETINFO lib-name a"],
    "CLIENT NO-TOUCH": ["CLIENT NO-TOUCH ON"],
    "CLIENT NO-EVICT": ["CLIENT NO-EVICT ON"],
    "CLIENT LIST": [
        "CLIENT LIST TYPE MASTER",
        "CLIENT LIST TYPE PUBSUB",
        "CLIENT LIST TYPE REPLICA",
    ],
    "CLIENT KILL": [
        "CLIENT KILL LADDR 1.2.3.4:5",
        "CLIENT KILL TYPE PUBSUB ID 999999",
        "CLIENT KILL TYPE MASTER SKIPME NO",
        "CLIENT KILL TYPE REPLICA",
        "CLIENT KILL TYPE SLAVE SKIPME YES",
    ],
    "CLIENT CACHING": ["CLIENT CACHING NO"],
    "BITCOUNT": ["BITCOUNT k 0 -1 BYTE", "BITCOUNT k 0 10 BIT"],
    "BITFIELD": [
        "BITFIELD k SET u8 0 255 INCRBY u8 0 10 OVERFLOW FAIL INCRBY u8 0 10",
        "BITFIELD k OVERFLOW SAT INCRBY i5 #1 20 OVERFLOW WRAP INCRBY i5 #1 20",
    ],
    "BITOP": [f"BITOP {op} d k k2" for op in
              ("AND", "OR", "XOR", "DIFF", "DIFF1", "ANDOR", "ONE")] + ["BITOP NOT d k"],
    "BITPOS": ["BITPOS k 0 0 -1 BYTE", "BITPOS k 1 0 -1 BIT"],
    "BLMOVE": ["BLMOVE k k2 RIGHT LEFT 0"],
    "BLMPOP": ["BLMPOP 0 2 k k2 RIGHT COUNT 2"],
    "BLPOP": ["BLPOP k k2 0"],
    "BRPOP": ["BRPOP k k2 0"],
    "BRPOPLPUSH": ["BRPOPLPUSH k k2 0"],
    "BZMPOP": ["BZMPOP 0 2 k k2 MAX COUNT 2"],
    "BZPOPMAX": ["BZPOPMAX k k2 0"],
    "BZPOPMIN": ["BZPOPMIN k k2 0"],
    "CLIENT REPLY": ["CLIENT REPLY OFF", "CLIENT REPLY SKIP"],
    "COPY": ["COPY k k2", "COPY k k2 REPLACE"],
    "DEL": ["DEL k k2"],
    "EXISTS": ["EXISTS k k2 k"],
    "EVAL": [
        "EVAL return(redis.call('get',KEYS[1])) 1 k",
        "EVAL return(redis.call('incr',KEYS[1])) 1 k",
    ],
    "EVAL_RO": ["EVAL_RO return(redis.call('get',KEYS[1])) 1 k"],
    "FUNCTION LOAD": ["FUNCTION LOAD REPLACE nocode"],
    "FUNCTION RESTORE": [f"FUNCTION RESTORE x {name}" for name in ("FLUSH", "APPEND", "REPLACE")],
    "GEOADD": ["GEOADD k NX 1 1 x", "GEOADD k XX CH 1 1 m", "GEOADD k CH 1 1 m 2 2 x"],
    "GEODIST": [f"GEODIST k m m {unit}" for unit in ("M", "KM", "FT", "MI")],
    **{
        name: [
            f"{name} {where} 100 {unit} {words}"
            for unit in ("m", "km", "ft", "mi")
            for words in ("ASC", "DESC COUNT 1", "WITHCOORD WITHDIST WITHHASH", "COUNT 2 ANY",
                          *([] if name.endswith("_RO") else ["STORE d", "STOREDIST d"]))
        ]
        for name, where in (
            ("GEORADIUS", "k 13 52"), ("GEORADIUS_RO", "k 13 52"),
            ("GEORADIUSBYMEMBER", "k m"), ("GEORADIUSBYMEMBER_RO", "k m"),
        )
    },
    **{
        name: [
            f"{name} {keys} {where} {shape} {unit} {words}"
            for unit in ("m", "km", "ft", "mi")
            for where in ("FROMMEMBER m", "FROMLONLAT 13 52")
            for shape in ("BYRADIUS 100", "BYBOX 100 100")
            for words in ("ASC", "DESC COUNT 1 ANY", last)
        ]
        for name, keys, last in (
            ("GEOSEARCH", "k", "WITHCOORD WITHDIST WITHHASH"),
            ("GEOSEARCHSTORE", "d k", "STOREDIST"),
        )
    },
    "GETBIT": ["GETBIT k 7", "GETBIT k 4000"],
    "HDEL": ["HDEL k f g"],
    "HMGET": ["HMGET k f x g"],
    "HSET": ["HSET k f 5 h 6"],
    "LCS": ["LCS k k2 LEN"],
    "INCRBYFLOAT": ["INCRBYFLOAT k 1", "INCRBYFLOAT k -1e2"],
    "LINSERT": ["LINSERT k BEFORE 1 v", "LINSERT k AFTER 1 v"],
    "LMOVE": ["LMOVE k k2 LEFT RIGHT", "LMOVE k k LEFT RIGHT"],
    "LMPOP": ["LMPOP 2 k k2 RIGHT COUNT 2"],
    "LPOS": ["LPOS k 1 RANK -1 COUNT 0 MAXLEN 5"],
    "LTRIM": ["LTRIM k 5 9"],
    "LREM": ["LREM k 0 1"],
    "MGET": ["MGET k k2 k"],
    "MIGRATE": [
        "MIGRATE 127.0.0.1 1  0 10 COPY REPLACE AUTH secret KEYS k k2",  # an empty key
        "MIGRATE 127.0.0.1 1 k 0 10 AUTH2 user secret",
    ],
    "MSET": ["MSET k v k2 v"],
    "MSETNX": ["MSETNX k v k2 v", "MSETNX d v e v"],
    "OBJECT ENCODING": ["OBJECT ENCODING k2"],
    "PFCOUNT": ["PFCOUNT k k2"],
    "PFMERGE": ["PFMERGE k k2"],
    "RENAME": ["RENAME k k2"],
    "RENAMENX": ["RENAMENX k k2"],
    "RESTORE": ["RESTORE k2 0 x ABSTTL"],
    "RPOPLPUSH": ["RPOPLPUSH k k2"],
    "SADD": ["SADD k 9 10 abc"],
    "SDIFF": ["SDIFF k k2"],
    "SDIFFSTORE": ["SDIFFSTORE d k k2", "SDIFFSTORE k k2 k2"],
    "SETBIT": ["SETBIT k 90 1"],
    "SINTER": ["SINTER k k2"],
    "SINTERCARD": ["SINTERCARD 2 k k2 LIMIT 1"],
    "SINTERSTORE": ["SINTERSTORE d k k2"],
    "SMOVE": ["SMOVE k k2 1"],
    "SORT": ["SORT k DESC LIMIT 0 2 STORE d", "SORT k BY w_* GET # GET v_* ALPHA ASC"],
    "SORT_RO": ["SORT_RO k DESC LIMIT 0 2", "SORT_RO k BY w_* GET # ALPHA ASC"],
    "SREM": ["SREM k 1 2 9", "SREM k 1 2 3"],
    "SUNION": ["SUNION k k2"],
    "SUNIONSTORE": ["SUNIONSTORE d k k2"],
    "TOUCH": ["TOUCH k k2 k"],
    "UNLINK": ["UNLINK k k2"],
    "WATCH": ["WATCH k k2"],
    "XACKDEL": [f"XACKDEL k g {how} IDS 2 1-1 2-1" for how in ("KEEPREF", "DELREF", "ACKED")],
    "XADD": [f"XADD k MAXLEN = 1 {how} 9-1 f v" for how in ("KEEPREF", "DELREF", "ACKED")],
    "XDELEX": [f"XDELEX k {how} IDS 2 1-1 2-1" for how in ("KEEPREF", "DELREF", "ACKED")],
    "XREAD": ["XREAD COUNT 1 STREAMS k k2 0 0"],
    "XTRIM": [f"XTRIM k MAXLEN = 0 {how}" for how in ("KEEPREF", "DELREF", "ACKED")],
    "ZDIFF": ["ZDIFF 2 k k2 WITHSCORES"],
    "ZDIFFSTORE": ["ZDIFFSTORE d 2 k k2"],
    "ZINTER": ["ZINTER 2 k k2 WEIGHTS 2 3 AGGREGATE MAX WITHSCORES"],
    "ZINTERCARD": ["ZINTERCARD 2 k k2 LIMIT 1"],
    "ZINTERSTORE": ["ZINTERSTORE d 2 k k2 WEIGHTS 2 3 AGGREGATE MIN"],
    "ZMPOP": ["ZMPOP 2 k k2 MAX COUNT 2"],
    "ZRANGE": ["ZRANGE k 0 -1 WITHSCORES", "ZRANGE k 3 1 BYSCORE REV LIMIT 0 2",
               "ZRANGE k [a [c BYLEX"],
    "ZRANGESTORE": [
        "ZRANGESTORE d k 0 -1",
        "ZRANGESTORE d k (b - BYLEX REV LIMIT 0 1",
        "ZRANGESTORE k2 k 9 9",
    ],
    "ZREM": ["ZREM k a b m"],
    "ZUNION": ["ZUNION 2 k k2 WEIGHTS 2 3 AGGREGATE SUM WITHSCORES"],
    "ZUNIONSTORE": ["ZUNIONSTORE d 2 k k2 WEIGHTS 2 3 AGGREGATE MAX"],
}

# What makes a second key for the calls of `MORE`.
SECOND_KEY = {
    "string": "SET k2 15", "bitmap": "SET k2 xbc", "generic": "SET k2 2", "hash": "HSET k2 f 5",
    "list": "RPUSH k2 7 1", "set": "SADD k2 2 3 4", "sorted-set": "ZADD k2 5 b 6 x",
    "stream": "XADD k2 3-1 f w", "hyperloglog": "PFADD k2 a x",
}

# Deadlines and timeouts that would pass while a test looks, and what stands in their place.
_SLOWER = {
    ("PX", "1"): "100000", ("EX", "1"): "100", ("k", "1"): "100000",
}
_IN_A_MOMENT = {"PEXPIRE", "HPEXPIRE", "PSETEX", "EXPIRE", "HEXPIRE", "SETEX"}


def left_out(name: str) -> str | None:
    """Why a command is left out."""
    return LEFT_OUT.get(name) or LEFT_OUT.get(name.split(" ")[0])


def example(name: str) -> Example | None:
    """One right call of a command."""
    if name in REPLACED:
        before, call = REPLACED[name]
        return Example(_calls(before), call.split(" "))
    found = harvest.replies().get(name, {}).get("example")
    if found is None:
        return None
    return Example([call.split(" ") for call in found["before"]], _slower(found["call"]))


def examples(name: str, group: str) -> Iterator[Example]:
    """Every right call of a command, and many that are not."""
    first = example(name)
    if first is None:
        return
    yield first
    for item in harvest.replies().get(name, {}).get("syntax", ()):
        if " ".join(item["call"]) not in DEADLY:
            yield Example(first.before, _slower(item["call"]))
    second = SECOND_KEY.get(group)
    before = [*first.before, second.split(" ")] if second else first.before
    for call in MORE.get(name, ()):
        yield Example(before, call.split(" "))


def _calls(text: str) -> list[list[str]]:
    return [call.strip().split(" ") for call in text.split(";") if call.strip()]


def _slower(call: list[str]) -> list[str]:
    """A call whose deadlines leave time to look, whose waits do not end, whose IDs tell no time."""
    words = list(call)
    for at, pair in enumerate(itertools.pairwise(call)):
        if pair[0] != "k" or call[0] in _IN_A_MOMENT:
            words[at + 1] = _SLOWER.get(pair, words[at + 1])
    now = {"*": "9-*"} if call[0] == "XADD" else {"0.01": "0"}
    return [now.get(word, word) for word in words]
