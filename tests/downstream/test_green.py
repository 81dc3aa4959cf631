"""gevent and eventlet put their own in the place of threads and locks, at any moment."""

from __future__ import annotations

import sys

import pytest

import fakeredis
from tests.downstream import library
from tests.support import processes

pytestmark = pytest.mark.slow
WAYS = {
    "gevent": (
        "from gevent import monkey, spawn; monkey.patch_all()", "lambda g: g.get(timeout=20)"
    ),
    "eventlet": (
        "import eventlet; eventlet.monkey_patch(); spawn = eventlet.spawn", "lambda g: g.wait()"
    ),
}
CHILD = """
import redis
{before}
r = redis.Redis()
assert r.incr("n") == 1
assert r.blpop("q", 0.01) is None  # has waited before
pubsub = r.pubsub()
pubsub.subscribe("c")
assert pubsub.get_message(timeout=30)["type"] == "subscribe"
assert pubsub.get_message(timeout=0.01) is None
{after}
result = {result}
assert r.incr("n") == 2
other = redis.Redis()
assert other.incr("n") == 3
assert other.blpop("q", 0.01) is None

def count():
    own = redis.Redis()
    for _ in range(20):
        with own.lock("lock", sleep=0.001):
            own.incr("m")

waiting = [
    spawn(lambda: r.blpop("q", 0)), spawn(lambda: redis.Redis().blpop("p", 0)),
    spawn(lambda: pubsub.get_message(timeout=20)["data"]),
]
counting = [spawn(count) for _ in range(3)]
for each in counting:
    result(each)
other.rpush("q", "a")
other.rpush("p", "b")
other.publish("c", "hello")
assert [result(each) for each in waiting] == [(b"q", b"a"), (b"p", b"b"), b"hello"]
assert other.get("m") == b"60"
"""


@pytest.mark.parametrize("place", ["a child", "here"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", [*WAYS])
def test_threads_are_replaced(way: str, when: str, place: str) -> None:
    """Before the first command, and after some."""
    library(way)
    change, result = WAYS[way]
    steps = {"before": "", "after": "", when: change}
    program = CHILD.format(**steps, result=result)
    if place == "here":
        program = f"import fakeredis\nfakeredis.patch().start()\n{program}"
    with fakeredis.patch(subprocesses=place == "a child"):
        command = [sys.executable, "-W", "ignore", "-c", program]
        done = processes.run(command, limit=100, cwd=processes.ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
