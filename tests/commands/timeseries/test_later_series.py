"""What time series have since Redis 8.4 and later, of which there is no server to compare with.

What is expected follows the commands' public pages, and is called as redis-py calls it. That
servers without it answer as such is compared with the real one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from math import isnan, nan
from typing import Any

import pytest
import redis
from redis.commands.timeseries import TimeSeries

import fakeredis
from fakeredis.errors import CommandError
from tests.support.twin import Twin

NEWEST = "8.10"
LATER = ("TS.NRANGE 1 a - +", "TS.NREVRANGE 1 a - +", "TS.QUERYLABELS LABELS", "TS.READ a 0")
newest_methods = pytest.mark.skipif(
    not hasattr(TimeSeries, "nrange"), reason="this redis-py has no methods for them"
)


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def new(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A client of the newest server, with three series."""
    server = fakeredis.FakeServer(version=NEWEST)
    with server.client(protocol=request.param, decode_responses=True) as client:
        run = client.execute_command
        run("TS.CREATE", "a", "LABELS", "room", "hall", "kind", "heat")
        run("TS.CREATE", "b", "LABELS", "room", "attic", "kind", "heat", "floor", "3")
        run("TS.CREATE", "empty", "LABELS", "room", "attic")
        run("TS.MADD", "a", 10, 1, "a", 20, 2, "a", 25, 6, "b", 10, 5, "b", 30, 7)
        yield client


def rows(reply: Any) -> Any:
    """A reply's rows with numbers for values, and None for what is none."""
    return [
        [time, *[list(map(_number, each)) if type(each) is list else _number(each)
                 for each in values]]
        for time, *values in reply
    ]


def _number(value: Any) -> float | None:
    return None if isnan(float(value)) else float(value)


def refused(client: redis.Redis, call: str) -> str:
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command(*call.split())
    return str(caught.value)


# Earlier servers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", LATER)
def test_unknown_before(twin: Twin, call: str) -> None:
    twin(*call.split())


def test_not_yet_there(twin: Twin) -> None:
    twin("TS.CREATE", "a", "LABELS", "x", 1)
    twin("TS.ADD", "a", 1, "NaN")
    twin("TS.RANGE", "a", "-", "+", "AGGREGATION", "countnan", 10)
    twin("TS.RANGE", "a", "-", "+", "AGGREGATION", "min,max", 10)
    twin("TS.MRANGE", "-", "+", "EXCLUDEEMPTY", "FILTER", "x=1")
    twin("TS.MRANGE", "-", "+", "FILTER", "x=1", "GROUPBY", "x", "REDUCE", "countall")
    twin("TS.CREATERULE", "a", "b", "AGGREGATION", "countall", 10)


@pytest.mark.parametrize("version", ["8.4", "8.6", "8.8"])
@pytest.mark.parametrize("call", LATER)
def test_only_from_their_version_on(version: str, call: str) -> None:
    server = fakeredis.FakeServer(version=version)
    with pytest.raises(CommandError, match="unknown command"):
        server.execute(*call.split())


def test_a_module_that_is_asked_for_is_none_of_the_newest() -> None:
    server = fakeredis.FakeServer(version="7.4", modules=["timeseries"])
    with pytest.raises(CommandError, match="unknown command"):
        server.execute("TS.READ", "a", 0)
    assert server.execute("TS.ADD", "a", 1, 1) == 1


@pytest.mark.parametrize(("version", "known"), [("8.4", False), ("8.6", True)])
def test_nan_since_8_6(version: str, known: bool) -> None:
    server = fakeredis.FakeServer(version=version)
    if known:
        assert server.execute("TS.ADD", "a", 1, "NaN") == 1
    else:
        with pytest.raises(CommandError, match="invalid value"):
            server.execute("TS.ADD", "a", 1, "NaN")


@pytest.mark.parametrize(("version", "known"), [("8.6", False), ("8.8", True)])
def test_several_aggregations_since_8_8(version: str, known: bool) -> None:
    server = fakeredis.FakeServer(version=version)
    server.execute("TS.ADD", "a", 1, 4)
    call = ("TS.RANGE", "a", "-", "+", "AGGREGATION", "min,count", 10)
    if known:
        assert rows(server.execute(*call)) == [[0, 4.0, 1.0]]
    else:
        with pytest.raises(CommandError, match="Unknown aggregation type"):
            server.execute(*call)


