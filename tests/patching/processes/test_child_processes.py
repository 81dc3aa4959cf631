"""Python child processes that are no forks: they join where they are asked to."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from tests.patching.processes.forking import count
from tests.support import processes

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")

ROOT = str(Path(fakeredis.__file__).parents[1])


@pytest.fixture(autouse=True)
def nothing_remains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The environment is restored exactly; no thread and no file is left."""
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("PYTHONPATH", ROOT)
    before = environment()
    yield
    assert environment() == before
    assert not list(folder.glob("fakeredis-*"))
    assert not [each for each in threading.enumerate() if each.name.startswith("fakeredis")]


@pytest.fixture
def fake() -> Iterator[fakeredis.patch]:
    with fakeredis.patch(spy=True, subprocesses=True) as handle:
        yield handle


def environment() -> dict[str, str]:
    """All variables but pytest's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def run(code: str, *options: str, **settings: Any) -> str:
    """What a Python program prints; warnings are errors, and nothing may be said of any."""
    done = processes.python("-W", "error", "-X", "dev", *options, "-c", code, **settings)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


def test_a_child_shares_the_server(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", "parent")
    assert run("from redis import Redis; print(Redis().getset('k', 'child'))") == "b'parent'\n"
    assert client.get("k") == b"child"
    fake.assert_called_command_once("GETSET k child")


@pytest.mark.parametrize("names", [True, False])
def test_ways_to_a_client(names: bool) -> None:
    code = """
import asyncio
import redis.asyncio as aioredis
from redis import Redis
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a slow machine
    async with aioredis.Redis(decode_responses=True) as client:
        await client.rpush("q", "x")
        print(await client.blpop(["q"], 5), await client.incr("n"))
asyncio.run(main())
print(Redis().incr("n"), Redis.from_url("redis://other").incr("n"), Redis.__name__)
"""
    with fakeredis.patch(subprocesses=True, names=names):
        name = "FakeRedis" if names else "Redis"
        said = run(code)
        assert said.splitlines()[1] == f"2 1 {name}"
        assert said.startswith(("['q', 'x'] 1", "('q', 'x') 1"))
        assert redis.Redis("other").get("n") == b"1"


def test_valkey(fake: fakeredis.patch) -> None:
    pytest.importorskip("valkey")
    assert run("import valkey; print(valkey.Valkey().incr('n'))") == "1\n"
    assert redis.Redis().get("n") == b"1"


def test_children_of_children(fake: fakeredis.patch) -> None:
    inner = "import redis; redis.Redis().incr('n')"
    code = f"""
import os, subprocess, sys, redis
redis.Redis().incr("n")
subprocess.run([sys.executable, "-c", {inner!r}], check=True)
if hasattr(os, "fork"):
    if os.fork() == 0:
        subprocess.run([sys.executable, "-c", {inner!r}], check=True)
        sys.exit()
    os.wait()
"""
    run(code)
    assert redis.Redis().get("n") == (b"3" if hasattr(os, "fork") else b"2")


def test_multiprocessing_spawn(fake: fakeredis.patch) -> None:
    with processes.limited():
        process = multiprocessing.get_context("spawn").Process(target=count, args=(20,))
        process.start()
        count(20)
        process.join()
        assert process.exitcode == 0
        process.close()
    assert redis.Redis().get("n") == b"40"


def test_never_by_default() -> None:
    with fakeredis.patch():
        assert "FAKEREDIS_PARENT" not in os.environ
        assert run("import redis; print(redis.Redis.__name__)") == "Redis\n"


def test_a_program_without_redis(fake: fakeredis.patch) -> None:
    """It loads nothing, and keeps its own ``sitecustomize``."""
    code = "import sys; print({'redis', 'valkey', 'fakeredis'} & {*sys.modules})"
    assert run(code) == "set()\n"


@pytest.mark.parametrize("module", ["fakeredis", "fakeredis.patch", "fakeredis.pytest_plugin"])
def test_a_child_that_imports_fakeredis_first(fake: fakeredis.patch, module: str) -> None:
    code = """
        import redis
        redis.Redis().set("joined", "yes")
        with fakeredis.patch():
            redis.Redis().set("k", "its own")
    """
    run(f"import {module}, fakeredis\n{textwrap.dedent(code)}")
    assert redis.Redis().get("joined") == b"yes"
    assert redis.Redis().get("k") is None


def test_a_sitecustomize_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("here = 'own'\n")
    code = "import sitecustomize, redis; print(sitecustomize.here, redis.Redis().ping())"
    with monkeypatch.context() as context:
        context.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), ROOT]))
        before = environment()
        with fakeredis.patch(subprocesses=True):
            assert run(code) == "own True\n"
        assert environment() == before


def test_a_child_that_finds_no_fakeredis(fake: fakeredis.patch, tmp_path: Path) -> None:
    bare = dict(os.environ)
    kept = [part for part in bare["PYTHONPATH"].split(os.pathsep) if part != ROOT]
    bare["PYTHONPATH"] = os.pathsep.join(kept)
    code = "import redis; print(redis.Redis().incr('n'))"
    assert run(code, env=bare, cwd=tmp_path) == "1\n"
    assert redis.Redis().get("n") == b"1"


def test_options_reach_the_child() -> None:
    code = """
