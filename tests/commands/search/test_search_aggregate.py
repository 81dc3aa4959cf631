"""FT.AGGREGATE and the smaller search commands, beside the real server."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

from typing import Any

from fakeredis.errors import CommandError
from tests.commands.search.test_search import (
    Send,
    calls,
    pytestmark,
    send,
    until_scanned,
    words_of,
)
from tests.support.twin import Twin, fake_reply, in_order, same

__all__ = ["pytestmark", "send"]

ROWS = calls(r"""
    FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC SORTABLE g TAG SORTABLE p GEO m NUMERIC
    HSET d:1 t hello n 1 g Foo m 10 z 3.50
    HSET d:2 t "hello world" n 2 g Foo m 20
    HSET d:3 t hello n 3 g bar m 30 z x
    HSET d:4 t bye g bar
""")
AGGREGATES = calls(r"""
    FT.AGGREGATE x *
    FT.AGGREGATE x * LOAD 2 @n @t
    FT.AGGREGATE x * LOAD 3 @z AS zz SORTBY 1 @n
    FT.AGGREGATE x * LOAD *
    FT.AGGREGATE x * LOAD 1 nope
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE COUNT 0 AS c
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE COUNT 0
    FT.AGGREGATE x * GROUPBY 2 @g @n REDUCE COUNT 0 AS c SORTBY 2 @c DESC
    FT.AGGREGATE x * GROUPBY 0 REDUCE COUNT 0 AS c
    FT.AGGREGATE x * GROUPBY 0 REDUCE RANDOM_SAMPLE 2 @n 10 AS s
    FT.AGGREGATE x nope GROUPBY 0 REDUCE COUNT 0 AS c REDUCE SUM 1 @n REDUCE AVG 1 @n
    FT.AGGREGATE x * SORTBY 2 @n DESC
    FT.AGGREGATE x * SORTBY 4 @g ASC @n DESC LOAD 1 @t
    FT.AGGREGATE x * SORTBY 2 @n DESC MAX 2
    FT.AGGREGATE x * SORTBY 2 @n DESC LIMIT 1 2
    FT.AGGREGATE x * LIMIT 0 1
    FT.AGGREGATE x * APPLY @n*2 AS d FILTER '@d>2'
    FT.AGGREGATE x * LOAD 1 @z APPLY @z+1 AS d
    FT.AGGREGATE x * LOAD 1 @z APPLY exists(@z) AS d
    FT.AGGREGATE x * FILTER '@n>1' LOAD 1 @n
    FT.AGGREGATE x * APPLY upper(@t)
    FT.AGGREGATE x * APPLY
    FT.AGGREGATE x * APPLY 1 AS
    FT.AGGREGATE x * FILTER
    FT.AGGREGATE x * FILTER '@nope>1'
    FT.AGGREGATE x * GROUPBY
    FT.AGGREGATE x * GROUPBY 1 g
    FT.AGGREGATE x * GROUPBY 1 @nope
    FT.AGGREGATE x * GROUPBY 2 @g
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE FOO 0
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE COUNT
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE COUNT 1 @n
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE SUM 0
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE SUM 1 n
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE SUM 1 @nope
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE SUM 2 @n @n
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE QUANTILE 2 @n 5
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE QUANTILE 2 @n x
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE FIRST_VALUE 2 @n x
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE RANDOM_SAMPLE 2 @n 0
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE SUM 1 @n AS
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE SUM 1 @n AS a REDUCE SUM 1 @n AS a
    FT.AGGREGATE x * GROUPBY 2 @g @g
    FT.AGGREGATE x * SORTBY
    FT.AGGREGATE x * SORTBY 1 n
    FT.AGGREGATE x * SORTBY 1 @nope
    FT.AGGREGATE x * SORTBY 2 @n FOO
    FT.AGGREGATE x * SORTBY 3 @n
    FT.AGGREGATE x * SORTBY 1 @n MAX
    FT.AGGREGATE x * SORTBY 1 @n MAX x
    FT.AGGREGATE x * LOAD
    FT.AGGREGATE x * LOAD x
    FT.AGGREGATE x * LOAD 3 @n
    FT.AGGREGATE x * LOAD 2 @n AS
    FT.AGGREGATE x * FOO
    FT.AGGREGATE x * ADDSCORES SCORER BM25STD
    FT.AGGREGATE x hello ADDSCORES SCORER BM25STD SORTBY 2 @__score DESC
    FT.AGGREGATE x * ADDSCORES SCORER BM25STD APPLY @__score*2 AS s
    FT.AGGREGATE x hello WITHCURSOR COUNT 0
    FT.AGGREGATE x hello WITHCURSOR MAXIDLE 0
    FT.AGGREGATE x hello WITHCURSOR COUNT x
    FT.AGGREGATE x hello WITHCURSOR FOO
    FT.AGGREGATE x hello WITHCURSOR COUNT 1 MAXIDLE 100 LOAD 1 @n COUNT 3
    FT.CURSOR READ x 123
    FT.CURSOR DEL x 123
    FT.CURSOR READ x abc
    FT.CURSOR FOO x 1
    FT.CURSOR READ x
    FT.CURSOR READ
    FT.CURSOR
    FT.CURSOR READ nope 1
    FT.AGGREGATE nope *
    FT.AGGREGATE x
    FT.AGGREGATE
    FT.AGGREGATE x ( GROUPBY 1 g
    FT.AGGREGATE x ( SCORER foo
    FT.AGGREGATE x * VERBATIM LOAD 1 @n
    FT.AGGREGATE x * NOCONTENT
    FT.AGGREGATE x * RETURN 1 n
    FT.AGGREGATE x * DIALECT 2 LOAD 1 @n TIMEOUT 100 PARAMS 2 a b
    FT.AGGREGATE x * LOAD 2 @g @t GROUPBY 1 @g REDUCE TOLIST 1 @t AS ts SORTBY 2 @g ASC APPLY upper(@g) AS gg LIMIT 0 1
    FT.AGGREGATE x * GROUPBY 1 @g REDUCE TOLIST 1 @n AS ts REDUCE SUM 1 @n AS s
    FT.AGGREGATE x * GROUPBY 1 @t
    FT.AGGREGATE x * SORTBY 2 @t ASC
    FT.AGGREGATE x * GROUPBY 1 @z REDUCE COUNT 0 AS c
    FT.AGGREGATE x * LOAD 1 @__key
    FT.AGGREGATE x * LOAD 1 @__key SORTBY 2 @__key DESC
""")
UNORDERED = ("GROUPBY 2 @g @n", "GROUPBY 1 @t")


def prepare(twin: Twin, table: list[str]) -> None:
    for call in table:
        words = words_of(call)
        twin(*words)
        if words[0] == b"FT.CREATE":
            until_scanned(twin, words[1])


def ordered_rows(reply: Any) -> Any:
    """A reply whose rows come in any order, in one."""
    if isinstance(reply, CommandError):
        return reply
    rows = reply[b"results"] if isinstance(reply, dict) else reply[1:]
    return sorted(map(repr, rows))


def test_aggregates(twin: Twin) -> None:
    prepare(twin, ROWS)
    for call in AGGREGATES:
        words = words_of(call)
        if any(part in call for part in UNORDERED):
            twin._compare(
                tuple(words), lambda fake, real: same(ordered_rows(fake), ordered_rows(real))
            )
        else:
            twin(*words)


EXPRESSIONS = [
    '@n+1',
    '@n/2',
    '@n%4',
    '@n^2',
    '-@n',
    '@n*1.5',
    '@n/0',
    '0/0',
    '-1/0',
    '@n%0',
    '@t+1',
    '@nope',
    '@nope+1',
    "'a'+1",
    "'a'",
    '"b"',
    "'a' == 'a'",
    '@n==7',
    '@n>3 && @n<5',
    '@n>3 || foo',
    '!@n',
    '!(@n>3)',
    '1 < 2',
    "'10' < 9",
    "'a' < 1",
    "@t=='hello world'",
    'log(@n)',
    'log2(8)',
    'exp(1)',
    'abs(-3)',
    'floor(2.5)',
    'ceil(2.5)',
    'sqrt(16)',
    'sqrt(-1)',
    'log(0)',
    'log(-1)',
    "abs('x')",
    "floor('2.7')",
    'upper(@t)',
    'lower(@t)',
    'upper(1)',
    "startswith(@t,'Hel')",
    "contains(@t,'l')",
    "contains(@t,'')",
    'substr(@t,1,3)',
    'substr(@t,-3,2)',
    'substr(@t,0,-1)',
    'substr(@t,0,-3)',
    'substr(@t,20,3)',
    "format('%s-%s',@n,@t)",
    "format('%%')",
    "format('%d',1)",
    "format('%s')",
    "split('a,b , c')",
    "split('a-b','-')",
    "split('a, b',',',' ')",
    'strlen(@t)',
    'strlen(5)',
    'timefmt(0)',
    "timefmt(1500000000,'%Y')",
    "timefmt('x')",
    "parsetime('2017-07-14','%Y-%m-%d')",
    "parsetime('x','%Y')",
    'day(1500000000)',
    'hour(1500000000)',
    'minute(1500000000)',
    'month(1500000000)',
    'monthofyear(1500000000)',
    'dayofweek(1500000000)',
    'dayofmonth(1500000000)',
    'dayofyear(1500000000)',
    'year(1500000000)',
    'day(-1)',
    "year('a')",
    'geodistance(@ge,1,3)',
    "geodistance(@ge,'1,3')",
    'geodistance(1,2,1,3)',
    "geodistance('1,2','1,3')",
    'exists(@n)',
    'exists(@nope)',
    "exists('a')",
    "to_number('5')",
    "to_number('x')",
    'to_str(5)',
    'to_str(1.50)',
    'matched_terms()',
    "case(@n>1,'a','b')",
    'foo(1)',
    'log()',
    'log(1,2)',
    '1+',
    '(1',
    '1 1',
    '@',
    '@n @n',
    '',
    '1e3',
    '1.50',
    '0.1+0.2',
    '1/3',
    '1000000*1000000',
    '123456789012345678',
    '1e20',
    '1e-5',
    "'a\\'b'",
    '-5',
    '--5',
    '2+3*4',
    '(2+3)*4',
    '2^3^2',
    '10-3-2',
    'NULL',
    'null == null',
    '@z',
    '@z+0',
    "@n == '7'",
    "@g == 'x'",
    "@t > 'A'",
    'min(1,2)',
    '5 % 3.7',
    '-7 % 3',
    '1 == 1.0',
    'inf',
    'nan',
]


def test_expressions(twin: Twin) -> None:
    prepare(twin, ['FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC g TAG ge GEO', 'HSET d:1 t "Hello World" n 7 g x ge 1,2 z 3.50'])
    for expression in EXPRESSIONS:
        twin("FT.AGGREGATE", "x", "*", "LOAD", "4", "@t", "@n", "@ge", "@z", "APPLY", expression, "AS", "r")


def test_cursors(twin: Twin) -> None:
    """Rows come piece by piece; the numbers of cursors are the servers' own."""
    prepare(twin, ROWS)

    def without_number(fake: Any, real: Any) -> bool:
        return same(fake[0], real[0]) and bool(fake[1]) == bool(real[1])

    call = words_of("FT.AGGREGATE x * LOAD 1 @n WITHCURSOR COUNT 3")
    fake, real = twin.fake.execute(call), twin.wire.call(*call)
    assert without_number(fake, real)
    for action in (b"READ", b"READ", b"DEL"):
        ours = fake_reply(twin.fake, [b"FT.CURSOR", action, b"x", b"%d" % fake[1]])
        theirs = twin.wire.call(b"FT.CURSOR", action, b"x", b"%d" % real[1])
        assert same(ours, theirs)


SMALL = calls(r"""
    FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC SORTABLE g TAG v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2
    HSET d:1 t "hello world" n 1 g a,B
    HSET d:2 t "hallo word" n 2
    FT.TAGVALS x
    FT.TAGVALS x g
    FT.TAGVALS x g z
    FT.TAGVALS x t
    FT.TAGVALS x nope
    FT.TAGVALS nope g
    FT.DICTADD
    FT.DICTADD d
    FT.DICTADD d a b a
    FT.DICTDUMP d
    FT.DICTDUMP nope
    FT.DICTDEL d
    FT.DICTDEL d a zz
    FT.DICTDEL nope a
    FT.DICTDUMP d e
    FT.DICTDEL d b
    FT.DICTDUMP d
    FT.SYNUPDATE x
    FT.SYNUPDATE nope g a
    FT.SYNDUMP nope
    FT.SYNDUMP
    FT.SYNADD x a
    FT.SPELLCHECK x
    FT.SPELLCHECK x hallow
    FT.SPELLCHECK x "hello wrld" DISTANCE 2
    FT.SPELLCHECK x "helo" DISTANCE 5
    FT.SPELLCHECK x "helo" DISTANCE x
    FT.SPELLCHECK x "helo" DISTANCE
    FT.SPELLCHECK x "helo" TERMS INCLUDE nodict
    FT.SPELLCHECK x "helo" TERMS
    FT.SPELLCHECK x "helo" TERMS FOO d
    FT.SPELLCHECK x "helo" FOO
    FT.SPELLCHECK nope "helo"
    FT.DICTADD d helo2 hello
    FT.SPELLCHECK x "helo" TERMS INCLUDE d
    FT.SPELLCHECK x "helo" TERMS EXCLUDE d
    FT.SPELLCHECK x "zzz"
    FT.SPELLCHECK x "@t:helo @n:[1 2]"
    FT.SPELLCHECK x "(helo"
    FT.DICTDEL d helo2 hello
    FT.CONFIG GET TIMEOUT
    FT.CONFIG GET nope
    FT.CONFIG SET TIMEOUT 100
    FT.CONFIG SET TIMEOUT x
    FT.CONFIG SET nope 1
    FT.CONFIG SET DEFAULT_DIALECT 2
    FT.SEARCH x '@n==1' NOCONTENT
    FT.CONFIG SET DEFAULT_DIALECT 9
    FT.CONFIG SET DEFAULT_DIALECT 1
    FT.CONFIG SET TIMEOUT 500
    FT.CONFIG SET MAXSEARCHRESULTS
    FT.CONFIG FOO x
    FT.CONFIG
    FT.SUGADD k hello 1
    FT.SUGADD k help 2
    FT.SUGADD k hello 1 INCR
    FT.SUGADD k
    FT.SUGADD k a x
    FT.SUGADD k a 1 FOO
    FT.SUGADD k a 1 PAYLOAD
    FT.SUGADD k "hola mundo" 3 PAYLOAD pp
    FT.SUGGET k he
    FT.SUGGET k he WITHSCORES
    FT.SUGGET k he WITHSCORES WITHPAYLOADS
    FT.SUGGET k ho WITHSCORES WITHPAYLOADS
    FT.SUGGET k hxl FUZZY
    FT.SUGGET k hxl FUZZY WITHSCORES
    FT.SUGGET k he MAX 1
    FT.SUGGET k he MAX
    FT.SUGGET k he MAX x
    FT.SUGGET k he MAX 0
    FT.SUGGET k he FOO
    FT.SUGGET k hello WITHSCORES
    FT.SUGGET k HEL WITHSCORES
    FT.SUGGET k zz
    FT.SUGGET nope he
    FT.SUGGET k
    FT.SUGLEN k
    FT.SUGLEN nope
    FT.SUGDEL k help
    FT.SUGDEL k nope
    FT.SUGDEL nope x
    FT.SUGDEL k
    TYPE k
    OBJECT ENCODING k
    SET s x
    FT.SUGADD s a 1
    FT.SUGGET s a
    FT.SUGLEN s
    FT.SUGDEL s a
    FT.SUGDEL k "hola mundo"
    DUMP k
    FT.SUGDEL k hello
    EXISTS k
    DEL k s
    FT.EXPLAIN x
    FT.EXPLAIN nope a
    FT.EXPLAIN x a FOO
    FT.EXPLAIN x ""
    FT.EXPLAINCLI x hello
    FT.GET x d:1
    FT.GET x d:9
    FT.GET nope d:1
    FT.GET x
    FT.MGET x d:1 d:9
    FT.MGET nope d:1
    FT.MGET x
    FT.EXPLAIN x 'a1 b1=>{$weight:2}' DIALECT 2
    FT.EXPLAIN x '(a1 b1)=>{$weight:2;$slop:1;$inorder:true}' DIALECT 2
    FT.EXPLAIN x '"a1 running"' DIALECT 2
    FT.EXPLAIN x 'a1 (b1|c1) -d1 ~e1 f2* %i1% %%j1%% w?x' DIALECT 2
    FT.EXPLAIN x '@n:[(1 +inf] @n:[-inf 5] @g:{a|b c|d2*|*e2}' DIALECT 2
    FT.EXPLAIN x '@g:{a|""}' DIALECT 2
    FT.EXPLAIN x "w'a?b*' @g:{w'x*'} @n==3 @n!=3 @n>=3 @n<4" DIALECT 2
    FT.EXPLAIN x '*' DIALECT 2
    FT.EXPLAIN x '*=>[KNN 3 @v $q]' DIALECT 2 PARAMS 2 q abcd
    FT.EXPLAIN x '@t:foo=>[KNN 3 @v $q AS dd]' DIALECT 2 PARAMS 2 q abcd
    FT.EXPLAIN x '@v:[VECTOR_RANGE 0.5 $q]' DIALECT 2 PARAMS 2 q abcd
    FT.EXPLAIN x '@t|u:(foo bar)' DIALECT 2
    FT.EXPLAIN x 'a b|c d' DIALECT 2
    FT.EXPLAIN x 'a1 | b1 | (c1|d1)' DIALECT 2
    FT.EXPLAIN x '(a1 b1) c1 (d1 e1)' DIALECT 2
    FT.EXPLAIN x '-(a1 b1) c1' DIALECT 2
    FT.EXPLAIN x '@t:(a1|b1) c1' DIALECT 1
    FT.EXPLAIN x 'a1 b1|c1 d1' DIALECT 1
    FT.EXPLAIN x '-hello | there' DIALECT 1
    FT.EXPLAIN x '@t:hello world' DIALECT 1
    FT.EXPLAIN x 'hello -world | goodbye' DIALECT 1
    FT.EXPLAIN x '"hello-world x"' DIALECT 2
    FT.EXPLAIN x 'a1 | the' DIALECT 2
    FT.EXPLAIN x '"the a1"' DIALECT 2
    FT.EXPLAINCLI x 'a1 b1' DIALECT 2
    FT.DEL x d:1
    FT.DEL x d:1
    FT.DEL nope d:1
    EXISTS d:1
    FT.SYNUPDATE x g1 hi Hello
    FT.SYNDUMP x
    FT.SYNUPDATE x g2 SKIPINITIALSCAN hey hello
    FT.SYNDUMP x
    FT.EXPLAIN x hi
    FT.SEARCH x hi NOCONTENT
""")


def test_small_commands(twin: Twin) -> None:
    for call in SMALL:
        words = words_of(call)
        if words[0] == b"FT.SYNDUMP" and len(words) > 1:
            twin._compare(tuple(words), lambda fake, real: same(in_order(fake), in_order(real)))
            continue
        reply = twin(*words)
        if words[0] in (b"FT.CREATE", b"FT.SYNUPDATE") and reply == b"OK":
            until_scanned(twin, words[1])


def test_hurried_queries(twin: Twin, send: Send) -> None:
    """What dialect 4 and WITHOUTCOUNT count, and what they do not sort."""
    send("FT.CREATE x SCHEMA t TEXT n NUMERIC SORTABLE m NUMERIC g TAG s TEXT SORTABLE")
    for number in range(1, 9):
        word = "hello" if number % 2 else "world"
        send(
            f"HSET d:{number} t '{word} w{number}' n {9 - number} m {number} "
            f"g {'a' if number < 6 else 'b'} s x{number % 3}"
        )
    queries = ("hello", "*", "@n:[1 6]", "@g:{a}", "hello @n:[1 6]", "-hello", "@n:[1 6] @g:{a}")
    orders = ("", "SORTBY n", "SORTBY n DESC", "SORTBY m", "SORTBY s")
    for query in queries:
        for order in orders:
            for limit in ("0 2", "1 2", "5 5", "0 0"):
                send(
                    f"FT.SEARCH x '{query}' NOCONTENT SCORER TFIDF {order} LIMIT {limit} DIALECT 4"
                )
    for call in calls("""
        FT.SEARCH x hello NOCONTENT SCORER TFIDF LIMIT 0 2 WITHOUTCOUNT
        FT.SEARCH x hello NOCONTENT SCORER TFIDF LIMIT 0 2 WITHCOUNT DIALECT 4
        FT.AGGREGATE x * LIMIT 0 2 DIALECT 4
        FT.AGGREGATE x * SORTBY 1 @n LIMIT 0 2 DIALECT 4
        FT.AGGREGATE x * SORTBY 1 @n LIMIT 0 2 WITHCOUNT DIALECT 4
        FT.AGGREGATE x * SORTBY 1 @s LIMIT 0 2 DIALECT 4
        FT.AGGREGATE x * SORTBY 1 @s LIMIT 0 2 WITHOUTCOUNT
        FT.AGGREGATE x hello SORTBY 1 @s LIMIT 0 2 DIALECT 4
        FT.AGGREGATE x * SORTBY 2 @n DESC MAX 3 DIALECT 4
        FT.AGGREGATE x * SORTBY 2 @n @s LIMIT 6 5 DIALECT 4
        FT.AGGREGATE x * SORTBY 2 @g @n LIMIT 0 2 DIALECT 4
        FT.AGGREGATE x * LOAD 1 @t SORTBY 1 @t LIMIT 0 2 DIALECT 4
        FT.AGGREGATE x * SORTBY 1 @n LIMIT 0 2 APPLY @n AS z DIALECT 4
        FT.AGGREGATE x * GROUPBY 1 @g REDUCE COUNT 0 AS c SORTBY 1 @c LIMIT 0 1 DIALECT 4
        FT.AGGREGATE x * LIMIT 1 2 DIALECT 4
        FT.AGGREGATE x hello LIMIT 1 2 WITHOUTCOUNT
        FT.AGGREGATE x * LIMIT 9 2 DIALECT 4
        FT.AGGREGATE x * LIMIT 1 2 APPLY 1 AS z DIALECT 4
        FT.AGGREGATE x * LOAD 1 @t LIMIT 1 2 DIALECT 4
        FT.AGGREGATE x * LOAD 1 @t WITHOUTCOUNT
        HSET d:9 t 'hello nothing' g b s x1
        FT.SEARCH x * NOCONTENT SORTBY n WITHSORTKEYS DIALECT 4
        FT.SEARCH x * NOCONTENT SORTBY n DESC WITHSORTKEYS WITHOUTCOUNT
        FT.SEARCH x hello NOCONTENT SORTBY m WITHSORTKEYS DIALECT 4
        FT.SEARCH x hello NOCONTENT SORTBY m WITHSORTKEYS DIALECT 2
        FT.SEARCH x @g:{b} NOCONTENT SORTBY m WITHSORTKEYS DIALECT 4
        FT.SEARCH x @g:{b} NOCONTENT SORTBY s WITHSORTKEYS DIALECT 4
        FT.SEARCH x hello NOCONTENT SORTBY s WITHSORTKEYS DIALECT 4
        FT.SEARCH x hello NOCONTENT SCORER BM25STD WITHSCORES DIALECT 4
        FT.SEARCH x hello NOCONTENT SCORER BM25STD SORTBY m DIALECT 4
        FT.SEARCH x hello NOCONTENT SCORER BM25STD SORTBY s DIALECT 4
        FT.SEARCH x hello NOCONTENT SCORER BM25 DIALECT 4
    """):
        send(call)


def test_words_that_were_found(twin: Twin, send: Send) -> None:
    """matched_terms() tells of a row as long as it is what the query found."""
    for call in calls("""
        FT.CREATE x SCHEMA n NUMERIC SORTABLE g TAG SORTABLE t TEXT
        HSET d:1 g x t 'running hello world'
        HSET d:2 g x t 'run hello'
        HSET d:3 g y t 'hello hello worlds' n 3
    """):
        send(call)
    queries = (
        "running", "hello running", "hello|running|wor*", "*", "-hello", "@g:{x}", "@g:{x|y} hello",
        "@n:[1 5] hello", "~world hello", "~hello", '\\"hello world\\"', "hello hello", "%hullo%",
    )
    for query in queries:
        send(f'FT.AGGREGATE x "{query}" APPLY "matched_terms()" AS a DIALECT 2')
    for arguments in ("2", "1", "0", "-1", "'2'", "1.9", "0.5", "1,2,3", "1,@q", "@n", "@g"):
        send(f'FT.AGGREGATE x "hello|running|wor*" APPLY "matched_terms({arguments})" AS a')
    for steps in (
        'SORTBY 1 @n APPLY "matched_terms()" AS a', 'APPLY "matched_terms()" AS a SORTBY 1 @n',
        'LIMIT 0 2 APPLY "matched_terms()" AS a', 'GROUPBY 1 @g APPLY "matched_terms()" AS a',
        'FILTER "matched_terms()"', 'APPLY "strlen(matched_terms())" AS a',
    ):
        send(f"FT.AGGREGATE x hello {steps}")


def test_order_of_what_is_loaded(twin: Twin, send: Send) -> None:
    """What steps name comes before what LOAD * brings."""
    for call in calls("""
        FT.CREATE x PREFIX 1 d: SCHEMA n NUMERIC SORTABLE g TAG SORTABLE t TEXT m NUMERIC
        HSET d:1 z 1 g x t hello n 3 m 4 y 2
        FT.CREATE j ON JSON PREFIX 1 j: SCHEMA $.n AS n NUMERIC SORTABLE $.w AS w TEXT
        JSON.SET j:1 $ '{\"n\": 1, \"w\": \"hello\"}'
        FT.AGGREGATE j * LOAD * APPLY @n+1 AS q
        FT.AGGREGATE j * LOAD * SORTBY 1 @n
        FT.AGGREGATE j * LOAD * LOAD 1 w APPLY @w AS a
    """):
        send(call)
    for steps in (
        "LOAD *", "LOAD * APPLY @n+1 AS q", "APPLY @n+1 AS q LOAD *", "LOAD * APPLY 1 AS y",
        "APPLY @n+1 AS q LOAD * APPLY @t AS p", "LOAD * SORTBY 1 @t", "LOAD 1 @m LOAD *",
        "LOAD * SORTBY 1 @n APPLY upper(@g) AS u", "LOAD * LOAD 1 @m", "LOAD * LOAD 1 @zz",
        "LOAD * FILTER '@n > 1' APPLY @m AS p", "LOAD * APPLY 1 AS u GROUPBY 1 @n",
        "LOAD * APPLY 1 AS u SORTBY 2 @n @m APPLY 2 AS v",
    ):
        send(f"FT.AGGREGATE x * {steps}")


TIMES = (
    ("2020-03-04", "%F"), ("2020-03", "%Y-%m"), ("20200304xx", "%Y%m%d"), ("2020", ""),
    ("100", "%s"), ("5 100", "%d %s"), ("100 5", "%s %d"), ("03/04/20", "%D"), ("02/30/20", "%D"),
    ("12:00", "%H:%M"), ("2020 63", "%Y%n%j"), ("63", "%j"), ("Sun 63 2020", "%a %j %Y"),
    ("zz", "%d"), ("1:2:3", "%T"), ("01:00:02 pm", "%r"), ("15 PM", "%H %p"), ("12 AM", "%I %p"),
    ("20 21", "%C %y"), ("20 1921", "%C %Y"), ("06", "%C"), ("68", "%y"), ("69", "%y"),
    ("0000", "%Y"), ("9999 12 31", "%Y %m %d"), ("12345", "%Y"), ("45", "%d"), ("0", "%d"),
    ("2020 10 1", "%Y %U %w"), ("2020 10 Mon", "%Y %W %a"), ("2020 10", "%Y %W"),
    ("10 Mon 5", "%U %a %d"), ("10 Mon 5 2021", "%U %a %m %Y"), ("0 2021 3", "%U %Y %u"),
    ("GMT 5", "%Z %d"), ("7Z", "%d%Z%m"), ("Z 7", "%z %d"), ("+02:00 7", "%z %d"),
    ("+9999 7", "%z %d"), ("+023 7", "%z %d"), ("5-3", "%-d-%_m"), ("5", "%5d"), ("20", "%Od"),
    ("20", "%Ey"), ("20", "%Q"), ("20", "%"), ("%", "%%"), ("sept 4", "%b %d"),
    ("September 4", "%b %d"), ("4x", "%k%n%t x"), ("5  6", "%d %m"), ("61", "%S"), ("62", "%S"),
    ("Wed Mar  4 05:06:07 2020", "%c"), ("-5", "%s"), ("2020-03-04T05:06:07Zmore", "%FT%TZ"),
)


def test_times_read_by_a_form(twin: Twin, send: Send) -> None:
    """parsetime() reads as the server's C library does, and goes on from the day before."""
    send("FT.CREATE x SCHEMA t TEXT")
    send("HSET d:1 t hello")
    for text, form in TIMES:
        send(f"FT.AGGREGATE x * APPLY 'parsetime(\"{text}\", \"{form}\")' AS a")


def test_reducers_of_nothing(twin: Twin, send: Send) -> None:
    """Groups whose rows lack what a reducer looks at."""
    send("FT.CREATE x SCHEMA n NUMERIC SORTABLE t TAG SORTABLE w TEXT SORTABLE")
    for number, row in enumerate((
        "t a w a3 n 3", "t a w none", "t a w c5 n 5", "t a w other", "t a w e4 n 4",
        "t b w a3 n 3", "t b w none", "t b w b4 n 4", "t b w more", "t c w e1", "t c w e2", "t c",
        "t d n 1", "t d n 0 w f2", "t d n 0 w f3", "t d w f3",
    )):
        send(f"HSET d:{number} {row}")
    for tag in "abcd":
        send(
            f"FT.AGGREGATE x @t:{{{tag}}} GROUPBY 1 @t REDUCE FIRST_VALUE 4 @w BY @n ASC AS a "
            "REDUCE FIRST_VALUE 4 @w BY @n DESC AS b REDUCE FIRST_VALUE 3 @n BY @w AS c "
            "REDUCE FIRST_VALUE 4 @n BY @w DESC AS d REDUCE FIRST_VALUE 1 @w AS e "
            "REDUCE MIN 1 @n AS f REDUCE MAX 1 @n AS g REDUCE QUANTILE 2 @n 0.5 AS h"
        )
