"""Forked processes: parent and children see one server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.sentinel
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

import fakeredis
from tests.downstream import jobs
from tests.patching.processes.forking import Child, count, forked, square
from tests.support import processes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")

NEVER: Any = None  # no retries
BEFORE = redis.Redis("queue.example", 6400, decode_responses=True)


@pytest.fixture(autouse=True)
def nothing_remains() -> Iterator[None]:
    """No thread and no descriptor outlives a patch."""
    gc.collect()
    threads, descriptors = threading.active_count(), descriptors_open()
    with processes.limited():
        yield
    gc.collect()  # what a library keeps in cycles is its own
    ends = time.monotonic() + 30
    while threading.active_count() > threads or len(descriptors_open()) > len(descriptors):
        if time.monotonic() > ends:
            more = {n: what for n, what in descriptors_open().items() if n not in descriptors}
            frames = sys._current_frames()
            where = {
                thread: traceback.format_stack(frames.get(thread.ident or 0))[-8:]
                for thread in threading.enumerate()
            }
            pytest.fail(f"threads: {where}, descriptors: {more}")
        time.sleep(0.01)


def descriptors_open() -> dict[str, str]:
    folder, found = "/proc/self/fd", {}
    for number in os.listdir(folder) if os.path.isdir(folder) else ():
        with contextlib.suppress(OSError):
            found[number] = os.readlink(f"{folder}/{number}")
    return found


@pytest.fixture
def client(fake: fakeredis.patch) -> redis.Redis:
    client = redis.Redis(decode_responses=True)
    client.ping()  # a connection is idle in the pool
    return client


def test_a_client_made_before_the_fork(client: redis.Redis) -> None:
    client.set("k", "parent")
    assert forked(lambda: (client.get("k"), client.set("k", "child"))) == ("parent", True)
    assert client.get("k") == "child"


def test_a_client_made_in_the_child(names: bool, no_network: None) -> None:
    with fakeredis.patch(names=names):
        redis.Redis().set("k", "parent")
        assert forked(lambda: redis.Redis().getset("k", "child")) == b"parent"
        assert redis.Redis().get("k") == b"child"


def test_a_client_made_before_the_patch(fake: fakeredis.patch) -> None:
    assert forked(lambda: BEFORE.set("k", "child"))
    assert BEFORE.get("k") == "child"


def test_a_server_that_the_child_reaches_first(fake: fakeredis.patch) -> None:
    assert forked(lambda: redis.Redis("new.example").set("k", "child"))
    assert redis.Redis("new.example").get("k") == b"child"
    assert redis.Redis().get("k") is None


def test_servers_that_do_not_exist(no_network: None) -> None:
    def refused() -> str:
        try:
            return str(redis.Redis("nowhere").get("k"))
        except redis.ConnectionError as error:
            return type(error).__name__

    with fakeredis.patch(addresses={"localhost:6379"}):
        assert forked(redis.Redis().ping)
        assert forked(refused) == "ConnectionError"


def test_a_cluster_that_the_child_reaches_first(fake: fakeredis.patch) -> None:
    def count() -> Any:
        return RedisCluster("cluster.example", 7000).incr("n")

    assert forked(count) == 1
    assert forked(count) == 2
    assert count() == 3
    assert forked(lambda: redis.Redis("cluster.example", 7001).cluster("info")["cluster_state"])


def test_a_sentinel_that_the_child_asks_first(fake: fakeredis.patch) -> None:
    def count() -> Any:
        sentinel = redis.sentinel.Sentinel([("sentinel.example", 26379)])
        return sentinel.master_for("mymaster").incr("n")

    assert forked(count) == 1
    assert count() == 2


def test_clients_by_hand_that_connect_first_in_the_child() -> None:
    """No server exists yet at the fork: what is shared are the networks."""
    try:
        plain, older = fakeredis.FakeRedis(port=7100), fakeredis.FakeRedis(version="7.4")
        clusters = fakeredis.FakeRedisCluster(host="hand.example", port=7200)

        def count() -> Any:
            cluster = fakeredis.FakeRedisCluster(host="hand.example", port=7300)
            return plain.incr("n"), older.incr("n"), clusters.incr("n"), cluster.incr("n")

        assert [forked(count), forked(count), count()] == [(1,) * 4, (2,) * 4, (3,) * 4]
    finally:
        fakeredis.reset()


def test_a_server_of_its_own_grows_to_a_cluster_in_the_child() -> None:
    server = fakeredis.FakeServer()
    server.execute("PING")

    def count() -> Any:
        return [fakeredis.FakeRedisCluster(server=server).incr(f"n{n}") for n in range(6)]

    assert forked(count) == [1] * 6
    assert count() == [2] * 6


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_connection_in_both_processes(fake: fakeredis.patch, protocol: int) -> None:
    """As both have the socket: who has sent reads the reply, and closing is each one's own."""
    connection = redis.Connection(protocol=protocol)
    connection.connect()

    def ask(*words: str) -> Any:
        connection.send_command(*words)
        return connection.read_response()

    number = ask("CLIENT", "ID")

    def in_child() -> Any:
        found = ask("PING"), ask("CLIENT", "ID"), ask("SET", "k", "child"), ask("SELECT", "1")
        connection.send_packed_command(
            connection.pack_commands([("INCR", "n"), ("BLPOP", "q", "0.01")])
        )
        last = connection.read_response(), connection.read_response()
        connection.disconnect()
        return found, last

    assert forked(in_child) == ((b"PONG", number, b"OK", b"OK"), (1, None))
    assert ask("CLIENT", "ID") == number
    assert ask("GET", "n") == b"1"  # the session is one: the child has selected database 1
    assert forked(lambda: ask("GET", "n")) == b"1"


