"""The assertions, over whatever has recorded calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from fakeredis.lazy import LazyModule
from fakeredis.nearest import near

if TYPE_CHECKING:
    from fakeredis.spy import expectations, keyspace, reports, values
    from fakeredis.spy import lint as linting
    from fakeredis.spy.calls import CommandCall
    from fakeredis.spy.expectations import Expectation
    from fakeredis.spy.keyspace import KeyState
    from fakeredis.spy.lint import Finding
    from fakeredis.spy.values import EncodedText
else:
    expectations = LazyModule("fakeredis.spy.expectations")
    keyspace = LazyModule("fakeredis.spy.keyspace")
    linting = LazyModule("fakeredis.spy.lint")
    reports = LazyModule("fakeredis.spy.reports")
    values = LazyModule("fakeredis.spy.values")

__all__ = ["Assertions", "missing"]

# How those of `unittest.mock.Mock` are called here.
_OF_MOCK = {
    "assert_called": "assert_called_command", "assert_called_with": "assert_called_command",
    "assert_any_call": "assert_called_command", "assert_called_once": "assert_called_command_once",
    "assert_called_once_with": "assert_called_command_once",
    "assert_not_called": "assert_no_commands", "assert_has_calls": "assert_has_commands",
    "assert_awaited": "assert_called_command", "assert_awaited_with": "assert_called_command",
    "call_count": "count()", "called": "count()", "call_args": "calls", "call_args_list": "calls",
    "mock_calls": "calls", "method_calls": "calls", "reset_mock": "reset()",
}


def missing(owner: str, name: str) -> str:
    """The text of an AttributeError, which says how a name is called here."""
    text = f"{owner!r} has no attribute {name!r}"
    if name in _OF_MOCK:
        return f"{text}: here it is {_OF_MOCK[name]}"
    if name.startswith("assert"):
        known = (each for each in dir(Assertions) if each.startswith("assert_"))
        return text + near(name, [*known, "assert_faults_used"]).removesuffix(".")
    return text


class Assertions:
    """Questions and assertions about recorded commands.

    A command is ``"SET", "k", "v"`` or ``"SET k v"`` or ``call.set("k", "v")``; a name alone
    stands for any arguments, a last ``...`` for any further ones. Filters are ``via=``, ``db=``,
    ``client=``, ``server=``, ``key=`` and ``method=``.
    """

    def _recorded(self) -> list[CommandCall]:
        """All calls in order, handshakes too."""
        raise NotImplementedError

    # Questions ------------------------------------------------------------------------------

    @property
    def calls(self) -> list[CommandCall]:
        """The recorded commands in order, without what clients send while connecting."""
        return [call for call in self._recorded() if call.via != "handshake"]

    def matching(self, command: Any = "*", *args: Any, **filters: Any) -> list[CommandCall]:
        """The recorded calls of a command.

        Args:
            command: in any spelling, ``"SET"``, ``"SET k v"`` or ``call.set("k", "v")``; ``"*"``
                for any.
            args: its arguments; a last ``...`` for any further ones.
            filters: restrict the calls, see `Assertions`.

        Raises:
            TypeError, ValueError: nothing can ever match, such as a name that no command has.
        """
        return self._find(self._expected(command, *args, **filters))

    def count(self, command: Any = "*", *args: Any, **filters: Any) -> int:
        """How often a command was called.

        Args:
            command: in any spelling; ``"*"`` for any.
            args: its arguments; a last ``...`` for any further ones.
            filters: restrict the calls, see `Assertions`.

        Raises:
            TypeError, ValueError: nothing can ever match, such as a name that no command has.
        """
        return len(self.matching(command, *args, **filters))

    def snapshot(self) -> str:
        """The calls as text, one a line, as one would type them in redis-cli."""
        return "\n".join(map(str, self.calls))

    def round_trips(self) -> int:
        """Network round trips that a real client would have made."""
        return len(self._trips())

    def lint(self, ignore: Iterable[str] = ()) -> list[Finding]:
        """Habits that a review would object to; ``ignore`` names rules or globs of rules."""
        return linting.lint(self.calls, ignore)

    def keys_touched(self) -> list[EncodedText]:
        """Keys that were read or written, each once."""
        return list(dict.fromkeys(key for call in self.calls for key in call.keys))

    # Assertions about one command -----------------------------------------------------------

    def assert_called_command(
        self,
        command: Any,
        *args: Any,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **filters: Any,
    ) -> list[CommandCall]:
        """The command was called, as often as said; returns the calls.

        Args:
            command: in any spelling; ``"*"`` for any.
            args: its arguments; a last ``...`` for any further ones.
            times: exactly how often; without this and the bounds, at least once.
            at_least: how often at least.
            at_most: how often at most.
            filters: restrict the calls, see `Assertions`.

        Raises:
            AssertionError: it was called otherwise.
            TypeError, ValueError: the arguments make no sense.
        """
        __tracebackhide__ = True
        _check_bounds(times, at_least, at_most)
        may_be_none = 0 in (times, at_least) or (at_most is not None and not at_least)
        expected = self._expected(command, *args, check=may_be_none, **filters)
        found = self._find(expected)
        if times is None and at_least is None and at_most is None:
            at_least = 1
        wanted = _wanted(times, at_least, at_most)
        if not _in_bounds(len(found), times, at_least, at_most):
            self._fail_called(expected, found, "" if wanted == "at least once" else wanted)
        return found

    def assert_called_command_once(self, command: Any, *args: Any, **filters: Any) -> CommandCall:
        """The command was called exactly once; returns the call.

        Args:
            command: in any spelling; ``"*"`` for any.
            args: its arguments; a last ``...`` for any further ones.
            filters: restrict the calls, see `Assertions`.

        Raises:
            AssertionError: it was called otherwise.
            TypeError, ValueError: the arguments make no sense.
        """
        __tracebackhide__ = True
        expected = self._expected(command, *args, check=False, **filters)
        found = self._find(expected)
        if len(found) != 1:
            self._fail_called(expected, found, "exactly once")
        return found[0]

    def assert_not_called_command(self, command: Any, *args: Any, **filters: Any) -> None:
        """The command was never called.

        Args:
            command: in any spelling; ``"*"`` for any.
            args: its arguments; a last ``...`` for any further ones.
            filters: restrict the calls, see `Assertions`.

        Raises:
            AssertionError: it was called.
            TypeError, ValueError: nothing can ever match, such as a name that no command has.
        """
        __tracebackhide__ = True
        expected = self._expected(command, *args, **filters)
        found = self._find(expected)
        if found:
            head = [f"Expected no command: {expected}", _was_called(found)]
            self._fail(head + reports.listing(found))

    def assert_command_count(self, n: int, command: Any = "*", *args: Any, **filters: Any) -> None:
        """Exactly n commands were called, or n of one command.

        Args:
            n: how many.
            command: in any spelling; ``"*"`` for any.
            args: its arguments; a last ``...`` for any further ones.
            filters: restrict the calls, see `Assertions`.

        Raises:
            AssertionError: there were more or fewer.
            TypeError, ValueError: the arguments make no sense.
        """
        __tracebackhide__ = True
        values.whole_number("n, the first argument,", n)
        expected = self._expected(command, *args, **filters)
        found = self._find(expected)
        if len(found) != n:
            what = "commands" if expected.text == "*" else expected.text
            conditions = f" ({expected.filters})" if expected.filters.given else ""
            head = f"Expected {n} calls of {what}{conditions}, there were {len(found)}."
            near = reports.listing(found) or reports.nearest(expected, self.calls)
            self._fail([head, *near])

    # Assertions about several ---------------------------------------------------------------

    def assert_has_commands(
        self, commands: Iterable[Any], any_order: bool = False, **filters: Any
    ) -> list[CommandCall]:
        """All were called, in this order, others between them allowed; returns their calls.

        Args:
            commands: a list of commands, each in any spelling.
            any_order: do not look at the order.
            filters: restrict the calls, see `Assertions`.

        Raises:
            AssertionError: one was not called, or not in its place.
            TypeError: it is no list, or one of them no command.
        """
        __tracebackhide__ = True
        if isinstance(commands, (str, bytes)) or not isinstance(commands, Iterable):
            raise TypeError(f"commands is a list, such as ['SET k v', 'GET k'], not {commands!r}")
        expected = [self._expected(each, check=False, **filters) for each in commands]
        find = self._pair_any_order if any_order else self._pair_in_order
        found = find(expected)
        if any(call is None for call in found):
            order = "in any order" if any_order else "in this order"
            self._fail([f"Expected commands {order}:", *self._progress(expected, found)])
        return [call for call in found if call is not None]

    def assert_command_order(self, *commands: Any, **filters: Any) -> list[CommandCall]:
        """All were called, in this order, others between them allowed; returns their calls.

        As `assert_has_commands`, with the commands one by one in the place of a list.
        """
        __tracebackhide__ = True
        return self.assert_has_commands(commands, **filters)

    def assert_only_commands(self, *commands: Any, **filters: Any) -> None:
        """No other command was called."""
        __tracebackhide__ = True
        allowed = [self._expected(each, **filters) for each in commands]
        chosen = expectations.Filters(filters)
        others = [
            call
            for call in self._recorded()
            if chosen.fit(call) and not any(each.fits(call) for each in allowed)
        ]
        if others:
            names = ", ".join(each.text for each in allowed) or "none"
            conditions = f" ({chosen})" if chosen.given else ""
            head = [f"Expected only these commands{conditions}: {names}"]
            self._fail([*head, f"There were {len(others)} others:", *reports.listing(others)])

    def assert_no_commands(self, **filters: Any) -> None:
        """Nothing was called."""
        __tracebackhide__ = True
        expected = expectations.Expectation.of("*", **filters)
        found = self._find(expected)
        if found:
            conditions = f" ({expected.filters})" if expected.filters.given else ""
            head = f"Expected no commands{conditions}, there were {len(found)}:"
            self._fail([head, *reports.listing(found)])

    # Assertions about the traffic -----------------------------------------------------------

    def assert_round_trips(self, n: int | None = None, at_most: int | None = None) -> None:
        """As many network round trips as said would have been made.

        Args:
            n: exactly how many.
            at_most: how many at most.

        Raises:
            AssertionError: there were others.
            TypeError, ValueError: neither is given, or one is no such number.
        """
        __tracebackhide__ = True
        if n is None and at_most is None:
            raise TypeError("assert_round_trips needs n or at_most")
        _check_bounds(n, None, at_most, "n")
        trips = self._trips()
        if not _in_bounds(len(trips), n, None, at_most):
            wanted = f"{n}" if n is not None else f"at most {at_most}"
            head = f"Expected round trips: {wanted}; there were {len(trips)}:"
            self._fail([head, *map(_trip, trips[: reports.LISTED]), *_more(trips)])

    def assert_keys_touched(self, *patterns: Any, only: bool = False) -> None:
        """Each pattern fits a key that was read or written; with ``only``, no other key was."""
        __tracebackhide__ = True
        touched = self.keys_touched()
        missing = [each for each in patterns if not any(_key_fits(each, key) for key in touched)]
        others = [key for key in touched if not any(_key_fits(each, key) for each in patterns)]
        lines = [f"  no key fits {values.quote(each)}" for each in missing]
        if only:
            for key in others[: reports.LISTED]:
                first = next(call for call in self.calls if key in call.keys)
                lines += [f"  {values.quote(key)} was touched too, by {reports.line(first)}"]
                lines += [f"      {reports.place(first)}"]
        if lines:
            wanted = " ".join(map(values.quote, patterns)) or "none"
            seen = ", ".join(map(values.quote, touched[:20])) or "none"
            head = f"Expected keys{' (and no others)' if only else ''}: {wanted}"
            self._fail([head, *lines, f"  touched: {seen}{' ...' if len(touched) > 20 else ''}"])

    def assert_no_n_plus_one(self, threshold: int = 5) -> None:
        """No command was sent one by one where one command or a pipeline would do."""
        __tracebackhide__ = True
        values.whole_number("threshold", threshold, 1)
        found = list(linting.n_plus_one(self.calls, threshold))
        if found:
            self._fail(["Expected no command one by one (N+1):", *_findings(found)])

    def assert_clean(self, ignore: Iterable[str] = ()) -> None:
        """``lint`` finds nothing; ``ignore`` names rules or globs of rules."""
        __tracebackhide__ = True
        found = self.lint(ignore)
        if found:
            rules = ", ".join(sorted({finding.rule for finding in found}))
            plural = "" if len(found) == 1 else "s"
            head = f"Expected nothing to object to; {len(found)} finding{plural} ({rules}):"
            self._fail([head, *_findings(found)])

    def assert_ttl(
        self, pattern: Any, at_least: float | None = None, at_most: float | None = None
    ) -> None:
        """Every key that was written, is still there and fits has a TTL, in seconds as set.

        Args:
            pattern: which keys: a glob, or anything that is equal to their names.
            at_least: the shortest TTL, in seconds.
            at_most: the longest, in seconds.

        Raises:
            AssertionError: one has none or another one, or no key that fits was written.
            TypeError: a bound is no number.
        """
        __tracebackhide__ = True
        for name, bound in (("at_least", at_least), ("at_most", at_most)):
            if bound is not None and not isinstance(bound, (int, float)):
                raise TypeError(f"{name} is a number of seconds, not {bound!r}")
        states = [
            (name[2], state)
            for name, state in keyspace.key_states(self.calls).items()
            if _key_fits(pattern, name[2])
        ]
        bounds = _seconds_wanted(at_least, at_most)
        if not states:
            fit = values.quote(pattern)
            self._fail([f"Expected a TTL{bounds} on keys that fit {fit}; none was written."])
        wrong = [pair for pair in states if not _ttl_fits(pair[1].ttl, at_least, at_most)]
        if wrong:
            head = f"Expected a TTL{bounds} on every key that fits {values.quote(pattern)}:"
            lines = [text for key, state in wrong[: reports.LISTED] for text in _ttl(key, state)]
            self._fail([head, *lines, *_more(wrong)])

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What is not here, but called otherwise in `unittest.mock`.

            Raises:
                AttributeError: always.
            """
            raise AttributeError(missing(type(self).__name__, name))

    # Parts ----------------------------------------------------------------------------------

    def _expected(
        self, command: Any, *args: Any, check: bool = True, **filters: Any
    ) -> Expectation:
        """A command that is asked for.

        Args:
            check: refuse a name that no command has. Where the assertion needs a call it fails by
                itself, and tells more.
        """
        __tracebackhide__ = True
        expected = expectations.Expectation.of(command, *args, **filters)
        if check:
            expected.check_name(self._recorded)
        return expected

    def _find(self, expected: Expectation) -> list[CommandCall]:
        return [call for call in self._recorded() if expected.fits(call)]

    def _pair_in_order(self, expected: Sequence[Expectation]) -> list[CommandCall | None]:
        """For each the first fitting call after the one before; none after the first gap."""
        left = iter(self._recorded())
        return [next((call for call in left if each.fits(call)), None) for each in expected]

    def _pair_any_order(self, expected: Sequence[Expectation]) -> list[CommandCall | None]:
        """For each a call of its own, for as many as can be (by augmenting paths)."""
        calls = self._recorded()
        fits = [[at for at, call in enumerate(calls) if each.fits(call)] for each in expected]
        holder: dict[int, int] = {}

        def place(index: int, seen: set[int]) -> bool:
            for at in fits[index]:
                if at not in seen:
                    seen.add(at)
                    if at not in holder or place(holder[at], seen):
                        holder[at] = index
                        return True
            return False

        for index in range(len(expected)):
            place(index, set())
        at_of = {index: at for at, index in holder.items()}
        return [calls[at_of[i]] if i in at_of else None for i in range(len(expected))]

    def _progress(
        self, expected: Sequence[Expectation], found: Sequence[CommandCall | None]
    ) -> list[str]:
        lines: list[str] = []
        shown = False
        for at, (each, call) in enumerate(zip(expected, found, strict=True), 1):
            if call is not None:
                lines.append(f"  {at}. {each}   = {reports.line(call)}")
                continue
            lines.append(f"  {at}. {each}   <- {self._why_missing(each, found)}")
            if not shown and not self._find(each):
                lines += ["  " + text for text in reports.nearest(each, self.calls)]
            shown = True
        return lines

    def _why_missing(self, each: Expectation, found: Sequence[CommandCall | None]) -> str:
        elsewhere = self._find(each)
        if not elsewhere:
            return "not called"
        taken = [call for call in elsewhere if any(call is other for other in found)]
        if taken and len(taken) == len(elsewhere):
            return f"called {reports.times(len(taken))} only"
        numbers = ", ".join(f"#{call.index}" for call in elsewhere[:5])
        return f"called earlier, as {numbers}"

    def _trips(self) -> list[list[CommandCall]]:
        """Calls by round trip: a pipeline is one, what a script calls is none."""
        trips: dict[object, list[CommandCall]] = {}
        for at, call in enumerate(self.calls):
            if call.via == "script":
                continue
            batch = (call.server, call.client_id, call.group)
            trips.setdefault(batch if call.group else at, []).append(call)
        return list(trips.values())

    def _fail_called(
        self, expected: Expectation, found: Sequence[CommandCall], wanted: str
    ) -> NoReturn:
        __tracebackhide__ = True
        head = [f"Expected command: {expected}" + (f", {wanted}" if wanted else "")]
        head.append(_was_called(found))
        if found:
            self._fail(head + reports.listing(found))
        candidates = self._recorded() if "via" in expected.filters.given else self.calls
        self._fail(head + reports.nearest(expected, candidates))

    def _fail(self, lines: Sequence[str]) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError("\n".join([*lines, reports.counts(self.calls)]))


