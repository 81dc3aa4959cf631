"""channels-redis: both channel layers, with a loop after a loop in one process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import fakeredis
from tests.downstream import library

core = library("channels_redis.core")
pubsub = library("channels_redis.pubsub")
HOSTS = [("layer.example", 6400)]
KINDS = [core.RedisChannelLayer, pubsub.RedisPubSubChannelLayer]
BEFORE = {kind: kind(hosts=HOSTS) for kind in KINDS}


def layer_of(kind: Any, made: str) -> Any:
    return BEFORE[kind] if made == "before" else kind(hosts=HOSTS)


async def close(layer: Any) -> None:
    if hasattr(layer, "close_pools"):
        await layer.close_pools()
    else:
        await layer.flush()


@pytest.mark.parametrize("made", ["before", "inside"])
@pytest.mark.parametrize("kind", KINDS)
async def test_channels_and_groups(kind: Any, made: str, fake: fakeredis.patch) -> None:
    layer = layer_of(kind, made)
    first, second = await layer.new_channel(), await layer.new_channel()
    receiving = asyncio.create_task(layer.receive(first))
    await asyncio.sleep(0.01)
    await layer.send(first, {"type": "hello", "n": 1})
    assert await asyncio.wait_for(receiving, 30) == {"type": "hello", "n": 1}
    for channel in (first, second):
        await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "to.all"})
    for channel in (first, second):
        assert await asyncio.wait_for(layer.receive(channel), 5) == {"type": "to.all"}
    await layer.group_discard("room", second)
    await layer.group_send("room", {"type": "again"})
    assert await asyncio.wait_for(layer.receive(first), 5) == {"type": "again"}
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(layer.receive(second), 0.05)
    if kind is core.RedisChannelLayer:
        fake.assert_called_command("ZADD asgi:group:room", ..., times=2)
        fake.assert_called_command("BZPOPMIN", ..., at_least=1)
    else:
        fake.assert_called_command("PUBLISH asgi__group__room", ..., times=2)
    await close(layer)


def test_loop_after_loop(fake: fakeredis.patch) -> None:
    layer = core.RedisChannelLayer(hosts=HOSTS)

    async def send() -> str:
        channel: str = await layer.new_channel()
        await layer.send(channel, {"type": "kept"})
        return channel

    async def receive(channel: str) -> Any:
        return await layer.receive(channel)

    assert asyncio.run(receive(asyncio.run(send()))) == {"type": "kept"}


async def test_full_channel(fake: fakeredis.patch) -> None:
    from channels.exceptions import ChannelFull

    layer = core.RedisChannelLayer(hosts=HOSTS, capacity=2, expiry=60)
    for _ in range(2):
        await layer.send("work", {"type": "job"})
    with pytest.raises(ChannelFull):
        await layer.send("work", {"type": "job"})
    fake.assert_ttl("asgi*work", at_most=60)
    await layer.close_pools()
