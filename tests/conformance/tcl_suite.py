"""The server's own test suite, written in Tcl, against ``fakeredis serve``.

The suite is not part of this repository: fetch the source package of a server, unpack it, and give
the folder that holds ``runtest`` and ``tests/``::

    apt-get source --download-only redis        # Debian's, Redis 7.0.15; needs a deb-src line
    tar xzf redis_*.orig.tar.gz
    python -m tests.conformance.tcl_suite redis-7.0.15 --unit unit/type/list

The server under test is external to the suite, unless ``--spawn`` is given: then the suite starts
every server itself as it would a real one, and so runs its tests of server options too.  Each file
has a server of its own.  ``tcl_skips.txt`` holds what is known to fail, with a reason each, and
what is not even run (``!``) since it would never end; the run fails when anything else does, or
when something listed passes.  With ``--real`` the real server is
run instead, which tells what an older suite asks that the server of today does not do any more.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from tests.support import servers

ROOT: Final = Path(__file__).parents[2]
SKIPS: Final = Path(__file__).with_name("tcl_skips.txt")
# What tests replication, persistence or this server's memory by its own means, or never ends here.
LEFT_OUT: Final = (
    "integration/*", "unit/aofrw", "unit/tls", "unit/oom-score-adj", "unit/shutdown",
    "unit/memefficiency", "unit/moduleapi/*", "unit/cluster/*", "unit/client-eviction",
    "unit/violations", "unit/printver",
)
_LINE: Final = re.compile(r"\[(ok|err|skip|ignore|exception|timeout|TIMEOUT)\]:? ?(.*)")
_TIME: Final = re.compile(r" \(\d+ ms\)$")
_PLACE: Final = re.compile(r" in tests/\S+\.tcl$")


class Outcome(NamedTuple):
    """What became of one test."""

    unit: str
    name: str
    kind: str  # "ok", "err", "skip", "ignore" or "exception"
    detail: str


class Options(NamedTuple):
    """How to run."""

    tree: Path
    real: bool
    spawn: bool
    version: str
    timeout: int
    more: tuple[str, ...]


@contextlib.contextmanager
def stage(options: Options) -> Iterator[Path]:
    """A folder in which one run of the suite may write, with the suite's files as links."""
    folder = Path(tempfile.mkdtemp(prefix="fakeredis-tcl-"))
    try:
        (folder / "tests" / "tmp").mkdir(parents=True)
        for each in (options.tree / "tests").iterdir():
            if each.name != "tmp":
                (folder / "tests" / each.name).symlink_to(each)
        for name in ("runtest", "redis.conf"):
            (folder / name).symlink_to(options.tree / name)
        _programs(folder / "src", options)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path, options: Options) -> None:
    """What the suite calls: ``src/redis-server`` and the programs that come with it."""
    folder.mkdir()
    server = [servers.binary() or ""] if options.real else serve_command(options.version)
    _script(folder / "redis-server", f'exec {" ".join(server)} "$@"')
    for name in ("redis-cli", "redis-benchmark"):
        path = os.environ.get(name.upper().replace("-", "_")) or shutil.which(name)
        if path:
            _script(folder / name, f'exec {path} "$@"')


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def serve_command(version: str) -> list[str]:
    """The command line of the server under test, without address and settings."""
    return [sys.executable, "-m", "fakeredis", "serve", "--version", version]