@pytest.mark.parametrize(("version", "policy"), [("7.4", None), ("8.0", b"block")])
def test_the_usual_policy_is_told(version: str, policy: bytes | None) -> None:
    server = fakeredis.FakeServer(version=version, modules=["timeseries"])
    server.execute("TS.CREATE", "a")
    assert server.execute("TS.INFO", "a")[b"duplicatePolicy"] == policy


# Values that are no numbers -----------------------------------------------------------------------


def test_nan_is_left_out(new: redis.Redis) -> None:
    run = new.execute_command
    run("TS.MADD", "n", 1, "NaN", "n", 2, 5)
    run("TS.CREATE", "n")
    assert run("TS.MADD", "n", 1, "nan", "n", 2, 5, "n", 3, "NaN", "n", 12, "NaN") == [1, 2, 3, 12]
    assert rows(run("TS.RANGE", "n", "-", "+")) == [[1, None], [2, 5.0], [3, None], [12, None]]
    kinds = "countnan,countall,count,sum,avg,min,max,range,first,last,std.p,var.s,twa"
    made = rows(run("TS.RANGE", "n", "-", 9, "AGGREGATION", kinds, 10))
    assert made == [[0, 2, 3, 1, 5, 5, 5, 5, 0, 5, 5, 0, 0, 5]]
    made = rows(run("TS.RANGE", "n", 10, "+", "AGGREGATION", "countNaN,countAll,count,avg", 10))
    assert made == [[10, 1, 1, 0, None]]
    assert rows(run("TS.RANGE", "n", "-", "+", "FILTER_BY_VALUE", 0, 9)) == [[2, 5.0]]
    assert "Couldn't parse MIN" in refused(new, "TS.RANGE n - + FILTER_BY_VALUE nan 1")


def test_nan_is_neither_increased_nor_a_duplicate(new: redis.Redis) -> None:
    run = new.execute_command
    run("TS.CREATE", "n", "DUPLICATE_POLICY", "LAST", "IGNORE", 1000, 1000)
    assert run("TS.ADD", "n", 1, "NaN") == 1
    assert "not a number" in refused(new, "TS.INCRBY n 1")
    assert "invalid increase/decrease value" in refused(new, "TS.DECRBY n nan")
    assert run("TS.ADD", "n", 2, "NaN") == 2


@pytest.mark.parametrize("policy", ["min", "max", "sum"])
def test_a_number_stays_beside_nan(new: redis.Redis, policy: str) -> None:
    run = new.execute_command
    run("TS.CREATE", "n", "DUPLICATE_POLICY", policy)
    for time, values in ((1, ("nan", 5)), (2, (5, "nan")), (3, ("nan", "nan"))):
        for value in values:
            run("TS.ADD", "n", time, value)
    assert rows(run("TS.RANGE", "n", "-", "+")) == [[1, 5.0], [2, 5.0], [3, None]]


def test_rules_count_nan(new: redis.Redis) -> None:
    run = new.execute_command
    run("TS.CREATE", "n")
    for kind in ("countnan", "countall", "count", "sum"):
        run("TS.CREATE", f"d:{kind}")
        run("TS.CREATERULE", "n", f"d:{kind}", "AGGREGATION", kind, 10)
    run("TS.MADD", "n", 1, "nan", "n", 2, 5, "n", 3, "nan", "n", 11, 1, "n", 25, 1)
    assert rows(run("TS.RANGE", "d:countnan", "-", "+")) == [[0, 2.0], [10, 0.0]]
    assert rows(run("TS.RANGE", "d:countall", "-", "+")) == [[0, 3.0], [10, 1.0]]
    assert rows(run("TS.RANGE", "d:count", "-", "+")) == [[0, 1.0], [10, 1.0]]
    assert rows(run("TS.RANGE", "d:sum", "-", "+")) == [[0, 5.0], [10, 1.0]]


def test_nan_is_packed() -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    server.execute("TS.CREATE", "n")
    server.execute("TS.MADD", "n", 1, 1, "n", 2, "nan", "n", 3, "nan", "n", 4, 1)
    server.execute("RESTORE", "copy", 0, server.execute("DUMP", "n"))
    assert rows(server.execute("TS.RANGE", "copy", "-", "+")) == [
        [1, 1.0], [2, None], [3, None], [4, 1.0],
    ]


