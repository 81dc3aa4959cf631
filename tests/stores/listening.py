"""What connections do that have listened, on every kind of forwarding store."""

from __future__ import annotations

import redis


def listen_and_go_on(protocol: int) -> None:
    """Subscribe, unsubscribe, and use the same connection for what looks like messages."""
    pool = redis.BlockingConnectionPool(max_connections=1, protocol=protocol)
    client = redis.Redis(connection_pool=pool)
    for _ in range(2):
        with client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=30)["data"] == 1
            listener.unsubscribe()
            assert listener.get_message(timeout=30)["data"] == 0
        client.delete("l", "{l}x")  # in one slot, for clusters
        client.rpush("l", "message", "c", "x")
        client.xadd("{l}x", {"f": "v"}, id="1-1")
        assert client.lrange("l", 0, -1) == [b"message", b"c", b"x"]
        assert client.xrange("{l}x") == [(b"1-1", {b"f": b"v"})]
        assert client.keys("l") == [b"l"]
