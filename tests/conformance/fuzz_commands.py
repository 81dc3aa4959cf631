"""Commands of all groups with wrong words, JSON documents and paths, chunks of filters."""

# ruff: noqa: E501 - inputs stand in long lines
from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from fakeredis.engine.core.replies import BLOCKED
from fakeredis.errors import CommandError
from tests.conformance.fuzz_tools import SETUP, Fault, call, mutated, new_server
from tests.support.engines import Server

Command = list[bytes]

# Commands -----------------------------------------------------------------------------------------

# More keys than SETUP has: indexes, documents in them, and what the templates of modules use.
MORE: Final = """
FT.CREATE i PREFIX 1 d SCHEMA t TEXT WITHSUFFIXTRIE SORTABLE u TEXT PHONETIC dm:en g TAG SORTABLE n NUMERIC SORTABLE p GEO s GEOSHAPE FLAT v VECTOR HNSW 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2
FT.CREATE j ON JSON PREFIX 1 j SCHEMA $.t AS t TEXT $.n AS n NUMERIC $.g[*] AS g TAG $.v AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC COSINE
HSET d1 t {hello} u smith g red,blue n 1 p 1,2 v abcd|HSET d2 t {world} g red n 2.5 p 3,4 v efgh s {point}
HSET d3 t {hello} n 7|JSON.SET j1 $ {doc}|FT.SYNUPDATE i 1 hello hi|FT.DICTADD dict a b|FT.ALIASADD al i
""".format(hello="hello", world="world", point="POINT(1~1)", doc='{"t":"hello","n":1,"g":["a","b"],"v":[1,2]}')

