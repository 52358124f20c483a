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

from promo_campaigns.hooks.code_inbox import LOADED, MAX_FILES, finished, look, put_away, reports_of
from promo_campaigns.sensors.promo_code_file import PromoCodeFileSensor
from promo_campaigns.triggers.promo_code_file import PromoCodeFileTrigger

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.triggers.base import TriggerEvent


def trigger_on(path: Path, *, done_marker: bool = False) -> PromoCodeFileTrigger:
    return PromoCodeFileTrigger(path=str(path), pattern="*", settle_s=0.01, poll_s=0.01, done_marker=done_marker)


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
    assert [report["run_id"] for report in reports_of(str(tmp_path / "codes.csv.gz"), LOADED)] == ["two", "one"]


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
    sensor = PromoCodeFileSensor(task_id="wait", path=str(tmp_path), settle_s=0.01)
    assert sensor.execute({}) == [str(tmp_path / "codes.csv")]


def test_the_sensor_defers_to_the_trigger_while_there_are_none(tmp_path: Path) -> None:
    sensor = PromoCodeFileSensor(task_id="wait", path=str(tmp_path), settle_s=0.01, poke_interval=3, timeout=60)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert deferred.value.trigger.serialize()[1] == {
        "path": str(tmp_path),
        "pattern": "*",
        "settle_s": 0.01,
        "poll_s": 3,
        "done_marker": False,
    }
    assert deferred.value.timeout is not None
    assert deferred.value.timeout.total_seconds() == 60
    assert sensor.execute_complete({}, {"files": ["a.csv"]}) == ["a.csv"]


def test_the_sensor_can_wait_in_its_worker(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code\n")
    (tmp_path / "codes.csv.done").touch()
    sensor = PromoCodeFileSensor(task_id="wait", path=str(tmp_path), done_marker=True, deferrable=False)
    poked = sensor.poke({})
    assert (poked.is_done, poked.xcom_value) == (True, [str(tmp_path / "codes.csv")])
