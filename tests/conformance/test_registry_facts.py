"""What is declared of each command is what COMMAND INFO of the real server says."""

from __future__ import annotations

from typing import Any

import pytest

from fakeredis.commands.registry import Command, Flags
from tests.support.harvest import all_commands, command_facts
from tests.support.known_gaps import GAPS, param


def declared(command: Command) -> dict[str, Any]:
    first, last, step = command.key_positions()
    since = command.declaration.since
    return {
        "arity": command.arity,
        "flags": {
            str(flag.name).lower()
            for flag in Flags
            if flag & command.flags
        },
        "first_key": first,
        "last_key": last,
        "key_step": step,
        "acl_categories": {f"@{name}" for name in command.declaration.categories()},
        "since": since if isinstance(since, str) else since.get("redis"),
        "tips": set(command.declaration.tips.split()),
    }


@pytest.mark.parametrize(
    "command", [param(f"{command.name}: facts", command) for command in all_commands()]
)
def test_facts(command: Command) -> None:
    facts = command_facts()[command.name.removeprefix("_")]  # _FT.DEBUG, which had none there yet
    real = {key: set(facts[key]) if key in ("flags", "acl_categories", "tips") else facts[key]
            for key in declared(command) if key in facts}
    if command.declaration.module and command.declaration.categories():
        del real["acl_categories"]  # the harvested modules are older than their category
    ours = {key: value for key, value in declared(command).items() if key in real}
    assert ours == real


def test_every_gap_names_a_test() -> None:
    """A gap of a renamed or removed test would never be noticed."""
    from tests.conformance import test_every_command
    from tests.conformance.test_harvested_errors import NAMES

    facts = {f"{command.name}: facts" for command in all_commands()}
    assert set(GAPS) <= facts | set(NAMES) | test_every_command.names()
