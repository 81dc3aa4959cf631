"""Facts about the server that are too long for code: a JSON file each, read when first needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """The contents of ``name``.json."""
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
