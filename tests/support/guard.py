"""A small process beside each pytest process that ends what takes too long, and says so.

It holds for whatever a test hangs in, C code that keeps the interpreter's lock included, since it
is a process of its own: past the limit it aborts the test process, whose `faulthandler` then prints
the tracebacks of all threads.  pytest-xdist reports the test and starts another worker.  Blocks
with child processes have a limit of their own (`Guard.limit`), past which only these are ended.

When the test process has gone, however it ended, its children go too, and its temporary folder.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

TEST_LIMIT = float(os.environ.get("FAKEREDIS_TEST_LIMIT", 6000 if "FAKEREDIS_LONG" in os.environ
                                  else 300))
RUN = "FAKEREDIS_TEST_RUN"  # a variable that all processes of a run of the tests have
_GRACE = 2.0  # seconds between asking for tracebacks and killing
_LOOK = 1.0  # seconds between two looks at the children
# They end by themselves with the interpreter that has started them.
_OF_PYTHON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


class Guard:
    """The test process's end of it.

    Args:
        folder: what is removed when this process has gone; may be empty.
    """

    def __init__(self, folder: str = "") -> None:
        command = [sys.executable, "-I", "-S", __file__, str(os.getpid()), folder]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.pid = self._process.pid
        self._owner = os.getpid()
        self._blocks = 0

    def test(self, name: str, seconds: float = TEST_LIMIT) -> None:
        """A test begins."""
        self._say("test", seconds, name)

    def idle(self) -> None:
        """It has ended."""
        self._say("idle")

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Children that are started in a ``with`` block do not outlive these seconds."""
        self._blocks += 1
        number = self._blocks
        self._say("limit", number, seconds, *descendants(os.getpid()))
        try:
            yield
        finally:
            self._say("done", number)

    def close(self) -> None:
        """There are no more tests."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(30)

    def _say(self, *words: object) -> None:
        if os.getpid() != self._owner:
            return  # a forked child's copy
        assert self._process.stdin is not None
        line = " ".join(str(word).replace("\n", " ") for word in words) + "\n"
        with contextlib.suppress(BrokenPipeError):
            os.write(self._process.stdin.fileno(), line.encode("utf-8", "backslashreplace"))


# Processes --------------------------------------------------------------------------------------


def parents() -> dict[int, int]:
    """The parent of each process of this machine; nothing where there is no ``/proc``."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return found


def descendants(root: int) -> set[int]:
    """The children of a process, and theirs."""
    known, found = parents(), {root}
    grows = True
    while grows:
        more = {pid for pid, parent in known.items() if parent in found} - found
        found |= more
        grows = bool(more)
    return found - {root}


def command_of(pid: int) -> str:
    """Its command line; empty when it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def of_run(token: str) -> set[int]:
    """The processes that were started by a run of the tests, or by others of it."""
    found, entry = set(), f"{RUN}={token}".encode()
    for pid in parents():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            if entry in file.read().split(b"\0"):
                found.add(pid)
    return found


def others(pids: set[int]) -> dict[int, str]:
    """Those alive that are neither this process, a guard nor one of Python's own helpers."""
    lines = {pid: command_of(pid) for pid in pids if pid != os.getpid()}
    return {pid: line for pid, line in lines.items()
            if line and __file__ not in line and not any(word in line for word in _OF_PYTHON)}


def kill(pids: set[int], number: int) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def abort(pids: set[int]) -> None:
    """Let processes print where they are, then end them."""
    kill(pids, signal.SIGABRT)
    ends = time.monotonic() + _GRACE
    while time.monotonic() < ends and (any(map(command_of, pids)) or not os.path.isdir("/proc")):
        time.sleep(0.05)
    kill(pids, signal.SIGKILL)


# The guard itself -------------------------------------------------------------------------------


class Watch:
    """What the guard knows.

    Args:
        root: the test process.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self.name, self.ends = "", float("inf")
        self.blocks: dict[str, tuple[float, set[int]]] = {}  # each: its end, and who was before
        self.seconds: dict[str, str] = {}
        self.children: set[int] = set()

    def look(self) -> None:
        """See which children there are."""
        self.children = descendants(self.root) - {os.getpid()}

    def hear(self, line: str) -> None:
        """What the test process says."""
        what, _, rest = line.partition(" ")
        if what == "test":
            seconds, _, self.name = rest.partition(" ")
            self.ends = time.monotonic() + float(seconds)
        elif what == "idle":
            self.ends = float("inf")
        elif what == "limit":
            number, seconds, *before = rest.split()
            self.seconds[number] = seconds
            self.blocks[number] = time.monotonic() + float(seconds), set(map(int, before))
        else:
            self.blocks.pop(rest, None)

    def act(self) -> None:
        """End what has taken too long."""
        now = time.monotonic()
        if now < min([self.ends, *(ends for ends, _ in self.blocks.values())]):
            return
        self.look()
        for number, (ends, before) in list(self.blocks.items()):
            if now >= ends:
                del self.blocks[number]
                late = self.children - before
                self.complain(f"children took longer than {self.seconds[number]} s", late)
                abort(late)
        if now >= self.ends:
            self.ends = float("inf")
            self.complain("it takes too long, and its process is ended", self.children)
            abort({self.root})
            kill(set(others(self.children)), signal.SIGKILL)

    def complain(self, what: str, pids: set[int]) -> None:
        """Tell it on the terminal."""
        lines = [f"\n{self.name}: {what}", *(f"    {pid} {command_of(pid)}" for pid in pids)]
        print("\n".join(lines), file=sys.stderr, flush=True)


def main(root: int, folder: str) -> None:
    """Listen until the test process has ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch, buffer, looked = Watch(root), b"", 0.0
    while os.getppid() == root:  # its forked children may keep the pipe open
        ready, _, _ = select.select([0], [], [], _LOOK)
        if ready:
            data = os.read(0, 65536)
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                watch.hear(line.decode())
        watch.act()
        if time.monotonic() > looked + _LOOK:
            looked = time.monotonic()
            watch.look()
    kill(set(others(watch.children)), signal.SIGKILL)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
