"""What the Python API says to a wrong call: which argument it is, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fakeredis

SERVER = fakeredis.FakeServer()
NAN = float("nan")


def _patched(**options: Any) -> Any:
    with fakeredis.patch(**options) as fake:
        return fake


def _inside(use: Callable[[Any], Any]) -> Callable[[], Any]:
    def call() -> None:
        with fakeredis.patch() as fake:
            use(fake)

    return call


CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "patch: version": (lambda: _patched(version="x"), ValueError, "write it as '8.2'"),
    "patch: negative version": (lambda: _patched(version="-1"), ValueError, "'8.2'"),
    "patch: type": (lambda: _patched(server_type="x"), ValueError, "'redis' or 'valkey'"),
    "patch: spy": (lambda: _patched(spy="yes"), TypeError, "spy is True or False"),
    "patch: names": (lambda: _patched(names=1), TypeError, "names is True or False"),
    "patch: server": (lambda: _patched(server="localhost"), TypeError, "a FakeServer"),
    "patch: addresses": (lambda: _patched(addresses=3), TypeError, "'localhost:6379'"),
    "patch: an address": (lambda: _patched(addresses=[3]), TypeError, "'localhost:6379'"),
    "patch: clients": (lambda: _patched(clients="redis"), TypeError, "set of kinds"),
    "patch: after_exit": (lambda: _patched(after_exit="x"), ValueError, "'fake'"),
    "patch: a function": (lambda: fakeredis.patch(print), TypeError, "@fakeredis.patched"),
    "patch: not entered": (lambda: fakeredis.patch().flush(), RuntimeError, "with statement"),
    "patched: as_kwarg": (lambda: fakeredis.patched(as_kwarg="a b"), TypeError, "name of an"),
    "patched: no such argument": (
        lambda: fakeredis.patched(as_kwarg="fake")(lambda other: other), TypeError, "add it",
    ),
    "patched: a value": (lambda: fakeredis.patched()(3), TypeError, "functions and classes"),
    "address": (_inside(lambda fake: fake.client(6379)), TypeError, "'localhost:6379'"),
    "advance": (_inside(lambda fake: fake.advance("1")), TypeError, "number of seconds"),
    "advance for ever": (_inside(lambda fake: fake.advance(NAN)), ValueError, "finite"),
    "freeze": (_inside(lambda fake: fake.freeze("2020-01-01")), TypeError, "datetime"),
    "fail_next": (_inside(lambda fake: fake.fail_next("ERR x", times="2")), ValueError, "at least"),
    "restore": (_inside(lambda fake: fake.restore(3)), TypeError, r"snapshot\(\)"),
    "no spy": (_inside(lambda fake: fake.calls), RuntimeError, "spy=True"),
    "server: version": (lambda: fakeredis.FakeServer(version="x"), ValueError, "'8.2'"),
    "server: modules": (
        lambda: fakeredis.FakeServer(modules=[5]),  # type: ignore[list-item]
        TypeError, "Group",
    ),
    "server: a module": (
        lambda: fakeredis.FakeServer(modules=["x"]), ValueError, "no module 'x'.*'vectorset'",
    ),
    "server: one module": (
        lambda: fakeredis.FakeServer(modules="vectorset"), TypeError, "a list of names",
    ),
    "server: an older one's module": (
        lambda: fakeredis.FakeServer(version="7.2", modules=["vectorset"]), ValueError, "7.2.4",
    ),
    "server: a setting": (
        lambda: fakeredis.FakeServer(config={"maxmemori": 1}), ValueError, "mean 'maxmemory'",
    ),
    "server: a setting's value": (
        lambda: fakeredis.FakeServer(config={"maxmemory": "x"}), ValueError, "a memory value$",
    ),
    "server: a fixed setting's value": (
        lambda: fakeredis.FakeServer(config={"databases": "x"}), ValueError, "an integer$",
    ),
    "server: an older one's setting": (
        lambda: fakeredis.FakeServer(version="6.2", config={"enable-debug-command": "yes"}),
        ValueError, "redis 6.2.14 has no setting",
    ),
    "patch: config": (lambda: _patched(config=["maxmemory"]), TypeError, "a dictionary"),
    "patch: nothing set": (lambda: _patched(config={"save": None}), TypeError, "text or number"),
    "patch: a setting": (lambda: _patched(config={"x": 1}), ValueError, "no setting 'x'"),
    "patch: a module": (lambda: _patched(modules=["x"]), ValueError, "no module 'x'"),
    "patch: config of a server": (
        lambda: _patched(server=SERVER, config={}), ValueError, "config= is for servers made here",
    ),
    "patch: modules of a server": (
        lambda: _patched(server=SERVER, modules=[]), ValueError, "modules= is for servers",
    ),
    "patch: config of a real server": (
        lambda: _patched(store="redis://localhost/10", config={"maxmemory": 1}),
        ValueError, "config= is for servers made here",
    ),
    "server: no command": (SERVER.execute, TypeError, "execute"),
    "server: None": (
        lambda: SERVER.execute("SET", "k", None),  # type: ignore[arg-type]
        TypeError, "bytes, text and numbers",
    ),
    "server: True": (lambda: SERVER.execute("SET", "k", True), TypeError, "numbers, not True"),
    "server: advance": (lambda: SERVER.advance(float("inf")), ValueError, "finite"),
    "server: listen": (
        lambda: SERVER.listen(6379),  # type: ignore[arg-type]
        TypeError, "'127.0.0.1'",
    ),
    "client: server": (
        lambda: fakeredis.FakeRedis(server=3),  # type: ignore[arg-type]
        TypeError, "a fakeredis.FakeServer",
    ),
    "client: the class": (
        lambda: fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer),  # type: ignore[arg-type]
        TypeError, "a fakeredis.FakeServer",
    ),
    "client: from_url": (
        lambda: fakeredis.FakeRedis.from_url("redis://localhost", server=3),
        TypeError, "a fakeredis.FakeServer",
    ),
    "client: server and store": (
        lambda: fakeredis.FakeRedis(server=SERVER, store=3), ValueError, "not both",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_to_write_instead(name: str) -> None:
    call, kind, text = CALLS[name]
    with pytest.raises(kind, match=text):
        call()
    assert fakeredis.active() is None


def test_a_refused_command_leaves_no_trace() -> None:
    server = fakeredis.FakeServer()
    with pytest.raises(TypeError):
        server.execute("SET", "k", {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite"):
        server.advance(NAN)
    assert server.execute("DBSIZE") == 0
