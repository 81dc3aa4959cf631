"""A client made from a template is what the constructor makes."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis.clients import aio, sync

ARGUMENTS: list[dict[str, Any]] = [
    {}, {"decode_responses": True}, {"protocol": 2}, {"protocol": 3}, {"db": 1, "host": "h"},
    {"unix_socket_path": "/s"}, {"max_connections": 5, "client_name": "x"},
    {"socket_timeout": 1.5},
]
OWN = {"single_connection_lock", "_single_conn_lock", "_usage_lock", "_event_dispatcher"}


def facts(client: Any) -> dict[str, Any]:
    """All that can be told of a client, without identities."""
    found = dict(vars(client))
    pool = found.pop("connection_pool")
    for name in OWN & set(found):
        found[name] = type(found[name])
    found["callbacks"] = type(found["response_callbacks"])
    found["pool"] = type(pool), pool.connection_class, pool.max_connections
    found["pool attributes"] = sorted(vars(pool))
    kwargs = dict(pool.connection_kwargs)
    for name in ("himport_registry", "event_dispatcher", "retry"):
        if name in kwargs:
            kwargs[name] = type(kwargs[name]).__name__
    found["kwargs"] = kwargs
    return found


@pytest.mark.parametrize("given", ARGUMENTS, ids=str)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_same_as_constructed(
    given: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = sync if kind == "sync" else aio
    make: Any = fakeredis.FakeRedis if kind == "sync" else fakeredis.FakeAsyncRedis
    templates = type(module._templates)()
    monkeypatch.setattr(module, "_templates", templates)
    server = fakeredis.FakeServer()
    constructed = make(server=server, **given)
    assert any(template is not None for template in templates._known.values())
    copied = make(server=server, **given)
    assert facts(copied) == facts(constructed)
    for one in (copied, constructed):
        one.set_response_callback("MINE", len)
        one.connection_pool.connection_kwargs["retry_on_error"].append(ValueError)
    third = make(server=server, **given)
    assert "MINE" not in third.response_callbacks
    assert third.connection_pool.connection_kwargs["retry_on_error"] == []
    for name in ("connection_pool", "response_callbacks", *OWN & set(vars(copied))):
        assert getattr(copied, name) is not getattr(third, name)
    assert third.get_retry() is None or third.get_retry() is not copied.get_retry()


def test_values_of_other_kinds_are_constructed() -> None:
    assert sync._templates.key({"retry": None}) is None
    assert sync._templates.key({"host": object()}) is None
    assert sync._templates.key({"db": 1}) != sync._templates.key({"db": True})
    assert isinstance(fakeredis.FakeRedis(), redis.Redis)
