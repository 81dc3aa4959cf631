"""A store of one's own: every key is a file in a folder, written when a command has ended.

It keeps data for the next run of one process. A package whose entry points of the group
``fakeredis.stores`` have ``folder = folder_store:FolderStore`` lets `fakeredis.patch` find it by
``store="folder:///path"``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from fakeredis.stores import KeyspaceStore, StoreError
from fakeredis.stores.base import Record

Place = tuple[int, bytes]


class FolderStore(KeyspaceStore):
    """State in a folder.

    Each database is a folder of files, named by a digest of the key. A file holds a line with the
    deadline and the key in hexadecimal digits, and the value as DUMP gives it.
    """

    persistent = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.pending: dict[Place, Record | None] = {}  # what `commit` writes; None: to be removed

    @classmethod
    def from_url(cls, url: str) -> FolderStore:
        """The store of ``folder:///path``."""
        return cls(urlsplit(url).path)

    def file(self, database: int, key: bytes) -> Path:
        """Where a key is kept."""
        return self.path / str(database) / sha256(key).hexdigest()

    def load(self, database: int, key: bytes) -> Record | None:
        """See `KeyspaceStore.load`."""
        try:
            return parsed(self.file(database, key).read_bytes())[1]
        except FileNotFoundError:
            return None

    def scan(self) -> Iterator[tuple[int, bytes, Record]]:
        """See `KeyspaceStore.scan`."""
        for file in sorted(self.path.glob("*/*")):
            if file.suffix != ".new":
                yield int(file.parent.name), *parsed(file.read_bytes())

    def save(self, database: int, key: bytes, record: Record, events: str = "") -> int:
        """See `KeyspaceStore.save`."""
        self.pending[database, key] = record
        return 1

    def delete(self, database: int, key: bytes, events: str = "") -> None:
        """See `KeyspaceStore.delete`."""
        self.pending[database, key] = None

    def clear(self) -> None:
        """See `KeyspaceStore.clear`."""
        self.pending = {(database, key): None for database, key, _ in self.scan()}

    def commit(self) -> None:
        """See `KeyspaceStore.commit`."""
        pending, self.pending = self.pending, {}
        try:
            for (database, key), record in pending.items():
                self.write(self.file(database, key), key, record)
        except OSError as error:
            raise StoreError(f"cannot write to {self.path}: {error}") from error

    def rollback(self) -> None:
        """See `KeyspaceStore.rollback`."""
        self.pending = {}

    def write(self, file: Path, key: bytes, record: Record | None) -> None:
        """Write a key's file in one step, or remove it."""
        if record is None:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        head = f"{record.deadline or 0} {key.hex()}\n"
        new.write_bytes(head.encode() + record.payload)
        new.replace(file)


def parsed(data: bytes) -> tuple[bytes, Record]:
    """What a file holds: the key, and what is kept of it."""
    head, _, payload = data.partition(b"\n")
    deadline, _, key = head.decode().partition(" ")
    return bytes.fromhex(key), Record(payload, int(deadline) or None)
