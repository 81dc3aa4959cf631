"""Words and texts end at a zero byte where the server takes them for C's strings.

Not in here: names of commands and subcommands, which the server finds so or not by chance.
"""

from __future__ import annotations

import pytest

from tests.support.twin import Twin

SETUP = (
    ["XADD", "s", "1-1", "a", "b"], ["XGROUP", "CREATE", "s", "g", "0"], ["SET", "str", "v"],
    ["ZADD", "z", "1", "a", "2", "b"], ["HSET", "h", "a", "b"], ["RPUSH", "l", "a", "b", "a"],
    ["GEOADD", "geo", "1", "2", "a", "3", "4", "b"],
)
CALLS: tuple[tuple[bytes, ...], ...] = (
    (b'SET', b'k', b'v', b'ex\x00', b'1'),
    (b'XREADGROUP', b'GROUP', b'g\x00', b'c', b'STREAMS', b's', b'>'),
    (b'XREADGROUP', b'GROUP', b'nog\x00a', b'c', b'STREAMS', b's', b'>'),
    (b'XREADGROUP', b'GROUP', b'nog', b'c', b'STREAMS', b's2\x00x', b'>'),
    (b'XACKDEL', b's', b'g', b'IDS', b'1', b'1-1\x00'), (b'NOS\x00UCH', b'a\x00b'),
    (b'CLIENT', b'FO\x00O'), (b'CONFIG', b'SET', b'max\x00x', b'1'),
    (b'CONFIG', b'SET', b'maxmemory', b'a\x00b'),
    (b'XGROUP', b'CREATE', b's', b'g\x00', b'0'), (b'XGROUP', b'CREATE', b's', b'g\x00', b'0'),
    (b'XGROUP', b'SETID', b's', b'n\x00g', b'0'), (b'XCLAIM', b's', b'n\x00g', b'c', b'1', b'1-1'),
    (b'XAUTOCLAIM', b's', b'n\x00g', b'c', b'1', b'1-1'), (b'XINFO', b'CONSUMERS', b's', b'n\x00g'),
    (b'XGROUP', b'CREATECONSUMER', b's', b'n\x00g', b'x'),
    (b'HSETEX', b'h', b'E\x00X', b'1', b'FIELDS', b'1', b'a', b'b'),
    (b'HSETEX', b'h', b'QQ\x00X', b'1', b'FIELDS', b'1', b'a', b'b'),
    (b'FUNCTION', b'LOAD', b'#!lu\x00a name=x\nfoo'), (b'FCALL', b'a\x00b', b'0'),
    (b'ACL', b'SETUSER', b'u', b'+fo\x00o'), (b'ACL', b'SETUSER', b'u', b'xx\x00y'),
    (b'ACL', b'DRYRUN', b'no\x00pe', b'get', b'a'),
    (b'ACL', b'DRYRUN', b'default', b'ge\x00t', b'a'), (b'ACL', b'GENPASS', b'1\x00'),
    (b'ACL', b'CAT', b'x\x00y'), (b'AUTH', b'a\x00b', b'c'),
    (b'SCAN', b'0', b'TYPE', b'foo\x00bar'), (b'XADD', b's', b'1-1\x00', b'a', b'b'),
    (b'OBJECT', b'FOO\x00X', b'a'), (b'GEOADD', b'geo', b'1\x00', b'2', b'a'),
    (b'ZADD', b'z', b'1\x00', b'a'), (b'INCRBY', b'n', b'1\x00'), (b'EXPIRE', b'str', b'1\x00'),
    (b'EXPIRE', b'str', b'10', b'NX\x00'), (b'EXPIRE', b'str', b'10', b'FO\x00'),
    (b'SET', b'k', b'v', b'NX\x00x'), (b'GETEX', b'k', b'EX\x00', b'10'),
    (b'ZRANGE', b'z', b'0', b'1', b'REV\x00'), (b'ZADD', b'z', b'NX\x00', b'1', b'a'),
    (b'SORT', b'str', b'DESC\x00'), (b'LMOVE', b'a', b'b', b'LEFT\x00', b'RIGHT'),
    (b'BITOP', b'AND\x00', b'd', b'a'), (b'BITFIELD', b'b', b'SET\x00', b'u8', b'0', b'1'),
    (b'BITFIELD', b'b', b'SET', b'u8\x00', b'0', b'1'), (b'COPY', b'str', b'd', b'REPLACE\x00'),
    (b'CLIENT', b'REPLY', b'ON\x00'), (b'CLIENT', b'SETNAME', b'a\x00b'),
    (b'CLIENT', b'SETINFO', b'lib-name\x00', b'x'), (b'CLIENT', b'SETINFO', b'foo\x00', b'x'),
    (b'HELLO', b'3', b'FOO\x00x'), (b'HELLO', b'3\x00'), (b'CLIENT', b'NO-EVICT', b'ON\x00'),
    (b'CLIENT', b'PAUSE', b'1\x00'),
    (b'SCRIPT', b'FLUSH', b'SYNC\x00'), (b'FLUSHALL', b'SYNC\x00'), (b'FLUSHALL', b'FOO\x00'),


    (b'COMMAND', b'LIST', b'FILTERBY', b'ACLCAT\x00', b'x'), (b'XTRIM', b's', b'MAXLEN\x00', b'1'),
    (b'XREAD', b'COUNT\x00', b'1', b'STREAMS', b's', b'0'),
    (b'LPOS', b'l', b'a', b'RANK\x00', b'1'), (b'SPOP', b'x', b'1\x00'),
    (b'SWAPDB', b'0\x00', b'1'), (b'SELECT', b'1\x00'),
    (b'EVAL', b"return redis.call('get\\0x','a')", b'0'),
    (b'EVAL', b"return redis.error_reply('a\\0b')", b'0'), (b'EVAL', b"error('a\\0b')", b'0'),
    (b'EVAL', b"return {err='FOO a\\0b'}", b'0'), (b'EVAL', b"return {ok='FOO a\\0b'}", b'0'),
    (b'EVAL', b"return redis.status_reply('a\\0b')", b'0'), (b'EVAL', b'return foo\x00', b'0'),
    (b'EVALSHA', b'abc\x00', b'0'), (b'RESTORE', b'q', b'0', b'a\x00', b'FOO\x00'),
    (b'VADD', b'v', b'FOO\x00', b'1'), (b'HEXPIRE', b'h', b'1', b'FIELDS\x00', b'1', b'a'),
    (b'HGETEX', b'h', b'EX\x00', b'1', b'FIELDS', b'1', b'a'),
    (b'SINTERCARD', b'1', b'x', b'LIMIT\x00', b'1'), (b'ZRANGEBYSCORE', b'z', b'(1\x00', b'2'),
    (b'ZRANGEBYLEX', b'z', b'[a\x00b', b'+'), (b'ZRANGEBYLEX', b'z', b'+\x00b', b'+'),
    (b'GEOSEARCH', b'g', b'FROMLONLAT', b'1', b'1', b'BYRADIUS', b'1', b'km\x00'),
    (b'GEODIST', b'g', b'a', b'b', b'km\x00'), (b'LINSERT', b'l', b'BEFORE\x00', b'a', b'b'),
    (b'WAIT', b'1\x00', b'1'),
    (b'ACL', b'LOG', b'RESET\x00'), (b'ACL', b'GETUSER', b'default\x00'),
    (b'ACL', b'DELUSER', b'a\x00b'), (b'CLIENT', b'UNBLOCK', b'1', b'ERROR\x00'),
    (b'CONFIG', b'SET', b'appendonly\x00', b'no'), (b'CONFIG', b'SET', b'appendonly', b'no\x00'),
    (b'CONFIG', b'SET', b'maxmemory-policy', b'noeviction\x00'),
    (b'CONFIG', b'SET', b'maxmemory', b'100\x00'), (b'XPENDING', b's', b'\x00x'),
    (b'XPENDING', b's', b'a\x00x'), (b'SORT', b'l', b'ALPHA\x00', b'DESC\x00'),
    (b'SORT', b'l', b'BY\x00', b'nosort'),
    (b'GEOSEARCH', b'geo', b'FROMMEMBER\x00', b'a', b'BYRADIUS\x00', b'1', b'km', b'ASC\x00'),
    (b'GEODIST', b'geo', b'a', b'b', b'km\x00'), (b'XREAD', b'STREAMS\x00', b's', b'0'),
    (b'XAUTOCLAIM', b's', b'g', b'c', b'0', b'0', b'COUNT\x00', b'1'),
    (b'LMPOP', b'1', b'l', b'LEFT\x00', b'COUNT\x00', b'1'), (b'ZADD', b'z', b'CH\x00', b'3', b'a'),
    (b'BITCOUNT', b'str', b'0', b'1', b'BIT\x00'),
    (b'BITPOS', b'str', b'1', b'0', b'1', b'BYTE\x00'), (b'GETEX', b'str', b'PERSIST\x00'),
    (b'SET', b'str', b'v', b'GET\x00'), (b'LCS', b'str', b'str', b'LEN\x00'),
    (b'ZRANGE', b'z', b'(1\x00', b'5', b'BYSCORE\x00'),
    (b'ZRANGE', b'z', b'-', b'+', b'BYLEX\x00', b'LIMIT\x00', b'0', b'1'),
    (b'ZINTER', b'1', b'z', b'WEIGHTS\x00', b'1', b'AGGREGATE\x00', b'SUM\x00'),
    (b'ZRANGEBYLEX', b'z', b'-\x00', b'+\x00'),
    (b'RESTORE', b'q', b'0', b'a', b'FREQ\x00', b'x'), (b'FUNCTION', b'LIST', b'FOO\x00X'),
    (b'FUNCTION', b'LOAD', b'FOO\x00X', b'x'), (b'CLIENT', b'LIST', b'TYPE', b'fo\x00o'),
    (b'CLIENT', b'KILL', b'USER', b'fo\x00o'), (b'LATENCY', b'GRAPH', b'fo\x00o'),
    (b'CLUSTER', b'FO\x00O'), (b'VADD', b'v', b'VALUES\x00', b'1', b'1', b'a'),
    (b'VSIM', b'v', b'ELE\x00', b'a'), (b'VSIM', b'v', b'ELE', b'a', b'FOO\x00'),
    (b'XINFO', b'STREAM', b's', b'FULL\x00', b'COUNT\x00', b'1'),
    (b'XADD', b't', b'NOMKSTREAM\x00', b'1-1', b'a', b'b'),
    (b'XTRIM', b's', b'MINID\x00', b'~\x00', b'1'),
    (b'XADD', b's', b'MAXLEN', b'=\x00', b'5', b'5-1', b'a', b'b'),
    (b'XSETID', b's', b'9-9', b'ENTRIESADDED\x00', b'9', b'MAXDELETEDID\x00', b'1-1'),
    (b'XGROUP', b'CREATE', b's', b'n2', b'$\x00'),
    (b'XGROUP', b'CREATE', b's2', b'n', b'0', b'MKSTREAM\x00'),
    (b'XREADGROUP', b'GROUP\x00', b'g', b'c', b'STREAMS', b's', b'>\x00'),
    (b'XRANGE', b's', b'-\x00', b'+\x00'),
    (b'XCLAIM', b's', b'g', b'c', b'0', b'1-1', b'FORCE\x00', b'JUSTID\x00'),
    (b'XPENDING', b's', b'g', b'IDLE\x00', b'0', b'-', b'+', b'1'),
    (b'XDELEX', b's', b'DELREF\x00', b'IDS\x00', b'1', b'1-1'),
    (b'HRANDFIELD', b'h', b'1', b'WITHVALUES\x00'),
    (b'HSCAN', b'h', b'0', b'MATCH\x00', b'a', b'NOVALUES\x00'),

    (b'HEXPIRE', b'h', b'100', b'NX\x00', b'FIELDS', b'1', b'a'),
    (b'BITFIELD', b'b', b'OVERFLOW\x00', b'SAT\x00', b'INCRBY\x00', b'u2\x00', b'0', b'9'),
    (b'BITFIELD', b'b', b'GET', b'u8', b'#1\x00'), (b'ZADD', b'z', b'INCR\x00', b'1', b'a'),
    (b'OBJECT', b'FREQ', b'x\x00'), (b'MEMORY', b'USAGE', b'str', b'SAMPLES\x00', b'0'),
    (b'SLOWLOG', b'GET', b'1\x00'), (b'COMMAND', b'LIST', b'FILTERBY\x00', b'MODULE\x00', b'x'),
    (b'EVAL_RO', b"return redis.call('SET\\0x','a','b')", b'0'),
    (b'EVAL', b"return redis.pcall('GET','a','b\\0')['err']", b'0'),
    (b'EVAL', b"return redis.setresp('3\\0')", b'0'), (b'COPY', b'str', b'd2', b'DB\x00', b'0'),
    (b'EXPIRE', b'str', b'10', b'GT\x00', b'XX\x00'),
    (b'HGETEX', b'h', b'PERSIST\x00', b'FIELDS\x00', b'1', b'a'),
    (b'HSETEX', b'h', b'FNX\x00', b'EX\x00', b'1', b'FIELDS\x00', b'1', b'q', b'b'),
    (b'LPOS', b'l', b'a', b'COUNT\x00', b'0', b'MAXLEN\x00', b'0'),
    (b'ZRANK', b'z', b'a', b'WITHSCORE\x00'), (b'ZPOPMIN', b'z', b'1\x00'),
    (b'GEORADIUS', b'geo', b'1', b'1', b'1', b'km\x00', b'WITHDIST\x00', b'STORE\x00', b'd'),
    (b'GEOADD', b'geo', b'NX\x00', b'1', b'2', b'q'), (b'PFDEBUG', b'fo\x00o', b'k'),

)


@pytest.mark.parametrize("call", CALLS, ids=repr)
def test_as_the_real_server(twin: Twin, call: tuple[bytes, ...]) -> None:
    for one in SETUP:
        twin(*one)
    twin(*call)