def _was_called(found: Sequence[CommandCall]) -> str:
    return f"It was called {reports.times(len(found))}:" if found else "It was not called."


def _check_bounds(
    exactly: int | None, at_least: int | None, at_most: int | None, name: str = "times"
) -> None:
    """Refuse numbers that no count of calls could meet.

    Raises:
        TypeError: one is no whole number, or too many were given.
        ValueError: one is negative, or they exclude each other.
    """
    given = {name: exactly, "at_least": at_least, "at_most": at_most}
    for each, number in given.items():
        if number is not None:
            values.whole_number(each, number)
    if exactly is not None and (at_least is not None or at_most is not None):
        raise TypeError(f"{name} is exact: leave at_least and at_most out, or {name}")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValueError(f"at_least={at_least} is more than at_most={at_most}")


def _in_bounds(n: int, exactly: int | None, at_least: int | None, at_most: int | None) -> bool:
    return (
        (exactly is None or n == exactly)
        and (at_least is None or n >= at_least)
        and (at_most is None or n <= at_most)
    )


def _wanted(times: int | None, at_least: int | None, at_most: int | None) -> str:
    parts = []
    if times is not None:
        parts.append(f"exactly {reports.times(times)}" if times else "never")
    if at_least is not None:
        parts.append(f"at least {reports.times(at_least)}")
    if at_most is not None:
        parts.append(f"at most {reports.times(at_most)}")
    return " and ".join(parts)


