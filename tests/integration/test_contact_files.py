"""Contact files loaded by the command into a real store."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli import main
from promo_campaigns.contacts.store import read_contacts
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def load(dsn: str, path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["contacts", "load", str(path), "--json", "--dsn", dsn]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_is_loaded_and_its_bad_rows_are_told_by_line(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path / "contacts.csv",
        "externalId,firstName,email",
        "1,Ann,ann@example.com",
        "2,Bob,no address",
        "3,Cid,ann@example.com",
        "4,Dan,dan@example.com",
    )
    assert load(dsn, path, capsys) == {
        "file": "contacts.csv",
        "rows": 4,
        "inserted": 2,
        "updated": 0,
        "unchanged": 0,
        "rejected_count": 2,
        "rejected": [
            {"line": 3, "column": "email", "reason": "not an e-mail address", "value": ""},
            {"line": 4, "column": "email", "reason": "the same contact as in line 2", "value": ""},
        ],
        "rejected_by_reason": [
            {"column": "email", "reason": "not an e-mail address", "count": 1},
            {"column": "email", "reason": "the same contact as in line 2", "count": 1},
        ],
    }


def test_refusals_of_one_reason_are_one_line_with_a_count_and_examples(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A time zone says nothing of who somebody is, and is shown; an address is not."""
    records = [{"externalId": str(n), "timeZone": "Mars/Base" if n < 30 else "UTC", "email": ""} for n in range(40)]
    records += [{"externalId": "x", "timeZone": "", "email": "secret"}]
    path = write(tmp_path / "contacts.json", json.dumps(records))
    assert main(["contacts", "load", str(path), "--dsn", dsn]) == 0
    shown = capsys.readouterr().out
    assert "  30 records: timeZone: " in shown
    assert "; record 1 (Mars/Base), 2 (Mars/Base), 3 (Mars/Base), …\n" in shown
    assert "  record 41: email: not an e-mail address\n" in shown
    assert "secret" not in shown


def test_a_row_behind_a_rejected_one_is_loaded(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A chain of rows, each with an address of the next: every second one is let in."""
    chain = [f"C{number},,tok-{number // 2}" for number in range(1, 4)]
    path = write(
        tmp_path / "contacts.csv",
        "externalId,email,mobilepush",
        "D1,same@shop.example,",
        "D2,same@shop.example,",
        "D2,other@shop.example,",
        "D3,other@shop.example,",
        "D3,third@shop.example,",
        *chain,
    )
    report = load(dsn, path, capsys)
    assert [(one["line"], one["column"]) for one in report["rejected"]] == [
        (3, "email"),
        (5, "email"),
        (9, "mobilepush"),
    ]
    assert report["rejected"][1]["reason"] == "the same contact as in line 4"
    assert report["inserted"] == 5


def test_a_file_of_which_nothing_is_loaded_ends_with_status_1(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "contacts.csv", "externalId", "NULL", "1.2E+17")
    assert main(["contacts", "load", str(path), "--dsn", dsn]) == 1
    assert "2 rows: 0 new, 0 updated, 0 unchanged, 2 rejected" in capsys.readouterr().out


def test_the_same_file_twice_changes_nothing(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contacts", "field", "Card", "--type", "textfield", "--dsn", dsn]) == 0
    capsys.readouterr()
    rows = [f"{n},n{n},p{n}@example.com,3805000{n:05},t{n},card {n}" for n in range(12_000)]
    path = write(tmp_path / "contacts.csv", "externalId,firstName,email,sms,mobilepush,card", *rows)
    assert load(dsn, path, capsys)["inserted"] == 12_000
    again = load(dsn, path, capsys)
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 12_000)


def test_a_later_file_updates_what_it_names_and_keeps_the_rest(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(dsn, write(tmp_path / "one.csv", "externalId,firstName,email", "1,Ann,ann@example.com"), capsys)
    report = load(dsn, write(tmp_path / "two.csv", "email,lastName", "ANN@example.com,Lee"), capsys)
    assert report["updated"] == 1
    with connect(dsn) as connection:
        (contact,) = read_contacts(connection, [1])
    assert (contact["external_id"], contact["first_name"], contact["last_name"]) == ("1", "Ann", "Lee")


def test_a_file_that_breaks_off_loads_nothing(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "contacts.csv", "externalId", *(str(n) for n in range(6000)), '"open')
    assert main(["contacts", "load", str(path), "--dsn", dsn]) == 2
    assert "contacts.csv:6002: the quoting is broken" in capsys.readouterr().err
    with connect(dsn) as connection:
        assert connection.execute("select from promo.contact").fetchall() == []


def test_a_missing_file_is_told_by_its_name(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contacts", "load", str(tmp_path / "none.csv"), "--dsn", dsn]) == 2
    assert "none.csv: cannot be read: No such file" in capsys.readouterr().err


def test_fields_are_made_listed_and_found_again(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    make = ["contacts", "field", "Promo code", "--type", "textfield", "--dsn", dsn]
    assert main([*make, "--id", "12345"]) == 0
    assert main(make) == 0
    assert main(["contacts", "fields", "--dsn", dsn]) == 0
    *made, head, row = capsys.readouterr().out.splitlines()
    assert made == ["field 12345  Promo code  textfield"] * 2
    assert (head.split(), row.split()) == (["field", "id", "name", "type"], ["12345", "Promo", "code", "textfield"])


def test_a_contact_is_shown_with_its_values_masked(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["contacts", "field", "Promo code", "--dsn", dsn])
    capsys.readouterr()
    header = "externalId,firstName,lastName,email,mobilepush,promo code"
    path = write(
        tmp_path / "contacts.csv", header, "external-1,Annabella,Montgomery,ann@example.com,token-1234,WELCOME7Q"
    )
    load(dsn, path, capsys)
    assert main(["contacts", "show", "1", "--dsn", dsn]) == 0
    out = capsys.readouterr().out
    for value in path.read_text(encoding="utf-8").splitlines()[1].split(","):
        assert value not in out
    assert re.search(r"^email +an…om$", out, re.MULTILINE)
    assert re.search(r"^field 1 Promo code +WE…7Q$", out, re.MULTILINE)
    assert main(["contacts", "show", "999", "--dsn", dsn]) == 2


def test_a_contacts_time_zone_is_kept_until_another_is_sent(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path / "first.csv", "externalId,timeZone", "1,Europe/Kyiv", "2,America/New_York", "3,Mars/Base")
    assert load(dsn, first, capsys)["rejected"] == [
        {
            "line": 4,
            "column": "timeZone",
            "reason": "not an IANA time zone such as Europe/Kyiv",
            "value": "Mars/Base",
        }
    ]
    second = write(tmp_path / "second.csv", "externalId,timezone", "1,", "2,Asia/Tokyo", "4,")
    assert load(dsn, second, capsys)["updated"] == 1
    with connect(dsn) as store:
        zones = store.execute("select external_id, time_zone from promo.contact order by 1").fetchall()
    assert [(row["external_id"], row["time_zone"]) for row in zones] == [
        ("1", "Europe/Kyiv"),
        ("2", "Asia/Tokyo"),
        ("4", None),
    ]