def test_groups_count_nan(new: redis.Redis) -> None:
    run = new.execute_command
    run("TS.ADD", "a", 50, "nan")
    run("TS.ADD", "b", 50, "nan")
    for reducer, expected in (("count", 0), ("countnan", 2), ("countall", 2), ("sum", None)):
        grouped = ("FILTER", "kind=heat", "GROUPBY", "kind", "REDUCE", reducer)
        reply = run("TS.MRANGE", 50, 50, *grouped)
        (series,) = reply.values() if isinstance(reply, dict) else reply
        assert rows(series[-1]) == [[50, expected]]


# Several aggregations -----------------------------------------------------------------------------


def test_several_aggregations(new: redis.Redis) -> None:
    run = new.execute_command
    made = rows(run("TS.RANGE", "a", "-", "+", "AGGREGATION", "min,MAX,Count", 10))
    assert made == [[10, 1, 1, 1], [20, 2, 6, 2]]
    made = rows(run("TS.REVRANGE", "a", "-", "+", "COUNT", 1, "AGGREGATION", "sum,sum", 10))
    assert made == [[20, 8, 8]]
    made = rows(run("TS.RANGE", "b", "-", "+", "AGGREGATION", "sum,avg,last", 10, "EMPTY"))
    assert made == [[10, 5, 5, 5], [20, 0, None, 5], [30, 7, 7, 7]]
    for kinds in ("min,", ",", "min,x", "min;max"):
        call = f"TS.RANGE a - + AGGREGATION {kinds} 10"
        assert "Unknown aggregation type" in refused(new, call)
    assert "Unknown aggregation type" in refused(new, "TS.CREATERULE a c AGGREGATION min,max 10")
    assert "GROUPBY is not allowed" in refused(
        new, "TS.MRANGE - + AGGREGATION min,max 10 FILTER kind=heat GROUPBY kind REDUCE sum"
    )


def test_countless_buckets_of_several_aggregations() -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    server.execute("TS.CREATE", "a")
    server.execute("TS.MADD", "a", 1, 1, "a", 10**12, 1)
    call = ["TS.RANGE", "a", "-", "+", "AGGREGATION", "sum,twa", 1, "EMPTY"]
    with pytest.raises(CommandError, match="OOM"):
        server.execute(*call)
    assert len(server.execute(*call, "COUNT", 3)) == 3
    with pytest.raises(CommandError, match="OOM"):
        server.execute("TS.NRANGE", 1, *call[1:])
    assert len(server.execute("TS.NRANGE", 1, *call[1:], "COUNT", 3)) == 3


@newest_methods
def test_several_aggregations_by_redis_py(new: redis.Redis) -> None:
    series = new.ts()
    made = series.range("a", "-", "+", aggregation_type=["min", "max"], bucket_size_msec=10)
    assert [list(row) for row in made] == [[10, 1.0, 1.0], [20, 2.0, 6.0]]


# Series side by side ------------------------------------------------------------------------------


def test_side_by_side(new: redis.Redis) -> None:
    run = new.execute_command
    expected = [[10, [1, 5]], [20, [2, None]], [25, [6, None]], [30, [None, 7]]]
    assert rows(run("TS.NRANGE", 2, "a", "b", "-", "+")) == expected
    assert rows(run("TS.NREVRANGE", 2, "a", "b", "-", "+")) == expected[::-1]
    assert rows(run("TS.NREVRANGE", 2, "a", "b", "-", "+", "COUNT", 2)) == expected[:1:-1]
    assert rows(run("TS.NRANGE", 2, "b", "b", 11, "+")) == [[30, [7, 7]]]
    assert run("TS.NRANGE", 1, "empty", "-", "+") == []
    assert rows(run("TS.NRANGE", 2, "a", "b", "-", "+", "FILTER_BY_VALUE", 5, 6)) == [
        [10, [None, 5]], [25, [6, None]],
    ]
    assert rows(run("TS.NRANGE", 2, "a", "b", "-", "+", "FILTER_BY_TS", 30, 20)) == [
        [20, [2, None]], [30, [None, 7]],
    ]