def test_without_a_patch() -> None:
    server = fakeredis.FakeServer()
    client = server.client()
    assert forked(lambda: client.set("k", "child"))
    assert client.get("k") == b"child"
    assert forked(lambda: server.execute("GET", "k")) == b"child"


def test_a_patch_of_the_child_is_its_own(client: redis.Redis) -> None:
    def inside() -> Any:
        with fakeredis.patch():
            redis.Redis().set("k", "inner")
            inner = forked(lambda: redis.Redis().get("k"))
        return inner, client.get("k")

    client.set("k", "outer")
    assert forked(inside) == (b"inner", "outer")
    assert client.get("k") == "outer"


def test_children_of_children(client: redis.Redis) -> None:
    def deeper(depth: int) -> int:
        client.incr("n")
        if depth:
            return forked(lambda: deeper(depth - 1)) + 1
        return 1

    assert forked(lambda: deeper(3)) == 4
    assert client.get("n") == "4"


def test_nothing_is_lost(fake: fakeredis.patch) -> None:
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=count, args=(50,)) for _ in range(4)]
    for child in children:
        child.start()
    count(50)
    for child in children:
        child.join(30)
        assert child.exitcode == 0
        child.close()
    assert redis.Redis().get("n") == b"250"


def test_pools_of_processes(fake: fakeredis.patch) -> None:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(square, range(6))) == [0, 1, 4, 9, 16, 25]
    assert redis.Redis().get("calls") == b"6"


def test_the_spy_records(client: redis.Redis, fake: fakeredis.patch) -> None:
    fake.reset()
    with_pipeline = client.pipeline(transaction=False).set("a", 1).get("a")
    forked(lambda: (client.set("k", "v"), with_pipeline.execute()))
    fake.assert_called_command_once("SET k v", via="direct")
    pipelined = fake.assert_called_command("SET a 1", via="pipeline")
    assert fake.assert_called_command("GET a")[0].group == pipelined[0].group
    assert not [call for call in fake.calls if call.via == "handshake"]


# Replies ----------------------------------------------------------------------------------------


