"""What other servers' COMMAND says of each command, and which commands they have."""

from __future__ import annotations

from typing import Any

import pytest

from fakeredis.engine.core.profiles import profile
from fakeredis.engine.core.replies import Status
from fakeredis.errors import CommandError
from tests.conformance.test_registry_facts import declared
from tests.support import servers
from tests.support.harvest import all_commands, table_of
from tests.support.twin import fake_reply
from tests.versions import recorded
from tests.versions.known import FACTS, MISSING

FIELDS = ("arity", "first_key", "last_key", "key_step", "flags", "acl_categories")


# Redis 6.2 had other flags, and told those of containers, not of their subcommands.
FIELDS_OF = {"redis6": FIELDS[:4]}


@pytest.mark.parametrize("name", recorded.NAMES)
def test_every_command_has_the_facts_of_that_server(name: str) -> None:
    kind = servers.SERVERS[name]
    known = recorded.recorded(name)["commands"]
    different = {}
    for command in table_of(kind.version, kind.server_type).all():
        real = known.get(command.name)
        if real:
            ours = declared(command)
            log = profile(kind.version, kind.server_type).traits.slow_log
            ours["flags"] = {flag.replace("slowlog", log) for flag in ours["flags"]}
            fields = [
                field for field in FIELDS_OF.get(name, FIELDS)
                if not _same(ours[field], real[field])
            ]
            if fields:
                different[f"{name} {command.name}"] = fields
    assert different == {label: fields for label, (fields, _) in FACTS.items()
                         if label.startswith(f"{name} ")}


def _same(ours: Any, real: Any) -> bool:
    return bool(ours == (set(real) if isinstance(ours, set) else real))


@pytest.mark.parametrize("name", recorded.NAMES)
def test_that_server_has_the_same_commands(name: str) -> None:
    kind = servers.SERVERS[name]
    ours = {
        command.name for command in table_of(kind.version, kind.server_type).all()
        if command.declaration.module in ("", "vectorset")
    }
    newest = {command.name for command in all_commands()}
    real = set(recorded.recorded(name)["commands"])
    assert {
        f"{name} {command}" for command in ours ^ real
        if command in ours or not _unimplemented(command, newest)
    } == {label for label in MISSING if label.startswith(f"{name} ")}


def _unimplemented(command: str, newest: set[str]) -> bool:
    """Whether no profile has the command so far: the page of known gaps says so."""
    return command not in newest and command in recorded.core_names()


@pytest.mark.parametrize("name", recorded.NAMES)
def test_commands_of_later_are_unknown(name: str) -> None:
    session = recorded.fake(name).session()
    later = [
        command for command in recorded.core_names()
        if not recorded.has(name, command.split(" ")) and f"{name} {command}" not in MISSING
    ]
    assert later or name == "redis86"
    for command in later:
        reply = fake_reply(session, command.encode().split())
        assert isinstance(reply, CommandError), command
        assert "unknown" in str(reply).lower() or "cluster support" in str(reply), command
        assert not isinstance(reply, Status)
