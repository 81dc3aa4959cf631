"""Child processes of tests: none runs for ever, none stays, and what hangs says where.

`run` and `started` are for programs, `limited` is for what forks: multiprocessing, executors,
`os.fork`.  All of them end what was started within, with its own children; see
`tests.support.guard`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.support.guard import Guard

LIMIT = 120.0  # seconds; a Python takes up to 20 to begin and end on a busy machine
ROOT = Path(__file__).parents[2]
guard: Guard | None = None  # this process's own; the tests' conftest sets it


@contextlib.contextmanager
def limited(seconds: float = LIMIT) -> Iterator[None]:
    """Children that are started in a ``with`` block end after these seconds at the latest."""
    with guard.limit(seconds) if guard is not None else contextlib.nullcontext():
        yield


def python(*arguments: object, **settings: Any) -> subprocess.CompletedProcess[str]:
    """`run` of this Python."""
    return run([sys.executable, *map(str, arguments)], **settings)


def run(
    command: Sequence[str | os.PathLike[str]], *, limit: float = LIMIT, check: bool = False,
    input: str | None = None, **settings: Any,
) -> subprocess.CompletedProcess[str]:
    """A program that has run to its end, with what it printed.

    Args:
        command: the program and its arguments.
        limit: seconds that it may take.
        check: whether it must end well.
        input: what it reads.
        settings: those of `subprocess.Popen`.

    Raises:
        AssertionError: it took too long, or did not end well.
    """
    settings.setdefault("stderr", subprocess.PIPE)
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    with started(command, limit=2 * limit, stdin=stdin, **settings) as process:
        try:
            out, errors = process.communicate(input, timeout=limit)
        except subprocess.TimeoutExpired:
            end(process, signal.SIGABRT)
            out, errors = process.communicate()
            raise AssertionError(f"more than {limit} s: {command}\n{out}\n{errors}") from None
    done = subprocess.CompletedProcess(command, process.returncode, out, errors)
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{out}\n{errors}"
    return done


@contextlib.contextmanager
def started(
    command: Sequence[str | os.PathLike[str]], *, limit: float = LIMIT, env: Any = None,
    stdin: int = subprocess.DEVNULL, stdout: int | IO[Any] = subprocess.PIPE, text: bool = True,
    **settings: Any,
) -> Iterator[subprocess.Popen[Any]]:
    """A program that runs for the time of a ``with`` block, and is killed at its end.

    It reads nothing and its output is a pipe, unless told otherwise; its process group is its own.
    """
    with limited(limit):
        process = subprocess.Popen(
            command, env=_telling(os.environ if env is None else env), stdin=stdin, stdout=stdout,
            text=text, start_new_session=hasattr(os, "killpg"), **settings,
        )
        try:
            yield process
        finally:
            end(process)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait(LIMIT)


def end(process: subprocess.Popen[Any], number: int = 9) -> None:
    """Send a signal to a program and to what it has started; after two seconds kill them."""
    _send(process, number)
    if number != 9:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        _send(process, 9)


def _send(process: subprocess.Popen[Any], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.kill()


def _telling(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, such that a Python that is aborted prints the tracebacks of its threads."""
    return {**environment, "PYTHONFAULTHANDLER": "1"}
