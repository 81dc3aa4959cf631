"""Options as they are declared: what words of all kinds become, and how each fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import pytest

from fakeredis import FakeServer
from fakeredis.commands.arguments import (
    Counted,
    Flag,
    Int,
    Key,
    Nested,
    OneOf,
    Option,
    Options,
    PerKey,
    Raw,
    Remaining,
    Threshold,
    Token,
    Values,
)
from fakeredis.commands.registry import READONLY, Group
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

FIELDS = (
    "flag", "number", "pair", "several", "made", "kind", "order", "source", "listed", "weights",
    "limit", "unit", "rest",
)


def joined(ctx: Context, first: bytes, second: bytes) -> bytes:
    return first + b"-" + second


class Base(Options):
    """What the other class has too."""

    flag: Annotated[bool, Flag("FLAG")] = False
    least: Annotated[int, Option("LEAST", Int)] = 0


class Everything(Base, access="RO"):
    """A field for each kind of words."""

    number: Annotated[int, Option("NUMBER", Int, once=True)] = 0
    pair: Annotated[tuple[bytes, int] | None, Option("PAIR", Raw, Int)] = None
    several: Annotated[list[bytes], Option("ADD", Raw, many=True)] = []  # noqa: RUF012
    made: Annotated[bytes, Option("MAKE", Raw, Raw, make=joined)] = b""
    kind: Annotated[str, OneOf(BIG=Token, SMALL=Token.since({"redis": "9.0.0"}))] = ""
    order: Annotated[str, OneOf(ASC=Token, DESC=Token, last=True)] = ""
    source: Annotated[
        tuple[str, Any] | None, OneOf(FROM=Raw, AT=Values(Int, Int), HERE=Token, once=True)
    ] = None
    listed: Annotated[list[bytes], Option("WORDS", Counted(Int, "ERR too few"))] = []  # noqa: RUF012
    weights: Annotated[list[int], Option("WEIGHTS", PerKey(Int))] = []  # noqa: RUF012
    limit: Annotated[tuple[bool, int] | None, Option("LIMIT", Threshold(Int))] = None
    unit: Annotated[str, Option("UNIT", OneOf(KM=Token, MI=Token, error="ERR unit"))] = "KM"
    old: Annotated[bool, Flag("OLD", refused="ERR no longer")] = False
    end: Annotated[
        tuple[str, int] | None, OneOf(TO=Int, UNTIL=Int, error="ERR ends")
    ] = None
    rest: Annotated[list[bytes], Option("REST", Remaining())] = []  # noqa: RUF012
    write: Annotated[bool, Flag("WRITE", access="RW update")] = False


group = Group("acme")


@group.command("ACME.ALL", Key, Everything, flags=READONLY)
def everything(ctx: Context, key: bytes, *words: bytes) -> list[Any]:
    """The fields that are not as they are without words."""
    options = Everything.parse(ctx, words, keys=2)
    return [
        part for name in FIELDS
        if (value := getattr(options, name)) != getattr(Everything, name)
        for part in (name, repr(value))
    ]


@group.command("ACME.SOME", Key, Base, form="key {} value*")
def some(ctx: Context, key: bytes, *words: bytes) -> list[Any]:
    """Where the options end."""
    options, at = Base.take(ctx, words)
    return [int(options.flag), at]


@pytest.fixture(scope="module")
def server() -> FakeServer:
    return FakeServer(modules=[group])


@pytest.mark.parametrize(("words", "expected"), [
    ("", {}),
    ("flag FLAG", {"flag": True}),
    ("number 3", {"number": 3}),
    ("PAIR a 1 PAIR b 2", {"pair": (b"b", 2)}),
    ("ADD a FLAG ADD b", {"flag": True, "several": [b"a", b"b"]}),
    ("MAKE a b", {"made": b"a-b"}),
    ("BIG BIG", {"kind": "BIG"}),
    ("DESC ASC", {"order": "ASC"}),
    ("FROM x", {"source": ("FROM", b"x")}),
    ("AT 1 2", {"source": ("AT", (1, 2))}),
    ("HERE", {"source": ("HERE", None)}),
    ("WORDS 2 a b FLAG", {"flag": True, "listed": [b"a", b"b"]}),
    ("WEIGHTS 1 2 FLAG", {"flag": True, "weights": [1, 2]}),
    ("LIMIT ~ 3", {"limit": (True, 3)}),
    ("LIMIT = 3", {"limit": (False, 3)}),
    ("LIMIT 3", {"limit": (False, 3)}),
    ("UNIT mi", {"unit": "MI"}),
    ("REST FLAG NUMBER", {"rest": [b"FLAG", b"NUMBER"]}),
])
def test_what_words_become(server: FakeServer, words: str, expected: dict[str, Any]) -> None:
    flat = [part for name, value in expected.items() for part in (name, repr(value))]
    assert server.execute("ACME.ALL", "k", *words.split()) == flat


@pytest.mark.parametrize(("words", "error"), [
    ("NONE", "ERR syntax error"),
    ("NUMBER", "ERR syntax error"),
    ("NUMBER x", "ERR value is not an integer or out of range"),
    ("NUMBER 1 NUMBER 1", "ERR syntax error"),
    ("PAIR a", "ERR syntax error"),
    ("SMALL", "ERR syntax error"),
    ("HERE HERE", "ERR syntax error"),
    ("HERE FROM x", "ERR syntax error"),
    ("WORDS 2 a", "ERR too few"),
    ("WEIGHTS 1", "ERR syntax error"),
    ("LIMIT", "ERR syntax error"),
    ("UNIT M", "ERR unit"),
    ("OLD", "ERR no longer"),
    ("REST", "ERR syntax error"),
    ("TO 1 UNTIL", "ERR syntax error"),
    ("TO 1 UNTIL 2", "ERR ends"),
])
def test_how_words_fail(server: FakeServer, words: str, error: str) -> None:
    with pytest.raises(Exception) as caught:
        server.execute("ACME.ALL", "k", *words.split())
    assert str(caught.value).removeprefix("ERR ") == error.removeprefix("ERR ")


def test_a_newer_word() -> None:
    assert b"SMALL" not in Everything.table(FakeServer().profile)
    assert b"SMALL" in Everything.table(None)


def test_words_between_others(server: FakeServer) -> None:
    assert server.execute("ACME.SOME", "k", "FLAG", "x", "FLAG") == [1, 1]
    assert server.execute("ACME.SOME", "k", "FLAG", "LEAST") == [1, 1]  # its value is missing


def test_options_of_an_option() -> None:
    class Outer(Options):
        """Options that have options."""

        base: Annotated[Base | None, Option("BASE", Nested(Base))] = None
        last: Annotated[bool, Flag("LAST")] = False

    own = Group("acme")

    @own.command("ACME.NEST", Key, Outer)
    def nest(ctx: Context, key: bytes, *words: bytes) -> list[Any]:
        options = Outer.parse(ctx, words)
        base = options.base
        return [int(options.last), *([] if base is None else [int(base.flag), base.least])]

    server = FakeServer(modules=[own])
    assert server.execute("ACME.NEST", "k", "LAST") == [1]
    assert server.execute("ACME.NEST", "k", "BASE", "LEAST", "2", "FLAG", "LAST") == [1, 1, 2]
    with pytest.raises(Exception, match="syntax error"):
        server.execute("ACME.NEST", "k", "LAST", "FLAG")
    assert Outer.form() == "BASE=0 FLAG LEAST=1 LAST"


def test_others_go_their_own_way() -> None:
    class Mixed(Options, others="names"):
        """Options among names."""

        flag: Annotated[bool, Flag("FLAG")] = False
        names: Sequence[bytes] = ()

    own = Group("acme")

    @own.command("ACME.MIX", Key, Mixed)
    def mix(ctx: Context, key: bytes, *words: bytes) -> list[Any]:
        options = Mixed.parse(ctx, words)
        return [int(options.flag), *options.names]

    server = FakeServer(modules=[own])
    assert server.execute("ACME.MIX", "k", "a", "flag", "b") == [1, b"a", b"b"]


def test_what_follows_from_the_declaration() -> None:
    declared = group.declarations["ACME.ALL"]
    assert declared.full_form == (
        "key {FLAG LEAST=1 NUMBER=1 PAIR=2 ADD=1 MAKE=2 BIG SMALL ASC DESC FROM=1 AT=2 HERE "
        "WORDS=#1 WEIGHTS=numkeys LIMIT=trim UNIT=1 TO=1 UNTIL=1 REST=rest WRITE}"
    )
    assert group.declarations["ACME.SOME"].full_form == "key {FLAG LEAST=1} value*"
    assert declared.access is not None
    assert declared.access([b"k", b"FLAG"]) == "RO"
    assert declared.access([b"k", b"FLAG", b"write"]) == "RW update"
    spotted = Everything.spot([b"PAIR", b"FLAG", b"1", b"what", b"LIMIT", b"~", b"2", b"NUMBER"])
    assert list(spotted) == [
        ("PAIR", [b"FLAG", b"1"]), ("LIMIT", [b"~", b"2"]), ("NUMBER", []),
    ]


def test_a_word_that_lacks_its_values_may_say_so() -> None:
    class Lacking(Options):
        first: Annotated[str, OneOf(ONE=Raw, OTHER=Raw, error="ERR one")] = ""

        @classmethod
        def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
            return CommandError("ERR lacking")

    own = Group("acme")

    @own.command("ACME.LACK", Key, Lacking)
    def lack(ctx: Context, key: bytes, *words: bytes) -> int:
        Lacking.parse(ctx, words)
        return 1

    server = FakeServer(modules=[own])
    for words, error in (("ONE", "lacking"), ("ONE 1 OTHER", "one")):
        with pytest.raises(Exception, match=error):
            server.execute("ACME.LACK", "k", *words.split())


def test_names_that_are_taken() -> None:
    with pytest.raises(TypeError, match="cannot be called take"):
        class Wrong(Options):
            take: Annotated[bool, Flag("TAKE")] = False  # type: ignore[assignment]
