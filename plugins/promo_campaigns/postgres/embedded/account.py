"""Which account the embedded Postgres runs as, and where that account may keep its data.

Postgres refuses to run as root. For root it runs as another account of the machine, which may not be able to enter
the folder it was given (a checkout under ``/root``): then its data lives under ``/var/tmp``, in a folder that only
root can have made. No permission of a folder that was there before is ever changed.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promo_campaigns.model.errors import ServerError

_SPARE_ACCOUNTS = ("postgres", "nobody")
_SCRATCH = Path("/var/tmp")  # noqa: S108  (ownership of what is made there is checked before it is used)


@dataclass(frozen=True)
class Account:
    """The account that owns the server's data and process.

    :param uid: its number
    :param gid: its first group
    :param borrowed: whether it is another account than the one that asks
    """

    uid: int
    gid: int
    borrowed: bool

    def process_options(self) -> dict[str, Any]:
        """Return the arguments of ``subprocess`` that start a program as this account."""
        options: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}}
        if self.borrowed:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account can reach what is inside ``folder``."""
        return not self.borrowed or self._succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Tell whether this account can start ``program``."""
        return not self.borrowed or self._succeeds([str(program), "--version"])

    def own(self, path: Path) -> None:
        """Give a path we made to this account."""
        if self.borrowed:
            os.chown(path, self.uid, self.gid)

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=30, **self.process_options())  # noqa: S603  (fixed commands)
        except OSError:
            return False
        return done.returncode == 0


def server_account(data: Path) -> Account:
    """Return the account a server on ``data`` runs as: the owner of data that is there, else a suitable one."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), borrowed=False)
    if data.is_dir():
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid, borrowed=True)
    caller = os.environ.get("SUDO_UID", "")
    if caller.isdigit() and int(caller) > 0:
        try:
            found = pwd.getpwuid(int(caller))
        except KeyError:  # initdb needs an account with an entry
            pass
        else:
            return Account(found.pw_uid, found.pw_gid, borrowed=True)
    for name in _SPARE_ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid, borrowed=True)
    message = (
        f"Postgres does not run as root, and there is no account {' or '.join(_SPARE_ACCOUNTS)} to run it as. "
        "Run this as an ordinary user"
    )
    raise ServerError(message)


def scratch_folder(directory: Path) -> Path:
    """Return the folder under ``/var/tmp`` that stands in for ``directory``; it may not exist yet."""
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return _SCRATCH / f"promo-postgres-{os.geteuid()}-{digest}"


def make_scratch_folder(directory: Path) -> Path:
    """Make that folder, or take it if it is certainly ours.

    :raises ServerError: somebody else made it, or can write to it
    """
    folder = scratch_folder(directory)
    try:
        folder.mkdir()
        folder.chmod(0o755)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            message = f"{folder} was made by somebody else, so it is not safe to use. Remove it and try again"
            raise ServerError(message) from None
    return folder


def home_of_data(directory: Path, account: Account, *, made: Path | None) -> Path:
    """Return the folder in which the data of a server's folder lies: where it was made, or where the account can enter.

    :param made: the data, if it was made before
    :raises ServerError: the folder outside belongs to somebody else
    """
    stays_outside = made is not None and made.exists() and made.parent == scratch_folder(directory)
    return make_scratch_folder(directory) if stays_outside or not account.can_enter(directory) else directory