def replies(client: redis.Redis) -> list[Any]:
    """Of every type, errors included."""
    commands: list[tuple[Any, ...]] = [
        ("SET", "s", "v"), ("GET", "s"), ("GET", "missing"), ("LPUSH", "s", "x"), ("NOPE", "x"),
        ("RPUSH", "l", "a", "b"), ("LRANGE", "l", 0, -1), ("SADD", "set", "a"),
        ("SMEMBERS", "set"), ("HSET", "h", "f", "v"), ("HGETALL", "h"), ("ZADD", "z", 1.5, "m"),
        ("ZRANGE", "z", 0, -1, "WITHSCORES"), ("ZSCORE", "z", "m"), ("INCR", "n"),
        ("XADD", "x", "1-1", "f", "v"), ("XRANGE", "x", "-", "+"), ("CONFIG GET", "maxmemory"),
        ("EVAL", "return {1, 'a', {ok='fine'}, false}", 0), ("SET", "big", "x" * 300_000),
        ("GET", "big"), ("INCR", "s"), ("GEOPOS", "z", "m"), ("MEMORY USAGE", "missing"),
    ]
    client.flushall()
    return [tried(lambda c=command: client.execute_command(*c)) for command in commands]  # type: ignore[misc]


def tried(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except redis.RedisError as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [True, False])
def test_replies_are_the_same(fake: fakeredis.patch, protocol: int, decode: bool) -> None:
    client = redis.Redis(protocol=protocol, decode_responses=decode)
    assert forked(lambda: replies(client)) == replies(client)


def test_transactions(client: redis.Redis) -> None:
    def transact() -> Any:
        with client.pipeline() as pipe:
            pipe.watch("k")
            pipe.multi()
            pipe.incr("k").get("k")
            first = pipe.execute()
            pipe.watch("k")
            client.set("k", "changed")
            pipe.multi()
            pipe.get("k")
            return first, tried(pipe.execute)

    first, second = forked(transact)
    assert first == [1, "1"]
    assert second[0] == "WatchError"


def test_orders_of_the_handle(client: redis.Redis, fake: fakeredis.patch) -> None:
    def ask() -> Any:
        failed = tried(lambda: client.get("k"))
        client.set("k", "v", ex=100)
        fake.advance(101)
        gone = client.get("k")
        client.set("k", "v")
        fake.flush()
        return failed, gone, client.dbsize()

    fake.fail_next("ERR as ordered", "GET")
    failed, gone, size = forked(ask)
    assert failed == ("ResponseError", "as ordered")
    assert gone is None
    assert size == 0
    assert client.time()[0] > time.time() + 100


# Waiting ----------------------------------------------------------------------------------------


def test_blocked_in_the_parent(client: redis.Redis) -> None:
    child = Child(lambda: client.rpush("q", "from child"))
    assert client.blpop(["q"], 5) == ("q", "from child")
    assert child.result() == 1


def test_blocked_in_the_child(client: redis.Redis, fake: fakeredis.patch) -> None:
    child = Child(lambda: client.blpop(["q"], 5))
    until(lambda: fake.server().waiting)
    client.rpush("q", "from parent")
    assert list(child.result()) == ["q", "from parent"]


def until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.002)


def test_time_is_over_in_the_child(client: redis.Redis, fake: fakeredis.patch) -> None:
    assert forked(lambda: client.blpop(["q"], 0.02)) is None
    fake.freeze()
    assert forked(lambda: client.blpop(["q"], 0.02)) is None


def test_messages_for_the_child(client: redis.Redis) -> None:
    def listen() -> Any:
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe("c")
            return next(pubsub.listen())["data"]

    child = Child(listen)
    until(lambda: client.publish("c", "hello"))
    assert child.result() == "hello"


def test_messages_for_the_parent(client: redis.Redis) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("c")
        pubsub.get_message(timeout=1)
        child = Child(lambda: client.publish("c", "hello"))
        message = pubsub.get_message(timeout=30)
        assert child.result() == 1
    assert message is not None
    assert message["data"] == "hello"


def test_a_subscriber_made_before_the_fork(fake: fakeredis.patch) -> None:
    """The connection stays the parent's; the child's copy connects and subscribes anew."""
    # Clients of redis-py 5 have to be told to connect anew.
    client = redis.Redis(
        decode_responses=True, retry=Retry(NoBackoff(), 1), retry_on_error=[redis.ConnectionError]
    )
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("c")
    pubsub.get_message(timeout=1)

    def listen() -> Any:
        client.rpush("ready", 1)
        while (message := pubsub.get_message(timeout=30)) is None:
            client.rpush("ready", 1)
        return message["data"]

    child = Child(listen)
    client.blpop(["ready"], 5)
    until(lambda: client.pubsub_numsub("c")[0][1] == 2)
    client.publish("c", "hello")
    assert child.result() == "hello"
    message = pubsub.get_message(timeout=1)
    assert message is not None
    pubsub.close()


