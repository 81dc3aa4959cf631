"""`FakeRedisMixin`: a patch around each test of a `unittest.TestCase`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import fakeredis

if TYPE_CHECKING:
    from fakeredis.patch import patch


class FakeRedisMixin:
    """Patches each test of a ``TestCase`` (or ``IsolatedAsyncioTestCase``), ``setUp`` included.

    It stands before the test case's class; the handle, which spies, is ``self.fake``::

        class TestCart(FakeRedisMixin, unittest.TestCase):
            fakeredis_options = {"version": "7.2"}

            def test_add(self):
                add("apple")
                self.fake.assert_called_command("RPUSH cart apple")
    """

    #: Options of `fakeredis.patch`.
    fakeredis_options: ClassVar[dict[str, Any]] = {}
    fake: patch

    def run(self, result: Any = None) -> Any:
        """Run the test inside of a patch of its own."""
        with self._patch() as self.fake:
            return super().run(result)  # type: ignore[misc]

    def debug(self) -> None:
        """Run the test inside of a patch of its own, with its exceptions passed on."""
        with self._patch() as self.fake:
            super().debug()  # type: ignore[misc]

    def _patch(self) -> patch:
        return fakeredis.patch(**{"spy": True, **self.fakeredis_options})
