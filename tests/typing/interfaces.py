"""The classes that stand for one another meet the interface by which they are used."""

from __future__ import annotations

import redis
import redis.asyncio
import redis.asyncio.client

from fakeredis.clients.interfaces import (
    AsyncBatch,
    AsyncConnection,
    Batch,
    Client,
    Connection,
    Encoder,
    Pool,
)
from fakeredis.engine.core.interfaces import SessionLike
from fakeredis.engine.core.session import ProtocolSession, Session
from fakeredis.patching.processes.remote_sessions import InheritedSession, RemoteSession
from fakeredis.stores.forwarding.session import ForwardedSession


def sessions(
    own: Session, typed: ProtocolSession, forwarded: ForwardedSession, remote: RemoteSession,
    inherited: InheritedSession,
) -> list[SessionLike]:
    return [own, typed, forwarded, remote, inherited]


def clients(own: redis.Redis, aio: redis.asyncio.Redis) -> list[Client]:
    return [own, aio]


def pools(own: redis.ConnectionPool) -> Pool:
    return own


def batches(
    own: redis.client.Pipeline, aio: redis.asyncio.client.Pipeline
) -> tuple[Batch, AsyncBatch]:
    return own, aio


def connection(own: redis.Connection) -> Connection:
    return own


def async_connection(own: redis.asyncio.Connection) -> AsyncConnection:
    return own


def encoder(own: redis.Connection) -> Encoder:
    return own.encoder
