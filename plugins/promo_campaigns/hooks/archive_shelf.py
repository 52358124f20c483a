"""The archive on any storage that Airflow reaches."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.hooks.exports import exported_file
from promo_campaigns.hooks.storage import is_local, storage_path
from promo_campaigns.ledger.archive.shelf import LocalShelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.tables.writers import Column, WriteRows


class StorageShelf:
    """A folder such as ``s3://<connection>@bucket/archive``.

    :raises ConfigurationError: a folder of this machine cannot be made
    """

    def __init__(self, folder: str) -> None:
        self.folder = f"{folder.rstrip('/')}/"
        place = storage_path(folder)
        if is_local(place):
            LocalShelf.make(Path(place.path))

    @contextmanager
    def opened(self, path: str, columns: Sequence[Column]) -> Iterator[WriteRows]:
        """Open a file; elsewhere than on this machine it is copied there once it is whole."""
        with exported_file(path, columns) as write:
            yield write

    @contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        """Open a file to be read."""
        with storage_path(path).open("rb") as stream:  # type: ignore[no-untyped-call]  # Airflow's class has no types here
            yield stream
