"""A first project is right as it is made, and nothing of one's own is overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.cli import main
from promo_campaigns.hooks.code_inbox import look

if TYPE_CHECKING:
    from promo_campaigns.hooks.code_inbox import Look

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which a project was made."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    said = capsys.readouterr().out
    assert [line[:4] for line in said.splitlines() if line[2:4] in {"0.", "1.", "2.", "3.", "4."}] == [
        "  1.",
        "  2.",
        "  3.",
    ]
    assert "promo db migrate" in said
    assert "promo workflows check" in said
    return tmp_path


def test_a_project_made_in_an_empty_folder_is_right(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflows", "check"]) == 0
    assert capsys.readouterr().out.endswith("3 workflows, 0 wrong\n")
    assert main(["workflows", "list", "--json", "--fields", "workflow"]) == 0
    listed = [row["workflow"] for row in json.loads(capsys.readouterr().out)]
    assert listed == ["remind_unredeemed", "welcome_mail", "welcome_push"]
    for folder in ("dags", "include"):
        here = {file.relative_to(ROOT) for file in (ROOT / folder).rglob("*") if file.is_file()}
        made = {file.relative_to(project) for file in (project / folder).rglob("*") if file.is_file()}
        assert made == {file for file in here if "__pycache__" not in file.parts}


def test_the_inbox_of_a_project_waits_for_files_and_is_where_its_dag_looks(project: Path) -> None:
    seen: Look = look(str(project / "code_inbox"), "*", done_marker=False)
    assert seen == {}, "its README is no code file"
    text = (project / "dags" / "load_promo_codes.py").read_text(encoding="utf-8")
    place: dict[str, object] = {"__file__": str(project / "dags" / "load_promo_codes.py"), "Path": Path}
    exec(next(line for line in text.splitlines() if line.startswith("INBOX = ")), place)  # noqa: S102  (one line of ours)
    assert place["INBOX"] == project / "code_inbox"


def test_what_is_there_already_is_kept_and_what_is_missing_is_put_back(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "include" / "messages" / "promo_push.yaml").write_text("mine\n")
    (project / "dags" / "workflows.py").unlink()
    assert main(["init", str(project), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["made"] == ["dags/workflows.py"]
    assert "include/messages/promo_push.yaml" in told["kept"]
    assert (project / "include" / "messages" / "promo_push.yaml").read_text() == "mine\n"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith(f"promo: {tmp_path / 'file'}")


def test_an_airflow_that_reads_another_folder_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/opt/airflow/dags")
    assert main(["init", str(tmp_path)]) == 0
    assert f"Airflow reads /opt/airflow/dags: set AIRFLOW__CORE__DAGS_FOLDER to {tmp_path / 'dags'}" in (
        capsys.readouterr().out
    )