def test_aggregations_side_by_side(new: redis.Redis) -> None:
    run, range_ = new.execute_command, ("TS.NRANGE", 2, "a", "b", "-", "+")
    assert rows(run(*range_, "AGGREGATION", "sum,count", "max", 10)) == [
        [10, [1, 1, 5]], [20, [8, 2, None]], [30, [None, None, 7]],
    ]
    assert rows(run(*range_, "AGGREGATION", "count", "count", 10, "EMPTY", "COUNT", 2)) == [
        [10, [1, 1]], [20, [2, 0]],
    ]
    stamped = run(*range_, "ALIGN", 5, "AGGREGATION", "sum", "sum", 10, "BUCKETTIMESTAMP", "end")
    assert rows(stamped) == [[15, [1, 5]], [25, [2, None]], [35, [6, 7]]]


@pytest.mark.parametrize(("words", "error"), [
    ("0 a - +", "numkeys must be a positive integer"),
    ("-1 a - +", "numkeys must be a positive integer"),
    ("x a - +", "numkeys must be a positive integer"),
    ("1 a -", "wrong number of arguments for 'ts.nrange' command"),
    ("3 a b - +", "wrong number of arguments for 'ts.nrange' command"),
    ("1 a x +", "wrong fromTimestamp"),
    ("1 a - + COUNT 0", "Invalid COUNT value"),
    ("1 a - + AGGREGATION sum", "Couldn't parse AGGREGATION"),
    ("2 a b - + AGGREGATION sum 10", "AGGREGATION arguments must be equal to numkeys"),
    ("2 a b - + AGGREGATION sum x 10", "Unknown aggregation type"),
    ("2 a b - + AGGREGATION sum sum 0", "bucketDuration must be greater than zero"),
    ("2 a none - +", "the key does not exist"),
    ("2 s none - +", "WRONGTYPE"),
    ("2 none s - +", "the key does not exist"),
])
def test_wrong_calls_of_nrange(new: redis.Redis, words: str, error: str) -> None:
    new.execute_command("SET", "s", 1)
    assert error in refused(new, f"TS.NRANGE {words}")


def test_the_keys_of_nrange_are_known(new: redis.Redis) -> None:
    run = new.execute_command
    assert run("COMMAND GETKEYS", "TS.NRANGE", 2, "a", "b", "-", "+") == ["a", "b"]
    run("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~a")
    run("AUTH", "u", "x")
    assert run("TS.NRANGE", 1, "a", 10, 10)
    with pytest.raises(redis.exceptions.NoPermissionError):
        run("TS.NRANGE", 2, "a", "b", "-", "+")


@newest_methods
def test_side_by_side_by_redis_py(new: redis.Redis) -> None:
    series = new.ts()
    assert rows(series.nrange(["a", "b"], 25, "+")) == [[25, [6, None]], [30, [None, 7]]]
    made = series.nrevrange(
        ["a", "b"], "-", "+", aggregators=["sum,max", "count"], bucket_size_msec=20
    )
    assert rows(made) == [[20, [8, 6, 1]], [0, [1, 1, 1]]]


# Labels -------------------------------------------------------------------------------------------


def labels(client: redis.Redis, *words: str) -> list[str]:
    return sorted(client.execute_command("TS.QUERYLABELS", *words))


def test_labels(new: redis.Redis) -> None:
    assert labels(new, "LABELS") == ["floor", "kind", "room"]
    assert labels(new, "labels", "filter", "room=hall") == ["kind", "room"]
    assert labels(new, "VALUES", "room") == ["attic", "hall"]
    assert labels(new, "VALUES", "room", "FILTER", "kind=heat", "floor=") == ["hall"]
    assert labels(new, "VALUES", "none") == labels(new, "LABELS", "FILTER", "room=none") == []
    new.delete("a")
    assert labels(new, "VALUES", "room") == ["attic"]


@pytest.mark.parametrize(("words", "error"), [
    ("", "wrong number of arguments for 'ts.querylabels' command"),
    ("VALUES", "wrong number of arguments for 'ts.querylabels' command"),
    ("ALL", "unknown subtype, must be one of LABELS|VALUES"),
    ("LABELS x", "unknown argument, expected FILTER"),
    ("VALUES room x", "unknown argument, expected FILTER"),
    ("LABELS FILTER", "FILTER given with no filter expressions"),
    ("LABELS FILTER x", "failed parsing labels"),
    ("LABELS FILTER x!=1", "please provide at least one matcher"),
])
def test_wrong_calls_of_querylabels(new: redis.Redis, words: str, error: str) -> None:
    assert error in refused(new, f"TS.QUERYLABELS {words}")