def test_asyncio_clients(fake: fakeredis.patch) -> None:
    client = redis.asyncio.Redis(decode_responses=True)
    asyncio.run(warm(client))

    async def use() -> Any:
        fresh = redis.asyncio.Redis(decode_responses=True)
        async with fresh, client:
            waiting = asyncio.create_task(fresh.blpop(["q"], 5))
            await asyncio.sleep(0)
            await client.rpush("q", "x")
            async with fresh.pipeline() as pipe:
                done = await pipe.set("k", "child").get("k").execute()
            return await waiting, done

    waited, done = forked(lambda: asyncio.run(use()))
    assert list(waited) == ["q", "x"]
    assert done == [True, "child"]
    assert redis.Redis().get("k") == b"child"


async def warm(client: Any) -> None:
    await client.ping()
    await client.aclose()


# Ends -------------------------------------------------------------------------------------------


def test_other_threads_run_commands(client: redis.Redis) -> None:
    """Whatever they hold at the moment of the fork, the child waits for nobody."""
    going = threading.Event()
    going.set()

    def work() -> None:
        own = redis.Redis()
        while going.is_set():
            own.incr("n")
            own.pipeline().set("a", 1).get("a").execute()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(8):
            assert forked(lambda: redis.Redis().incr("children")) == number + 1
    finally:
        going.clear()
        for thread in threads:
            thread.join()


if sys.version_info >= (3, 12):  # it warns of just this
    test_other_threads_run_commands = pytest.mark.filterwarnings("ignore:This process")(
        test_other_threads_run_commands
    )


def test_the_parent_dies(no_network: None) -> None:
    read, write = os.pipe()

    def parent() -> None:
        with fakeredis.patch():
            client = redis.Redis(retry=NEVER)
            client.ping()
            if os.fork() == 0:
                client.get("k")
                os.kill(os.getppid(), signal.SIGKILL)
                failed = tried(lambda: client.blpop(["q"], 5)), tried(redis.Redis().ping)
                os.write(write, repr([name for name, _ in failed]).encode())
                os._exit(0)
            time.sleep(20)

    pid = os.fork()
    if pid == 0:
        parent()
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"['ConnectionError', 'ConnectionError']"
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def test_the_patch_ends(no_network: None) -> None:
    with fakeredis.patch() as fake:
        client = redis.Redis(retry=NEVER)
        child = Child(lambda: (tried(lambda: client.blpop(["q"], 0)), tried(client.ping)))
        until(lambda: fake.server().waiting)
    assert not [each for each in threading.enumerate() if each.name.startswith("fakeredis")]
    blocked, after = child.result()
    assert blocked[0] == after[0] == "ConnectionError"


def test_the_server_goes_down(client: redis.Redis, fake: fakeredis.patch) -> None:
    def wait() -> Any:
        fragile = redis.Redis(retry=NEVER)
        return tried(lambda: fragile.blpop(["q"], 0)), tried(fragile.ping)

    child = Child(wait)
    until(lambda: fake.server().waiting)
    fake.down()
    assert [name for name, _ in child.result()] == ["ConnectionError", "ConnectionError"]
    fake.up()
    assert forked(client.ping)


def test_the_child_leaves_the_patch(no_network: None) -> None:
    handle = fakeredis.patch()
    with handle:
        client = redis.Redis()
        client.set("k", "v")
        assert forked(handle.stop) is None
        assert client.get("k") == b"v"


def test_sessions_of_a_child_that_has_gone(client: redis.Redis, fake: fakeredis.patch) -> None:
    forked(lambda: (client.ping(), redis.Redis().ping()))
    until(lambda: len(fake.server().sessions) == 1)


def test_nothing_warns(tmp_path: Any) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = os.path.dirname(os.path.dirname(fakeredis.__file__))
    environment = {**os.environ, "PYTHONPATH": root}
    done = processes.python("-W", "error", "-X", "dev", script, env=environment)
    assert (done.stderr, done.stdout, done.returncode) == ("", "parent 2\n", 0)


