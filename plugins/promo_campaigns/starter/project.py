"""Puts the files of a first project into a folder, and overwrites nothing there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from promo_campaigns.model.errors import ConfigurationError

INBOX = "code_inbox"
_PARTS = {"dags": (".py",), "include": (".yaml", ".json", ".sql", ".csv")}
_INBOX_README = """\
# Code inbox

Put files of promo codes here (CSV, JSON or XLSX). The DAG load_promo_codes loads each as soon as it is complete, and
moves it to loaded/ or rejected/ with a report beside it. This file is ignored.
"""


@dataclass(slots=True)
class Project:
    """What was put into a folder.

    :ivar made: files that were made, as paths in the folder
    :ivar kept: files that were there already and were left as they are
    """

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def make_project(folder: Path) -> Project:
    """Put DAGs, ``include/`` with examples for push and e-mail, and a code inbox into a folder.

    A file that is there is never changed, so that making a project again puts back only what is missing.

    :raises ConfigurationError: the package holds no such files
    :raises OSError: the folder cannot be written
    """
    source, project = _source(), Project()
    for part, endings in _PARTS.items():
        files = (file for file in sorted((source / part).rglob("*")) if file.suffix in endings and file.is_file())
        for file in files:
            _put(folder, file.relative_to(source), file.read_bytes(), project)
    _put(folder, Path(INBOX) / "README.md", _INBOX_README.encode(), project)
    return project


def _source() -> Path:
    """Return the folder that holds the files: in a wheel beside this module, in a clone its root."""
    here = Path(__file__).resolve().parent
    for place in (here / "files", here.parents[2]):
        if (place / "dags" / "workflows.py").is_file() and (place / "include" / "workflows").is_dir():
            return place
    msg = "the files of a first project are not in this installation; install the package from its wheel"
    raise ConfigurationError(msg)


def _put(folder: Path, name: Path, content: bytes, project: Project) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        project.kept.append(str(name))
    else:
        project.made.append(str(name))
