"""``fakeredis run``: a program runs as under ``python``, with its Redis clients faked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import fakeredis
from fakeredis.cli import main
from tests.support import processes

ROOT = str(Path(fakeredis.__file__).parent.parent)
PROGRAM = """
import os, sys, redis
redis.Redis().set("k", "v")
print(sys.argv, os.path.realpath(sys.path[0]), redis.Redis().get("k"), __name__)
sys.exit(3)
"""


def python(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return processes.python(*args, cwd=folder, env={**os.environ, "PYTHONPATH": ROOT})


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "fakeredis", "run", *args)


@pytest.mark.parametrize("how", [["program.py"], ["sub/program.py"], ["-m", "program"]])
def test_a_program(how: list[str], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for place in (tmp_path, tmp_path / "sub"):
        (place / "program.py").write_text(PROGRAM)
    done = run(tmp_path, *how, "-x", "--spy")
    plain = PROGRAM.replace("redis.Redis().set", "print").replace("redis.Redis().get", "str")
    for place in (tmp_path, tmp_path / "sub"):
        (place / "program.py").write_text(plain)
    real = python(tmp_path, *how, "-x", "--spy").stdout.splitlines()[-1]
    assert done.stdout.strip() == real.replace(" k __main__", " b'v' __main__")
    assert (done.stderr, done.returncode) == ("", 3)


def test_pytest_is_run_without_a_warning(tmp_path: Path) -> None:
    """It warns of plugins that were imported before it, as an error here."""
    (tmp_path / "test_one.py").write_text(
        "import redis\n\ndef test_one():\n    assert redis.Redis().incr('n') == 1\n"
    )
    warning = "error::pytest.PytestAssertRewriteWarning"
    done = run(tmp_path, "-m", "pytest", "-q", "-W", warning, "-p", "no:cacheprovider")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("how", "code", "text"),
    [
        (["nosuch.py"], 2, "no such file: nosuch.py"),
        (["-m", "nosuch"], 1, "No module named nosuch"),
        (["-m", "nosuch.sub"], 1, "No module named nosuch.sub"),
        (["-m", "json"], 1, "No module named json.__main__"),
        (["."], 1, "no '__main__' module in ."),
        (["--store", "nosuch://x", "-m", "json.tool"], 1, "nosuch://x"),
        (["--version", "banana", "-m", "json.tool"], 1, "banana"),
        (["--modules", "json,nosuch", "-m", "json.tool"], 1, "no module 'nosuch'"),
        ([], 2, "usage: fakeredis run"),
    ],
)
def test_what_cannot_be_run(how: list[str], code: int, text: str, tmp_path: Path) -> None:
    done = run(tmp_path, *how)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    if code == python(tmp_path, *how).returncode:
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("commands --group sorted-sets", "no group 'sorted-sets'; did you mean sorted-set? Groups"),
        ("commands --version 9", "there is no redis 9"),
        ("commands --verison 8", "did you mean --version?"),
        ("run --spi x.py", "did you mean --spy?"),
        ("serve --prot 1", "did you mean port?"),
        ("serve --maxmemmory 1", "did you mean maxmemory"),
    ],
)
def test_slips_of_the_command_line(
    words: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    said = capsys.readouterr()
    assert text in said.err + str(ended.value.code)
    assert ended.value.code != 0
    assert said.out == ""


def test_a_group_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    main(["commands", "--group", "hyperloglog"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "PFADD", "PFCOUNT", "PFDEBUG", "PFMERGE", "PFSELFTEST",
    ]


def test_errors_of_the_program_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("import missing_one")
    (tmp_path / "package" / "__main__.py").write_text("")
    done = run(tmp_path, "-m", "package")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'missing_one'" in done.stderr


def test_spy(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = run(tmp_path, "--spy", "program.py")
    assert "2 commands:\nSET k v\nGET k\n" in done.stdout
    assert done.returncode == 3
