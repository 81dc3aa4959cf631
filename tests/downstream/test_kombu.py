"""kombu: messages by Redis, waited for by epoll, fanned out, given back."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import pytest

import fakeredis
from tests.downstream import library

kombu = library("kombu")
library("kombu.transport.redis")
URL = "redis://queue.example:6400/2"
QUEUE = kombu.Queue("jobs", kombu.Exchange("jobs", type="direct"), routing_key="jobs")
BEFORE = kombu.Connection(URL)


@pytest.fixture(params=["made before", "made inside"])
def connection(request: pytest.FixtureRequest, fake: fakeredis.patch) -> Any:
    with BEFORE if request.param == "made before" else kombu.Connection(URL) as connection:
        yield connection


def publish(connection: Any, *bodies: Any, **options: Any) -> None:
    with connection.Producer() as producer:
        for body in bodies:
            producer.publish(
                body, exchange=QUEUE.exchange, routing_key="jobs", declare=[QUEUE], **options
            )


def test_messages(connection: Any, fake: fakeredis.patch) -> None:
    publish(connection, {"n": 1}, {"n": 2})
    got: list[Any] = []

    def receive(body: Any, message: Any) -> None:
        got.append(body)
        message.ack()

    with connection.Consumer(QUEUE, callbacks=[receive]):
        while len(got) < 2:
            connection.drain_events(timeout=5)
        with pytest.raises(socket.timeout):
            connection.drain_events(timeout=0.01)
    assert got == [{"n": 1}, {"n": 2}]
    fake.assert_called_command("LPUSH jobs", ..., times=2, db=2)
    fake.assert_called_command("BRPOP jobs", ..., at_least=2)
    assert fake.client("queue.example:6400", db=2).keys("unacked*") == []


def test_simple_queue_and_priorities(connection: Any) -> None:
    with connection.SimpleQueue("simple") as queue:
        queue.put("low", priority=9)
        queue.put("high", priority=0)
        assert queue.qsize() == 2
        message = queue.get(timeout=5)
        assert message.payload == "high"
        message.requeue()
        assert queue.get(timeout=5).payload == "high"
        assert queue.get_nowait().payload == "low"
        with pytest.raises(queue.Empty):
            queue.get_nowait()


def test_fanout(connection: Any, fake: fakeredis.patch) -> None:
    exchange = kombu.Exchange("news", type="fanout")
    got: list[Any] = []

    def receive(body: Any, message: Any) -> None:
        got.append(body)
        message.ack()

    with connection.clone() as other:
        readers = [connection, other]
        for number, reader in enumerate(readers):
            queue = kombu.Queue(f"reader-{number}", exchange, auto_delete=True)
            reader.Consumer(queue, callbacks=[receive]).consume()
            with contextlib.suppress(socket.timeout):
                reader.drain_events(timeout=0.01)  # it subscribes when it first looks
        with connection.clone() as writer:
            writer.Producer().publish("hello", exchange=exchange, declare=[exchange])
        for reader in readers:
            reader.drain_events(timeout=5)
    assert got == ["hello", "hello"]
    fake.assert_called_command("PSUBSCRIBE /2.news", times=2)
    fake.assert_called_command("PUBLISH /2.news", ..., times=1)


def test_hub(connection: Any, fake: fakeredis.patch) -> None:
    """The event loop that celery's workers run: epoll on the connection's descriptor."""
    from kombu.asynchronous import Hub, set_event_loop

    hub = Hub()
    got: list[Any] = []

    def receive(body: Any, message: Any) -> None:
        got.append(body)
        message.ack()
        if len(got) == 3:
            hub.stop()

    with connection.Consumer(QUEUE, callbacks=[receive]) as consumer:
        connection.register_with_event_loop(hub)
        consumer.qos(prefetch_count=4)
        with connection.clone() as other:
            publish(other, "one", "two")
            hub.call_soon(publish, other, "three")
            hub.call_later(10, hub.stop)
            hub.run_forever()
    hub.close()
    set_event_loop(None)
    assert got == ["one", "two", "three"]


def test_unacknowledged_messages_come_back(connection: Any, fake: fakeredis.patch) -> None:
    publish(connection, "again")
    channel = connection.channel()
    message = QUEUE(channel).get()
    assert message.payload == "again"
    assert QUEUE(channel).get() is None
    fake.assert_called_command("ZADD unacked_index", ...)
    channel.close()  # gives back what was not acknowledged
    assert QUEUE(connection.default_channel).get().payload == "again"


def test_server_that_is_down(connection: Any, fake: fakeredis.patch) -> None:
    connection.ensure_connection(max_retries=1)
    fake.down()
    with pytest.raises(connection.connection_errors):
        publish(connection, 1)
    fake.up()
    publish(connection, 2)
    assert QUEUE(connection.default_channel).get().payload == 2
