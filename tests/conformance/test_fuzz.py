"""Hostile input of all kinds, each kind in a process of its own for some seconds.

``FAKEREDIS_FUZZ_SECONDS`` sets how long each takes, ``FAKEREDIS_FUZZ_SEED`` where chance begins.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import fuzz
from tests.support import processes

SECONDS = float(os.environ.get("FAKEREDIS_FUZZ_SECONDS", "8"))
SEED = os.environ.get("FAKEREDIS_FUZZ_SEED")
GRACE = 60  # seconds for the start of a process, and for its last input


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_fuzz(kind: str, tmp_path: Path) -> None:
    note = tmp_path / "input.txt"
    seed = SEED or str(random.SystemRandom().randrange(1 << 30))
    with (tmp_path / "output.txt").open("w+b") as output:
        limit = SECONDS + GRACE
        command = [
            sys.executable, "-m", "tests.conformance.fuzz", kind, seed, str(SECONDS), str(note),
        ]
        with processes.started(
            command, limit=2 * limit, stdout=output, stderr=subprocess.STDOUT, cwd=processes.ROOT
        ) as child:
            try:
                code: object = child.wait(limit)
            except subprocess.TimeoutExpired:
                code = "it hangs"
                processes.end(child, signal.SIGABRT)
        output.seek(0)
        said = output.read().decode(errors="replace")[-4000:]
    latest = note.read_text() if note.exists() else "before the first input"
    assert code == 0, f"{code}: {latest[:4000]}\n{said}"