SCRIPT = """
import os, sys
import redis
import fakeredis

def child():
    if os.fork() == 0:
        redis.Redis().incr("n")
        sys.exit()  # the interpreter's whole end, unlike os._exit

with fakeredis.patch():
    child()
    child()
    unused = os.fork()
    if not unused:
        sys.exit()
    for _ in range(3):
        os.wait()
    print("parent", int(redis.Redis().get("n")))
"""


# Libraries --------------------------------------------------------------------------------------


def test_rq_forks_for_each_job(fake: fakeredis.patch) -> None:
    rq = pytest.importorskip("rq")
    connection = redis.Redis("queue.example", 6400)
    queue = rq.Queue(connection=connection)
    done, failed = queue.enqueue(jobs.add, 2, b=3), queue.enqueue(jobs.fail)

    class Worker(rq.Worker):  # type: ignore[misc,name-defined]
        """Stops its thread before it unsubscribes.

        In rq's order the thread may hear of that first, and waits on for a minute.
        """

        def unsubscribe(self) -> None:
            if self.pubsub_thread:
                self.pubsub_thread.stop()
            super().unsubscribe()

    assert Worker(["default"], connection=connection).work(burst=True, logging_level="ERROR")
    assert done.return_value() == 5
    assert failed.get_status(refresh=True) == "failed"
    assert queue.finished_job_registry.get_job_ids() == [done.id]


# Other threads at the moment of a fork ----------------------------------------------------------


# Python 3.12 and later warn of any fork beside threads, of which these programs have some.
FORKING_BESIDE_THREADS = ("-W", "ignore:This process:DeprecationWarning")


def test_forks_in_a_loop_while_others_connect() -> None:
    """See the program: threads, loops and children reach servers and clusters that are new."""
    rounds = 200 if os.environ.get("FAKEREDIS_LONG") else 40
    program = "-m", "tests.patching.processes.fork_stress", rounds
    done = processes.python(*FORKING_BESIDE_THREADS, *program, limit=600, cwd=processes.ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


IMPORTING = """
import asyncio, importlib.util, os, sys, threading
import fakeredis

fakeredis.FakeServer()
PARENT, begun, goes_on = os.getpid(), threading.Event(), threading.Event()


class Slow:
    def find_spec(self, name, path=None, target=None):
        if name != "fakeredis.clients.aio" or os.getpid() != PARENT:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            begun.set()
            goes_on.wait(30)
            load(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=lambda: fakeredis.FakeAsyncRedis)
thread.start()
begun.wait(30)
pid = os.fork()
if pid == 0:
    os._exit(6 + asyncio.run(fakeredis.FakeAsyncRedis().incr("n")))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
goes_on.set()
thread.join()
"""


def test_another_thread_is_importing() -> None:
    done = processes.python(*FORKING_BESIDE_THREADS, "-c", IMPORTING)
    assert (done.stdout, done.stderr) == ("7\n", "")


ENDING = """
import os, sys, threading
import fakeredis, redis

sys.setswitchinterval(1e-6)
handles = [fakeredis.patch().start() for _ in range(20)]
redis.Redis().set("k", "v")
errors = []
threading.excepthook = lambda found: errors.append(found.exc_value)
threads = [threading.Thread(target=handle.stop) for handle in handles]
for thread in threads:
    thread.start()
pid = os.fork()  # the first one, which imports what it needs
if pid == 0:
    os._exit(0)
status = os.waitpid(pid, 0)[1]
for thread in threads:
    thread.join()
print(status, errors, [handle for handle in handles if handle.active])
"""


def test_another_thread_ends_a_patch() -> None:
    for _ in range(3):
        done = processes.python(*FORKING_BESIDE_THREADS, "-c", ENDING)
        assert (done.stdout, done.stderr) == ("0 [] []\n", "")


def test_a_servers_own_session_goes_on_in_a_child() -> None:
    server = fakeredis.FakeServer()
    server.execute("SELECT", 3)
    server.execute("SET", "k", "v")

    def in_child() -> Any:
        return server.execute("GET", "k"), server.execute("CLIENT", "ID"), len(server.sessions)

    number = server.execute("CLIENT", "ID")
    assert forked(in_child) == (b"v", number, 1)
    assert server.execute("GET", "k") == b"v"
