"""The shape of each command: keys, options, pairs, and where order means nothing.

A shape is a row of words:

    key value member     one argument; ``key`` is a key
    ^where               one argument that is a word of the command, whatever its case
    {NX EX=1 COUNT=1?ANY}  options in any order, each with so many values and words that may follow;
                         ``=key`` a value that is a key, ``=trim`` a threshold of XADD and XTRIM,
                         ``=#2`` a count and so many groups of two, ``=numkeys`` as many as keys,
                         ``=rest`` all that follows
    member* (a b)*       all that follow, in this order, until an option that is declared next
    member~ (a b)~       the same, where the order means nothing
    #key* #key~          a count and so many of them
    streams              ``STREAMS key ... id ...``

Commands that are not here are compared argument by argument, with their first argument as the key
when they are commands of a module; others without a shape have no keys.
"""

from __future__ import annotations

from fakeredis.spy.values import Wire

__all__ = ["ALIASES", "ELSEWHERE", "KEYED_MODULES", "SHAPES", "names"]


def names(text: str) -> list[str]:
    """Names of commands, written as one text."""
    return text.split()


# Same effect, same reply: compared as the second, with these arguments added.
ALIASES = {"INCR": ("INCRBY", (Wire("1"),)), "DECR": ("DECRBY", (Wire("1"),))}


def _families(table: str) -> frozenset[str]:
    """Names written as ``FAMILY: COMMAND ...``; a family of its own name stands for itself."""
    found: set[str] = set()
    for line in table.strip().splitlines():
        family, _, commands = line.partition(": ")
        found.update(f"{family}.{each}" if family != "-" else each for each in names(commands))
    return frozenset(found)


# Commands of servers and their modules that the engine may not have; asserted as any other.
ELSEWHERE = _families(
    """
-: STRALGO VRANGE
BF: ADD CARD DEBUG EXISTS INFO INSERT LOADCHUNK MADD MEXISTS RESERVE SCANDUMP
CF: ADD ADDNX COMPACT COUNT DEBUG DEL EXISTS INFO INSERT INSERTNX LOADCHUNK MEXISTS RESERVE SCANDUMP
CMS: INCRBY INFO INITBYDIM INITBYPROB MERGE QUERY
FT: ADD ADDHASH AGGREGATE ALIASADD ALIASDEL ALIASLIST ALIASUPDATE ALTER CONFIG CREATE CURSOR DEBUG
FT: DEL DICTADD DICTDEL DICTDUMP DROP DROPINDEX EXPLAIN EXPLAINCLI GET HYBRID INFO MGET PROFILE
FT: SAFEADD SEARCH SPELLCHECK SUGADD SUGDEL SUGGET SUGLEN SYNADD SYNDUMP SYNUPDATE TAGVALS
FT: _ALIASADDIFNX _ALIASDELIFX _ALTERIFNX _CREATEIFNX _DROPIFX _DROPINDEXIFX _LIST
JSON: ARRAPPEND ARRINDEX ARRINSERT ARRLEN ARRPOP ARRTRIM CLEAR DEBUG DEL FORGET GET MERGE MGET MSET
JSON: NUMINCRBY NUMMULTBY NUMPOWBY OBJKEYS OBJLEN RESP SET STRAPPEND STRLEN TOGGLE TYPE
TDIGEST: ADD BYRANK BYREVRANK CDF CREATE INFO MAX MERGE MIN QUANTILE RANK RESET REVRANK TRIMMED_MEAN
TIMESERIES: CLUSTERSET CLUSTERSETFROMSHARD FORCESHARDSCONNECTION HELLO INFOCLUSTER NETWORKTEST
TIMESERIES: INNERCOMMUNICATION REFRESHCLUSTER
TOPK: ADD COUNT INCRBY INFO LIST QUERY RESERVE
TS: ADD ALTER CREATE CREATERULE DECRBY DEL DELETERULE GET INCRBY INFO MADD MGET MRANGE MREVRANGE
TS: NRANGE NREVRANGE QUERYINDEX QUERYLABELS RANGE READ REVRANGE
"""
)

_EXPIRY = "EX=1 PX=1 EXAT=1 PXAT=1"
_STORE = "#key* {WEIGHTS=numkeys AGGREGATE=1}"
_ZSET = "#key* {WEIGHTS=numkeys AGGREGATE=1 WITHSCORES}"
_TRIM = "MAXLEN=trim MINID=trim KEEPREF DELREF ACKED"
_GEO = (
    "FROMMEMBER=1 FROMLONLAT=2 BYRADIUS=2 BYBOX=3 ASC DESC COUNT=1?ANY WITHCOORD WITHDIST WITHHASH"
)
_RADIUS = "{WITHCOORD WITHDIST WITHHASH COUNT=1?ANY ASC DESC STORE=key STOREDIST=key}"
_TS = "RETENTION=1 ENCODING=1 CHUNK_SIZE=1 DUPLICATE_POLICY=1 ON_DUPLICATE=1 IGNORE=2 LABELS=rest"