@contextlib.contextmanager
def external(options: Options) -> Iterator[int]:
    """The port of a server for one file."""
    if options.real:
        with servers.running("--enable-debug-command", "yes") as url:
            yield int(url.rsplit(":", 1)[1].split("/")[0])
        return
    command = [*serve_command(options.version), "--port", "0", "--config", "enable-debug-command",
               "yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rsplit(":", 1)[1])
        finally:
            process.kill()


def run_unit(options: Options, unit: str) -> list[Outcome]:
    """Run one file of the suite."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(stage(options))
        arguments = ["--single", unit, "--durable", "--clients", "1", "--timeout", "120",
                     "--baseport", str(random.randrange(20100, 32000, 100))]
        if not options.spawn:
            port = stack.enter_context(external(options))
            arguments += ["--host", "127.0.0.1", "--port", str(port), "--tags", "-needs:repl"]
        if not options.real:
            for (place, name), gap in known().items():
                if place == unit and not gap.is_run:
                    arguments += ["--skiptest", name]
        return list(_read(unit, _output(folder, [*arguments, *options.more], options.timeout)))


def _output(folder: Path, arguments: list[str], timeout: int) -> str:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "TERM": "dumb", "PYTHONPATH": path}
    with (folder / "output").open("w+", errors="replace") as output:
        process = subprocess.Popen(
            ["sh", "./runtest", *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True, env=environment,
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            output.write("\n[exception]: the file took too long\n")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.seek(0)
        return output.read()


def _read(unit: str, output: str) -> Iterator[Outcome]:
    """The outcomes that the suite prints, each with the lines that follow it."""
    found: list[tuple[str, str, list[str]]] = []
    for line in output.splitlines():
        match = _LINE.match(line)
        if match:
            name = _PLACE.sub("", _TIME.sub("", match[2]))
            found.append((match[1].lower().replace("timeout", "exception"), name, []))
        elif found and found[-1][0] in ("err", "exception"):
            found[-1][2].append(line)
    for kind, name, lines in found:
        yield Outcome(unit, name, kind, "\n".join(lines).strip())


def units(tree: Path) -> list[str]:
    """The files that the suite runs, without those that are left out."""
    listed = subprocess.run(
        ["sh", "./runtest", "--list-tests"], cwd=tree, capture_output=True, text=True, check=True
    )
    return [
        unit for unit in listed.stdout.split()
        if not any(fnmatch.fnmatch(unit, pattern) for pattern in LEFT_OUT)
    ]


class Gap(NamedTuple):
    """A test that is known to fail."""

    reason: str
    is_run: bool


def known() -> dict[tuple[str, str], Gap]:
    """The tests that are known to fail, by their file and name."""
    gaps = {}
    reason = ""
    for line in SKIPS.read_text().splitlines():
        if line.startswith("# "):
            reason = line[2:]
        elif line.strip():
            unit, _, name = line.removeprefix("! ").partition(": ")
            gaps[unit, name] = Gap(reason, not line.startswith("! "))
    return gaps


def report(outcomes: list[Outcome], wanted: list[str]) -> str:
    """One line for each file, and the sum."""
    lines = [f"{'file':28}{'ok':>6}{'failed':>8}{'not run':>9}"]
    total: Counter[str] = Counter()
    for unit in [*wanted, "all"]:
        count = Counter(
            "failed" if each.kind in ("err", "exception") else each.kind
            for each in outcomes if each.unit == unit
        )
        if unit == "all":
            count = total
        else:
            total += count
        missed = count["skip"] + count["ignore"]
        lines.append(f"{unit:28}{count['ok']:6}{count['failed']:8}{missed:9}")
    return "\n".join(lines)


def main() -> int:
    """Run, print, and tell by the exit code whether all went as the skip list says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tree", type=Path, help="folder with runtest and tests/")
    parser.add_argument("--unit", action="append", help="only this file, such as unit/type/list")
    parser.add_argument("--spawn", action="store_true", help="the suite starts the servers")
    parser.add_argument("--real", action="store_true", help="run the real server instead")
    parser.add_argument("--version", default="8.2", help="version to imitate")
    parser.add_argument("--jobs", type=int, default=1, help="files at a time")
    parser.add_argument("--timeout", type=int, default=900, help="seconds for one file")
    parser.add_argument("--names", type=Path, help="write each test's outcome to this file")
    parser.add_argument("--details", action="store_true", help="print what went wrong")
    given, more = parser.parse_known_args()
    options = Options(
        given.tree.resolve(), given.real, given.spawn, given.version, given.timeout, tuple(more)
    )
    wanted = given.unit or units(options.tree)
    outcomes: list[Outcome] = []
    bad = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(lambda unit: run_unit(options, unit), wanted):
            outcomes += result
            bad += _judge(result, given.details) if not given.real else 0
            sys.stdout.flush()
    if given.names:
        given.names.write_text("".join(f"{e.kind}\t{e.unit}: {e.name}\n" for e in outcomes))
    print(report(outcomes, wanted))
    return 1 if bad else 0


def _judge(outcomes: list[Outcome], details: bool) -> int:
    """Print what is not as the list says, and count it."""
    reasons = known()
    # Some tests run twice under one name.
    failed = {(each.unit, each.name) for each in outcomes if each.kind == "err"}
    bad = 0
    for each in outcomes:
        key = (each.unit, each.name)
        if each.kind in ("err", "exception") and (key not in reasons or details):
            print(f"failed: {each.unit}: {each.name}")
            if details:
                print(f"    {each.detail}".replace("\n", "\n    "))
            bad += key not in reasons
        elif each.kind == "ok" and key in reasons and key not in failed:
            print(f"passes, and is on the list: {each.unit}: {each.name}")
            bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
