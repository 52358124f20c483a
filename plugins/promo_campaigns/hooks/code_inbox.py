"""A folder that code files arrive in, on any storage that ``ObjectStoragePath`` reaches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import ObjectStoragePath

    Look = Mapping[str, tuple[int, object]]
    """What stood in the folder at one moment: size in bytes and time of change of each file, by path."""

DONE = ".done"
REPORT = ".report.json"
LOADED = "loaded"
REJECTED = "rejected"
MAX_FILES = 1_000
"""Files handed over at once; Airflow maps no more than 1,024 tasks over a list."""

_MTIME_KEYS = ("mtime", "LastModified", "last_modified", "updated", "modified")


def storage_path(path: str) -> ObjectStoragePath:
    """Return a path on any storage; ``s3://<connection>@bucket/inbox`` names the connection to use."""
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(path)


def look(path: str, pattern: str, *, done_marker: bool) -> Look:
    """Look at a folder, or at a single file.

    Hidden files, done markers and reports are no code files.

    :param path: the folder, or a file
    :param pattern: glob of names in the folder
    :param done_marker: leave out files that have no ``<name>.done`` beside them yet
    """
    root = storage_path(path)
    root.fs.invalidate_cache()  # an object store's listing is remembered, and would seem never to change
    files = [root] if root.is_file() else list(root.glob(pattern))
    seen = {}
    for file in files:
        if _is_code_file(file.name) and (not done_marker or _marker(file).exists()):
            try:
                info = file.fs.info(file.path)
            except FileNotFoundError:
                continue
            if info["type"] == "file":
                changed = next((info[key] for key in _MTIME_KEYS if info.get(key) is not None), None)
                seen[str(file)] = (int(info["size"] or 0), changed)
    return seen


def finished(before: Look, now: Look) -> list[str]:
    """Return the paths of the files that did not change between two looks, sorted, ``MAX_FILES`` at most."""
    return sorted(path for path, state in now.items() if before.get(path) == state)[:MAX_FILES]


def put_away(path: str, folder: str, report: dict[str, Any]) -> dict[str, Any]:
    """Move a file into a folder beside it, with its report, and drop its done marker; return the report.

    The report is written first: killed in between, a second try finds the file where it was, and does both again.

    :param path: the file
    :param folder: ``LOADED`` or ``REJECTED``
    :param report: what is written to ``<name>.report.json`` beside the moved file
    """
    file = storage_path(path)
    target = _free_name(file, folder)
    file.fs.makedirs(target.parent.path, exist_ok=True)
    report_path = target.parent / (target.name + REPORT)
    report_path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    file.move(target)
    marker = _marker(file)
    if marker.exists():
        marker.unlink()
    return report


def reports_of(path: str, folder: str) -> Sequence[dict[str, Any]]:
    """Return the reports of the files of this name that were put away in a folder."""
    file = storage_path(path)
    place = file.parent / folder
    place.fs.invalidate_cache()
    if not place.exists():
        return []
    reports = (json.loads(report.read_text(encoding="utf-8")) for report in place.glob("*" + REPORT))
    return [report for report in reports if report.get("file") == file.name]


def _is_code_file(name: str) -> bool:
    return not name.startswith(".") and not name.endswith((DONE, REPORT))


def _marker(file: ObjectStoragePath) -> ObjectStoragePath:
    return file.parent / (file.name + DONE)


def _free_name(file: ObjectStoragePath, folder: str) -> ObjectStoragePath:
    place = file.parent / folder
    stem, dot, endings = file.name.partition(".")
    number, target = 1, place / file.name
    while target.exists():
        number += 1
        target = place / f"{stem}-{number}{dot}{endings}"
    return target
