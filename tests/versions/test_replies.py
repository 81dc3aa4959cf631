"""The profiles of other servers answer thousands of calls, mostly wrong, as these servers do."""

from __future__ import annotations

import pytest

from tests.conformance.test_harvested_errors import RANDOM, TIMED, difference
from tests.support import harvest
from tests.support.harvest import Case
from tests.versions import recorded
from tests.versions.known import DIFFERENCES


def parameters() -> list[object]:
    found = []
    for server in recorded.NAMES:
        for name, cases in recorded.cases(server).items():
            reason = DIFFERENCES.get(f"{server} {name}") or DIFFERENCES.get(name)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            if cases:
                found.append(pytest.param(server, name, cases, id=f"{server} {name}", marks=marks))
    return found


@pytest.mark.parametrize(("server", "name", "cases"), parameters())
def test_as_that_server(server: str, name: str, cases: list[Case]) -> None:
    command = name.partition(":")[0]
    tips = set(harvest.command_facts().get(command, {}).get("tips", ()))
    tips |= RANDOM if command in TIMED else set()
    differences = [line for case in cases for line in difference(case, tips, recorded.fake(server))]
    assert not differences, "\n" + "\n".join(differences)
