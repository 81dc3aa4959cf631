"""Python's containers, models and locks on Redis's types: walrus, pottery, redis-om."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Doing an O"),  # pottery, of itself
]
BEFORE = redis.Redis("data.example", 6400)


@pytest.fixture(scope="module")
def walrus_before() -> Any:
    return library("walrus").Database(host="data.example", port=6400)


@pytest.fixture(params=["before", "inside"])
def db(request: pytest.FixtureRequest, walrus_before: Any, fake: fakeredis.patch) -> Any:
    if request.param == "before":
        return walrus_before
    return library("walrus").Database(host="data.example", port=6400)


def test_walrus_containers(db: Any, fake: fakeredis.patch) -> None:
    mapping = db.Hash("h")
    mapping.update(a=1, b=2)
    assert dict(mapping) == {b"a": b"1", b"b": b"2"}
    assert b"a" in mapping
    items = db.List("l")
    items.extend([1, 2, 3])
    assert (items[0], items[-1], len(items)) == (b"1", b"3", 3)
    one, two = db.Set("s1"), db.Set("s2")
    one.add("a", "b")
    two.add("b", "c")
    assert one & two == {b"b"}
    scores = db.ZSet("z")
    scores.add({"low": 1, "high": 9})
    assert scores.score("high") == 9.0
    assert [name for name, _ in scores.popmax(1)] == [b"high"]
    fake.assert_called_command("ZADD z", ...)
    with db.atomic() as atomic:
        atomic.pipe.incr("n")
    assert db.get("n") == b"1"
    with db.lock("resource", ttl=1000):
        assert not db.lock("resource").acquire(block=False)
    events = db.consumer_group("group", ["events"])
    events.create()
    events.events.add({"k": "v"})
    [(name, [(message, data)])] = events.read()
    assert (name, data) == (b"events", {b"k": b"v"})
    assert events.events.ack(message) == 1


def test_walrus_models(db: Any, fake: fakeredis.patch) -> None:
    walrus = library("walrus")

    class User(walrus.Model):
        __database__ = db
        name = walrus.TextField(primary_key=True)
        age = walrus.IntegerField(index=True)

    for name, age in {"ann": 30, "bob": 40, "eve": 50}.items():
        User.create(name=name, age=age)
    assert User.load("ann").age == 30
    assert sorted(user.name for user in User.query(User.age > 35)) == ["bob", "eve"]
    assert User.get(User.age == 50).name == "eve"
    with pytest.raises(KeyError):
        User.load("nobody")
    limit = db.rate_limit("limit", limit=2, per=60)
    assert [limit.limit("ann") for _ in range(3)] == [False, False, True]
    cache = db.cache("cache")
    calls: list[int] = []
    cached = cache.cached(timeout=10)(lambda n: calls.append(n) or n)
    assert [cached(1), cached(1)] == [1, 1]
    assert calls == [1]


@pytest.mark.parametrize("client", [BEFORE, None], ids=["before", "inside"])
def test_pottery(client: Any, fake: fakeredis.patch) -> None:
    pottery = library("pottery")
    client = client or redis.Redis("data.example", 6400)
    mapping = pottery.RedisDict({"a": 1}, redis=client, key="d")
    mapping["b"] = [1, 2]
    assert mapping == {"a": 1, "b": [1, 2]}
    with pytest.raises(KeyError):
        mapping["c"]
    with pytest.raises(pottery.KeyExistsError):
        pottery.RedisDict({"x": 1}, redis=client, key="d")
    items = pottery.RedisList([3, 1, 2], redis=client, key="l")
    items.sort()
    assert items == [1, 2, 3]
    items[0:2] = [7, 8]
    assert list(items) == [7, 8, 3]
    queue = pottery.RedisDeque([1, 2, 3], redis=client, key="q", maxlen=3)
    queue.append(4)
    assert list(queue) == [2, 3, 4]
    count = pottery.RedisCounter("abca", redis=client, key="c")
    assert count.most_common(1) == [("a", 2)]
    members = pottery.RedisSet({1, 2}, redis=client, key="s")
    assert members & {2, 3} == {2}
    seen = pottery.BloomFilter(num_elements=100, false_positives=0.01, redis=client, key="bf")
    seen.add("x")
    assert "x" in seen
    unique = pottery.HyperLogLog({"a", "b"}, redis=client, key="hll")
    assert len(unique) == 2
    jobs = pottery.RedisSimpleQueue(redis=client, key="jobs")
    jobs.put("job")
    assert jobs.get(timeout=1) == "job"
    assert jobs.empty()
    fake.assert_called_command("HSET d", ..., at_least=2)
    gc.collect()  # what held a result for a moment deletes its key as it goes


def test_pottery_locks_and_ids(fake: fakeredis.patch) -> None:
    pottery = library("pottery")
    masters = {redis.Redis(f"lock-{number}.example") for number in range(3)}
    lock = pottery.Redlock(key="resource", masters=masters, auto_release_time=10)
    with lock:
        assert lock.locked()
        other = pottery.Redlock(key="resource", masters=masters, auto_release_time=10)
        assert not other.acquire(blocking=False)
        lock.extend()
    assert not lock.locked()
    with pytest.raises(pottery.ReleaseUnlockedLock):
        lock.release()
    ids = pottery.NextID(key="ids", masters=masters)
    assert [next(ids), next(ids)] == [1, 2]
    assert {f"lock-{number}.example:6379" for number in range(3)} <= set(fake.servers)

    @pottery.redis_cache(redis=redis.Redis(), key="cached")
    def double(number: int) -> int:
        return 2 * number

    assert [double(2), double(2)] == [4, 4]
    assert double.cache_info().hits == 1


async def test_redis_om(fake: fakeredis.patch) -> None:
    om = library("aredis_om")

    class User(om.HashModel, index=True):
        name: str
        age: int

        class Meta:
            database = redis.asyncio.Redis(host="data.example", port=6400, decode_responses=True)
            global_key_prefix = "app"
            model_key_prefix = "user"

    user = User(name="ann", age=30)
    await user.save()
    assert (await User.get(user.pk)) == user
    fake.assert_called_command(f"HSET app:user:{user.pk}", ...)
    await user.update(age=31)
    assert (await User.get(user.pk)).age == 31
    await user.expire(10)
    fake.assert_ttl("app:user:*", at_most=10)
    assert [pk async for pk in await User.all_pks()] == [user.pk]
    await User.delete(user.pk)
    with pytest.raises(om.NotFoundError):
        await User.get(user.pk)
    await User.Meta.database.aclose()
