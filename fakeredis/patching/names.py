"""The names of the real classes in the namespaces of loaded modules.

Values are compared by identity, and nothing is asked of a module but its plain dictionary: no lazy
module is woken, nothing is imported. Where a name was found is remembered; later only modules that
are new, or have got or lost names, are looked through.
"""

from __future__ import annotations

import atexit
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from operator import is_
from types import ModuleType
from typing import Any, Final
from weakref import WeakSet

from fakeredis.clients.impersonation import references
from fakeredis.clients.network import members

Namespace = dict[str, Any]
Classes = dict[int, tuple[type, type]]
_all: Final[WeakSet[Names]] = WeakSet()


class Names:
    """Replaces classes by others wherever a module's global name holds them.

    Args:
        pairs: real class and fake class.
    """

    def __init__(self, pairs: Iterable[tuple[type, type]]) -> None:
        self._fakes = {id(real): (real, fake) for real, fake in pairs}
        self._reals = {id(fake): (fake, real) for real, fake in self._fakes.values()}
        self._wanted = {*self._fakes, *self._reals}
        self._modules: list[ModuleType] = []  # as they were when last looked through
        self._namespaces: list[Namespace] = []
        self._sizes: list[int] = []
        self._sites: dict[int, tuple[Namespace, set[str]]] = {}  # names of the classes, by id
        self._put: list[tuple[Namespace, str, type, type]] = []
        self._loaded: tuple[int, Any, Any] = (0, None, None)  # see `_loaded_now`
        # How often the real classes, and the fake ones, were referred to when last looked for.
        self._counts: dict[bool, list[int]] = {}
        self._fewest: dict[int, int] = {}  # references beside those in the places
        self._meant: set[tuple[int, str]] = set()  # places of fake classes before the replacement
        _all.add(self)

    def forget(self) -> None:
        """Forget all modules and namespaces."""
        self._modules, self._namespaces, self._sizes = [], [], []
        self._loaded = (0, None, None)
        self._sites, self._counts, self._put = {}, {}, []

    def add(self, pairs: Iterable[tuple[type, type]]) -> None:
        """Replace further classes, too; from now on, if there is a patch already."""
        for real, fake in pairs:
            self._fakes[id(real)] = real, fake
            self._reals[id(fake)] = fake, real
        self._wanted = {*self._fakes, *self._reals}
        self._sizes = [-1] * len(self._sizes)  # everything is to be looked through again
        self._counts.clear()

    def replace_more(self, chosen: set[int]) -> None:
        """Put the classes added last in their places, inside of a patch."""
        self._look()
        self._put_fakes(chosen, first=False)

    def replace(self, chosen: set[int]) -> None:
        """Put fake classes in the places of the real ones.

        Args:
            chosen: which ones, by their `id`.
        """
        self._find_news(self._fakes, False)
        self._put_fakes(chosen)
        # Not in there: its variables refer to the classes, too.
        self._counts[True] = _references(self._reals)
        if not self._are_fewest(self._counts[True]):
            del self._counts[True]

    def _are_fewest(self, counts: list[int]) -> bool:
        """Whether nobody but the places themselves refers to the fake classes.

        Else something older that goes inside could hide a new reference.
        """
        places = Counter(id(fake) for _, _, _, fake in self._put)
        for number, count in zip(self._reals, counts, strict=True):
            others = count - 2 * places[number]  # the place, and our note of it
            self._fewest[number] = min(others, self._fewest.get(number, others))
            if others > self._fewest[number]:
                return False
        return True

    def _put_fakes(self, chosen: set[int], first: bool = True) -> None:
        if first:
            self._meant.clear()
        for number, (namespace, names) in self._sites.items():
            for name in names:
                value = id(namespace.get(name))
                if value in self._fakes:
                    real, fake = self._fakes[value]
                    if id(fake) in chosen:
                        namespace[name] = fake
                        self._put.append((namespace, name, real, fake))
                elif first and value in self._reals:
                    self._meant.add((number, name))

    def restore(self) -> None:
        """Put the real classes back, also where a module took a fake one meanwhile."""
        self._put_reals(self._find_news(self._reals, True))
        self._counts[False] = _references(self._fakes)

    def _put_reals(self, changed: list[Namespace]) -> None:
        for namespace, name, real, fake in self._put:
            if namespace.get(name) is fake:
                namespace[name] = real
        self._put.clear()
        for namespace in changed:
            for name in self._sites.get(id(namespace), (namespace, ()))[1]:
                value = id(namespace.get(name))
                # A new module may want the fake class itself; then it calls it so.
                if value not in self._reals or name.startswith("Fake"):
                    continue
                if (id(namespace), name) not in self._meant:
                    namespace[name] = self._reals[value][1]

    def _find_news(self, classes: Classes, inside: bool) -> list[Namespace]:
        """Find the classes' names in modules where they may be new; returns their namespaces.

        Where nobody refers to the classes who did not, but for modules that are new, only these are
        looked through, however many others there are.

        Args:
            classes: those whose names are looked for.
            inside: whether a patch is just ending.
        """
        counts = self._counts.get(inside)
        new = self._new_modules()
        if not _COUNTED or counts is None or new is None:
            return self._look()
        added: list[Namespace] = []
        if new:
            added = self._add_modules(new)
            places = Counter(
                id(namespace.get(name)) for namespace in added
                for name in self._sites.get(id(namespace), (namespace, ()))[1]
            )
            counts = [count + places[number] for number, count in zip(classes, counts, strict=True)]
        return added if _references(classes) == counts else added + self._look()

    def _new_modules(self) -> list[ModuleType] | None:
        """The modules that were loaded since the last look; None where others have gone, too."""
        length, last, module = self._loaded
        modules = sys.modules
        if (more := len(modules) - length) < 0 or not length:
            return None
        newest = list(islice(reversed(modules), more + 1))
        if newest[-1] != last or modules.get(last) is not module:
            return None
        return [modules[name] for name in reversed(newest[:-1])]

    def _look(self) -> list[Namespace]:
        """Find the names in modules that are new or have changed in size; returns those."""
        self._loaded = _loaded_now()
        modules = list(sys.modules.values())
        known = len(self._modules)
        added: list[Namespace] = []
        if _same(modules[:known], self._modules):
            added = self._add_modules(modules[known:])
        else:
            self._modules = modules
            self._adopt()
        sizes = list(map(len, self._namespaces))
        return added if sizes == self._sizes else added + self._scan(sizes)

    def _add_modules(self, modules: list[ModuleType]) -> list[Namespace]:
        """Note further modules, and the names in them; returns their namespaces."""
        self._loaded = _loaded_now()
        self._modules += modules
        added = _namespaces_of(modules)
        self._namespaces += added
        for namespace in added:
            self._sizes.append(len(namespace))
            self._search(namespace)
        return added

    def _adopt(self) -> None:
        """Note the namespaces of the modules that are loaded now."""
        known = dict(zip(map(id, self._namespaces), self._sizes, strict=True))
        self._namespaces = _namespaces_of(self._modules)
        self._sizes = [known.get(id(namespace), -1) for namespace in self._namespaces]
        alive = set(map(id, self._namespaces))
        self._sites = {number: site for number, site in self._sites.items() if number in alive}

    def _scan(self, sizes: list[int]) -> list[Namespace]:
        changed = []
        for namespace, old, new in zip(self._namespaces, self._sizes, sizes, strict=True):
            if old == new:
                continue
            changed.append(namespace)
            self._search(namespace)
        self._sizes = sizes
        return changed

    def _search(self, namespace: Namespace) -> None:
        """Note the names of the classes in a namespace."""
        wanted = self._wanted
        if _holds_none(namespace, wanted):
            return
        found = [name for name, value in list(namespace.items()) if id(value) in wanted]
        if found:
            self._sites.setdefault(id(namespace), (namespace, set()))[1].update(found)


