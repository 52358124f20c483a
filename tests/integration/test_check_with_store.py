"""What `promo workflows check` says of schedules and empty folders, and, with a store, of audiences and fields."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.cli import main
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.contacts.store import create_field

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

ROOT = Path(__file__).parents[2]


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return a copy of the include folder that is shipped."""
    return Path(shutil.copytree(ROOT / "include", tmp_path / "include"))


def check(capsys: pytest.CaptureFixture[str], include: Path, *words: str) -> tuple[int, str]:
    status = main(["workflows", "check", "--include", str(include), *words])
    return status, "".join(capsys.readouterr())


def test_what_is_shipped_is_right_with_a_store_and_without(
    dsn: str, include: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, told = check(capsys, include, "--dsn", dsn)
    assert (status, told.splitlines()[-1]) == (ExitStatus.OK, "3 workflows, 0 wrong")
    monkeypatch.chdir(include)
    status, told = check(capsys, include)
    assert (status, told.splitlines()[-1]) == (ExitStatus.OK, "3 workflows, 0 wrong")
    assert told.splitlines()[-2] == "Audiences were not selected, nor fields compared: no database was named"


def test_an_audience_is_selected_and_its_error_told_by_line(
    dsn: str, include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = include / "audiences" / "with_push_token.sql"
    for text, line in (
        ("-- who\nselect contact_id\n  from promo.contct\n", 3),
        ("select contact_id from promo.contact\n where languge = 'uk'", 2),
        ("select contact_id form promo.contact", 1),
    ):
        file.write_text(text, encoding="utf-8")
        status, told = check(capsys, include, "--dsn", dsn)
        assert status == ExitStatus.NO
        assert told.startswith(f"audiences/with_push_token.sql:{line}: the audience's SELECT failed: ")


@pytest.mark.parametrize("text", ["delete from promo.contact returning contact_id", "select contact_id, nextval('s')"])
def test_an_audience_that_is_only_checked_writes_nothing(
    store: Connection, dsn: str, include: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (include / "audiences" / "with_push_token.sql").write_text(text, encoding="utf-8")
    assert check(capsys, include, "--dsn", dsn)[0] == ExitStatus.NO
    assert store.execute("select from promo.contact").fetchall() == []


def test_a_field_that_a_message_reads_must_be_in_the_store_as_it_is_declared(
    store: Connection, dsn: str, include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (include / "fields.yaml").write_text("fields:\n  city: textfield\n  unread: date\n", encoding="utf-8")
    message = include / "messages" / "promo_push.yaml"
    message.write_text(message.read_text().replace("Your promo code", "To $city"), encoding="utf-8")
    status, told = check(capsys, include, "--dsn", dsn)
    assert status == ExitStatus.NO
    assert "unread" not in told
    assert told.startswith("fields.yaml:2: the store has no field 'city'")
    assert 'promo contacts field "city" --type textfield' in told
    create_field(store, "city", "textfield")
    assert check(capsys, include, "--dsn", dsn)[0] == ExitStatus.OK


@pytest.mark.parametrize(
    ("schedule", "quoted"),
    [("@daily", '"@daily"'), ("*/5 * * * *", '"*/5 * * * *"'), ("%x", '"%x"'), ("at: noon", '"at: noon"')],
)
def test_a_value_that_yaml_cannot_read_is_told_with_the_quotes_that_it_needs(
    include: Path, capsys: pytest.CaptureFixture[str], schedule: str, quoted: str
) -> None:
    file = include / "workflows" / "welcome_push.yaml"
    file.write_text(file.read_text().replace("schedule: none", f"schedule: {schedule}"), encoding="utf-8")
    told = check(capsys, include)[1]
    assert told.startswith("workflows/welcome_push.yaml:10: not YAML: ")
    assert f"Put the text between quotes: schedule: {quoted}" in told


def test_a_value_that_may_be_a_secret_is_not_repeated(include: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = include / "data_sources" / "promo_to_profile.yaml"
    file.write_text(file.read_text().replace("application/json", "@canary"), encoding="utf-8")
    told = check(capsys, include)[1]
    assert told.startswith("data_sources/promo_to_profile.yaml:6: not YAML: ")
    assert "between quotes" in told
    assert "canary" not in told


def test_a_folder_without_workflows_is_refused_with_what_is_missing(
    tmp_path: Path, include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    status, told = check(capsys, tmp_path / "empty")
    assert status == ExitStatus.WRONG
    assert "no file workflows/<name>.yaml; there is: nothing. Name the include folder with --include" in told
    shutil.rmtree(include / "workflows")
    assert "there is: audiences, conversions, data_sources" in check(capsys, include)[1]


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("workflows/welcome_push.yaml", "workflows/welcome_push.yml", "Let its name end in .yaml"),
        ("workflows/welcome_push.yaml", "workflows/welcome_push.yaml.txt", "Let its name end in .yaml"),
        ("messages/promo_push.yaml", "messages/promo_push.YAML", "Let its name end in .yaml"),
        ("audiences/all_contacts.sql", "audiences/all_contacts.SQL", "Let its name end in .sql or .csv"),
        ("audiences", "audience", "nothing reads a folder of this name. Did you mean 'audiences'?"),
        ("data_sources", "datasources", "nothing reads a folder of this name. Did you mean 'data_sources'?"),
    ],
)
def test_a_file_that_lies_under_a_name_by_which_nothing_finds_it_is_told(
    include: Path, capsys: pytest.CaptureFixture[str], name: str, wrong: str, told: str
) -> None:
    (include / name).rename(include / wrong)
    status, said = check(capsys, include)
    assert status == ExitStatus.NO
    assert said.startswith(wrong)
    assert told in said