import redis
print(redis.Redis().info()["redis_version"])
try:
    redis.Redis("nowhere").ping()
except redis.ConnectionError:
    print("refused")
"""
    options: dict[str, Any] = {"version": "7.0", "addresses": {"localhost:6379"}}
    with fakeredis.patch(subprocesses=True, **options) as fake:
        version = fake.client().info()["redis_version"]
        assert run(code) == f"{version}\nrefused\n"


def test_one_server_for_all_addresses() -> None:
    server = fakeredis.FakeServer(version="7.2")
    with fakeredis.patch(subprocesses=True, server=server):
        run("import redis; redis.Redis('a').incr('n'); redis.Redis('b').incr('n')")
    assert server.execute("GET", "n") == b"2"


def test_nested_patches_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    outer, inner = (fakeredis.patch(subprocesses=True) for _ in range(2))
    outer.start()
    led_to_outer = dict(os.environ)
    inner.start()
    run("import redis; redis.Redis().set('k', 'inner')")
    assert inner.client().get("k") == b"inner"
    inner.stop()
    assert dict(os.environ) == led_to_outer
    inner.start()
    outer.stop()
    run("import redis; redis.Redis().set('k', 'inner')")
    assert inner.client().get("k") == b"inner"
    inner.stop()
    assert dict(os.environ) == before


def test_the_patch_ends_first() -> None:
    code = """
import sys, redis
client = redis.Redis(retry=None)
client.ping()
print("ready", flush=True)
sys.stdin.readline()
for each in (client, redis.Redis(retry=None), redis.Redis("new", retry=None)):
    try:
        print(each.ping())
    except redis.ConnectionError:
        print("gone")
"""
    with contextlib.ExitStack() as stack:
        with fakeredis.patch(subprocesses=True):
            command = [sys.executable, "-c", code]
            process = stack.enter_context(processes.started(command, stdin=subprocess.PIPE))
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        out, _ = process.communicate("\n")
    assert out == "gone\n" * 3


def test_a_child_that_starts_too_late() -> None:
    with fakeredis.patch(subprocesses=True):
        late = dict(os.environ)
        hook = Path(late["PYTHONPATH"].split(os.pathsep)[0], "sitecustomize.py").read_text()
    folder = Path(late["TMPDIR"], "kept")
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(hook)
    late["PYTHONPATH"] = os.pathsep.join([str(folder), ROOT])
    code = """
import redis
try:
    redis.Redis(retry=None).ping()
except redis.ConnectionError:
    print("refused")
"""
    assert run(code, env=late) == "refused\n"


def test_strangers_are_not_let_in(fake: fakeredis.patch) -> None:
    _, _, path = os.environ["FAKEREDIS_PARENT"].partition("@")
    assert os.stat(Path(path).parent).st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(30)
        stranger.connect(path)
        stranger.sendall(b"x" * 32 + b"\1\0\0\0N")
        try:
            assert stranger.recv(1) == b""
        except ConnectionResetError:
            pass  # what it said further was not even read


def test_the_command_line(tmp_path: Path) -> None:
    inner = "import redis; redis.Redis().incr('n')"
    (tmp_path / "program.py").write_text(
        "import redis, subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {inner!r}], check=True)\n"
        "print(redis.Redis().incr('n'))\n"
    )
    done = processes.python("-m", "fakeredis", "run", tmp_path / "program.py", check=True)
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_what_a_killed_process_has_left_is_swept() -> None:
    """And nothing that somebody still uses, be it another process's or a stranger's."""
    program = (
        "import fakeredis, os, sys\n"
        "fakeredis.patch(subprocesses=True).start()\n"
        "print(os.environ['PYTHONPATH'].split(os.pathsep)[0], flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program]
    with (
        processes.started(command, stdin=subprocess.PIPE) as killed,
        processes.started(command, stdin=subprocess.PIPE) as alive,
    ):
        left, used = (Path(each.stdout.readline().strip()) for each in (killed, alive))
        killed.terminate()
        killed.wait()
        strange = left.parent / "fakeredis-door-strange"
        strange.mkdir()
        assert left.is_dir()
        with fakeredis.patch(subprocesses=True):
            assert not left.exists()
            assert (used / "s").exists()
        assert strange.is_dir()
        strange.rmdir()
        alive.communicate("")
    assert not used.exists()


def test_a_childs_end_leaves_the_folder() -> None:
    """A forked child neither removes it nor keeps it: it goes with the parent's patch."""
    if not hasattr(os, "fork"):
        pytest.skip("processes do not fork here")
    program = (
        "import fakeredis, os, time\n"
        "with fakeredis.patch(subprocesses=True):\n"
        "    print(os.environ['PYTHONPATH'].split(os.pathsep)[0], flush=True)\n"
        "    if os.fork() == 0:\n        os.closerange(0, 3); time.sleep(100); os._exit(0)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    with processes.started([sys.executable, "-c", program]) as process:
        left = Path(process.stdout.read().strip())
        process.wait()
        assert left.is_dir()
        with fakeredis.patch(subprocesses=True):
            assert not left.exists()
