"""What other libraries' own test suites have found (see tests/suites)."""

from __future__ import annotations

import inspect
import pickle
import pkgutil
import sys
import time
from pathlib import Path
from unittest import mock

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis
from fakeredis.cli import main
from fakeredis.clients import codec
from fakeredis.patching import hooks, installer, method_notes
from fakeredis.patching.processes import fork_host, sitecustomize
from fakeredis.patching.processes.channel import Channel
from tests.patching.processes.forking import forked
from tests.support.redis_py import needs


@needs("retry")
def test_connection_arguments_can_be_pickled(fake: fakeredis.patch) -> None:
    """Jobs of rq carry them to the process that works."""
    client = redis.Redis()
    kwargs = client.connection_pool.connection_kwargs
    retry = pickle.loads(pickle.dumps(kwargs["retry"]))
    assert type(retry).__module__ == "redis.retry"
    assert retry._retries == kwargs["retry"]._retries
    assert redis.Redis(retry=retry).ping()


def test_a_mock_of_a_pipelines_execute_is_called(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()
    with mock.patch("redis.client.Pipeline.execute", return_value="mocked"):
        assert client.pipeline().set("k", "v").execute() == "mocked"
    assert client.get("k") is None
    assert client.pipeline().set("k", "v").execute() == [True]


async def test_a_mock_of_an_async_pipelines_execute_is_called(fake: fakeredis.patch) -> None:
    client = redis.asyncio.Redis()
    await client.ping()
    with mock.patch("redis.asyncio.client.Pipeline.execute", return_value="mocked"):
        assert await client.pipeline().set("k", "v").execute() == "mocked"
    assert await client.pipeline().set("k", "v").execute() == [True]


def test_a_mock_of_a_connections_method_is_called(fake: fakeredis.patch) -> None:
    """Such as one that plays a network that fails."""
    client = redis.Redis(retry=Retry(NoBackoff(), 2))
    client.ping()
    kind = client.connection_pool.connection_class
    with mock.patch.object(kind, "read_response", side_effect=redis.TimeoutError) as read:
        with pytest.raises(redis.TimeoutError):
            client.get("k")
        assert read.call_count >= 1
        with pytest.raises(redis.TimeoutError):
            client.pipeline().get("k").execute()
    assert client.get("k") is None


async def test_a_mock_of_an_async_connections_method_is_called(fake: fakeredis.patch) -> None:
    client = redis.asyncio.Redis(retry=AsyncRetry(NoBackoff(), 2))
    await client.ping()
    kind = client.connection_pool.connection_class
    with mock.patch.object(kind, "read_response", side_effect=redis.TimeoutError):
        with pytest.raises(redis.TimeoutError):
            await client.get("k")
        with pytest.raises(redis.TimeoutError):
            await client.pipeline().get("k").execute()
    assert await client.get("k") is None


@pytest.mark.parametrize("once", [True, False])
def test_a_mock_of_connecting_plays_a_network_that_fails(
    fake: fakeredis.patch, once: bool
) -> None:
    connection = redis.Connection(retry=Retry(NoBackoff(), 1), retry_on_timeout=True)
    reach = connection._connect
    errors = [TimeoutError, reach()] if once else [TimeoutError, TimeoutError]
    connection._connect = mock.Mock(side_effect=errors)
    if once:
        connection.connect()
        connection.send_command("PING")
        assert connection.read_response() == b"PONG"
    else:
        with pytest.raises(redis.TimeoutError):
            connection.connect()
    assert connection._connect.call_count == 2
    connection.disconnect()


async def test_a_mock_of_connecting_plays_a_network_that_fails_for_asyncio(
    fake: fakeredis.patch,
) -> None:
    failing = mock.patch("redis.asyncio.Connection._connect", side_effect=OSError(113, "No route"))
    with failing, pytest.raises(redis.ConnectionError, match="113"):
        await redis.asyncio.Connection(retry=AsyncRetry(NoBackoff(), 0)).connect()


def test_a_function_in_the_place_of_connecting_is_called(
    fake: fakeredis.patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(self: object) -> None:
        raise TimeoutError

    client = redis.Redis(retry=Retry(NoBackoff(), 0))
    with monkeypatch.context() as context:
        context.setattr(redis.connection.Connection, "_connect", late)
        with pytest.raises(redis.TimeoutError):
            client.ping()
    assert client.ping()


@pytest.mark.parametrize("single", [True, False])
def test_an_error_that_ends_connections_is_raised_by_pipelines(
    fake: fakeredis.patch, single: bool
) -> None:
    """A busy server's word is no reply: no pipeline keeps it among its results."""
    fake.server("localhost").config.override("enable-debug-command", "yes")
    client = redis.Redis(retry=Retry(NoBackoff(), 0), single_connection_client=single)
    with pytest.raises(redis.exceptions.BusyLoadingError):
        client.execute_command("DEBUG", "ERROR", "LOADING later")
    with pytest.raises(redis.exceptions.BusyLoadingError):
        client.pipeline().execute_command("DEBUG", "ERROR", "LOADING later").execute(False)
    assert client.ping()


def test_a_mock_in_the_place_of_a_connection_is_used(fake: fakeredis.patch) -> None:
    pool = mock.MagicMock()
    pool.get_connection.return_value.read_response.return_value = b"mocked"
    pool.get_connection.return_value.retry = Retry(NoBackoff(), 0)
    pool.get_connection.return_value.retry.call_with_retry = lambda do, *args, **kwargs: do()
    client = redis.Redis(connection_pool=pool)
    assert client.get("k") == b"mocked"


def test_commands_of_a_pause_wait_for_its_end(fake: fakeredis.patch) -> None:
    client = redis.Redis(decode_responses=True)
    client.set("k", "v")
    for _ in range(3):
        assert client.client_pause(5) is True
        assert client.get("k") == "v"
        assert client.client_pause(5) is True
        assert client.set("k", "v", xx=True) is True
        assert client.pipeline().get("k").execute() == ["v"]


async def test_commands_of_a_pause_wait_for_its_end_with_asyncio(fake: fakeredis.patch) -> None:
    client = redis.asyncio.Redis(decode_responses=True)
    await client.set("k", "v")
    for _ in range(3):
        assert await client.client_pause(5) is True
        assert await client.get("k") == "v"
        assert await client.client_pause(5) is True
        assert await client.set("k", "v", xx=True) is True
    await client.aclose()


def test_a_socket_that_is_not_there(no_network: None) -> None:
    with fakeredis.patch(addresses={"/run/redis.sock"}):
        assert redis.Redis(unix_socket_path="/run/redis.sock").ping()
        client = redis.Redis(unix_socket_path="/run/other.sock", retry=Retry(NoBackoff(), 0))
        with pytest.raises(redis.ConnectionError, match=r"Error 2 .*No such file or directory"):
            client.ping()


def test_something_may_stand_for_a_sentinels_client(fake: fakeredis.patch) -> None:
    class Stub:
        def sentinel_masters(self) -> dict[str, dict[str, object]]:
            flags = {"is_master": True, "is_sdown": False, "is_odown": False}
            return {"mine": {"ip": "10.0.0.1", "port": 6379, **flags, "num-other-sentinels": 0}}

    sentinel = redis.Sentinel([("sentinel", 26379)])
    sentinel.sentinels = [Stub()]
    assert sentinel.discover_master("mine") == ("10.0.0.1", 6379)


@pytest.mark.parametrize("name", ["redis.Redis", "redis.asyncio.Redis"])
def test_signature_and_repr_are_the_real_classs(fake: fakeredis.patch, name: str) -> None:
    module, _, _ = name.rpartition(".")
    kind = sys.modules[module].Redis
    parameters = inspect.signature(kind.__init__).parameters
    assert parameters["socket_timeout"].name in inspect.signature(kind).parameters
    assert list(parameters)[:4] == ["self", "host", "port", "db"]
    assert repr(kind()).startswith(f"<{module}.client.Redis(<")
    assert repr(fake.client()).startswith("<redis.client.Redis(<")


def test_a_fake_client_says_so_outside_of_patches() -> None:
    assert repr(fakeredis.FakeRedis()).startswith("<fakeredis.clients.sync.FakeRedis(<")
    assert "server" in inspect.signature(fakeredis.FakeRedis).parameters


def test_nobody_waits_for_less_than_asked_for(fake: fakeredis.patch) -> None:
    """The server ends a wait after its last millisecond, not at the beginning of that."""
    client = redis.Redis()
    for _ in range(20):
        begin = time.time()
        assert client.blpop("nothing", timeout=0.011) is None
        assert time.time() - begin >= 0.011


def _unsubscribe_at_once() -> object:
    pubsub = redis.Redis().pubsub(ignore_subscribe_messages=False)
    pubsub.subscribe("channel")
    assert pubsub.get_message(timeout=30) is not None
    with mock.patch.object(Channel, "ask", side_effect=AssertionError("it waits")):
        pubsub.unsubscribe()
    message = pubsub.get_message(timeout=30)
    return message and message["type"]


def test_unsubscribing_in_a_fork_waits_for_nothing(fake: fakeredis.patch) -> None:
    """Who does so stops the listening thread before that hears of it, as on a network."""
    redis.Redis().ping()
    assert forked(_unsubscribe_at_once) == "unsubscribe"


@pytest.mark.parametrize("option", [[], ["--address=localhost:6379", "--address=cache:1"]])
def test_run_knows_which_servers_exist(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import redis\n"
        "for host, port in ('localhost', 6379), ('cache', 1), ('cache', 6379):\n"
        "    try:\n"
        "        print(redis.Redis(host, port).ping())\n"
        "    except redis.ConnectionError:\n"
        "        print('refused')\n"
    )
    with mock.patch("sys.argv", [""]), mock.patch("sys.path", []):
        main(["run", *option, str(program)])
    last = "refused" if option else "True"
    assert capsys.readouterr().out.split() == ["True", "True", last]


def test_run_configures_the_servers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import redis\n"
        "print(redis.Redis().config_get('maxmemory')['maxmemory'])\n"
        "print(redis.Redis().execute_command('DEBUG', 'SET-ACTIVE-EXPIRE', '1'))\n"
    )
    words = ["--config", "maxmemory", "1mb", "--config", "enable-debug-command", "yes"]
    with mock.patch("sys.argv", [""]), mock.patch("sys.path", []):
        main(["run", *words, str(program)])
    assert capsys.readouterr().out.split() == ["1048576", "b'OK'"]
    with pytest.raises(SystemExit, match="no-such"):
        main(["run", "--config", "no-such", "1", str(program)])


CLASSES = ("redis.Redis", "redis.asyncio.Redis", "redis.sentinel.Sentinel", "redis.RedisCluster",
    "redis.asyncio.sentinel.Sentinel", "redis.asyncio.RedisCluster", "redis.client.Pipeline",
    "redis.asyncio.client.Pipeline", "valkey.Valkey", "valkey.asyncio.Valkey")


def signatures() -> dict[str, str]:
    """How the public methods of the clients are called."""
    found = {}
    for path in CLASSES:
        cls = pkgutil.resolve_name(path)
        if path.endswith("Pipeline"):
            client = pkgutil.resolve_name(path.removesuffix("client.Pipeline") + "Redis")()
            cls = type(client.pipeline())
        for name, value in inspect.getmembers(cls, inspect.isroutine):
            if not name.startswith("_"):
                found[f"{path}.{name}"] = str(inspect.signature(value))
        found[path] = str(inspect.signature(cls))
    return found


def test_signatures_of_methods_are_the_real_ones(no_network: None) -> None:
    before = signatures()
    with fakeredis.patch():
        assert signatures() == before


def test_a_model_that_is_declared_inside_takes_clients_afterwards() -> None:
    pydantic = pytest.importorskip("pydantic")
    with fakeredis.patch():

        class Model(pydantic.BaseModel):  # type: ignore[misc, name-defined]
            model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
            client: redis.Redis
            others: list[redis.asyncio.Redis]

        Model(client=redis.Redis(), others=[redis.asyncio.Redis()])
    Model(client=redis.Redis(), others=[redis.asyncio.Redis()])
    with pytest.raises(pydantic.ValidationError):
        Model(client=5)

    class Own(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        client: fakeredis.FakeRedis

    Own(client=fakeredis.FakeRedis())
    with pytest.raises(pydantic.ValidationError):
        Own(client=redis.Redis())


def test_every_library_is_known_everywhere() -> None:
    """`sitecustomize` must not import anything, so the names stand in several places."""
    names = set(installer._LIBRARIES)
    assert {*sitecustomize.LIBRARIES} == {*method_notes._LIBRARIES} == hooks._LIBRARIES == names
    assert fork_host._LIBRARIES == codec.KNOWN == names | {"fakeredis"}
