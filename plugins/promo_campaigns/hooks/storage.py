"""Files on any storage that Airflow reaches."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_LOCAL = frozenset({"", "file", "local"})


def storage_path(path: str) -> ObjectStoragePath:
    """Return a path on any storage; ``s3://<connection>@bucket/inbox`` names the connection to use."""
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(path)


def is_local(place: ObjectStoragePath) -> bool:
    """Tell whether a path is one of this machine's."""
    return place.protocol in _LOCAL


def put_file(whole: BinaryIO, place: ObjectStoragePath) -> None:
    """Copy a file to a storage elsewhere, in place of what lies there.

    :param whole: read from where it stands to its end
    :raises ConfigurationError: it cannot be put there
    """
    try:
        with place.open("wb") as stream:  # type: ignore[no-untyped-call]  # Airflow's class has no types here
            shutil.copyfileobj(whole, stream)
    except OSError as error:
        msg = f"{place.name} cannot be written: {error.strerror or type(error).__name__}"
        raise ConfigurationError(msg) from error
