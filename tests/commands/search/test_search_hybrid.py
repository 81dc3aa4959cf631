"""FT.HYBRID and what else newer servers alone have, as the public reference tells of it."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest

import fakeredis
from fakeredis.errors import CommandError
from tests.commands.search.test_search import words_of


def vector(*numbers: float) -> bytes:
    return struct.pack(f"{len(numbers)}f", *numbers)


TEXTS = {
    "doc:1": ("red shoes", (0, 0.125)), "doc:2": ("red running shoes", (1, 0)),
    "doc:3": ("running gear", (0, 1)), "doc:4": ("blue shoes", (1, 1)), "doc:5": ("hat", None),
}
WANTED = vector(1.25, 0.25)


@pytest.fixture
def server() -> fakeredis.FakeServer:
    made = fakeredis.FakeServer(version="8.4")
    for name, metric in (("x", "L2"), ("y", "COSINE"), ("z", "IP")):
        made.execute(
            "FT.CREATE", name, "SCHEMA", "t", "TEXT", "n", "NUMERIC", "g", "TAG", "e", "VECTOR",
            "FLAT", "6", "TYPE", "FLOAT32", "DIM", "2", "DISTANCE_METRIC", metric,
        )
    for number, (key, (text, place)) in enumerate(TEXTS.items(), 1):
        made.execute(
            "HSET", key, "t", text, "n", number, "g", "even" if number % 2 == 0 else "odd",
            *(() if place is None else ("e", vector(*place))),
        )
    return made


class Sender:
    """Sends calls of FT.HYBRID, in which $vec is the vector that is looked for."""

    def __init__(self, server: fakeredis.FakeServer, protocol: int = 3) -> None:
        self.session = server.session(protocol=protocol)

    def __call__(self, call: str, name: str = "x") -> Any:
        words = [b"FT.HYBRID", name.encode(), *words_of(call)]
        return self.session.execute([*words, b"PARAMS", b"2", b"vec", WANTED])

    def rows(self, call: str, name: str = "x") -> list[dict[str, str]]:
        return [
            {key.decode(): value.decode("latin-1") for key, value in row.items()}
            for row in self(call, name)[b"results"]
        ]


@pytest.fixture
def send(server: fakeredis.FakeServer) -> Sender:
    return Sender(server)


def close(one: str, other: float) -> bool:
    return math.isclose(float(one), other, rel_tol=1e-6)


def test_ranks_are_added(send: Sender) -> None:
    # Texts: 3, 2 (longer). Vectors: 2, 4, 1, 3 by their distances.
    rows = send.rows("SEARCH running VSIM @e $vec")
    assert [row["__key"] for row in rows] == ["doc:2", "doc:3", "doc:4", "doc:1"]
    expected = (1 / 62 + 1 / 61, 1 / 61 + 1 / 64, 1 / 62, 1 / 63)
    assert all(close(row["__score"], score) for row, score in zip(rows, expected, strict=True))
    assert list(rows[0]) == ["__key", "__score"]


def test_shapes_of_the_reply(server: fakeredis.FakeServer) -> None:
    call = "SEARCH hat VSIM @e $vec KNN 2 K 1 LIMIT 0 1"
    reply = Sender(server)(call)
    assert list(reply) == [b"total_results", b"results", b"warnings", b"execution_time"]
    assert reply[b"total_results"] == 2
    assert reply[b"warnings"] == []
    assert reply[b"execution_time"] > 0
    assert reply[b"results"] == [{b"__key": b"doc:2", b"__score": b"0.016393442623"}]
    older = Sender(server, 2)(call)
    assert older[:3] == [b"total_results", 2, b"results"]
    assert older[3] == [[b"__key", b"doc:2", b"__score", b"0.016393442623"]]
    assert older[4:7] == [b"warnings", [], b"execution_time"]
    assert float(older[7]) > 0


def test_windows_and_constants(send: Sender) -> None:
    rows = send.rows("SEARCH shoes VSIM @e $vec COMBINE RRF 4 WINDOW 1 CONSTANT 1")
    # One of each query: the shortest text of those with the word, and the nearest vector.
    assert [row["__key"] for row in rows] == ["doc:1", "doc:2"]
    assert all(row["__score"] == "0.5" for row in rows)
    both = send.rows("SEARCH shoes VSIM @e $vec KNN 2 K 1 COMBINE RRF 2 WINDOW 3")
    assert len(both) == 3


@pytest.mark.parametrize(("name", "likeness"), [
    ("x", 1 / (1 + 0.125)),
    ("y", (1 + 1.25 / math.hypot(1.25, 0.25)) / 2),
    ("z", (1 + (1 - 1.25)) / 2),
])
def test_scores_are_weighed(send: Sender, name: str, likeness: float) -> None:
    call = (
        "SEARCH running SCORER BM25STD YIELD_SCORE_AS texts VSIM @e $vec YIELD_SCORE_AS near "
        "COMBINE LINEAR 4 ALPHA 2 BETA 3"
    )
    rows = send.rows(call, name)
    [row] = [row for row in rows if row["__key"] == "doc:2"]
    assert list(row) == ["texts", "__key", "__score", "near"]
    assert close(row["near"], likeness)
    assert close(row["__score"], 2 * float(row["texts"]) + 3 * likeness)
    [other] = [row for row in rows if row["__key"] == "doc:1"]
    assert list(other) == ["__key", "__score", "near"]
    assert [float(row["__score"]) for row in rows] == sorted(
        (float(row["__score"]) for row in rows), reverse=True
    )


def test_weights_by_default(send: Sender) -> None:
    row = send.rows(
        "SEARCH running YIELD_SCORE_AS texts VSIM @e $vec YIELD_SCORE_AS near COMBINE LINEAR 0"
    )[0]
    assert close(row["__score"], 0.3 * float(row["texts"]) + 0.7 * float(row["near"]))


def test_names_of_the_score_of_both(send: Sender) -> None:
    for call in ("COMBINE RRF 2 YIELD_SCORE_AS both", "COMBINE RRF 2 WINDOW 9 YIELD_SCORE_AS both"):
        rows = send.rows(f"SEARCH running VSIM @e $vec {call}")
        assert all(list(row) == ["__key", "both"] for row in rows)


def test_what_vectors_are_chosen_among(send: Sender) -> None:
    def keys(call: str) -> list[str]:
        return [row["__key"] for row in send.rows(f"SEARCH nothing VSIM @e $vec {call}")]

    assert keys("") == ["doc:2", "doc:4", "doc:1", "doc:3"]
    assert keys("FILTER @g:{odd}") == ["doc:1", "doc:3"]
    assert keys("KNN 2 K 1 FILTER 5 '@n:[3 9]' POLICY BATCHES BATCH_SIZE 10") == ["doc:4"]
    assert keys("RANGE 2 RADIUS 0.75") == ["doc:2", "doc:4"]
    assert keys("RANGE 4 RADIUS 0.75 EPSILON 0.1 FILTER '@n:[3 9]'") == ["doc:4"]
    assert keys("RANGE 2 RADIUS 0") == []


def test_tags_give_nothing_to_scores(send: Sender) -> None:
    for scorer in ("BM25STD", "TFIDF", "BM25", "DISMAX"):
        rows = send.rows(
            f"SEARCH @g:{{even}} SCORER {scorer} YIELD_SCORE_AS texts VSIM @e $vec KNN 2 K 1"
        )
        assert {row["texts"] for row in rows} == {"0"}, scorer


def test_steps_behind(send: Sender) -> None:
    assert send.rows("SEARCH running VSIM @e $vec LOAD 2 @n @__key LIMIT 0 2") == [
        {"n": "2", "__key": "doc:2"}, {"n": "3", "__key": "doc:3"},
    ]
    rows = send.rows("SEARCH running VSIM @e $vec LOAD 4 @__score AS s @nope LIMIT 0 1")
    assert [list(row) for row in rows] == [["s"]]
    rows = send.rows("SEARCH running VSIM @e $vec LOAD * LIMIT 0 1")
    assert set(rows[0]) == {"t", "n", "g", "e"}
    rows = send.rows(
        "SEARCH running VSIM @e $vec LOAD 1 @n APPLY '@n * 2' AS m APPLY '@m + 1' AS k "
        "FILTER '@k > 3' SORTBY 2 @k DESC LIMIT 1 2"
    )
    assert rows == [{"n": "3", "m": "6", "k": "7"}, {"n": "2", "m": "4", "k": "5"}]
    rows = send.rows("SEARCH running VSIM @e $vec APPLY upper(@__key) AS u LIMIT 0 1")
    assert rows[0]["u"] == "DOC:2"
    rows = send.rows(
        "SEARCH * VSIM @e $vec LOAD 2 @g @n GROUPBY 1 @g REDUCE SUM 1 @n AS s SORTBY 2 @s ASC"
    )
    assert rows == [{"g": "even", "s": "6"}, {"g": "odd", "s": "9"}]
    assert send("SEARCH * VSIM @e $vec LIMIT 0 0")[b"total_results"] == 5
    unsorted = send.rows("SEARCH running VSIM @e $vec NOSORT")
    assert {row["__key"] for row in unsorted} == {"doc:1", "doc:2", "doc:3", "doc:4"}


def test_cursors(server: fakeredis.FakeServer, send: Sender) -> None:
    reply = send(
        "SEARCH running YIELD_SCORE_AS s VSIM @e $vec YIELD_SCORE_AS v SORTBY 1 @n "
        "WITHCURSOR COUNT 3"
    )
    assert list(reply) == [b"SEARCH", b"VSIM", b"warnings"]
    older = server.session()
    rows, cursor = older.execute([b"FT.CURSOR", b"READ", b"x", b"%d" % reply[b"SEARCH"]])
    assert cursor == 0
    assert rows[0] == 2
    assert [row[::2] for row in rows[1:]] == [[b"s", b"__key"]] * 2
    rows, cursor = older.execute([b"FT.CURSOR", b"READ", b"x", b"%d" % reply[b"VSIM"]])
    assert cursor == reply[b"VSIM"]
    assert [row[3] for row in rows[1:]] == [b"doc:2", b"doc:4", b"doc:1"]
    rows, cursor = older.execute([b"FT.CURSOR", b"READ", b"x", b"%d" % cursor])
    assert (rows[1][3], cursor) == (b"doc:3", 0)


ERRORS = {
    "x SEARCH a VSIM @e $vec": "Invalid subqueries count: expected an unsigned integer",
    "3 SEARCH a VSIM @e $vec": "FT.HYBRID currently supports only two subqueries",
    "2 VSIM @e $vec": "SEARCH keyword is required",
    "SEARCH a FOO": "Unknown argument `FOO` in SEARCH",
    "SEARCH a DIALECT 2": "DIALECT is not supported",
    "SEARCH a VSIM e $vec": "Missing @ prefix for vector field name",
    "SEARCH a VSIM @e vec": "Invalid vector argument, expected a parameter name starting with $",
    "SEARCH a VSIM @e $nope": "No such parameter `nope`",
    "SEARCH a VSIM @n $vec": "Expected a VECTOR field `n`",
    "SEARCH a VSIM @zz $vec": "Unknown field `zz`",
    "SEARCH a VSIM @e $vec KNN x": "Invalid argument count: expected an unsigned integer",
    "SEARCH a VSIM @e $vec KNN 1 K": "Invalid argument count: 1 (must be a positive even number",
    "SEARCH a VSIM @e $vec KNN 2 K 0": "Invalid K value",
    "SEARCH a VSIM @e $vec KNN 4 K 1 K 2": "Duplicate K argument",
    "SEARCH a VSIM @e $vec KNN 2 FOO 1": "Unknown argument `FOO` in KNN",
    "SEARCH a VSIM @e $vec KNN 4 K 1 EF_RUNTIME 0": "Invalid EF_RUNTIME value",
    "SEARCH a VSIM @e $vec KNN 4 K 1 EF_RUNTIME 9": "Invalid option",
    "SEARCH a VSIM @e $vec RANGE 2 RADIUS -1": "Invalid RADIUS value",
    "SEARCH a VSIM @e $vec RANGE 2 EPSILON 1": "Missing required argument RADIUS",
    "SEARCH a VSIM @e $vec FILTER 99 b": "Not enough arguments in FILTER, specified 99 but",
    "SEARCH a VSIM @e $vec FILTER 3 b POLICY FOO": "POLICY: Invalid value for argument",
    "SEARCH a VSIM @e $vec YIELD_SCORE_AS a YIELD_SCORE_AS b": "Duplicate YIELD_SCORE_AS argument",
    "SEARCH a VSIM @e $vec COMBINE FOO": "COMBINE: Invalid value for argument",
    "SEARCH a VSIM @e $vec COMBINE RRF 1 CONSTANT": "RRF expects pairs of key value arguments",
    "SEARCH a VSIM @e $vec COMBINE RRF 2 WINDOW 0": "WINDOW: Value below minimum",
    "SEARCH a VSIM @e $vec COMBINE RRF 2 CONSTANT x": "CONSTANT: Could not convert argument",
    "SEARCH a VSIM @e $vec COMBINE RRF 2 ALPHA 1": "ALPHA: Unknown argument",
    "SEARCH a VSIM @e $vec COMBINE LINEAR 2 ALPHA 1": "Missing value for BETA",
    "SEARCH a VSIM @e $vec COMBINE LINEAR 2 BETA 1": "Missing value for ALPHA",
    "SEARCH a VSIM @e $vec FOO": "FOO: Unknown argument",
    "SEARCH a VSIM @e $vec LIMIT 0 1 LIMIT 0 1": "LIMIT: Argument specified multiple times",
    "SEARCH a VSIM @e $vec DIALECT 2": "DIALECT is not supported",
    "SEARCH a VSIM @e $vec EXPLAINSCORE": "EXPLAINSCORE is not yet supported by FT.HYBRID",
    "SEARCH a VSIM @e $vec NOSORT SORTBY 1 @n": "NOSORT is not allowed with SORTBY",
    "SEARCH '*=>[KNN 2 @e $vec]' VSIM @e $vec": "Vector expressions are not allowed in FT.HYBRID S",
    "SEARCH a VSIM @e $vec FILTER '@e:[VECTOR_RANGE 1 $vec]'": "not allowed in FT.HYBRID VSIM FILT",
    "SEARCH a VSIM @e $vec FILTER 'hat=>{$weight: 2}'": "Weight attributes are not allowed in FT.",
    "SEARCH a SCORER FOO VSIM @e $vec": "No such scorer FOO",
    "SEARCH ( VSIM @e $vec": "Syntax error at offset",
}


@pytest.mark.parametrize("call", ERRORS)
def test_errors(send: Sender, call: str) -> None:
    with pytest.raises(CommandError) as caught:
        send(call)
    assert ERRORS[call] in str(caught.value)


def test_errors_of_what_is_left_out(server: fakeredis.FakeServer) -> None:
    def error(*words: str) -> str:
        with pytest.raises(CommandError) as caught:
            server.execute("FT.HYBRID", *words)
        return str(caught.value)

    assert error("x") == "ERR wrong number of arguments for 'FT.HYBRID' command"
    assert error("nope", "SEARCH") == "No such index nope"
    assert error("x", "SEARCH") == "No query string provided for SEARCH"
    assert error("x", "SEARCH", "a") == "VSIM argument is required"
    assert error("x", "SEARCH", "a", "VSIM") == "Missing vector field name"
    assert error("x", "SEARCH", "a", "VSIM", "@e") == "Missing vector argument"
    assert error("x", "SEARCH", "a", "VSIM", "@e", "$v", "KNN") == "Missing argument count"
    assert error("x", "SEARCH", "a", "VSIM", "@e", "$v", "KNN", "2", "K").endswith("value for K")


def test_vectors_of_the_wrong_size(server: fakeredis.FakeServer) -> None:
    with pytest.raises(CommandError, match="query vector blob size"):
        server.execute("FT.HYBRID", "x", "SEARCH", "a", "VSIM", "@e", "$v", "PARAMS", "2", "v", "a")


def test_time_is_up(server: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1000))
    monkeypatch.setattr("time.thread_time", lambda: next(times))
    reply = Sender(server)("SEARCH running VSIM @e $vec TIMEOUT 10")
    assert reply[b"warnings"] == [
        b"Timeout limit was reached (SEARCH)", b"Timeout limit was reached (VSIM)",
    ]


def hybrid_query() -> Any:
    module = pytest.importorskip("redis.commands.search.hybrid_query")
    texts = module.HybridSearchQuery("running", scorer="BM25STD", yield_score_as="texts")
    near = module.HybridVsimQuery(
        "@e", "$vec", module.VectorSearchMethods.KNN, {"K": 2},
        module.HybridFilter("@n:[1 4]"), yield_score_as="near",
    )
    combined = module.CombineResultsMethod(module.CombinationMethods.RRF, WINDOW=5, CONSTANT=1)
    after = module.HybridPostProcessingConfig()
    after.load("@n", "@__key").limit(0, 2)
    return {
        "query": module.HybridQuery(texts, near), "combine_method": combined,
        "post_processing": after, "params_substitution": {"vec": WANTED},
    }


@pytest.mark.filterwarnings("ignore:.*experimental")
def test_clients(server: fakeredis.FakeServer) -> None:
    client = fakeredis.FakeRedis(server=server, protocol=2)
    found = client.ft("x").hybrid_search(**hybrid_query())
    assert found.total_results == 3
    assert [row["n"] for row in found.results] == [b"2", b"3"]
    assert set(found.results[0]) == {"texts", "near", "n", "__key"}


@pytest.mark.filterwarnings("ignore:.*experimental")
async def test_clients_of_asyncio(server: fakeredis.FakeServer) -> None:
    client = fakeredis.FakeAsyncRedis(server=server, protocol=2)
    found = await client.ft("x").hybrid_search(**hybrid_query())
    assert [row["n"] for row in found.results] == [b"2", b"3"]


def test_versions() -> None:
    older = fakeredis.FakeServer(version="8.2")
    with pytest.raises(CommandError, match="unknown command"):
        older.execute("FT.HYBRID", "x", "SEARCH", "a", "VSIM", "@e", "$v")
    with pytest.raises(CommandError, match="unknown command"):
        fakeredis.FakeServer(version="7.4", modules=["search"]).execute("FT.HYBRID", "x")


def test_aliases_of_an_index() -> None:
    server = fakeredis.FakeServer(version="8.10")
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    assert server.execute("FT.ALIASLIST", "x") == []
    server.execute("FT.ALIASADD", "one", "x")
    server.execute("FT.ALIASADD", "two", "x")
    assert sorted(server.execute("FT.ALIASLIST", "x")) == [b"one", b"two"]
    with pytest.raises(CommandError, match="Unknown index name"):
        server.execute("FT.ALIASLIST", "one")


@pytest.mark.parametrize("version", ["8.2", "7.4"])
def test_newer_scorers(version: str) -> None:
    server = fakeredis.FakeServer(version=version, modules=["search"])
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    for number, text in enumerate(("hello world", "hello", "world there", "there")):
        server.execute("HSET", f"d:{number}", "t", text)

    def scores(*options: str) -> list[float]:
        reply = server.execute("FT.SEARCH", "x", "hello", "NOCONTENT", "WITHSCORES", *options)
        return [row[b"score"] for row in reply[b"results"]]

    plain = scores("SCORER", "BM25STD")
    if version == "7.4":
        for name in ("BM25STD.TANH", "BM25STD.NORM"):
            with pytest.raises(CommandError, match="No such scorer"):
                scores("SCORER", name)
        return
    stretched = scores("SCORER", "BM25STD.TANH")
    assert stretched == pytest.approx([math.tanh(each / 4) for each in plain])
    stretched = scores("SCORER", "BM25STD.TANH", "BM25STD_TANH_FACTOR", "2")
    assert stretched == pytest.approx([math.tanh(each / 2) for each in plain])
    reply = server.execute(
        "FT.SEARCH", "x", "hello", "NOCONTENT", "WITHSCORES", "EXPLAINSCORE", "LIMIT", "0", "1",
        "SCORER", "BM25STD.TANH",
    )
    _, (text, [(final, _)]) = reply[b"results"][0][b"score"]
    assert text.startswith(b"Final Normalized BM25 : tanh(stretch factor 1/4 * Final BM25 ")
    assert final.startswith(b"Final BM25 : words BM25")
    shares = scores("SCORER", "BM25STD.NORM")
    assert shares == pytest.approx([each / max(plain) for each in plain])
    with pytest.raises(CommandError, match="BM25STD_TANH_FACTOR"):
        scores("BM25STD_TANH_FACTOR", "0")
