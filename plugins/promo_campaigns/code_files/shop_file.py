"""The file by which a shop learns of codes: it gets its name once it is whole."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_OWNER_ONLY = 0o600


class ShopFile(Protocol):
    """A place for a file."""

    @property
    def name(self) -> str:
        """Its base name."""

    def reading(self) -> AbstractContextManager[BinaryIO | None]:
        """Open what lies there; None if nothing does."""

    def writing(self) -> AbstractContextManager[BinaryIO]:
        """Open a new file, which has its name and outlives a power cut once the block ends without an error."""


class LocalShopFile:
    """A file on this machine, readable by its owner only.

    :param path: where it shall lie
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """Its base name."""
        return self._path.name

    @contextmanager
    def reading(self) -> Iterator[BinaryIO | None]:
        """Open what lies there; None if nothing does.

        :raises ConfigurationError: it cannot be read
        """
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise _refused(self._path, "read", error) from error
        with stream:
            yield stream

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """Open a file beside it, which takes its name once the block ends without an error.

        :raises ConfigurationError: it cannot be written
        """
        part = self._path.with_name(self._path.name + ".part")
        try:
            part.unlink(missing_ok=True)  # of one that was killed
            number = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY)
            with os.fdopen(number, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self._path)
            _keep_names(self._path.parent)
        except OSError as error:
            raise _refused(self._path, "written", error) from error
        finally:
            part.unlink(missing_ok=True)


def _refused(path: Path, what: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be {what}: {error.strerror or type(error).__name__}")


def _keep_names(folder: Path) -> None:
    """Have the names of a folder outlive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
