"""Where chance begins: always at the same place, so that a run can fail only for a change.

``FAKEREDIS_FUZZ_SEED=7`` begins elsewhere, ``FAKEREDIS_FUZZ_SEED=random`` at a new place each time,
which what fails shows. With it, and with ``FAKEREDIS_LONG``, hypothesis looks for new examples too.
"""

from __future__ import annotations

import os
import random

import hypothesis

CHOSEN = os.environ.get("FAKEREDIS_FUZZ_SEED")
FRESH = CHOSEN is not None or bool(os.environ.get("FAKEREDIS_LONG"))  # wanted by who started this


def seed(usual: int = 1) -> int:
    """Where a test's chance begins; it is printed, for a failure to show it."""
    if CHOSEN == "random":
        found = random.SystemRandom().randrange(1 << 30)
    else:
        found = usual if CHOSEN is None else int(CHOSEN)
    print(f"FAKEREDIS_FUZZ_SEED={found}")
    return found


def set_hypothesis() -> None:
    """The same examples each time; no deadline, as machines are busy now and then."""
    hypothesis.settings.register_profile("tests", deadline=None, derandomize=not FRESH)
    hypothesis.settings.load_profile("tests")
