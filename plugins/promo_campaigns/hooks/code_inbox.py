"""A folder that code files arrive in, on any storage that ``ObjectStoragePath`` reaches."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.hooks.storage import is_local, storage_path
from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.model.redaction import printable_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import ObjectStoragePath

    Look = Mapping[str, tuple[int, object]]
    """What stood in the folder at one moment: size in bytes and time of change of each file, by path."""

DONE = ".done"
REPORT = ".report.json"
LOADED = "loaded"
REJECTED = "rejected"
NO_CODE_FILE = re.compile(
    r"\..*|.*\.done|.*\.report\.json"  # hidden ones, and the inbox's own
    r"|~.*|.*~|#.*#|\._.*|thumbs\.db(:.*)?|ehthumbs.*\.db|desktop\.ini|icon\r|\$recycle\.bin"  # locks, desktops
    r"|(?:read[ _-]?me|license|licence|changelog|lies[ _-]?mich|lisez[ _-]?moi|leeme|leggimi|leia[ _-]?me"
    r"|lees[ _-]?mij"
    r"|czytaj(?:[ _-]?to)?|l\u00e4s[ _-]?mig|(?:\u043f\u0440\u043e)?\u0447(?:\u0438\u0442\u0430\u0439|\u0442\u0438)"
    r"|\u043f\u0440\u043e\u0447\u0438\u0442\u0430\u0439)(?:\.(?:md|txt|rst|html?|pdf|docx?))?"
    r"|.*\.(?:filepart|crdownload|part|partial|tmp[0-9]*|temp|download|opdownload|!ut|!qb|aria2|swp|swo|bak|old|orig|lock|lck"
    r"|uploading|upload|inprogress|incomplete|writing|processing|rsync|azdownload|crswap|cyberducksegment|_copying_"
    r"|sb-[0-9a-z]+-[0-9a-z]+"  # what macOS writes before it takes the file's name
    r"|md5|sha(?:1|224|256|384|512)|crc|sfv|asc|sig|lnk|url|webloc|g(?:sheet|doc|slides)|log)"
    r"|.*\.(?:ok|trg|ctl|rdy|ready|fin)"  # what a transfer puts beside a file when it is done
    r"|(?:md5|sha[0-9]*|check)sums?(?:\.txt)?|_(?:success|metadata|common_metadata|(?:committed|started)_[0-9]+)",
    re.IGNORECASE | re.DOTALL,
)
"""Names of what is no code file: it is left where it is."""

MAX_FILES = 1_000
"""Files handed over at once; Airflow maps no more than 1,024 tasks over a list."""

_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_log = logging.getLogger(__name__)

MAX_NAME_BYTES = 255
"""Bytes of a name, the limit of the file systems in use."""

_MTIME_KEYS = ("mtime", "LastModified", "last_modified", "updated", "modified")


def look(path: str, pattern: str, *, done_marker: bool) -> Look:
    """Look at a folder, or at a single file.

    Hidden files, done markers, reports, what desktops and editors leave behind and uploads under way are no code files:
    ``NO_CODE_FILE`` says which by name. On this machine neither is what is no file itself: a
    symbolic link is left where it is, since it may lead to what is not the inbox's.

    :param path: the folder, or a file
    :param pattern: glob of names in the folder
    :param done_marker: leave out files that have no ``<name>.done`` beside them yet
    """
    root = storage_path(path)
    root.fs.invalidate_cache()  # an object store's listing is remembered, and would seem never to change
    files = [root] if root.is_file() else list(root.glob(pattern))
    seen = {}
    for file in files:
        if _is_code_file(file.name) and _can_be_taken(root, file) and (not done_marker or _marker(file).exists()):
            try:
                info = file.fs.info(file.path)
            except FileNotFoundError:
                continue
            if info["type"] == "file":
                changed = next((info[key] for key in _MTIME_KEYS if info.get(key) is not None), None)
                seen[str(file)] = (int(info["size"] or 0), changed)
    return seen


def describe(path: str, pattern: str, seen: Look, *, done_marker: bool) -> str:
    """Describe an inbox that is waited for, for the log: where it is, and what keeps its files from being taken."""
    what = f"files {pattern}" if pattern != "*" else "code files (CSV, JSON or XLSX)"
    if seen:
        return f"{len(seen):,} files in {path} still change or have just come"
    also = f", each with {DONE} beside it" if done_marker else ""
    return f"waiting for {what} in {path}{also}; now there is none"


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
    _refuse_link(file)
    _refuse_link(file.parent / folder)
    target = _free_name(file, folder)
    file.fs.makedirs(target.parent.path, exist_ok=True)
    report_path = _report_of(target)
    report_path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    file.move(target)
    marker = _marker(file)
    if marker.exists() or _is_link(marker):
        marker.unlink()  # of a link only the link
    return report


def open_code_file(path: str) -> BinaryIO:
    """Open a file of the inbox for reading; on this machine a symbolic link is not followed, whenever it was put there.

    :raises CodeFileError: it is a symbolic link, or no file
    """
    file = storage_path(path)
    if not is_local(file):
        opened: BinaryIO = file.open("rb")  # type: ignore[no-untyped-call]  # Airflow's class has no types here
        return opened
    try:
        # Not blocking, so that a pipe cannot keep us waiting; for a file it means nothing.
        number = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _link_error(file.name) from error
        raise
    opened = os.fdopen(number, "rb")
    if not Path(file.path).is_file():
        opened.close()
        msg = "it is no file"
        raise CodeFileError(msg, file=file.name, hint="Put a copy of the file into the inbox")
    return opened


def refuse_links(path: str) -> None:
    """Refuse a file that is a symbolic link, or whose folders ``loaded`` and ``rejected`` are; only on this machine.

    :raises CodeFileError: one of them is; nothing was read, moved or deleted
    """
    file = storage_path(path)
    for place in (file, file.parent / LOADED, file.parent / REJECTED):
        _refuse_link(place)


def read_reports(path: str, folder: str) -> Sequence[dict[str, Any]]:
    """Return the reports of the files of this name that were put away in a folder."""
    file = storage_path(path)
    place = file.parent / folder
    place.fs.invalidate_cache()
    if _is_link(place) or not place.exists():
        return []
    found = (report for report in place.glob("*" + REPORT) if not _is_link(report))
    reports = (json.loads(report.read_text(encoding="utf-8")) for report in found)
    return [report for report in reports if report.get("file") == file.name]


def latest_report(path: str, folder: str) -> tuple[float, dict[str, Any]] | None:
    """Return the report of the file of this name that was put away last, and when; None if none was.

    Files of one name are numbered, so as many places are looked at as there are of it.
    """
    file = storage_path(path)
    place = file.parent / folder
    place.fs.invalidate_cache()
    stem, dot, endings = file.name.partition(".")
    number, report, found = 1, _report_of(place / file.name), None
    while report.exists() and not _is_link(report):
        found = report
        number += 1
        report = _report_of(place / _numbered(stem, number, dot + endings))
    if found is None:
        return None
    info = found.fs.info(found.path)
    changed = next((info[key] for key in _MTIME_KEYS if info.get(key) is not None), 0.0)
    told: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return float(changed.timestamp() if hasattr(changed, "timestamp") else changed), told


def _can_be_taken(root: ObjectStoragePath, file: ObjectStoragePath) -> bool:
    """Tell whether a file lies in the inbox itself and has a name that can be handed on; say so if not."""
    name = printable_name(file.name)
    places = [Path(file.path), *Path(file.path).parents] if is_local(file) else []
    inside = places[: places.index(Path(root.path))] if Path(root.path) in places else places[:1]
    if any(place.is_symlink() for place in inside or places[:1]):
        _log.warning("%s is ignored: it is a symbolic link, or lies behind one, and the inbox follows none", name)
        return False
    if _NOT_IN_A_NAME.search(file.name):
        # Neither survives the way through Airflow: line breaks are cut out of a path, other bytes are no JSON.
        _log.warning("%s is ignored: its name has control characters or is no UTF-8. Rename it", name)
        return False
    return True


def _is_code_file(name: str) -> bool:
    return not NO_CODE_FILE.fullmatch(name)


def _marker(file: ObjectStoragePath) -> ObjectStoragePath:
    return file.parent / _with_ending(file.name, DONE)


def _report_of(file: ObjectStoragePath) -> ObjectStoragePath:
    return file.parent / _with_ending(file.name, REPORT)


def _with_ending(name: str, ending: str) -> str:
    """Return the name with an ending; one that would be too long is cut, and told from others by its digest."""
    whole = name + ending
    if len(os.fsencode(whole)) <= MAX_NAME_BYTES:
        return whole
    ending = f"-{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}{ending}"
    return os.fsencode(name)[: MAX_NAME_BYTES - len(ending)].decode("utf-8", "ignore") + ending


def _is_link(file: ObjectStoragePath) -> bool:
    return is_local(file) and Path(file.path).is_symlink()


def _refuse_link(file: ObjectStoragePath) -> None:
    if _is_link(file):
        raise _link_error(file.name)


def _link_error(name: str) -> CodeFileError:
    hint = "The inbox follows none: put the file or folder itself in its place"
    return CodeFileError("it is a symbolic link", file=name, hint=hint)


def _free_name(file: ObjectStoragePath, folder: str) -> ObjectStoragePath:
    place = file.parent / folder
    stem, dot, endings = file.name.partition(".")
    number, target = 1, place / file.name
    while target.exists() or _is_link(target) or _is_link(_report_of(target)):
        number += 1
        target = place / _numbered(stem, number, dot + endings)
    return target


def _numbered(stem: str, number: int, endings: str) -> str:
    """Return a name with a number in it, its stem cut so that the name is not too long."""
    rest = f"-{number}{endings}"
    room = MAX_NAME_BYTES - len(os.fsencode(rest))
    if room < 1:  # nearly all of the name is its endings
        return _with_ending(stem + endings, f"-{number}")
    return os.fsencode(stem)[:room].decode("utf-8", "ignore") + rest
