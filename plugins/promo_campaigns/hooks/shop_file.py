"""The file by which a shop learns of codes, on any storage that Airflow reaches."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.code_files.shop_file import LocalShopFile, ShopFile
from promo_campaigns.hooks.storage import is_local, put_file, storage_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import ObjectStoragePath


def shop_file(path: str) -> ShopFile:
    """Return the place that a path names; its folder must be there.

    :param path: any path that ``ObjectStoragePath`` reaches, such as ``s3://connection@bucket/for-the-shop.csv``
    """
    place = storage_path(path)
    return LocalShopFile(Path(place.path)) if is_local(place) else _StoredShopFile(place)


class _StoredShopFile:
    """A file of a storage elsewhere; it is put there whole, from a file of this machine."""

    def __init__(self, path: ObjectStoragePath) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """Its base name."""
        return str(self._path.name)

    @contextmanager
    def reading(self) -> Iterator[BinaryIO | None]:
        """Open what lies there; None if nothing does."""
        try:
            stream: BinaryIO = self._path.open("rb")  # type: ignore[no-untyped-call]  # Airflow's class has no types here
        except FileNotFoundError:
            yield None
            return
        with stream:
            yield stream

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """Open a file of this machine, which is put there once the block ends without an error.

        :raises ConfigurationError: it cannot be put there
        """
        with tempfile.TemporaryFile() as whole:
            yield whole
            whole.seek(0)
            put_file(whole, self._path)
