"""Where previews go: a folder on any storage that ``ObjectStoragePath`` reaches."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf

from promo_campaigns.hooks.storage import storage_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def preview_folder(given: str | None) -> str:
    """Return the folder given, else option ``[promo_campaigns] preview_folder``, else ``previews`` beside the DAGs."""
    configured = given or conf.get("promo_campaigns", "preview_folder", fallback="")
    return configured or str(Path(conf.get("core", "dags_folder")).parent / "previews")


@contextmanager
def files_for(folder: str, names: Sequence[str]) -> Iterator[tuple[list[Path], list[str]]]:
    """Yield local files to write, and the paths they are put at when the block ends well.

    :param folder: on this machine, or another place such as ``s3://<connection>@bucket/previews``
    """
    target = storage_path(folder)
    with tempfile.TemporaryDirectory(prefix="promo-preview-") as own:
        files = [Path(own) / name for name in names]
        yield files, [str(target / name) for name in names]
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            _put(file, target / file.name)


def _put(file: Path, target: object) -> None:
    place = storage_path(str(target))
    if place.protocol in {"file", ""}:
        shutil.move(file, place.path)  # keeps who may read it
        return
    with file.open("rb") as source, place.open("wb") as copy:  # type: ignore[no-untyped-call]  # Airflow's has no types
        shutil.copyfileobj(source, copy)
