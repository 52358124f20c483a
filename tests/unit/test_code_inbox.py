"""Which files of an inbox are finished, and how they are put away."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types

from promo_campaigns.hooks.code_inbox import (
    LOADED,
    MAX_FILES,
    REJECTED,
    describe,
    finished,
    look,
    open_code_file,
    put_away,
    read_reports,
    refuse_links,
)
from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.sensors.promo_code_file import PromoCodeFileSensor
from promo_campaigns.triggers.promo_code_file import PromoCodeFileTrigger

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.triggers.base import TriggerEvent


def trigger_on(path: Path, *, done_marker: bool = False) -> PromoCodeFileTrigger:
    return PromoCodeFileTrigger(path=str(path), pattern="*", unchanged_s=0.01, poll_s=0.01, done_marker=done_marker)


def files_of(event: TriggerEvent) -> list[str]:
    return [path.rsplit("/", 1)[-1] for path in event.payload["files"]]


def test_a_file_that_grows_between_two_looks_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "still.csv").write_text("code\n")
    growing = tmp_path / "growing.csv"
    growing.write_text("code\n")
    before = look(str(tmp_path), "*", done_marker=False)
    with growing.open("a") as file:
        file.write("A-1\n")
    now = look(str(tmp_path), "*", done_marker=False)
    assert finished(before, now) == [str(tmp_path / "still.csv")]
    assert finished(now, look(str(tmp_path), "*", done_marker=False)) == [str(growing), str(tmp_path / "still.csv")]


def test_a_file_rewritten_at_the_same_size_is_not_finished(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text("code\n")
    before = look(str(file), "*", done_marker=False)
    os.utime(file, ns=(1, 1))
    assert list(before) == [str(file)]
    assert finished(before, look(str(file), "*", done_marker=False)) == []


def test_folders_markers_reports_and_hidden_files_are_no_code_files(tmp_path: Path) -> None:
    for name in ("a.csv", ".a.csv.part", "a.csv.done", "b.csv.report.json", "c.json"):
        (tmp_path / name).touch()
    (tmp_path / "loaded").mkdir()
    seen = look(str(tmp_path), "*", done_marker=False)
    assert sorted(seen) == [str(tmp_path / "a.csv"), str(tmp_path / "c.json")]
    assert sorted(look(str(tmp_path), "*.json", done_marker=False)) == [str(tmp_path / "c.json")]
    assert sorted(look(str(tmp_path), "*", done_marker=True)) == [str(tmp_path / "a.csv")]


@pytest.mark.parametrize(
    "name",
    [
        "~$codes.xlsx",
        "Thumbs.db",
        "desktop.ini",
        "README.md",
        "readme.txt",
        "README",
        "up.csv.filepart",
        "a.CRDOWNLOAD",
        "codes.csv.part",
        "codes.csv.tmp",
        ".~lock.codes.csv#",
        "codes.csv~",
        "._codes.csv",
        ".DS_Store",
        "c.csv.bak",
        *("codes.gsheet", "codes.csv.sb-1a2b3c-XyZ", "codes.csv._COPYING_", "codes.csv.tmp12", "codes.csv.!qB"),
        *(
            "_SUCCESS",
            "_committed_12",
            "codes.csv.sha512",
            "SHA256SUMS",
            "checksums.txt",
            "codes.csv.ok",
            "codes.csv.trg",
        ),
        *("LIESMICH.txt", "LISEZ-MOI.txt", "LEEME.txt", "Прочитай.txt", "load.log", "codes.csv.orig"),
    ],
)
def test_what_is_no_code_file_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("code\n")
    assert look(str(tmp_path), "*", done_marker=False) == {}


@pytest.mark.parametrize("name", ["codes", "readme-codes.csv", "part.csv", "tmp.csv.gz", "spring.parts.csv", "1~2.csv"])
def test_what_may_be_a_code_file_is_taken(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("code\n")
    assert list(look(str(tmp_path), "*", done_marker=False)) == [str(tmp_path / name)]


def test_an_inbox_says_where_it_is_and_what_it_waits_for(tmp_path: Path) -> None:
    for marker, waits in ((False, "code files"), (True, ".done beside it")):
        told = describe(str(tmp_path), "*", {}, done_marker=marker)
        assert str(tmp_path) in told
        assert waits in told
    assert "1 files" in describe(str(tmp_path), "*", {"a": (1, 1)}, done_marker=False)


def test_an_inbox_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert look(str(tmp_path / "missing"), "*", done_marker=False) == {}


def test_no_more_files_are_handed_over_than_airflow_can_map() -> None:
    many = {f"{number:04}.csv": (1, 1) for number in range(MAX_FILES + 5)}
    assert finished(many, many) == sorted(many)[:MAX_FILES]


def test_another_storage_is_reached_by_its_url() -> None:
    storage = attach("memory", fs=MemoryFileSystem()).fs
    storage.pipe_file("/inbox/codes.csv", b"code\n")
    try:
        seen = look("memory://inbox", "*.csv", done_marker=False)
        assert [path.rsplit("/", 1)[-1] for path in seen] == ["codes.csv"]
        put_away(next(iter(seen)), LOADED, {"file": "codes.csv"})
        assert sorted(storage.find("/inbox")) == ["/inbox/loaded/codes.csv", "/inbox/loaded/codes.csv.report.json"]
    finally:
        storage.rm("/inbox", recursive=True)


def test_a_file_is_put_away_with_its_report_and_without_its_marker(tmp_path: Path) -> None:
    for content in ("one", "two"):
        (tmp_path / "codes.csv.gz").write_text(content)
        (tmp_path / "codes.csv.gz.done").touch()
        put_away(str(tmp_path / "codes.csv.gz"), LOADED, {"file": "codes.csv.gz", "run_id": content})
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOADED]
    assert {path.name: path.read_text() for path in (tmp_path / LOADED).glob("*.gz")} == {
        "codes.csv.gz": "one",
        "codes-2.csv.gz": "two",
    }
    assert json.loads((tmp_path / LOADED / "codes-2.csv.gz.report.json").read_text())["run_id"] == "two"
    assert [report["run_id"] for report in read_reports(str(tmp_path / "codes.csv.gz"), LOADED)] == ["two", "one"]


@pytest.mark.parametrize(
    "name", ["x" * 240 + ".csv", "x" * 250 + ".csv", "ж" * 125 + ".csv", "x." + "y" * 250, "a" * 255]
)
def test_a_name_as_long_as_names_can_be_is_put_away_with_its_report(name: str, tmp_path: Path) -> None:
    for content in ("one", "two", "three"):
        file = tmp_path / name
        file.write_text(content)
        assert list(look(str(tmp_path), "*", done_marker=False)) == [str(file)]
        assert look(str(tmp_path), "*", done_marker=True) == {}
        put_away(str(file), LOADED, {"file": name, "run_id": content})
    put = [path for path in (tmp_path / LOADED).iterdir() if not path.name.endswith(".report.json")]
    assert sorted(path.read_text() for path in put) == ["one", "three", "two"]
    assert sorted(report["run_id"] for report in read_reports(str(tmp_path / name), LOADED)) == ["one", "three", "two"]


@pytest.mark.parametrize("name", ["-rf.csv", "sp ace;.csv", "[a]*?.csv", "$(ls).csv", "#1%20.csv"])
def test_a_name_that_a_shell_or_a_log_might_misread_is_put_away_like_any_other(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("code\n")
    [path] = look(str(tmp_path), "*", done_marker=False)
    with open_code_file(path) as file:
        assert file.read() == b"code\n"
    put_away(path, REJECTED, {"file": name})
    assert (tmp_path / REJECTED / name).read_text() == "code\n"


@pytest.mark.parametrize("name", [b"caf\xe9.csv", b"two\nlines.csv", b"\x1b[2Jbell\x07.csv", b"a\tb.csv", b"a\rb.csv"])
def test_a_name_that_cannot_be_handed_on_is_left_alone(
    name: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / os.fsdecode(name)).write_text("code\n")
    assert look(str(tmp_path), "*", done_marker=False) == {}
    [record] = caplog.records
    assert "is ignored: its name has control characters or is no UTF-8" in record.getMessage()
    for message in (record.getMessage(), str(CodeFileError("it is wrong", file=os.fsdecode(name)))):
        assert message.isprintable()


def test_a_symbolic_link_in_the_inbox_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    inbox.mkdir()
    outside.mkdir()
    secret = outside / "secret.csv"
    secret.write_text("code\nSECRET\n")
    (inbox / "link.csv").symlink_to(secret)
    (inbox / "dangling.csv").symlink_to(tmp_path / "nowhere")
    (inbox / "folder").symlink_to(outside)
    assert look(str(inbox), "*", done_marker=False) == {}
    assert look(str(inbox), "*/*", done_marker=False) == {}
    assert "it is a symbolic link" in caplog.text
    for path in (inbox / "link.csv", inbox / "dangling.csv"):
        for refused in (open_code_file, refuse_links, lambda path: put_away(path, REJECTED, {})):
            with pytest.raises(CodeFileError, match="it is a symbolic link"):
                refused(str(path))
    assert sorted(path.name for path in inbox.iterdir()) == ["dangling.csv", "folder", "link.csv"]
    assert (inbox / "link.csv").is_symlink()
    assert secret.read_text() == "code\nSECRET\n"


@pytest.mark.parametrize("folder", [LOADED, REJECTED])
def test_nothing_is_put_into_a_folder_that_is_a_symbolic_link(folder: str, tmp_path: Path) -> None:
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    inbox.mkdir()
    outside.mkdir()
    (outside / "codes.csv.report.json").write_text('{"file": "codes.csv"}')
    (inbox / folder).symlink_to(outside)
    (inbox / "codes.csv").write_text("code\n")
    for refused in (refuse_links, lambda path: put_away(path, folder, {})):
        with pytest.raises(CodeFileError, match=f"{folder}: it is a symbolic link"):
            refused(str(inbox / "codes.csv"))
    assert read_reports(str(inbox / "codes.csv"), folder) == []
    assert [path.name for path in outside.iterdir()] == ["codes.csv.report.json"]
    assert (inbox / "codes.csv").read_text() == "code\n"


def test_links_where_a_file_or_report_would_be_put_are_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / LOADED).mkdir()
    (tmp_path / LOADED / "codes.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / LOADED / "codes-2.csv.report.json").symlink_to(target)
    (tmp_path / "codes.csv").write_text("code\n")
    put_away(str(tmp_path / "codes.csv"), LOADED, {"file": "codes.csv"})
    assert (tmp_path / LOADED / "codes-3.csv").read_text() == "code\n"
    assert target.read_text() == "untouched"
    assert not (tmp_path / "nowhere").exists()


def test_a_pipe_is_no_code_file_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(CodeFileError, match="it is no file"):
        open_code_file(str(tmp_path / "pipe.csv"))


def test_the_trigger_fires_for_a_file_at_rest_and_survives_being_stored(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        path, kwargs = trigger_on(tmp_path).serialize()
        assert path == "promo_campaigns.triggers.promo_code_file.PromoCodeFileTrigger"
        waiting = asyncio.ensure_future(anext(PromoCodeFileTrigger(**kwargs).run()))
        (tmp_path / "b.csv").write_text("code\n")
        (tmp_path / "a.csv").write_text("code\n")
        return files_of(await asyncio.wait_for(waiting, timeout=30))

    assert asyncio.run(scenario()) == ["a.csv", "b.csv"]


def test_the_trigger_waits_for_the_marker_when_asked(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        (tmp_path / "a.csv").write_text("code\n")
        (tmp_path / "b.csv").write_text("code\n")
        waiting = asyncio.ensure_future(anext(trigger_on(tmp_path, done_marker=True).run()))
        (tmp_path / "b.csv.done").touch()
        return files_of(await asyncio.wait_for(waiting, timeout=30))

    assert asyncio.run(scenario()) == ["b.csv"]


def test_the_sensor_returns_files_that_are_there_without_deferring(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code\n")
    sensor = PromoCodeFileSensor(task_id="wait", path=str(tmp_path), unchanged_s=0.01, deferrable=True)
    assert sensor.execute({}) == [str(tmp_path / "codes.csv")]


def test_the_sensor_defers_to_the_trigger_while_there_are_none(tmp_path: Path) -> None:
    sensor = PromoCodeFileSensor(
        task_id="wait", path=str(tmp_path), unchanged_s=0.01, poke_interval=3, timeout=60, deferrable=True
    )
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert deferred.value.trigger.serialize()[1] == {
        "path": str(tmp_path),
        "pattern": "*",
        "unchanged_s": 0.01,
        "poll_s": 3,
        "done_marker": False,
    }
    assert deferred.value.timeout is not None
    assert deferred.value.timeout.total_seconds() == 60
    assert sensor.execute_complete({}, {"files": ["a.csv"]}) == ["a.csv"]


def test_the_sensor_waits_where_airflow_says_unless_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("True", "False"):
        monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", said)
        assert PromoCodeFileSensor(task_id="wait", path="x").deferrable is (said == "True")
        assert PromoCodeFileSensor(task_id="wait", path="x", deferrable=said != "True").deferrable is (said != "True")


def test_the_sensor_can_wait_in_its_worker(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code\n")
    (tmp_path / "codes.csv.done").touch()
    sensor = PromoCodeFileSensor(task_id="wait", path=str(tmp_path), done_marker=True, deferrable=False)
    poked = sensor.poke({})
    assert (poked.is_done, poked.xcom_value) == (True, [str(tmp_path / "codes.csv")])