def test_labels_of_what_may_not_be_read_are_not_told(new: redis.Redis) -> None:
    run = new.execute_command
    run("ACL", "SETUSER", "u", "on", "nopass", "+@all", "%R~a", "%W~b")
    run("AUTH", "u", "x")
    assert labels(new, "LABELS") == ["kind", "room"]
    assert labels(new, "VALUES", "room", "FILTER", "kind=heat") == ["hall"]


@newest_methods
def test_labels_by_redis_py(new: redis.Redis) -> None:
    series = new.ts()
    assert series.querylabels() == {"floor", "kind", "room"}
    assert series.querylabels("room", filters=["kind=heat"]) == {"attic", "hall"}


# Series without samples ---------------------------------------------------------------------------


def test_series_without_samples_are_left_out(new: redis.Redis) -> None:
    def keys(*words: Any) -> list[str]:
        found = new.execute_command("TS.MRANGE", *words, "FILTER", "room=(hall,attic)")
        return sorted(found) if isinstance(found, dict) else [key for key, *_ in found]

    assert keys("-", "+") == ["a", "b", "empty"]
    assert keys("-", "+", "EXCLUDEEMPTY") == ["a", "b"]
    assert keys(20, 29, "excludeempty", "AGGREGATION", "sum", 5) == ["a"]
    assert keys("-", "+", "SELECTED_LABELS", "room", "EXCLUDEEMPTY") == ["a", "b"]
    assert keys(500, 600, "EXCLUDEEMPTY") == []
    assert "failed parsing labels" in refused(new, "TS.MRANGE - + FILTER room=hall EXCLUDEEMPTY")
    assert "EXCLUDEEMPTY is not allowed with GROUPBY" in refused(
        new, "TS.MRANGE - + EXCLUDEEMPTY FILTER room=hall GROUPBY room REDUCE sum"
    )


# Samples as they come -----------------------------------------------------------------------------


def test_reading(new: redis.Redis) -> None:
    run = new.execute_command
    every = [[10, 1.0], [20, 2.0], [25, 6.0]]
    assert rows(run("TS.READ", "a", 0)) == rows(run("TS.READ", "a", "-")) == every
    assert rows(run("TS.READ", "a", 20)) == every[1:]
    assert rows(run("TS.READ", "a", "+")) == every[2:]
    assert rows(run("TS.READ", "a", "-", "MAX_COUNT", 2)) == every[:2]
    for nothing in (("a", "$"), ("none", 0), ("empty", "+")):
        assert run("TS.READ", *nothing) == []
    assert rows(run("TS.READ", "a", 0, "block", 0, 3)) == every
    assert rows(run("TS.READ", "a", 11, "BLOCK", 20, 9)) == every[1:]
    for nothing in (("a", "$"), ("none", 0)):
        assert run("TS.READ", *nothing, "BLOCK", 20, 1) == []


def test_reading_within_the_retention() -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    server.execute("TS.CREATE", "a", "RETENTION", 10)
    server.execute("TS.MADD", "a", 1, 1, "a", 5, 2, "a", 14, 3)
    assert rows(server.execute("TS.READ", "a", "-")) == [[5, 2.0], [14, 3.0]]


@pytest.mark.parametrize(("words", "error"), [
    ("a", "wrong number of arguments for 'ts.read' command"),
    ("a 0 x", "wrong number of arguments for 'ts.read' command"),
    ("a 0 MAX_COUNT", "wrong number of arguments for 'ts.read' command"),
    ("a 0 BLOCK 1", "wrong number of arguments for 'ts.read' command"),
    ("a 0 BLOCK 1 1 BLOCK 1 1", "wrong number of arguments for 'ts.read' command"),
    ("a -1", "invalid timestamp"),
    ("a x", "invalid timestamp"),
    ("a x MAX_COUNT 0", "MAX_COUNT must be a positive integer"),
    ("a 0 BLOCK -1 1", "BLOCK milliseconds must be a non-negative integer"),
    ("a 0 BLOCK 1 0", "BLOCK min_count must be a positive integer"),
    ("a 0 BLOCK 1 3 MAX_COUNT 2", "BLOCK min_count must be <= MAX_COUNT"),
    ("s x", "invalid timestamp"),
    ("s 0", "WRONGTYPE"),
])
def test_wrong_calls_of_read(new: redis.Redis, words: str, error: str) -> None:
    new.execute_command("SET", "s", 1)
    assert error in refused(new, f"TS.READ {words}")


