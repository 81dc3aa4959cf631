"""Words that sound the same, words in texts, and texts that are cut and marked."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

import random
from typing import Any

import pytest

from tests.commands import playing
from tests.commands.search.test_search import Send, calls, pytestmark, send
from tests.support.chance import seed
from tests.support.twin import Twin, same

__all__ = ["pytestmark", "send"]

SOUNDING = """
    michael chianti caesar czerny focaccia bellocchio bacchus accident succeed mcclellan mchugh architect orchestra orchid
    wachtler wechsler tichner edge edgar hugh bough broughton laugh mclaughlin cough gough rough tagliaro biaggi rogier
    hochmeier island isle carlisle sugar school schooner schermerhorn schenker schneider resnais artois thomas thames
    wasserman arnow filipowicz breaux zhao pizza jose joseph bajador cabrillo gallegos dumb thumb campbell raspberry xavier
    knight pneumonia psych wright gnome danger ranger manger ghislane ghiradelli schmidt snider yankelovich jankelowicz été
    ñandú garçon ça straße яблоко ряд a1 q x xx schwarz witz uomo womo who whale zzz back chore chorus charisma wech bach
    sz cagney signal agnes gnu aggi oggy judge gym gerald geese szymanski mac caffrey mccaffrey accede bacci succumb
    hajo raj jr tj masjid kjeld thumbs umber session asia sian sheim shoek scent science scold scholz schwa nation initial
    watch matthew vv wrist two how ewski wicz exact bureau adieu axx zizi kzz zoo tzar pb ph
"""
SYLLABLES = calls(
    "sch ch gh th tch w wr cz cc ci x z zh ll illo alle as os j g gn ge gi gy er ie r me isl s sia sio mb umb ph pb d dg dt "
    "a e i o u y ach ea au ou k h n m t l aggi ewski witz sugar mac ai oi".replace(" ", "\n")
)


def test_sounds(twin: Twin, send: Send) -> None:
    """The code of a word, which FT.EXPLAIN tells."""
    send("FT.CREATE x STOPWORDS 0 SCHEMA t TEXT PHONETIC dm:en")
    chance = random.Random(seed())
    made = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5))) for _ in range(100)]
    for word in SOUNDING.split() + made:
        twin("FT.EXPLAIN", "x", word)


_PLACES = (  # of a field with sounds among others
    "k TAG n NUMERIC a TEXT PHONETIC dm:en", "k TAG a TEXT PHONETIC dm:en b TEXT",
    "k TAG b TEXT a TEXT PHONETIC dm:en", "b TEXT k TAG a TEXT PHONETIC dm:en",
    "b TEXT a TEXT PHONETIC dm:en k TAG", "k TAG a TEXT NOSTEM", "a TEXT b TEXT NOSTEM",
)


@pytest.mark.parametrize("schema", _PLACES)
def test_where_words_sound_the_same(twin: Twin, send: Send, schema: str) -> None:
    send(f"FT.CREATE x SCHEMA {schema}")
    send("HSET d1 a 'disk failed' b 'disk failed' k A n 1")
    send("HSET d2 a 'disc checks' b 'disc checks' k B n 2")
    for fields in ("", "@a:", "@b:", "@a|b:"):
        for said in ("", "=>{$phonetic: true}", "=>{$phonetic: false}", "=>{$weight: 2}"):
            for what in ("EXPLAIN", "SEARCH"):
                twin(f"FT.{what}", "x", f"{fields}(disc){said}", "DIALECT", "2")


def test_words_that_sound_the_same(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x SCHEMA a TEXT PHONETIC dm:en b TEXT
        FT.CREATE y PREFIX 1 y: SCHEMA a TEXT b TEXT NOSTEM PHONETIC dm:fr WEIGHT 3
        FT.CREATE z PREFIX 1 z: SCHEMA a TEXT NOSTEM b TEXT
        HSET d1 a 'jon smith' b 'jon smith'
        HSET d2 a 'john smyth' b 'john smyth'
        HSET y:4 a smith b 'jon smiths running'
        FT.EXPLAIN x john
        FT.EXPLAIN x @a:john
        FT.EXPLAIN x @b:john
        FT.EXPLAIN x @a:john VERBATIM
        FT.EXPLAIN x '@a:john=>{$phonetic: false}' DIALECT 2
        FT.EXPLAIN x '@a:(john smith)=>{$phonetic: false}' DIALECT 2
        FT.EXPLAIN x '@b:john=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN x 'john=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN x '@a|b:john' DIALECT 2
        FT.EXPLAIN x '"john smith"'
        FT.EXPLAIN x @a:joh*
        FT.EXPLAIN x ~@a:john
        FT.SEARCH x john WITHSCORES NOCONTENT SCORER TFIDF
        FT.SEARCH x @a:john WITHSCORES NOCONTENT SCORER TFIDF
        FT.SEARCH x @a:john WITHSCORES NOCONTENT SCORER BM25STD
        FT.SEARCH x @b:john WITHSCORES NOCONTENT SCORER TFIDF
        FT.SEARCH x @a:john HIGHLIGHT SCORER TFIDF
        FT.SEARCH x %jhn% NOCONTENT SCORER TFIDF
        FT.EXPLAIN y 'smith=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN y '@a:smith=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN y '@a|b:smith=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN y '@b:running=>{$phonetic: false}' DIALECT 2
        FT.EXPLAIN y @zz:running DIALECT 2
        FT.EXPLAIN y 'smith john' INFIELDS 1 a DIALECT 2
        FT.SEARCH y smyth INFIELDS 1 a DIALECT 2 NOCONTENT
        FT.SEARCH y rnnng WITHSCORES NOCONTENT SCORER TFIDF
        FT.SEARCH y rnnng WITHSCORES NOCONTENT SCORER BM25STD
        FT.SEARCH y smyths WITHSCORES NOCONTENT SCORER TFIDF
        FT.SYNUPDATE y g1 running jon
        FT.EXPLAIN y running
        FT.EXPLAIN z 'smith=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN z '(smith john)=>{$phonetic: true}' DIALECT 2
        FT.EXPLAIN z 'smith=>{$phonetic: yes}' DIALECT 2
        FT.EXPLAIN z @a:running
        FT.EXPLAIN z @a|b:running
        FT.EXPLAIN z running
    """):
        send(call)


