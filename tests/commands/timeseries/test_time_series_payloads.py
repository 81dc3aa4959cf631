"""Payloads of time series go to the real server and come from it."""

from __future__ import annotations

import contextlib
import random

import pytest

from fakeredis import FakeServer
from fakeredis.errors import CommandError
from fakeredis.rdb.checksum import crc64
from tests.support.twin import Twin

SERIES = ("packed", "plain", "empty", "many", "dest", "weighted")


def fill(twin: Twin, seed: int) -> None:
    """Series of all kinds on both sides."""
    chance = random.Random(seed)
    twin("TS.CREATE", "packed", "LABELS", "a", "b", "c", "d", "RETENTION", 100000)
    twin("TS.CREATE", "plain", "UNCOMPRESSED", "CHUNK_SIZE", 48, "DUPLICATE_POLICY", "max")
    twin("TS.CREATE", "empty", "IGNORE", 5, 2.5, "DUPLICATE_POLICY", "last")
    twin("TS.CREATE", "many", "CHUNK_SIZE", 128, "DUPLICATE_POLICY", "sum")
    twin("TS.CREATE", "dest")
    twin("TS.CREATE", "weighted")
    twin("TS.CREATERULE", "packed", "dest", "AGGREGATION", "avg", 100)
    twin("TS.CREATERULE", "packed", "weighted", "AGGREGATION", "twa", 100)
    time = 0
    for _ in range(60):
        time += chance.choice((1, 1, 2, 10, 1000, chance.randrange(10_000_000)))
        for key in ("packed", "plain", "many"):
            value = chance.choice((0, 1, 0.5, chance.uniform(-1e3, 1e3), chance.random() * 1e300))
            twin("TS.ADD", key, time, repr(value))
    for key in ("plain", "many"):
        for _ in range(20):
            twin("TS.ADD", key, chance.randrange(time), chance.random(), "ON_DUPLICATE", "LAST")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("key", SERIES)
def test_both_ways(twin: Twin, key: str, seed: int) -> None:
    fill(twin, seed)
    session = twin.server.session()
    ours = session.execute([b"DUMP", key.encode()])
    theirs = twin.wire.call(b"DUMP", key.encode())
    for number, payload in enumerate((ours, theirs)):
        twin("RESTORE", f"copy{number}", 0, payload)
        twin("TS.INFO", f"copy{number}", "DEBUG")
        twin("TS.RANGE", f"copy{number}", "-", "+")
        twin("TS.ADD", f"copy{number}", 1 << 50, 5)
        twin("TS.GET", f"copy{number}")
    session.close()


def use(payload: bytes) -> None:
    """Restore a payload, and use what comes of it, if it is not refused: no other errors."""
    session = FakeServer().session()
    try:
        session.execute([b"RESTORE", b"k", b"0", payload])
    except CommandError:
        return
    for call in ("TS.INFO k DEBUG", "TS.RANGE k - +", "TS.ADD k * 5", "DUMP k", "COPY k c"):
        with contextlib.suppress(CommandError):
            session.execute(call.encode().split())


def test_damaged_payloads() -> None:
    chance = random.Random(7)
    session = FakeServer().session()
    for call in (
        "TS.CREATE a LABELS x y CHUNK_SIZE 48", "TS.CREATE u UNCOMPRESSED",
        "TS.MADD a 1 1 a 5 2 a 9 3", "TS.MADD u 1 1 u 5 2 u 9 3",
    ):
        session.execute(call.encode().split())
    for key in (b"a", b"u"):
        whole = session.execute([b"DUMP", key])
        for _ in range(1500):
            body = bytearray(whole[:-8])
            for _ in range(chance.choice((1, 1, 2, 5))):
                at = chance.randrange(len(body) - 2)
                body[at] = chance.choice((0, 1, 0x80, 0x81, 0xFF, chance.randrange(256)))
            if chance.random() < 0.2:
                del body[chance.randrange(20, len(body) - 2) : -2]
            use(bytes(body) + crc64(bytes(body)).to_bytes(8, "little"))


@pytest.mark.parametrize("encoding", ["COMPRESSED", "UNCOMPRESSED"])
def test_samples_out_of_order(twin: Twin, encoding: str) -> None:
    """A rule's late bucket does not become the last sample of its destination."""
    for call in (
        "TS.CREATE ts", f"TS.CREATE dst ENCODING {encoding}",
        "TS.CREATERULE ts dst AGGREGATION avg 10",
        "TS.MADD ts 1 1 ts 25 2 ts 5000 3 ts 9000 5 ts 7000 6", "TS.ADD dst 6000 5",
        "TS.ADD dst 6500 5", "TS.ADD dst 6200 5",
    ):
        twin(*call.split())
    payload = twin.wire.call(b"DUMP", b"dst")
    session = twin.server.session()
    for number, each in enumerate((payload, session.execute([b"DUMP", b"dst"]))):
        twin("RESTORE", f"copy{number}", 0, each)
        for call in ("TS.RANGE {} - +", "TS.GET {}", "TS.ADD {} 7000 9 ON_DUPLICATE LAST",
                     "TS.ADD {} 6100 1", "TS.REVRANGE {} - +"):
            twin(*call.format(f"copy{number}").split())
    session.close()
