"""Commands given as calls of redis-py's methods: ``call.set("k", "v", ex=10)``."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from redis._parsers.encoders import Encoder
from redis.commands import CoreCommands, RedisModuleCommands, SentinelCommands

from fakeredis.spy.values import is_placeholder, to_wire

__all__ = ["Expression", "call", "is_written", "sent_by", "steps_of_mock"]

# An attribute's name, or the arguments of a call.
Step = str | tuple[tuple[Any, ...], dict[str, Any]]

_FIRST_STAND_IN = 7_310_000_001


class Expression:
    """Attributes and calls, noted to be done later on redis-py's own methods.

    ``call.set("k", 1, ex=10)`` is what ``client.set("k", 1, ex=10)`` would send,
    ``call("SET", "k", 1)`` what is written.
    """

    __slots__ = ("_steps",)

    def __init__(self, steps: tuple[Step, ...] = ()) -> None:
        self._steps = steps

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):
            raise AttributeError(name)
        return Expression((*self._steps, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Expression:
        """A new expression: this one, called with the arguments."""
        return Expression((*self._steps, (args, kwargs)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Expression):
            return self._steps == other._steps
        return NotImplemented

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return "call" + "".join(map(_step_text, self._steps))


call = Expression()


def _step_text(step: Step) -> str:
    if isinstance(step, str):
        return "." + step
    args, kwargs = step
    return f"({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])})"


def steps_of_mock(value: object) -> tuple[Step, ...] | None:
    """Steps of a ``unittest.mock.call``; None for anything else."""
    if not isinstance(value, tuple) or not _is_mock_call(value):
        return None
    parts = tuple(value)
    name, args, kwargs = parts if len(parts) == 3 else ("", *parts)
    # call.json().set(...) is named "().json().set": what was given to json() is lost.
    steps: list[Step] = []
    for part in name.removeprefix("()").split("."):
        if part:
            steps.append(part.removesuffix("()"))
            if part.endswith("()"):
                steps.append(((), {}))
    return (*steps, (args, kwargs))


def _is_mock_call(value: tuple[Any, ...]) -> bool:
    # The standard library's, and the mock package's: neither is imported for the question.
    modules = (sys.modules.get("unittest.mock"), sys.modules.get("mock.mock"))
    return any(isinstance(value, module._Call) for module in modules if module is not None)


def is_written(steps: tuple[Step, ...]) -> bool:
    """Whether the words are those written, ``call("GET", "k")``, and not a method's."""
    return len(steps) == 1 or steps[-2] in ("execute_command", "call")


def sent_by(steps: tuple[Step, ...]) -> list[Any]:
    """Words that redis-py's method would send.

    Args:
        steps: what was written after ``call``: names of attributes, and arguments of calls.

    Raises:
        TypeError: it does not end by a call, so is no command yet.
    """
    if not steps or isinstance(steps[-1], str):
        text = "call" + "".join(map(_step_text, steps))
        raise TypeError(f"{text} is not yet a command: call it, or name the command as text")
    if is_written(steps):
        return list(steps[-1][0])
    try:
        return _run(steps)
    except Exception:
        return _run_with_stand_ins(steps)


def _run(steps: tuple[Step, ...]) -> list[Any]:
    target: Any = _stub_class()()
    stub = target
    for step in steps:
        if isinstance(step, str):
            target = _attribute(target, step, target is stub)
            continue
        try:
            target = target(*step[0], **step[1])
        except Exception:
            if not stub.sent:
                raise
    if len(stub.sent) != 1:
        text = "call" + "".join(map(_step_text, steps))
        raise ValueError(f"{text} sends {len(stub.sent)} commands, not one")
    return list(stub.sent[0])


def _attribute(target: Any, name: str, is_client: bool) -> Any:
    if is_client and not hasattr(target, name):
        raise AttributeError(f"redis-py's clients have no method {name!r}: call.{name}(...)")
    return getattr(target, name)


def _run_with_stand_ins(steps: tuple[Step, ...]) -> list[Any]:
    """Words that the method sends with numbers in the placeholders' places, which are put back."""
    swap = _StandIns()
    words = _run(tuple(swap.into(step) for step in steps))
    return [swap.back(word) for word in words]


class _StandIns:
    def __init__(self) -> None:
        self.originals: dict[bytes, Any] = {}

    def into(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.into, value))
        if isinstance(value, dict):
            return {self.into(key): self.into(item) for key, item in value.items()}
        if value is None or isinstance(value, bool) or not is_placeholder(value):
            return value
        if type(value).__module__ == "datetime":
            return value
        number = _FIRST_STAND_IN + len(self.originals)
        self.originals[str(number).encode()] = value
        return number

    def back(self, word: Any) -> Any:
        data = to_wire(word)
        return word if data is None else self.originals.get(data, word)


@cache
def _stub_class() -> type[Any]:
    """A client that notes what it is to send.

    Made of redis-py's command classes and not of ``redis.Redis``, which may be patched.
    """
    class Stub(RedisModuleCommands, CoreCommands, SentinelCommands):
        def __init__(self) -> None:
            self.sent: list[tuple[Any, ...]] = []
            self.response_callbacks: dict[str, Any] = {}
            self.connection_pool = self
            self.connection_kwargs: dict[str, Any] = {}

        def execute_command(self, *args: Any, **options: Any) -> Any:
            self.sent.append(args)

        def get_encoder(self) -> Any:
            make: Any = Encoder
            return make("utf-8", "strict", False)

        def get_connection_kwargs(self) -> dict[str, Any]:
            return self.connection_kwargs

        def set_response_callback(self, command: str, callback: Any) -> None:
            self.response_callbacks[command] = callback

    return Stub
