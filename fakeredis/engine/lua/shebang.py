"""The first line of a script, which may say what the script may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fakeredis.errors import CommandError

NO_WRITES: Final = "no-writes"
FLAGS: Final = (NO_WRITES, "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys")


def without_shebang(
    source: bytes, engines: bool = False
) -> tuple[bytes, Sequence[str] | None]:
    """A script without its first line if that is a shebang, and the flags there.

    Args:
        engines: there might be others.

    Raises:
        CommandError: the shebang says what the server does not know.
    """
    if not source.startswith(b"#!"):
        return source, None
    line, newline, body = source.partition(b"\n")
    if not newline:
        raise CommandError("ERR Invalid script shebang")
    engine, *options = line.decode("utf-8", "surrogateescape").split()
    if engine != "#!lua":
        if engines:
            raise CommandError(f"ERR Could not find scripting engine '{engine[2:]}'")
        raise CommandError(f"ERR Unexpected engine in script shebang: {engine}")
    flags: list[str] = []
    for option in options:
        if not option.startswith("flags="):
            raise CommandError(f"ERR Unknown lua shebang option: {option}")
        flags.extend(option[6:].split(",") if option[6:] else ())
    for flag in flags:
        if flag not in FLAGS:
            raise CommandError(f"ERR Unexpected flag in script shebang: {flag}")
    return newline + body, flags