@atexit.register
def _forget() -> None:
    """Forget all modules at exit, so that Python frees the main module first, as ever.

    Its clients still need redis-py's modules.
    """
    for names in members(_all):
        names.forget()


def _namespaces_of(modules: Iterable[ModuleType]) -> list[Namespace]:
    """The plain modules' namespaces, without this package's."""
    return [
        module.__dict__
        for module in modules
        if type(module) is ModuleType and not _own(module.__dict__.get("__name__"))
    ]


def _holds_none(namespace: Namespace, wanted: set[int]) -> bool:
    """Whether none of the objects with these numbers is in a namespace, as quickly as can be."""
    try:
        return wanted.isdisjoint(map(id, namespace.values()))
    except RuntimeError:  # another thread has changed it meanwhile
        return False


def _loaded_now() -> tuple[int, Any, Any]:
    """Which modules are loaded, as far as one sees without looking at each: new ones come last."""
    modules = sys.modules
    last = next(reversed(modules))
    return len(modules), last, modules.get(last)


def _references(classes: Classes) -> list[int]:
    return [references(cls) for cls, _ in classes.values()]


# Where references are counted at all, and a class' count is the one there is.
_COUNTED = hasattr(sys, "getrefcount") and getattr(sys, "_is_gil_enabled", lambda: True)()


def _same(some: list[ModuleType], others: list[ModuleType]) -> bool:
    """Whether the same modules are loaded; by identity, as a module may define what ``==`` does."""
    return len(some) == len(others) and all(map(is_, some, others))


def _own(name: object) -> bool:
    """Whether a module is this package's: its own names keep their meaning."""
    return isinstance(name, str) and (name == "fakeredis" or name.startswith("fakeredis."))
