"""Files that arrive in the inbox piece by piece: hidden until they are whole, then there at once, or not at all.

Nobody sees a half file: the pieces go into a hidden one beside the others, which is flushed to the disk and then gets
its name in one step. Of two servers that bring a file of one name, the one that finishes first has the name. What a
killed server has left is removed by an upload that begins a day later.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from promo_campaigns.hooks.code_inbox import LOADED, MAX_NAME_BYTES, NO_CODE_FILE, REJECTED, latest_report
from promo_campaigns.hooks.storage import is_local, storage_path
from promo_campaigns.model.errors import CodeFileError, ConfigurationError, PromoError
from promo_campaigns.model.redaction import printable_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = ".upload"
_RANDOM_BYTES = 8
_ABANDONED_S = 86_400.0
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_READABLE = 0o640
_FORBIDDEN = frozenset('/\\:*?"<>|')


class NameTakenError(CodeFileError):
    """A file of this name waits in the inbox."""


def upload_name(name: str) -> str:
    """Return the name of an upload, if a file of this name would be loaded from the inbox.

    :raises CodeFileError: it would not be, or it names a place and no file
    """
    shown = printable_name(name)
    hidden = len(os.fsencode(name)) + 2 * _RANDOM_BYTES + len(_ENDING) + 2 if _is_text(name) else 0
    if not hidden or any(letter in _FORBIDDEN or not letter.isprintable() for letter in name):
        problem = "its name has characters that no file name may have everywhere"
    elif NO_CODE_FILE.fullmatch(name) or name != name.strip():
        problem = "the inbox leaves files of this name alone, as it does with hidden, temporary and unfinished ones"
    elif hidden > MAX_NAME_BYTES:
        problem = "its name is too long"
    else:
        return name
    raise CodeFileError(problem, file=shown, hint="Rename the file, as codes.csv, and upload it again")


class InboxUpload:
    """One upload under way. Every method blocks, so an event loop calls them in a thread.

    :param folder: the inbox
    :param name: as ``upload_name`` returns it
    :raises ConfigurationError: the folder cannot be written to from here
    """

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        self.size = 0
        self._digest = hashlib.sha256()
        self._root = storage_path(folder)
        self._part = self._root / f".{name}.{secrets.token_hex(_RANDOM_BYTES)}{_ENDING}"
        self._target = self._root / name
        self._is_local = is_local(self._root)
        self._file = self._open()

    @property
    def sha256(self) -> str:
        """The digest of what has arrived so far, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        """Take the next piece.

        :raises ConfigurationError: the folder cannot be written to any more
        """
        with self._explaining():
            self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def finish(self) -> None:
        """Give the file its name, now that it is whole.

        :raises NameTakenError: a file of this name waits; nothing was changed
        :raises ConfigurationError: the folder cannot be written to any more
        """
        with self._explaining():
            self._file.flush()
            if self._is_local:
                os.fsync(self._file.fileno())
            self._file.close()
            self._publish()

    def discard(self) -> None:
        """Remove what has arrived; after ``finish`` it changes nothing."""
        for step in (self._file.close, self._part.unlink):
            with suppress(Exception):  # it is closed or gone already, or the storage is
                step()

    def _open(self) -> IO[bytes]:
        with self._explaining():
            if not self._is_local:
                opened: IO[bytes] = self._part.open("wb")  # type: ignore[no-untyped-call]  # Airflow's class has no types here
                return opened
            Path(self._root.path).mkdir(exist_ok=True)  # not its parents: a wrong path would seem to be an inbox
            self._sweep()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.fdopen(os.open(self._part.path, flags, _READABLE), "wb")

    def _publish(self) -> None:
        if not self._is_local:
            if self._target.exists():
                raise self._taken()
            self._part.fs.mv(self._part.path, self._target.path)
            return
        try:
            os.link(self._part.path, self._target.path, follow_symlinks=False)
        except FileExistsError:
            raise self._taken() from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._rename()
        else:
            Path(self._part.path).unlink()
        _flush_folder(self._root.path)

    def _rename(self) -> None:
        """Give the name where there are no links: then the upload that ends last has it, and both files were whole."""
        if os.path.lexists(self._target.path):
            raise self._taken()
        Path(self._part.path).rename(self._target.path)

    def _sweep(self) -> None:
        """Remove what uploads have left that were killed long ago."""
        for left in Path(self._root.path).glob(f".*{_ENDING}"):
            with suppress(FileNotFoundError):
                if time.time() - left.lstat().st_mtime > _ABANDONED_S:
                    left.unlink()

    def _taken(self) -> NameTakenError:
        problem = "a file of this name waits in the inbox"
        return NameTakenError(problem, file=self.name, hint="Wait until it is loaded, or rename the new one")

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say what a storage that does not take the file means; each kind of storage has errors of its own."""
        try:
            yield
        except PromoError:
            raise
        except Exception as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            msg = (
                f"the inbox {self._root} cannot be written to by Airflow's API server ({reason}); let the Variable "
                "promo_code_inbox name a place that the API server and the workers reach, and that has room"
            )
            raise ConfigurationError(msg) from error


def upload_state(folder: str, name: str) -> dict[str, Any]:
    """Return what became of an uploaded file: its name, state and report.

    :return: the state is ``waiting``, ``loaded``, ``rejected``, or ``unknown`` where the inbox has no trace of it
    """
    path = storage_path(folder) / upload_name(name)
    if path.exists():
        return {"name": name, "state": "waiting", "report": None}
    found = [(latest_report(str(path), place), place) for place in (LOADED, REJECTED)]
    told = [(report, place) for report, place in found if report is not None]
    if not told:
        return {"name": name, "state": "unknown", "report": None}
    (_, report), place = max(told, key=lambda one: one[0][0])
    return {"name": name, "state": place, "report": report}


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name)


def _flush_folder(path: str) -> None:
    """Write a folder's new name to the disk, where the system can."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)
