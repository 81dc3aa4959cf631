"""The names of the real classes in the namespaces of loaded modules.

Values are compared by identity, and nothing is asked of a module but its plain dictionary: no lazy
module is woken, nothing is imported. Where a name was found is remembered; later only modules that
are new, or have got or lost names, are looked through.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

Namespace = dict[str, Any]


class Names:
    """Replaces classes by others wherever a module's global name holds them.

    Args:
        pairs: real class and fake class.
    """

    def __init__(self, pairs: Iterable[tuple[type, type]]) -> None:
        self._fakes = {id(real): (real, fake) for real, fake in pairs}
        self._reals = {id(fake): (fake, real) for real, fake in self._fakes.values()}
        self._modules: list[int] = []  # as they were when last looked through, by id
        self._namespaces: list[Namespace] = []
        self._sizes: list[int] = []
        self._sites: dict[int, list[str]] = {}  # by id of the namespace: names of real classes
        self._put: list[tuple[Namespace, str, type, type]] = []
        self._meant: set[tuple[int, str]] = set()  # places of fake classes before the replacement

    def replace(self) -> None:
        """Put the fake classes in the places of the real ones."""
        self._look()
        put = self._put
        self._meant.clear()
        for namespace in self._namespaces:
            names = self._sites.get(id(namespace))
            if names is None:
                continue
            for name in names:
                number = id(namespace.get(name))
                if number in self._fakes:
                    real, fake = self._fakes[number]
                    namespace[name] = fake
                    put.append((namespace, name, real, fake))
                elif number in self._reals:
                    self._meant.add((id(namespace), name))

    def restore(self) -> None:
        """Put the real classes back, also where a module took a fake one meanwhile."""
        for namespace, name, real, fake in self._put:
            if namespace.get(name) is fake:
                namespace[name] = real
        self._put.clear()
        for namespace in self._look():
            for name in self._sites.get(id(namespace), ()):
                number = id(namespace.get(name))
                # A new module may want the fake class itself; then it calls it so.
                if number not in self._reals or name.startswith("Fake"):
                    continue
                if (id(namespace), name) not in self._meant:
                    namespace[name] = self._reals[number][1]

    def _look(self) -> list[Namespace]:
        """Find the names in modules that are new or have changed in size; returns those."""
        modules = list(sys.modules.values())
        numbers = list(map(id, modules))
        if numbers == self._modules:
            sizes = list(map(len, self._namespaces))
            if sizes == self._sizes:
                return []
        else:
            self._modules = numbers
            self._adopt(modules)
            sizes = list(map(len, self._namespaces))
        return self._scan(sizes)

    def _adopt(self, modules: list[ModuleType]) -> None:
        """Note the namespaces of the modules that are loaded now."""
        known = {id(namespace): size for namespace, size in zip(
            self._namespaces, self._sizes, strict=True
        )}  # fmt: skip
        self._namespaces = [
            module.__dict__
            for module in modules
            if type(module) is ModuleType and not _own(module.__dict__.get("__name__"))
        ]
        # A namespace that has gone may have left its id to a new one of another size: looked at.
        self._sizes = [known.get(id(namespace), -1) for namespace in self._namespaces]
        alive = set(map(id, self._namespaces))
        self._sites = {number: names for number, names in self._sites.items() if number in alive}

    def _scan(self, sizes: list[int]) -> list[Namespace]:
        changed = []
        wanted = {*self._fakes, *self._reals}
        for namespace, old, new in zip(self._namespaces, self._sizes, sizes, strict=True):
            if old == new:
                continue
            changed.append(namespace)
            found = [name for name, value in list(namespace.items()) if id(value) in wanted]
            if found:
                self._sites[id(namespace)] = list({*self._sites.get(id(namespace), ()), *found})
        self._sizes = sizes
        return changed


def _own(name: Any) -> bool:
    """Whether a module is this package's: its own names keep their meaning."""
    return isinstance(name, str) and (name == "fakeredis" or name.startswith("fakeredis."))
