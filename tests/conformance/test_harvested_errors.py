"""Thousands of calls, mostly wrong ones, whose replies were taken from the real server."""

from __future__ import annotations

from typing import Any

import pytest

from fakeredis.commands.catalogue import table
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY
from fakeredis.errors import CommandError
from tests.support import harvest
from tests.support.engines import Server
from tests.support.harvest import BLOCKS, CLOSED, Case
from tests.support.known_gaps import param
from tests.support.twin import CLOSED as FAKE_CLOSED
from tests.support.twin import describe, fake_reply, in_order, same, shape

RANDOM = {"nondeterministic_output"}
UNORDERED = {"nondeterministic_output_order"}
# Their replies depend on the moment, or on chance, though the server does not say so.
TIMED = {
    "EXPIRETIME", "PEXPIRETIME", "CLIENT ID", "ACL GENPASS", "VINFO", "VRANDMEMBER", "TS.INCRBY",
    "TS.DECRBY",
}


def collected() -> dict[str, tuple[str, list[Case]]]:
    return {
        f"{name}: {category}": (name, cases)
        for name in harvest.replies()
        if name != "(general)" and harvest.is_known(name.split())
        for category, cases in harvest.cases(name)
        if cases
    }


NAMES = collected()


@pytest.mark.parametrize(("name", "cases"), [param(name, *value) for name, value in NAMES.items()])
def test_as_the_real_server(name: str, cases: list[Case]) -> None:
    tips = set(harvest.command_facts().get(name, {}).get("tips", ()))
    tips |= RANDOM if name in TIMED else set()
    differences = [line for case in cases for line in difference(case, tips)]
    assert not differences, "\n" + "\n".join(differences)


@pytest.mark.parametrize("what", sorted(harvest.replies()["(general)"]))
def test_general(what: str) -> None:
    facts: dict[str, Any] = harvest.replies()["(general)"][what]
    session = Server("8.2.3").session()
    if facts["before"]:
        fake_reply(session, words(facts["before"]))
    reply = fake_reply(session, words(facts["call"]))
    assert describe(reply) == describe(harvest.value_of(facts["reply"]))


def difference(case: Case, tips: set[str], server: Server | None = None) -> list[str]:
    """Lines that tell how the fake's reply to one call differs; none when it does not."""
    server = server or Server("8.2.3")
    known = table(server.profile)
    if not all(harvest.is_known(call.split(" "), known) for call in case.before):
        return []  # a key of a type that the fake does not have
    fake = run(case, server)
    if agree(fake, case, tips):
        return []
    before = [f"    {call}" for call in case.before]
    call = " ".join(word or "''" for word in case.call)
    return [*before, f"{call}   (RESP{case.protocol})", f"    fake: {describe(fake)}",
            f"    real: {case.reply}"]


def run(case: Case, server: Server) -> Any:
    seeding = server.session()
    for call in case.before:
        fake_reply(seeding, words(call.split(" ")))
    seeding.close()
    session = server.session(protocol=case.protocol)
    reply = fake_reply(session, words(case.call))
    if reply is NO_REPLY and case.protocol == 2 and session.outbox:
        return list(session.outbox[0])  # of several replies the first was taken
    return reply


def agree(fake: Any, case: Case, tips: set[str]) -> bool:
    if case.reply is ...:  # only known to be no error
        return not isinstance(fake, CommandError)
    if fake is BLOCKED:
        return case.reply in (BLOCKS, None, {"*": None})
    if case.reply == CLOSED:
        return fake is FAKE_CLOSED
    try:
        real = harvest.value_of(case.reply)
    except ValueError:
        return fake is NO_REPLY or not isinstance(fake, CommandError)
    if isinstance(real, CommandError) or isinstance(fake, CommandError):
        return same(fake, real)
    if case.call[0] == "VLINKS":  # how many levels there are is chance
        return type(fake) is type(real)
    if tips & RANDOM:
        return bool(shape(fake) == shape(real))
    if "WITHCURSOR" in case.call:  # whose number is chance
        return bool(shape(fake) == shape(real))
    if tips & UNORDERED or case.call[0] == "FT.SYNDUMP":
        return same(in_order(fake), in_order(real))
    return same(fake, real)


def words(call: list[str]) -> list[bytes]:
    return [word.encode() for word in call]