_TABLE = f"""
GET|GETDEL|STRLEN|TYPE|TTL|PTTL|EXPIRETIME|PEXPIRETIME|PERSIST|DUMP: key
INCR|DECR|LLEN|SCARD|SMEMBERS|HGETALL|HKEYS|HVALS|HLEN|ZCARD|XLEN: key
SET: key value {{NX XX GET KEEPTTL {_EXPIRY} IFEQ=1 IFNE=1 IFDEQ=1 IFDNE=1}}
GETEX: key {{{_EXPIRY} PERSIST}}
GETSET|SETNX|APPEND|INCRBY|DECRBY|INCRBYFLOAT|GETBIT: key value
SETEX|PSETEX|SETRANGE|GETRANGE|SUBSTR|SETBIT: key value value
MGET: key*
MSET|MSETNX: (key value)~
MSETEX: #(key value)~ {{NX XX KEEPTTL {_EXPIRY}}}
INCREX: key {{BYINT=1 BYFLOAT=1 LBOUND=1 UBOUND=1 SATURATE ENX PERSIST {_EXPIRY}}}
DELEX: key {{IFEQ=1 IFNE=1 IFDEQ=1 IFDNE=1}}
LCS: key key {{LEN IDX MINMATCHLEN=1 WITHMATCHLEN}}
DEL|UNLINK|EXISTS|TOUCH|WATCH|PFCOUNT: key~
EXPIRE|PEXPIRE|EXPIREAT|PEXPIREAT: key value {{NX XX GT LT}}
RENAME|RENAMENX: key key
COPY: key key {{DB=1 REPLACE}}
MOVE: key db
RESTORE: key ttl value {{REPLACE ABSTTL IDLETIME=1 FREQ=1}}
MIGRATE: host port key db timeout {{COPY REPLACE AUTH=1 AUTH2=2 KEYS=keys}}
SORT: key {{BY=1 LIMIT=2 GET=1 ASC DESC ALPHA STORE=key}}
SORT_RO: key {{BY=1 LIMIT=2 GET=1 ASC DESC ALPHA}}
SCAN: cursor {{MATCH=1 COUNT=1 TYPE=1}}
SSCAN|HSCAN|ZSCAN: key cursor {{MATCH=1 COUNT=1 NOVALUES}}
OBJECT ENCODING|OBJECT FREQ|OBJECT IDLETIME|OBJECT REFCOUNT|DEBUG OBJECT: key
MEMORY USAGE: key {{SAMPLES=1}}
BITCOUNT: key start end ^unit
BITPOS: key bit start end ^unit
BITOP: ^operation key key*
BITFIELD|BITFIELD_RO: key value*
HSET|HMSET: key (field value)~
HSETNX|HINCRBY|HINCRBYFLOAT: key field value
HGET|HEXISTS|HSTRLEN: key field
HMGET: key field*
HDEL: key field~
HRANDFIELD|ZRANDMEMBER: key count {{WITHVALUES WITHSCORES}}
HEXPIRE|HPEXPIRE|HEXPIREAT|HPEXPIREAT: key value {{NX XX GT LT FIELDS=#1}}
HTTL|HPTTL|HEXPIRETIME|HPEXPIRETIME|HPERSIST|HGETDEL: key {{FIELDS=#1}}
HGETEX: key {{{_EXPIRY} PERSIST FIELDS=#1}}
HSETEX: key {{FNX FXX KEEPTTL {_EXPIRY} FIELDS=#2}}
LPUSH|RPUSH|LPUSHX|RPUSHX: key value*
LPOP|RPOP|LINDEX|SPOP|SRANDMEMBER|SISMEMBER|ZPOPMIN|ZPOPMAX: key value
LSET|LREM|LRANGE|LTRIM: key value value
LINSERT: key ^where pivot value
LPOS: key value {{RANK=1 COUNT=1 MAXLEN=1}}
LMOVE|BLMOVE: key key ^from ^to timeout
RPOPLPUSH|BRPOPLPUSH: key key timeout
LMPOP: #key* ^where {{COUNT=1}}
BLMPOP: timeout #key* ^where {{COUNT=1}}
ZMPOP: #key* ^where {{COUNT=1}}
BZMPOP: timeout #key* ^where {{COUNT=1}}
BLPOP|BRPOP|BZPOPMIN|BZPOPMAX: keys-then-timeout
SADD|SREM: key member~
SMISMEMBER|ZMSCORE: key member*
SMOVE: key key member
SINTER|SUNION: key~
SDIFF: key key~
SINTERSTORE|SUNIONSTORE|PFMERGE: key key~
SDIFFSTORE: key key key~
SINTERCARD|ZINTERCARD: #key~ {{LIMIT=1}}
ZADD: key {{NX XX GT LT CH INCR}} (score member)~
ZINCRBY: key score member
ZREM: key member~
ZSCORE|ZRANK|ZREVRANK: key member {{WITHSCORE}}
ZCOUNT|ZLEXCOUNT|ZREMRANGEBYRANK|ZREMRANGEBYSCORE|ZREMRANGEBYLEX: key low high
ZRANGE: key low high {{BYSCORE BYLEX REV LIMIT=2 WITHSCORES}}
ZRANGESTORE: key key low high {{BYSCORE BYLEX REV LIMIT=2}}
ZREVRANGE: key low high {{WITHSCORES}}
ZRANGEBYSCORE|ZREVRANGEBYSCORE|ZRANGEBYLEX|ZREVRANGEBYLEX: key low high {{WITHSCORES LIMIT=2}}
ZUNION|ZINTER|ZDIFF: {_ZSET}
ZUNIONSTORE|ZINTERSTORE|ZDIFFSTORE: key {_STORE}
GEOADD: key {{NX XX CH}} (longitude latitude member)~
GEODIST: key member member ^unit
GEOPOS|GEOHASH: key member*
GEOSEARCH: key {{{_GEO}}}
GEOSEARCHSTORE: key key {{{_GEO} STOREDIST}}
GEORADIUS|GEORADIUS_RO: key longitude latitude radius ^unit {_RADIUS}
GEORADIUSBYMEMBER|GEORADIUSBYMEMBER_RO: key member radius ^unit {_RADIUS}
PFADD: key member~
XADD: key {{NOMKSTREAM {_TRIM}}} id (field value)*
XTRIM: key {{{_TRIM} LIMIT=1}}
XDEL|XACK: key value*
XINCREX: key {{BYINT=1 BYFLOAT=1 LBOUND=1 UBOUND=1 SATURATE ENX PERSIST {_EXPIRY}}}
DELEX: key {{KEEPREF DELREF ACKED IDS=#1}}
XACKDEL: key group {{KEEPREF DELREF ACKED IDS=#1}}
XRANGE|XREVRANGE: key start end {{COUNT=1}}
XREAD: {{COUNT=1 BLOCK=1}} streams
XREADGROUP: {{GROUP=2 COUNT=1 BLOCK=1 CLAIM=1 NOACK}} streams
XGROUP CREATE|XGROUP SETID: key group id {{MKSTREAM ENTRIESREAD=1}}
XGROUP DESTROY: key group
XGROUP CREATECONSUMER|XGROUP DELCONSUMER: key group consumer
XINFO STREAM: key {{FULL COUNT=1}}
XINFO GROUPS|XINFO CONSUMERS: key group
XCLAIM: key group consumer idle id* {{IDLE=1 TIME=1 RETRYCOUNT=1 FORCE JUSTID LASTID=1}}
XAUTOCLAIM: key group consumer idle start {{COUNT=1 JUSTID}}
XPENDING: key group {{IDLE=1}} start end count consumer
XSETID: key id {{ENTRIESADDED=1 MAXDELETEDID=1}}
EVAL|EVALSHA|EVAL_RO|EVALSHA_RO|FCALL|FCALL_RO: script #key* value*
SUBSCRIBE|PSUBSCRIBE|SSUBSCRIBE|UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE: channel~
SCRIPT EXISTS: sha*
SCRIPT FLUSH|FLUSHALL|FLUSHDB|FUNCTION FLUSH: {{ASYNC SYNC}}
CLIENT KILL: {{ID=1 TYPE=1 USER=1 ADDR=1 LADDR=1 SKIPME=1 MAXAGE=1}}
CLIENT LIST: {{TYPE=1 ID=rest}}
CLIENT TRACKING: ^switch {{REDIRECT=1 PREFIX=1 BCAST OPTIN OPTOUT NOLOOP}}
CONFIG SET: (^parameter value)~
CONFIG GET: ^parameter*
JSON.SET: key path value {{NX XX}}
JSON.GET: key {{INDENT=1 NEWLINE=1 SPACE=1}} path*
JSON.MGET: json-mget
JSON.MSET: (key path value)*
TS.CREATE|TS.ALTER: key {{{_TS}}}
TS.ADD: key timestamp value {{{_TS}}}
TS.INCRBY|TS.DECRBY: key value {{TIMESTAMP=1 {_TS}}}
TS.MADD: (key timestamp value)*
TS.CREATERULE: key key {{AGGREGATION=2}}
TS.DELETERULE: key key
TS.MGET|TS.MRANGE|TS.MREVRANGE|TS.QUERYINDEX: value*
BF.RESERVE: key rate capacity {{EXPANSION=1 NONSCALING}}
BF.INSERT: key {{CAPACITY=1 ERROR=1 EXPANSION=1 NOCREATE NONSCALING ITEMS=rest}}
CF.RESERVE: key capacity {{BUCKETSIZE=1 MAXITERATIONS=1 EXPANSION=1}}
CMS.MERGE: key #key* {{WEIGHTS=numkeys}}
TDIGEST.CREATE: key {{COMPRESSION=1}}
TDIGEST.MERGE: key #key* {{COMPRESSION=1 OVERRIDE}}
"""


def _read(table: str) -> dict[str, str]:
    shapes: dict[str, str] = {}
    for line in table.strip().splitlines():
        names, _, shape = line.partition(": ")
        shapes.update(dict.fromkeys(names.split("|"), shape))
    return shapes


SHAPES = _read(_TABLE)

# Of modules, the families whose first argument is a key (FT.'s is an index).
KEYED_MODULES = ("JSON.", "TS.", "BF.", "CF.", "CMS.", "TOPK.", "TDIGEST.", "V")