def _key_fits(pattern: Any, key: EncodedText) -> bool:
    if values.equal(pattern, key):
        return True
    if not isinstance(pattern, (str, bytes)):
        return False
    return values.glob_to_regex(pattern).fullmatch(bytes(key)) is not None


def _trip(calls: Sequence[CommandCall]) -> str:
    first = reports.line(calls[0])
    if len(calls) == 1:
        return f"  {first}"
    return f"  {first} and {len(calls) - 1} more in one {calls[0].via}"


def _more(items: Sequence[object]) -> list[str]:
    rest = len(items) - reports.LISTED
    return [f"  and {rest} more"] if rest > 0 else []


def _findings(found: Sequence[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"  {finding}"
        for call in finding.calls[:3]:
            yield f"      {reports.line(call)}"
            yield f"          {reports.place(call)}"
        if len(finding.calls) > 3:
            yield f"      and {len(finding.calls) - 3} more"


def _seconds_wanted(at_least: float | None, at_most: float | None) -> str:
    parts = [f"at least {at_least:g} s"] if at_least is not None else []
    parts += [f"at most {at_most:g} s"] if at_most is not None else []
    return " of " + " and ".join(parts) if parts else ""


def _ttl_fits(ttl: float | None, at_least: float | None, at_most: float | None) -> bool:
    if ttl is None:
        return False
    # An absolute time, less the clock, is a little off.
    near = 0.001
    return (at_least is None or ttl >= at_least - near) and (
        at_most is None or ttl <= at_most + near
    )


def _ttl(key: EncodedText, state: KeyState) -> list[str]:
    ttl = "no TTL" if state.ttl is None else f"{state.ttl:g} s"
    return [
        f"  {values.quote(key)} has {ttl} after {reports.line(state.call)}",
        f"      {reports.place(state.call)}",
    ]
