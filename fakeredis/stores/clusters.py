"""Links to a cluster: each command goes to the node that serves its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeredis.stores.connecting import RespLink

if TYPE_CHECKING:
    from fakeredis.stores.redis import RedisStore


def masters(link: RespLink) -> list[tuple[str, int]]:
    """Where a cluster's masters are."""
    raise NotImplementedError("clusters are not built yet")


class ClusterLink(RespLink):
    """A link to all nodes of a cluster."""

    def __init__(self, store: RedisStore, typed: bool) -> None:
        raise NotImplementedError("clusters are not built yet")

    opened: Any
