"""The command line: run a program with a fake Redis, serve one, list what is implemented."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import runpy
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import fakeredis
from fakeredis._version import __version__
from fakeredis.lazy import Lazy, LazyModule
from fakeredis.nearest import near

if TYPE_CHECKING:
    from fakeredis.commands.catalogue import table
    from fakeredis.engine.core.profiles import profile
    from fakeredis.stores import base
    from fakeredis.tcp import settings
else:
    base = LazyModule("fakeredis.stores.base")
    settings = LazyModule("fakeredis.tcp.settings")
    profile = Lazy("fakeredis.engine.core.profiles", "profile")
    table = Lazy("fakeredis.commands.catalogue", "table")


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
    )
    run.add_argument(
        "--address", action="append", dest="addresses", metavar="HOST:PORT",
        help="a server that exists, may be repeated; others refuse (default: all exist)",
    )
    run.add_argument(
        "--config", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="a setting of those servers (of localhost:6379, where none is named)",
    )
    run.add_argument(
        "--server-type", default="redis", choices=("redis", "valkey"),
        help="which server to imitate (default: %(default)s)",
    )
    _add_modules(run)
    run.add_argument(
        "--clock", default="test", choices=("test", "real"),
        help="the servers' time: that of the tests, or the real one (default: %(default)s)",
    )
    run.add_argument("-m", dest="module", action="store_true", help="PROGRAM is a module's name")
    run.add_argument("program", metavar="PROGRAM", help="a script, or a module's name after -m")
    run.add_argument("args", nargs=argparse.REMAINDER, help="the program's own arguments")
    run.set_defaults(do=_run)
    _add_serve(actions)
    commands = actions.add_parser("commands", help="list the commands that are implemented")
    commands.add_argument("--group", help="only those of one group, such as sorted-set")
    commands.add_argument(
        "--version", default="8.2", metavar="V", dest="server_version",
        help="the Redis version to imitate (default: %(default)s)",
    )
    commands.set_defaults(do=_commands)
    return parser


def _add_modules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--modules", type=lambda names: names.split(","), metavar="NAMES",
        help="modules that an older server or Valkey has, with commas between them: json",
    )


def _add_serve(actions: Any) -> None:
    serve = actions.add_parser(
        "serve", help="serve other programs over TCP, TLS or a Unix socket", allow_abbrev=False,
        usage="fakeredis serve [redis.conf] [options] [--NAME VALUE ...]",
        epilog="Every parameter of redis.conf is an option too: --requirepass secret, "
        "--databases 32, --tls-port 6380 --tls-cert-file CRT --tls-key-file KEY "
        "--tls-ca-cert-file CA --tls-auth-clients no.",
    )
    serve.add_argument(
        "--host", "--bind", action="extend", nargs="+", metavar="HOST",
        help="addresses to listen at (default: 127.0.0.1)",
    )
    serve.add_argument(
        "--port", type=int, help="TCP port, 0 for a free one "
        "(default: 6379, none beside a Unix socket or a TLS port)",
    )
    serve.add_argument("--unixsocket", metavar="PATH", help="serve at a Unix socket")
    serve.add_argument("--store", metavar="URL", help="where state lives (default: memory)")
    serve.add_argument(
        "--version", default="8.2", metavar="V", dest="server_version",
        help="the Redis version to imitate (default: %(default)s)",
    )
    serve.add_argument("--server-type", default="redis", choices=("redis", "valkey"))
    _add_modules(serve)
    serve.add_argument(
        "--config", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="the same as --NAME VALUE; may be repeated",
    )
    serve.set_defaults(do=_serve)


# The options that are not parameters of the server.
_SERVE: Final = frozenset({
    "--host", "--bind", "--port", "--unixsocket", "--store", "--version", "--server-type",
    "--modules", "--config", "--help", "-h",
})


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words behind ``serve``: options, and a configuration file with the server's settings."""
    ours: list[str] = []
    settings: list[str] = []
    current = settings  # a file's name may come first
    for word in words:
        if word.startswith("-") and (word.startswith("--") or word == "-h"):
            current = ours if word.partition("=")[0] in _SERVE else settings
        current.append(word)
    return ours, settings