def test_what_words_are_made_of(twin: Twin, send: Send) -> None:
    """Control characters are left out, ends of lines, too, and part nothing."""
    send("FT.CREATE x SCHEMA t TEXT")
    twin("HSET", "d", "t", "john abc\ndef gh_i j\vk l\rm\tn o\x7fp \x01 q")
    for word in ("abc", "abcdef", "def", "gh_i", "jk", "j", "lm", "m", "n", "op", "q"):
        twin("FT.SEARCH", "x", word, "NOCONTENT")


def test_fields_that_are_cut_and_marked(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x PREFIX 1 d: SCHEMA a TEXT b TEXT n NUMERIC g TAG NOINDEX t TEXT NOINDEX
        FT.CREATE j ON JSON SCHEMA $.a AS a TEXT $.b AS b TEXT $.c[*] AS c TEXT
        HSET d:1 zz 'john other field not in schema long text' b 'foo bar john baz' a 'one john two' n 12345 g 'john tag here' t 'john text here not indexed'
        JSON.SET j1 $ '{"a": "one john two", "b": "jim john", "c": ["john a", "x john"]}'
        FT.SEARCH x john SUMMARIZE
        FT.SEARCH x john HIGHLIGHT
        FT.SEARCH x john HIGHLIGHT FIELDS 1 b
        FT.SEARCH x john SUMMARIZE FIELDS 2 b zz
        FT.SEARCH x john SUMMARIZE FIELDS 1 b HIGHLIGHT FIELDS 1 a
        FT.SEARCH x john HIGHLIGHT FIELDS 1 a SUMMARIZE FIELDS 1 b
        FT.SEARCH x john SUMMARIZE FIELDS 1 a HIGHLIGHT
        FT.SEARCH x john SUMMARIZE HIGHLIGHT FIELDS 1 b
        FT.SEARCH x john HIGHLIGHT FIELDS 1 nope
        FT.SEARCH x nothing HIGHLIGHT FIELDS 1 nope
        FT.SEARCH x john HIGHLIGHT FIELDS 1 nope NOCONTENT
        FT.SEARCH x john HIGHLIGHT FIELDS 0
        FT.SEARCH x john HIGHLIGHT FIELDS 1 b RETURN 1 a
        FT.SEARCH x john RETURN 3 a b n HIGHLIGHT FIELDS 2 n b
        FT.SEARCH x john RETURN 2 zz b HIGHLIGHT
        FT.SEARCH x john RETURN 1 b HIGHLIGHT FIELDS 1 nope
        FT.SEARCH x john RETURN 3 a AS y HIGHLIGHT FIELDS 1 y
        FT.SEARCH x john RETURN 3 a AS y HIGHLIGHT
        FT.SEARCH x 'nosuch|john*' SUMMARIZE FRAGS 1 LEN 2
        FT.SEARCH x '%jon%' HIGHLIGHT TAGS <i> </i>
        FT.SEARCH x '"one john"' HIGHLIGHT
        FT.SEARCH x '~john' HIGHLIGHT
        FT.SEARCH x '@a:john' HIGHLIGHT
        FT.SEARCH j john HIGHLIGHT
        FT.SEARCH j john HIGHLIGHT FIELDS 1 b
        FT.SEARCH j john RETURN 1 b HIGHLIGHT FIELDS 1 b
        FT.SEARCH j john RETURN 1 c HIGHLIGHT
        FT.SEARCH j john RETURN 1 $.b HIGHLIGHT
        FT.SEARCH j john RETURN 3 $.b AS b HIGHLIGHT
        FT.SEARCH j john RETURN 1 b HIGHLIGHT DIALECT 3
        FT.SEARCH j john SUMMARIZE
        FT.AGGREGATE x john SUMMARIZE
        FT.AGGREGATE x john HIGHLIGHT
        FT.AGGREGATE x john RETURN
        FT.AGGREGATE x john RETURN 1 a
    """):
        send(call)


def test_pieces_of_texts(twin: Twin, send: Send) -> None:
    """Which pieces are chosen, and where they begin and end."""
    chance = random.Random(7)
    words = "john jon hello world the of foo bar baz qux, été über x y z-w (a) it's fast; big\n end. " + "a" * 32
    between = (" ", " ", " ", "  ", ", ", " - ")

    def text(most: int) -> str:
        return "".join(
            chance.choice(words.split(" ")) + chance.choice(between)
            for _ in range(chance.randint(1, most))
        )

    send("FT.CREATE x SCHEMA a TEXT b TEXT NOSTEM n NUMERIC")
    for number in range(8):
        twin("HSET", f"d:{number}", "a", text(60), "b", text(10), "n", number)

    def in_any_order(one: Any, other: Any) -> bool:
        """Big hashes have no order there."""
        return same(_sorted(one), _sorted(other))

    for query in ("john", "@b:foo", "john foo", '"hello world"', "fo*", "%jon%", "~foo bar", "été"):
        for _ in range(4):
            options = ["SUMMARIZE", "FRAGS", chance.randint(1, 5), "LEN", chance.randint(1, 30)]
            if chance.random() < 0.5:
                options += ["HIGHLIGHT", "TAGS", "[", "]"]
            argv = ("FT.SEARCH", "x", query, *options, "LIMIT", "0", "1", "SORTBY", "n", "DIALECT", "2")
            twin._compare(argv, in_any_order)


def _sorted(reply: Any) -> Any:
    if isinstance(reply, list):
        return [
            sorted(zip(each[::2], each[1::2], strict=True)) if isinstance(each, list) else each
            for each in reply
        ]
    return reply


def test_sounds_behind_other_fields(twin: Twin) -> None:
    """The server looks at the wrong field for whether it has sounds."""
    twin("FT.CREATE", "x", "SCHEMA", "g", "TAG", "t", "TEXT", "PHONETIC", "dm:en", "u", "TEXT")
    twin("HSET", "d:1", "t", "disk failed")
    twin("HSET", "d:2", "t", "disc ok", "u", "disk")
    for query in ("disc", "@t:disc", "@u:disc", "@t|u:disc"):
        twin("FT.SEARCH", "x", query, "NOCONTENT", "SORTBY", "t", "DIALECT", "2")
        twin("FT.EXPLAIN", "x", query, "DIALECT", "2")


def test_suggestions_send_no_events(twin: Twin) -> None:
    playing.play_with_events(twin, """
        FT.SUGGET s h
        FT.SUGLEN s
        FT.SUGDEL s hello
        WATCH s t
        FT.SUGADD s hello 1
        MULTI
        EXEC
        WATCH s t
        FT.SUGADD s hello 1 INCR
        FT.SUGGET s h
        FT.SUGDEL s hello
        FT.SUGDEL s hello
        SET t 1
        FT.SUGADD t hello 1
        FT.SUGDEL t hello
        FT.SUGGET t h
    """)
    twin("UNWATCH")
    twin("FT.SUGADD", "s", "hello", 1)
    twin("WATCH", "s")
    twin("FT.SUGDEL", "s", "hello")
    twin("MULTI")
    assert twin("EXEC") == []
    twin("DEL", "s")
