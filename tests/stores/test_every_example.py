"""Every command's example, in parity, on a database of its own and under a prefix."""

from __future__ import annotations

import contextlib

import pytest

import fakeredis
from fakeredis.commands.catalogue import core_table
from fakeredis.engine.core.profiles import profile
from fakeredis.errors import CommandError
from fakeredis.stores.parity.store import ParityStore
from tests.support import examples_of_commands as examples

pytestmark = pytest.mark.real

ALONE = ("QUIT", "RESET", "CLIENT REPLY", "HELLO", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE",
         "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "CLIENT KILL")


ELSEWHERE = ("search", "timeseries")
COMMANDS = core_table(profile("8.2", "redis")).all()


@pytest.mark.parametrize("query", ["", "?prefix=app:"])
def test_examples(clean_real_url: str, query: str) -> None:
    store = ParityStore(["memory://", clean_real_url.rpartition("/")[0] + "/3" + query])
    wrong = []
    with fakeredis.patch(store=store) as fake:
        server = fake.server()
        for command in COMMANDS:
            found = examples.example(command.name)
            if found is None or command.name in ALONE or examples.left_out(command.name):
                continue
            if command.declaration.module in ELSEWHERE:  # which this real server has not
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