def _serve(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C, SIGTERM or SHUTDOWN; one line says where when it is ready."""
    try:
        given = settings.from_words(options.settings)
        given += [settings.Setting(name.lower(), [value]) for name, value in options.config]
        with contextlib.suppress(KeyboardInterrupt):
            settings.serve(options, given)
    except (base.StoreError, ValueError, settings.BadSettings) as error:
        sys.exit(f"fakeredis: {error}")


def _run(options: argparse.Namespace) -> None:
    """Run the program as ``python PROGRAM`` or ``python -m PROGRAM`` would, under `patch`."""
    # Should the program be pytest: it looks for this word in what was imported before its plugin's
    # assertions could be rewritten, and warns without it.
    fakeredis.__doc__ = f"{fakeredis.__doc__}\nPYTEST_DONT_REWRITE"
    if not options.module and not Path(options.program).exists():
        _give_up(f"no such file: {options.program}", 2)  # as Python itself does
    try:
        patch = fakeredis.patch(
            options.store, spy=options.spy, server_type=options.server_type,
            version=options.server_version, modules=options.modules,
            addresses=options.addresses, subprocesses=hasattr(socket, "AF_UNIX"),
            clock=options.clock,
        )
    except ValueError as error:
        sys.exit(f"fakeredis: {error}")
    with patch as fake:
        if options.config:
            _configure(fake, options)
        try:
            _execute(options)
        finally:
            if options.spy:
                sys.stdout.flush()
                print(f"\n{len(fake.calls)} commands:\n{fake.spy.snapshot()}")


def _configure(fake: Any, options: argparse.Namespace) -> None:
    given = [settings.Setting(name.lower(), [value]) for name, value in options.config]
    for address in options.addresses or ["localhost:6379"]:
        try:
            settings.apply(fake.server(address), given)
        except (ValueError, settings.BadSettings) as error:
            sys.exit(f"fakeredis: {error}")


def _execute(options: argparse.Namespace) -> None:
    own = sys.argv[0]
    sys.argv[:] = [options.program, *options.args]
    if options.module:
        _lead_path(str(Path.cwd()), own)
        _check_module(options.program)
        runpy.run_module(options.program, run_name="__main__", alter_sys=True)
    else:
        path = Path(options.program).resolve()
        _lead_path(str(path.parent), own)
        if path.is_dir() and not (path / "__main__.py").exists():
            _give_up(f"no '__main__' module in {options.program}")
        runpy.run_path(options.program, run_name="__main__")


def _lead_path(folder: str, own: str) -> None:
    """Put the program's folder where Python puts it: in the place of the one of this command."""
    if sys.path and sys.path[0] in ("", str(Path.cwd()), str(Path(own).resolve().parent)):
        sys.path[0] = folder
    else:
        sys.path.insert(0, folder)


def _check_module(name: str) -> None:
    """End with Python's own words where there is no such module, or it is a package of no program.

    Raises:
        SystemExit: it is so.
    """
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError) as error:
        if getattr(error, "name", name) not in (name, *_parents(name)):
            raise  # the package itself misses something
        spec = None
    if spec is None:
        _give_up(f"No module named {name}")


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _give_up(text: str, code: int = 1) -> NoReturn:
    print(f"fakeredis: {text}", file=sys.stderr)
    raise SystemExit(code)


def _commands(options: argparse.Namespace) -> None:
    """One line for each command: its name, group and the version that introduced it."""
    try:
        commands = table(profile(options.server_version)).all()
    except ValueError as error:
        _give_up(str(error), 2)
    groups = {command.group for command in commands}
    if options.group is not None and options.group not in groups:
        question = near(options.group, groups)
        _give_up(
            f"there is no group {options.group!r}{question} Groups: {', '.join(sorted(groups))}", 2
        )
    for command in sorted(commands, key=lambda c: c.name):
        since = command.declaration.since
        if command.declaration.handler is None:
            continue
        if options.group in (None, command.group):
            version = since if isinstance(since, str) else ", ".join(map(" ".join, since.items()))
            print(f"{command.name:28} {command.group:14} {version}")


# What may have been meant where an option is not known.
_FLAGS: Final = {
    "run": (
        "--spy", "--store", "--version", "--address", "--config", "--server-type", "--modules",
        "--clock", "-m",
        "--help",
    ),
    "commands": ("--group", "--version", "--help"),
}


def main(argv: Sequence[str] | None = None) -> None:
    """The console script; ``argv`` without the program's name."""
    words = sys.argv[1:] if argv is None else list(argv)
    settings: list[str] = []
    if words[:1] == ["serve"]:
        ours, settings = _split(words[1:])
        words = ["serve", *ours]
    parser = _parser()
    options, unknown = parser.parse_known_args(words)
    if unknown:
        flags = _FLAGS.get(options.action, ())
        question = near(unknown[0].partition("=")[0], flags).removesuffix(".")
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{question}")
    options.settings = settings
    options.do(options)