# Good commands; each is made wrong in some of its words.
TEMPLATES: Final = r"""
JSON.SET doc $.b.c {"x":[1]} NX|JSON.SET new $ [1,2,{"a":null}]|JSON.SET doc $..c 5 XX|JSON.MSET doc $.z 1 new2 $ {}
JSON.GET doc INDENT ~ NEWLINE n SPACE . $.a $..c|JSON.GET doc .a[0]|JSON.MGET doc text $.a|JSON.MERGE doc $ {"a":null}
JSON.DEL doc $.a[1:3]|JSON.FORGET doc $..c|JSON.CLEAR doc $.*|JSON.TYPE doc $..*|JSON.RESP doc $.a|JSON.DEBUG MEMORY doc $.a
JSON.DEBUG DEPTH doc|JSON.ARRLEN doc $.a|JSON.ARRINDEX doc $.a "x" 0 -1|JSON.ARRAPPEND doc $.a 1 "q"|JSON.ARRINSERT doc $.a 1 5
JSON.ARRPOP doc $.a -1|JSON.ARRTRIM doc $.a 0 2|JSON.STRLEN text|JSON.OBJLEN doc $.b|JSON.OBJKEYS doc $..b|JSON.STRAPPEND text $ "y"
JSON.TOGGLE doc $.b.c|JSON.NUMINCRBY doc $.a[0] 1.5|JSON.NUMMULTBY doc $..a[0] 1e308|JSON.NUMPOWBY doc $.a[0] 2
FT.CREATE k1 ON HASH PREFIX 2 a b FILTER @n>1 LANGUAGE german SCORE 0.5 STOPWORDS 1 the SCHEMA t AS x TEXT NOSTEM WEIGHT 2 g TAG SEPARATOR ; CASESENSITIVE
FT.CREATE k2 MAXTEXTFIELDS TEMPORARY 60 NOOFFSETS NOHL NOFIELDS NOFREQS SKIPINITIALSCAN SCHEMA v VECTOR HNSW 10 TYPE FLOAT64 DIM 3 DISTANCE_METRIC IP M 4 EF_RUNTIME 5
FT.ALTER i SCHEMA ADD w TEXT NOINDEX SORTABLE UNF|FT.DROPINDEX k1 DD|FT.INFO i|FT._LIST|FT.ALIASUPDATE al j|FT.ALIASDEL al|FT.TAGVALS i g
FT.SEARCH i hello NOCONTENT WITHSCORES WITHSORTKEYS SORTBY n DESC LIMIT 0 2|FT.SEARCH i @n:[0~5] RETURN 2 t n SUMMARIZE FIELDS 1 t FRAGS 2 LEN 3 SEPARATOR x HIGHLIGHT FIELDS 1 t TAGS a b
FT.SEARCH i hel* FILTER n 0 5 GEOFILTER p 1 2 300 km INKEYS 2 d1 d2 INFIELDS 1 t SLOP 1 INORDER LANGUAGE english EXPANDER SYNONYM SCORER BM25 EXPLAINSCORE WITHSCORES
FT.SEARCH i *=>[KNN~2~@v~$b] PARAMS 2 b abcd DIALECT 2 TIMEOUT 100|FT.SEARCH j @g:{a!!b} RETURN 3 $.n AS m DIALECT 3|FT.SEARCH i hello VERBATIM NOSTOPWORDS PAYLOAD q
FT.AGGREGATE i * LOAD 2 @t @n APPLY @n*2 AS m FILTER @m>1 GROUPBY 1 @t REDUCE COUNT 0 AS c REDUCE SUM 1 @n AS s SORTBY 2 @c DESC MAX 3 LIMIT 0 2
FT.AGGREGATE i * GROUPBY 2 @g @n REDUCE TOLIST 1 @t REDUCE QUANTILE 2 @n 0.5 REDUCE FIRST_VALUE 4 @t BY @n ASC REDUCE RANDOM_SAMPLE 2 @t 2 REDUCE STDDEV 1 @n REDUCE COUNT_DISTINCTISH 1 @t
FT.AGGREGATE i hello VERBATIM LOAD * SORTBY 1 @n WITHCURSOR COUNT 1 MAXIDLE 1000 TIMEOUT 50 PARAMS 2 x y DIALECT 2 ADDSCORES|FT.AGGREGATE j * LOAD 3 $.t AS q GROUPBY 0 REDUCE AVG 1 @n
FT.CURSOR READ i 1 COUNT 2|FT.CURSOR DEL i 1|FT.PROFILE i SEARCH LIMITED QUERY hello NOCONTENT|FT.PROFILE i AGGREGATE QUERY * GROUPBY 1 @t|FT.EXPLAIN i hello!!-world DIALECT 2|FT.EXPLAINCLI i (a!!b)
FT.SPELLCHECK i helo wrld DISTANCE 2 TERMS INCLUDE dict x TERMS EXCLUDE dict|FT.SYNUPDATE i g1 SKIPINITIALSCAN a b|FT.SYNDUMP i|FT.DICTADD dict x y|FT.DICTDEL dict x|FT.DICTDUMP dict
FT.CONFIG GET *|FT.CONFIG SET TIMEOUT 100|FT.CONFIG SET MAXEXPANSIONS 10|FT.SUGADD sug hello~world 1.5 INCR PAYLOAD p|FT.SUGGET sug hel FUZZY WITHSCORES WITHPAYLOADS MAX 3|FT.SUGDEL sug hello|FT.SUGLEN sug
FT.ADD i d9 0.5 REPLACE PARTIAL LANGUAGE german PAYLOAD p FIELDS t hallo n 3|FT.GET i d1|FT.MGET i d1 d2|FT.DEL i d1 DD
TS.CREATE t9 RETENTION 1000 ENCODING COMPRESSED CHUNK_SIZE 128 DUPLICATE_POLICY LAST IGNORE 10 1.5 LABELS a b c d|TS.ALTER ts RETENTION 5 CHUNK_SIZE 64 LABELS x y
TS.ADD ts * 1.5 ON_DUPLICATE SUM|TS.ADD ts 1000 nan|TS.MADD ts 5 1 tsr 6 2|TS.INCRBY ts 1.5 TIMESTAMP 5000|TS.DECRBY tsr 2|TS.DEL ts 0 3|TS.GET ts LATEST|TS.INFO ts DEBUG
TS.CREATERULE ts dst AGGREGATION avg 10 3|TS.DELETERULE ts dst|TS.RANGE ts - + LATEST FILTER_BY_TS 1 2 3 FILTER_BY_VALUE 0 5 COUNT 2 ALIGN start AGGREGATION twa 10 BUCKETTIMESTAMP mid EMPTY
TS.REVRANGE tsr 0 5000 AGGREGATION std.p 3|TS.MRANGE - + WITHLABELS FILTER a=b GROUPBY c REDUCE max|TS.MREVRANGE - + SELECTED_LABELS a c COUNT 1 FILTER a!=x c=(d,e)|TS.MGET WITHLABELS FILTER a=b|TS.QUERYINDEX a=(b,c) d!=
BF.RESERVE b9 0.01 100 EXPANSION 2|BF.ADD bloom x|BF.MADD bloom x y|BF.INSERT b8 CAPACITY 10 ERROR 0.1 EXPANSION 1 NONSCALING ITEMS a b|BF.EXISTS bloom a|BF.MEXISTS bloom a b|BF.CARD bloom|BF.INFO bloom CAPACITY|BF.SCANDUMP bloom 0|BF.DEBUG bloom|BF.LOADCHUNK new 1 abc
CF.RESERVE c9 10 BUCKETSIZE 2 MAXITERATIONS 5 EXPANSION 1|CF.ADD cuckoo a|CF.ADDNX cuckoo q|CF.INSERT c8 CAPACITY 5 NOCREATE ITEMS a b|CF.INSERTNX cuckoo ITEMS a z|CF.DEL cuckoo a|CF.COUNT cuckoo a|CF.EXISTS cuckoo a|CF.MEXISTS cuckoo a b|CF.SCANDUMP cuckoo 0|CF.INFO cuckoo|CF.DEBUG cuckoo|CF.LOADCHUNK new 1 abc|CF.COMPACT cuckoo
CMS.INITBYDIM m9 10 2|CMS.INITBYPROB m8 0.01 0.1|CMS.INCRBY cms a 5 b 6|CMS.QUERY cms a b|CMS.MERGE m7 2 cms cms WEIGHTS 1 2|CMS.INFO cms|TOPK.RESERVE o9 3 5 2 0.9|TOPK.ADD top a b|TOPK.INCRBY top a 5|TOPK.QUERY top a|TOPK.COUNT top a|TOPK.LIST top WITHCOUNT|TOPK.INFO top
TDIGEST.CREATE d9 COMPRESSION 50|TDIGEST.ADD td 1 2 1e9|TDIGEST.MERGE d8 2 td td1 COMPRESSION 20 OVERRIDE|TDIGEST.RANK td 1 2|TDIGEST.REVRANK td 5|TDIGEST.CDF td 1|TDIGEST.QUANTILE td 0.5 1|TDIGEST.BYRANK td 0 5|TDIGEST.BYREVRANK td 1|TDIGEST.TRIMMED_MEAN td 0.1 0.9|TDIGEST.MIN td|TDIGEST.MAX td|TDIGEST.INFO td|TDIGEST.RESET td1
VADD v REDUCE 2 VALUES 3 1 2 3 four CAS Q8 EF 10 SETATTR {"a":2} M 4|VADD v FP32 abcdefghijkl five|VSIM v ELE one WITHSCORES WITHATTRIBS COUNT 3 EPSILON 0.5 EF 10 FILTER .a==1&&.a<5 FILTER-EF 5 TRUTH NOTHREAD|VSIM v VALUES 3 1 2 3
VEMB v one RAW|VLINKS v one WITHSCORES|VSETATTR v one {"a":3}|VGETATTR v one|VRANDMEMBER v -5|VINFO v|VDIM v|VCARD v|VREM v one|VISMEMBER v one
SET k v EX 100 NX GET|GETEX s PXAT 1700000009000|SETRANGE s 10 x|LCS s long IDX MINMATCHLEN 2 WITHMATCHLEN|INCRBYFLOAT n 1e300|BITFIELD bits SET u8 #1 255 OVERFLOW SAT INCRBY i63 0 9 GET u1 5|BITOP NOT b9 bits|BITPOS bits 1 0 -1 BIT|SETBIT bits 4294967295 1
SORT l BY nosort GET # GET pre:* LIMIT 0 2 ALPHA DESC STORE out|SORT ints BY k*->f|SCAN 0 MATCH * COUNT 10 TYPE list|COPY l l9 DB 1 REPLACE|RESTORE r9 0 abc REPLACE IDLETIME 5 FREQ 3|OBJECT ENCODING l|EXPIRE s 100 GT|RENAME set set9|DUMP x
LMPOP 2 l ints LEFT COUNT 3|LPOS l a RANK -1 COUNT 2 MAXLEN 5|LINSERT l BEFORE a b|BLMOVE l ints LEFT RIGHT 0.01|BLMPOP 0.01 1 none LEFT|LSET l 0 q|LTRIM l 1 -2|LREM l -1 a
ZADD z NX CH INCR 5 q|ZRANGE zt -inf (5 BYSCORE REV LIMIT 1 2 WITHSCORES|ZRANGESTORE z9 zt [a [m BYLEX|ZUNION 2 z zt WEIGHTS 1 2 AGGREGATE MAX WITHSCORES|ZINTERCARD 2 z zt LIMIT 1|ZMPOP 1 z MIN COUNT 2|ZRANDMEMBER zt -5 WITHSCORES|ZDIFFSTORE z8 2 zt z
HSETEX h FNX EX 5 FIELDS 2 a 1 b 2|HGETEX h PERSIST FIELDS 1 a|HEXPIRE h 100 NX FIELDS 2 a b|HPEXPIREAT h 1700000009000 FIELDS 1 a|HINCRBYFLOAT h a 1.5|HRANDFIELD table -3 WITHVALUES|HSCAN table 0 MATCH m* NOVALUES
XADD x NOMKSTREAM MAXLEN ~~ 2 LIMIT 5 * a 1|XTRIM x MINID = 2-1 ACKED|XAUTOCLAIM x g c 0 0 COUNT 2 JUSTID|XCLAIM x g c 0 1-1 IDLE 5 TIME 9 RETRYCOUNT 3 FORCE LASTID 5-1|XREADGROUP GROUP g c COUNT 2 BLOCK 5 NOACK STREAMS x >|XPENDING x g IDLE 5 - + 9 c1|XSETID x 9-9 ENTRIESADDED 9 MAXDELETEDID 1-1|XGROUP SETID x g 0 ENTRIESREAD 2|XINFO STREAM x FULL COUNT 1|XACKDEL x g ACKED IDS 1 1-1|XDELEX x KEEPREF IDS 1 1-1
GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 3 ANY WITHCOORD WITHDIST WITHHASH|GEOSEARCHSTORE g9 g FROMMEMBER Palermo BYRADIUS 10 km STOREDIST|GEORADIUS g 15 37 200 km STORE g8|GEOADD g NX CH 1 2 q|PFMERGE p9 p|PFCOUNT p
EVAL return{KEYS[1],ARGV[1]} 1 k a|EVALSHA_RO abc 0|SCRIPT LOAD return~1|FUNCTION LOAD REPLACE #!lua~name=l~redis.register_function('f',function()return~1~end)|FCALL f 0|FUNCTION LIST LIBRARYNAME l WITHCODE|FUNCTION DUMP|FUNCTION RESTORE abc FLUSH
ACL SETUSER u on >pw ~k* +@all -get &c* (+set~~x*)|ACL DRYRUN u get k|ACL GETUSER u|ACL CAT string|ACL LOG 5|CLIENT TRACKING on BCAST PREFIX a NOLOOP|CLIENT LIST TYPE normal ID 1|CLIENT KILL TYPE pubsub SKIPME yes|CLIENT REPLY on|CLIENT SETINFO lib-name x|HELLO 3 AUTH default x SETNAME y
CONFIG SET hash-max-listpack-entries 5 list-max-listpack-size -2|CONFIG GET *max* save|CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru|CONFIG SET client-output-buffer-limit normal~0~0~0|CONFIG SET notify-keyspace-events KEA|CONFIG SET save 5~1
COMMAND GETKEYS set k v|COMMAND GETKEYSANDFLAGS eval x 1 k|COMMAND DOCS get set|COMMAND LIST FILTERBY PATTERN x*|COMMAND INFO get|MEMORY USAGE l SAMPLES 5|LATENCY HISTOGRAM set|SLOWLOG GET 5|INFO all|CLUSTER KEYSLOT k|CLUSTER SLOTS|OBJECT FREQ s|DEBUG OBJECT l|DEBUG LISTPACK h|DEBUG JMAP
SUBSCRIBE c|PSUBSCRIBE c*|SSUBSCRIBE s|PUBLISH c m|UNSUBSCRIBE|RESET|PUBSUB NUMSUB c|MULTI|EXEC|DISCARD|WATCH k|SELECT 1|SWAPDB 0 1|WAIT 0 1|FLUSHDB ASYNC|TOUCH a b|LOLWUT VERSION 5 10 10 10
"""
HOSTILE: Final = (
    b"", b"0", b"-1", b"1", b"2", b"9223372036854775807", b"-9223372036854775808", b"18446744073709551616", b"4294967296",
    b"-0", b"+1", b" 1", b"0x10", b"1e400", b"nan", b"-inf", b"inf", b"1.5", b"1_0", "²".encode(), "٣".encode(), b"\xff", b"\xc3\x28",
    b"\xed\xa0\x80", "é😀".encode(), b"a\0b", b"\r\n", b"x" * 3000, b"*", b"[", b"]", b"{", b"(", b")", b"$", b"@", b"@n", b"$.a", b"..", b"'", b'"',
    b"\\", b"%", b"%s", b"~", b"=", b"|", b"&", b"#", b"WITHSCORES", b"LIMIT", b"COUNT", b"FILTER", b"AS", b"NX", b"XX", b"0-0", b"1-1", b"*-1",
    b"18446744073709551615-18446744073709551615", b"$", b">", b"-", b"+", b"5", b"100", b"65536", b"1000000", b"0.0001", b"1-",
    b"s", b"n", b"l", b"set", b"h", b"z", b"x", b"v", b"doc", b"text", b"bloom", b"cuckoo", b"cms", b"top", b"td", b"ts", b"tsr", b"i", b"j", b"new", b"k",
)
# They wait, write files, end the process or talk to others.
NEVER: Final = {
    b"SHUTDOWN", b"SYNC", b"PSYNC", b"REPLICAOF", b"SLAVEOF", b"FAILOVER", b"MIGRATE", b"SAVE", b"BGSAVE", b"BGREWRITEAOF",
}
HARMLESS: Final = (b"OBJECT", b"LISTPACK", b"JMAP", b"DIGEST-VALUE", b"DIGEST", b"STRINGMATCH-LEN", b"HTSTATS", b"QUICKLIST")
MOST: Final = 100_000  # of a reply's parts and a string's bytes, on the way to what is refused at once
_NUMBER: Final = re.compile(rb"[-+ (#]*([0-9]+)").match


