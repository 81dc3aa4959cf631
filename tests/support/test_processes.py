"""The helpers that let no test wait for ever: `tests.support.processes`, `tests.support.guard`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support import guard, processes

SLEEP = "import time; time.sleep(100)"
only_with_proc = pytest.mark.skipif(not guard.parents(), reason="there is no /proc")


def test_a_program_that_takes_too_long_says_where() -> None:
    with pytest.raises(AssertionError, match=r'"<string>", line 1'):
        processes.python("-c", SLEEP, limit=1)


@only_with_proc
def test_what_it_has_started_ends_too() -> None:
    quiet = "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"
    child = f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}], {quiet})"
    done = processes.python("-c", f"import subprocess, sys; print({child}.pid)")
    ends = time.monotonic() + 30
    while guard.command_of(int(done.stdout)):
        assert time.monotonic() < ends
        time.sleep(0.05)


@only_with_proc
def test_a_program_that_is_waited_for() -> None:
    with processes.started([sys.executable, "-c", SLEEP], limit=0.5) as process:
        assert process.stdout is not None
        assert process.stdout.read() == ""
        assert process.wait(30) < 0


@only_with_proc
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_that_takes_too_long() -> None:
    with processes.limited(0.5):
        pid = os.fork()
        if pid == 0:
            os.close(2)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGABRT])
            time.sleep(100)
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def test_a_test_that_hangs() -> None:
    """In C code that keeps the interpreter to itself, too."""
    program = (
        "import faulthandler, re\nfaulthandler.enable()\nfrom tests.support.guard import Guard\n"
        "watch = Guard()\nwatch.test('a[1]', 0.5)\nre.match('(a+)+$', 'a' * 99 + 'b')\n"
    )
    done = processes.python("-c", program, cwd=processes.ROOT)
    assert done.returncode == -signal.SIGABRT
    assert "a[1]: it takes too long" in done.stderr
    assert "in match" in done.stderr


def test_children_and_folder_go_with_the_process(tmp_path: Path) -> None:
    program = (
        "import os, signal, subprocess, sys, time\nfrom tests.support.guard import Guard\n"
        f"watch = Guard({str(tmp_path)!r})\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(2.5)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = processes.python("-c", program, cwd=processes.ROOT)
    ends = time.monotonic() + 30
    while guard.command_of(int(done.stdout)) or tmp_path.exists():
        assert time.monotonic() < ends
        time.sleep(0.05)