class Waiting:
    """A session that waits; what it has got so far."""

    def __init__(self, server: fakeredis.FakeServer, *call: str) -> None:
        self.session = server.session()
        self.first = self.session.execute([word.encode() for word in call])

    @property
    def replies(self) -> list[Any]:
        return [rows(reply) for reply in self.session.outbox]


def test_waiting_for_samples() -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    server.execute("TS.ADD", "a", 5, 1)
    new = Waiting(server, "TS.READ", "a", "$", "BLOCK", "0", "2")
    old = Waiting(server, "TS.READ", "a", "+", "BLOCK", "0", "2", "MAX_COUNT", "2")
    server.execute("TS.ADD", "a", 6, 2)
    assert (new.replies, old.replies) == ([], [[[5, 1.0], [6, 2.0]]])
    server.execute("TS.MADD", "a", 7, 3, "a", 8, 4)
    assert new.replies == [[[6, 2.0], [7, 3.0], [8, 4.0]]]


def test_waiting_for_what_a_rule_makes() -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    for call in ("TS.CREATE a", "TS.CREATE avg", "TS.CREATERULE a avg AGGREGATION avg 10"):
        server.execute(*call.split())
    waiting = Waiting(server, "TS.READ", "avg", "-", "BLOCK", "0", "1")
    server.execute("TS.MADD", "a", 1, 2, "a", 2, 4)
    assert waiting.replies == []
    server.execute("TS.ADD", "a", 11, 1)
    assert waiting.replies == [[[0, 3.0]]]


@pytest.mark.parametrize("end", ["DEL a", "FLUSHALL", "RENAME a b", "PEXPIRE a 0"])
def test_waiting_for_a_key_that_goes(end: str) -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    server.execute("TS.ADD", "a", 5, 1)
    waiting = Waiting(server, "TS.READ", "a", "$", "BLOCK", "0", "1")
    server.execute(*end.split())
    assert waiting.replies == [[]]


def test_nothing_waits_in_transactions_and_scripts(new: redis.Redis) -> None:
    pipe = new.pipeline()
    pipe.execute_command("TS.READ", "a", 0, "BLOCK", 0, 1)
    pipe.execute_command("TS.READ", "a", 0, "BLOCK", 0, 9)
    told, error = pipe.execute(raise_on_error=False)
    assert len(told) == 3
    assert "is not allowed inside MULTI, EVAL" in str(error)
    script = "return redis.call('TS.READ', KEYS[1], 0, 'BLOCK', 0, 9)"
    with pytest.raises(redis.ResponseError, match="is not allowed inside MULTI, EVAL"):
        new.eval(script, 1, "a")


@newest_methods
def test_a_client_waits(new: redis.Redis) -> None:
    series = new.ts()
    assert series.read("a", 20) == [[20, 2.0], [25, 6.0]]
    with fakeredis_server(new).client() as other:
        timer = threading.Timer(0.05, other.execute_command, ("TS.ADD", "a", 40, 8))
        timer.start()
        assert series.read("a", "$", block_milliseconds=5000) == [[40, 8.0]]
        timer.join()


def fakeredis_server(client: Any) -> fakeredis.FakeServer:
    server: fakeredis.FakeServer = client.fake_server
    return server


@newest_methods
@pytest.mark.parametrize("protocol", [2, 3])
async def test_an_asyncio_client_waits(protocol: int) -> None:
    server = fakeredis.FakeServer(version=NEWEST)
    async with server.async_client(protocol=protocol) as one, server.async_client() as other:
        series: Any = one.ts()
        await one.execute_command("TS.ADD", "a", 5, 1)
        reading = asyncio.ensure_future(series.read("a", "$", block_milliseconds=5000))
        await asyncio.sleep(0)
        await other.execute_command("TS.ADD", "a", 40, 8)
        assert await asyncio.wait_for(reading, 5) in ([[40, 8.0]], [])
        assert rows(await series.nrange(["a"], "-", "+")) == [[5, [1.0]], [40, [8.0]]]
        assert await series.querylabels() == set()
        assert rows([[1, nan]]) == [[1, None]]