def filled(server: Server) -> None:
    """Give a server a key of each kind, and indexes."""
    session = server.session()
    for line in (*SETUP.split("\n"), *MORE.split("\n")):
        for command in filter(None, line.split("|")):
            reply = call(session, *words_of(command))
            assert not isinstance(reply, CommandError), (command, reply)
    session.close()


def words_of(template: str) -> Command:
    """A command; ``~`` is a blank in a word, ``~~`` a tilde and ``!!`` an upright line."""
    return [
        word.replace("~~", "\0").replace("~", " ").replace("\0", "~").replace("!!", "|").encode()
        for word in template.split()
    ]


def templates() -> list[Command]:
    """Good commands, most of which do something."""
    return [words_of(each) for line in TEMPLATES.strip().splitlines() for each in line.split("|")]


def all_commands() -> list[Command]:
    """Each command there is, with as few words as it takes."""
    found: list[Command] = []
    session = new_server().session()
    for entry in call(session, b"COMMAND", b"INFO"):
        for each in (entry, *entry[9]):
            name, arity = bytes(each[0]), each[1]
            parts = name.split(b"|")
            found.append([*parts, *[b"l"] * (abs(arity) - len(parts))])
    session.close()
    return [words for words in found if words[0].upper() not in NEVER]


def made_wrong(chance: random.Random, words: Command) -> Command:
    """A command with some of its words changed, left out, doubled, swapped or put in."""
    words = list(words)
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3))):
        at = chance.randrange(1, len(words) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(words):
            del words[at]
        elif kind == 1:
            words.insert(at, chance.choice(HOSTILE))
        elif kind == 2 and at < len(words):
            words[at] = mutated(chance, words[at], 2)
        elif kind == 3 and at < len(words):
            other = chance.randrange(1, len(words))
            words[at], words[other] = words[other], words[at]
        elif kind == 4 and at < len(words):
            words[at:at] = words[at : at + chance.randint(1, 3)]
        elif at < len(words):
            words[at] = chance.choice(HOSTILE)
    return words


def commands(chance: random.Random) -> Iterator[list[Command]]:
    """Some commands for one client."""
    good, others = templates(), all_commands()
    while True:
        yield [
            made_wrong(chance, chance.choice(good if chance.random() < 0.8 else others))
            for _ in range(chance.randint(1, 8))
        ]


def is_too_much(words: Sequence[bytes]) -> bool:
    """Whether it may take long on the server as well, or reaches beyond it."""
    name = words[0].upper()
    if name == b"DEBUG" and words[1:] and words[1].upper() not in HARMLESS:
        return True
    if name in (b"CONFIG", b"CLIENT", b"MODULE") and any(
        part in word.lower() for word in words for part in (b"dir", b"filename", b"pause", b"debug", b"load", b"log")
    ):
        return True
    return any(MOST < abs(int(found[1][:30])) < 1 << 33 for word in words if (found := _NUMBER(word)))


class Commands:
    """Has commands executed; each is answered, and what is left can be written."""

    def __init__(self) -> None:
        self.server = new_server()
        self.left = 0  # inputs until another server is made

    def __call__(self, server: Server, data: list[Command]) -> None:
        if not self.left:
            self.server, self.left = new_server(), 25
            filled(self.server)
        self.left -= 1
        protocol = 3 if len(data) % 2 else 2
        session = self.server.session(protocol)
        for words in data:
            if words[0].upper() in NEVER or is_too_much(words):
                continue
            reply = call(session, *words)
            if reply is BLOCKED or reply is None:
                session.close()
                session = self.server.session(protocol)
            if isinstance(reply, CommandError) and "internal error" in str(reply):
                raise Fault(f"{words}: {reply}")
        session.close()
        self._check(data)

    def _check(self, data: list[Command]) -> None:
        other = self.server.session()
        call(other, b"SCRIPT", b"KILL")
        if call(other, b"ECHO", b"x") != b"x":
            self.left = 0  # it wants a password now, say
            return
        for word in {word for words in data for word in words[1:]}:
            payload = call(other, b"DUMP", word)
            if not isinstance(payload, bytes):
                continue
            again = call(other, b"RESTORE", b"again", b"0", payload, b"REPLACE")
            if isinstance(again, CommandError) and "OOM" not in str(again):
                raise Fault(f"what DUMP gave of {word!r} is refused: {again}")
        other.close()


# JSON ---------------------------------------------------------------------------------------------

DOCUMENTS: Final = (
    b'{"a":[1,2.5,"x",null,true,{"b":[]}],"b":{"c":{"a":1e300,"":-0.0}},"\\u00e9":"\\ud83d\\ude00"}', b"[[[[1]]],{},[]]",
    b'"text"', b"12345678901234567890", b"-1.5e-300", b"null", b'{"a":{"a":{"a":{"a":1}}}}', b'[1,"1",true,null,[1],{"x":1}]',
)
_FRACTION: Final = re.compile(rb"[0-9][.eE]").search  # the server reads these not quite exactly
STEPS: Final = (
    b"$", b".a", b"..a", b"[0]", b"[-1]", b"[*]", b".*", b"..*", b"[1:3]", b"[::2]", b"[-3:-1:1]", b"['a']", b'["b","c"]', b"[0,1,2]",
    b"[?(@.a>1)]", b"[?(@=='x' || @.b)]", b"[?(@.c =~ '^a.*')]", b"[?(!(@.a==$.b.c))]", b"[?(@.a[0]<=2.5&&@.b!=null)]", b".b.c", b"[?(@..a)]",
    b"..['a','b']", b"[?(@ in [1,2])]", b"[?(@.size()>1)]", b"[99999999999999999999]", b"[0:0:0]", b"[?@]", b"[(@.length-1)]",
)
WITH_PATHS: Final = (
    "GET", "DEL", "TYPE", "RESP", "DEBUG MEMORY", "ARRLEN", "ARRPOP", "STRLEN", "OBJLEN", "OBJKEYS", "TOGGLE", "CLEAR", "NUMINCRBY 1",
    "NUMMULTBY 2.5", "ARRAPPEND 1", "ARRINSERT 0 {}", "ARRTRIM 0 1", "ARRINDEX 1", 'STRAPPEND "q"', "SET [1]", "MERGE {}", "SET 5 XX",
)


def json(chance: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """Documents and paths in them."""
    while True:
        document, path = chance.choice(DOCUMENTS), b"".join(chance.choice(STEPS) for _ in range(chance.randint(1, 4)))
        if chance.random() < 0.02:
            document, path = b"[" * chance.choice((120, 130, 3000)) + document, chance.choice(STEPS) * 500
        if chance.random() < 0.5:
            document = mutated(chance, document)
        yield document, mutated(chance, path, 4) if chance.random() < 0.6 else path


def try_json(server: Server, data: tuple[bytes, bytes]) -> None:
    """What is taken comes back the same; every command takes or refuses a path."""
    session = server.session(3)
    document, path = data
    for start in (document, DOCUMENTS[0]):
        if isinstance(call(session, b"JSON.SET", b"k", b"$", start), CommandError):
            continue
        text = call(session, b"JSON.GET", b"k")
        call(session, b"JSON.SET", b"copy", b"$", text)
        if _FRACTION(text) is None and call(session, b"JSON.GET", b"copy") != text:
            raise Fault(f"{text!r} is not what came back")
        for each in WITH_PATHS:
            name, *more = each.encode().split()
            words = [b"JSON." + name, *more[:1], b"k", path] if name == b"DEBUG" else [b"JSON." + name, b"k", path, *more]
            call(session, *words)
        payload = call(session, b"DUMP", b"k")
        if isinstance(payload, bytes) and isinstance(call(session, b"RESTORE", b"k", b"0", payload, b"REPLACE"), CommandError):
            raise Fault(f"what DUMP gave is refused: {payload!r}")
    session.close()


# Chunks -------------------------------------------------------------------------------------------

FILTERS: Final = (
    ("BF", "BF.RESERVE k 0.1 3 EXPANSION 1|BF.MADD k a b c d e f g"), ("BF", "BF.RESERVE k 0.01 5 NONSCALING|BF.ADD k a"),
    ("CF", "CF.RESERVE k 4 BUCKETSIZE 2 EXPANSION 2|CF.INSERT k ITEMS a b c d e f a a"), ("CF", "CF.RESERVE k 100|CF.ADD k a"),
)
USES: Final = {
    "BF": "BF.INFO k|BF.DEBUG k|BF.CARD k|BF.MADD k a b x y z 1 2 3|BF.MEXISTS k a b q|BF.SCANDUMP k 0|DUMP k|BF.SCANDUMP k 1",
    "CF": "CF.INFO k|CF.DEBUG k|CF.ADD k x|CF.INSERT k ITEMS a b c d e|CF.COUNT k a|CF.DEL k a|CF.COMPACT k|CF.SCANDUMP k 0|DUMP k|CF.SCANDUMP k 1",
}


def chunks(chance: random.Random) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """The chunks of filters, some of them damaged, left out or in another order."""
    session = new_server().session()
    known = []
    for kind, setup in FILTERS:
        call(session, b"DEL", b"k")
        for command in setup.split("|"):
            call(session, *command.encode().split())
        found, cursor = [], 0
        while True:
            cursor, chunk = call(session, kind.encode() + b".SCANDUMP", b"k", b"%d" % cursor)
            if not cursor:
                break
            found.append((cursor, bytes(chunk)))
        known.append((kind, found))
    while True:
        kind, good = chance.choice(known)
        made = [(cursor, mutated(chance, chunk) if chance.random() < 0.5 else chunk) for cursor, chunk in good]
        if chance.random() < 0.2:
            chance.shuffle(made)
        if chance.random() < 0.2:
            made.append((chance.choice((0, 1, 2, 5, -1, 1 << 40, (1 << 63) - 1)), chance.choice(good)[1]))
        yield kind, made


def try_chunks(server: Server, data: tuple[str, list[tuple[int, bytes]]]) -> None:
    """Filters that were put together can be used like any."""
    session = server.session()
    kind, made = data
    call(session, b"DEL", b"k")
    for cursor, chunk in made:
        call(session, kind.encode() + b".LOADCHUNK", b"k", b"%d" % cursor, chunk)
    for command in USES[kind].split("|"):
        reply = call(session, *command.encode().split())
        if command == "DUMP k" and isinstance(reply, bytes):
            again = call(session, b"RESTORE", b"again", b"0", reply, b"REPLACE")
            if isinstance(again, CommandError):
                raise Fault(f"what DUMP gave is refused: {again}")
    session.close()
