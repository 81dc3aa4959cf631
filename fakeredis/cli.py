"""The command line: run a program with a fake Redis, list what is implemented."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from fakeredis._version import __version__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fakeredis", description="A Redis inside your process.")
    parser.add_argument("-V", "--version", action="version", version=f"fakeredis {__version__}")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run = actions.add_parser("run", help="run a program whose Redis clients are all faked")
    run.add_argument("--spy", action="store_true", help="print the commands it sent, at its end")
    run.add_argument("--store", metavar="URL", help="where state lives (default: memory)")
    run.add_argument(
        "--version", default="8.2", metavar="V", dest="server_version",
        help="the Redis version to imitate (default: %(default)s)",
    )  # fmt: skip
    run.add_argument("-m", dest="module", action="store_true", help="PROGRAM is a module's name")
    run.add_argument("program", metavar="PROGRAM", help="a script, or a module's name after -m")
    run.add_argument("args", nargs=argparse.REMAINDER, help="the program's own arguments")
    run.set_defaults(do=_run)
    commands = actions.add_parser("commands", help="list the commands that are implemented")
    commands.add_argument("--group", help="only those of one group, such as sorted-set")
    commands.add_argument(
        "--version", default="8.2", metavar="V", dest="server_version",
        help="the Redis version to imitate (default: %(default)s)",
    )  # fmt: skip
    commands.set_defaults(do=_commands)
    return parser


def _run(options: argparse.Namespace) -> None:
    """Run the program as ``python PROGRAM`` or ``python -m PROGRAM`` would, under `patch`."""
    import fakeredis

    if not options.module and not Path(options.program).exists():
        sys.exit(f"fakeredis: no such file: {options.program}")
    try:
        patch = fakeredis.patch(options.store, spy=options.spy, version=options.server_version)
    except (NotImplementedError, ValueError) as error:
        sys.exit(f"fakeredis: {error}")
    with patch as fake:
        try:
            _execute(options)
        finally:
            if options.spy:
                sys.stdout.flush()
                print(f"\n{len(fake.calls)} commands:\n{fake.spy.snapshot()}")


def _execute(options: argparse.Namespace) -> None:
    sys.argv[:] = [options.program, *options.args]
    if options.module:
        sys.path.insert(0, "")
        runpy.run_module(options.program, run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(options.program).resolve().parent))
        runpy.run_path(options.program, run_name="__main__")


def _commands(options: argparse.Namespace) -> None:
    """One line for each command: its name, group and the version that introduced it."""
    from fakeredis.commands.registry import table
    from fakeredis.engine.profiles import profile

    for command in sorted(table(profile(options.server_version)).all(), key=lambda c: c.name):
        since = command.declaration.since
        if options.group in (None, command.group) and command.declaration.handler is not None:
            version = since if isinstance(since, str) else ", ".join(map(" ".join, since.items()))
            print(f"{command.name:28} {command.group:14} {version}")


def main(argv: Sequence[str] | None = None) -> None:
    """The console script; ``argv`` without the program's name."""
    options = _parser().parse_args(argv)
    options.do(options)
