"""Files that arrive in an inbox piece by piece, on this machine and on another storage."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.hooks.code_inbox import look
from promo_campaigns.hooks.inbox_uploads import InboxUpload, NameTakenError, upload_name, upload_state
from promo_campaigns.model.errors import CodeFileError, ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PIECES = (b"code\n", b"A-1\n", b"A-2\n")
WHOLE = b"".join(PIECES)


@pytest.fixture(params=["disk", "storage"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an inbox on this machine, or on a storage of another kind."""
    if request.param == "disk":
        return str(tmp_path)
    from airflow.sdk.io import attach
    from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # it has no types

    storage: Any = attach("memory", fs=MemoryFileSystem()).fs
    storage.store.clear()
    storage.makedirs("/inbox", exist_ok=True)
    return "memory://inbox"


def arriving(folder: str, name: str = "codes.csv") -> InboxUpload:
    upload = InboxUpload(folder, name)
    for piece in PIECES:
        upload.write(piece)
    return upload


def names(folder: str) -> list[str]:
    return [path.rpartition("/")[2] for path in look(folder, "*", done_marker=False)]


def test_a_file_is_there_once_it_is_whole(folder: str) -> None:
    upload = arriving(folder)
    assert names(folder) == []
    upload.finish()
    upload.discard()
    assert names(folder) == ["codes.csv"]
    assert (upload.size, upload.sha256) == (len(WHOLE), hashlib.sha256(WHOLE).hexdigest())
    assert upload_state(folder, "codes.csv")["state"] == "waiting"


def test_a_file_that_is_given_up_leaves_nothing(folder: str) -> None:
    arriving(folder).discard()
    assert names(folder) == []
    InboxUpload(folder, "codes.csv").discard()
    assert upload_state(folder, "codes.csv")["state"] == "unknown"


def test_the_first_that_is_whole_has_the_name(folder: str) -> None:
    first, second = arriving(folder), arriving(folder)
    second.finish()
    with pytest.raises(NameTakenError, match="waits in the inbox"):
        first.finish()
    first.discard()
    assert names(folder) == ["codes.csv"]


def test_a_disk_without_links_gives_the_name_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    arriving(str(tmp_path)).finish()
    assert (tmp_path / "codes.csv").read_bytes() == WHOLE
    late = arriving(str(tmp_path))
    with pytest.raises(NameTakenError):
        late.finish()
    late.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["codes.csv"]


def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = arriving(str(tmp_path))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match=r"No space left on device.*promo_code_inbox"):
        upload.finish()
    upload.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_name_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "codes.csv").symlink_to(elsewhere)
    upload = arriving(str(inbox))
    with pytest.raises(NameTakenError):
        upload.finish()
    upload.discard()
    assert not elsewhere.exists()


@pytest.mark.parametrize("name", ["codes.csv", "spring sale.xlsx", "códigos.csv.gz", "a,b.csv", "x" * 200 + ".csv"])
def test_a_name_that_the_inbox_takes_stays_as_it_is(name: str) -> None:
    assert upload_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a:b", ".x", "x.tmp", "x.done", "\udcff", "a\x00b", "x" * 255]
)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(CodeFileError, match="Rename the file"):
        upload_name(name)
