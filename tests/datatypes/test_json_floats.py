"""Arrays of floats in fewer bits."""

from __future__ import annotations

import pytest

import fakeredis
from fakeredis.errors import CommandError

DOCUMENT = '{"v":[1.1,2,-0.3],"w":[1,2],"x":["a",0.1]}'


@pytest.mark.parametrize(("form", "expected"), [
    ("FP64", b"[1.1,2.0,-0.3]"), ("fp32", b"[1.100000023841858,2.0,-0.30000001192092896]"),
    ("FP16", b"[1.099609375,2.0,-0.300048828125]"), ("BF16", b"[1.1015625,2.0,-0.30078125]"),
])
def test_rounding(form: str, expected: bytes) -> None:
    server = fakeredis.FakeServer(version="8.8")
    server.execute("JSON.SET", "k", "$", DOCUMENT, "FPHA", form)
    assert server.execute("JSON.GET", "k", "$.v") == b"[%s]" % expected
    assert server.execute("JSON.GET", "k", ".w") == b"[1,2]"
    assert server.execute("JSON.GET", "k", ".x") == b'["a",0.1]'


@pytest.mark.parametrize(("form", "value"), [
    ("FP16", "[65520.0]"), ("BF16", "[3.4e38]"), ("FP32", "[1e39]"),
])
def test_out_of_range(form: str, value: str) -> None:
    server = fakeredis.FakeServer(version="8.8")
    with pytest.raises(CommandError, match=f"value out of range for {form}"):
        server.execute("JSON.SET", "k", "$", value, "FPHA", form)
    assert server.execute("EXISTS", "k") == 0


def test_older_servers_do_not_know_it() -> None:
    with pytest.raises(CommandError, match="syntax error"):
        fakeredis.FakeServer().execute("JSON.SET", "k", "$", "[1.1]", "FPHA", "FP32")
