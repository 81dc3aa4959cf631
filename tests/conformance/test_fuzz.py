"""Hostile input of all kinds, each kind in a process of its own for some seconds.

The inputs are the same each time, and as many, where a machine is not slower than they may take:
so nobody's change fails by chance. ``FAKEREDIS_FUZZ_SECONDS`` sets how long each kind takes, with
as many inputs as it can; `tests.support.chance` tells where chance begins.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import fuzz
from tests.support import processes
from tests.support.chance import CHOSEN, seed

GIVEN = os.environ.get("FAKEREDIS_FUZZ_SECONDS")
SECONDS = float(GIVEN or "8")
GRACE = 60  # seconds for the start of a process, and for its last input


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_fuzz(kind: str, tmp_path: Path) -> None:
    note = tmp_path / "input.txt"
    most = fuzz.USUAL[kind] if CHOSEN is None and GIVEN is None else 0
    with (tmp_path / "output.txt").open("w+b") as output:
        limit = SECONDS + GRACE
        command = [
            sys.executable, "-m", "tests.conformance.fuzz", kind, str(seed()), str(SECONDS),
            str(note), str(most),
        ]
        with processes.started(
            command, limit=2 * limit, stdout=output, stderr=subprocess.STDOUT, cwd=processes.ROOT,
            env=os.environ | {"PYTHONHASHSEED": "0"},
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
