"""``promo codes`` on a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promo_campaigns.cli import main
from promo_campaigns.postgres.connection import connect

HEADER = "code,expirationDate,discount,type,inUse\n"
SAMPLES = Path(__file__).parents[2] / "include" / "samples"


@pytest.fixture
def codes_file(tmp_path: Path) -> Path:
    file = tmp_path / "codes.csv"
    file.write_text(
        HEADER + "WELC-ABCD-EF7Q,2030-01-31,10,Welcome,false\nWELC-2,2020-01-31,10,Welcome,false\n,x,1,t,true\n"
    )
    return file


def as_json(capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401  (what a command prints)
    return json.loads(capsys.readouterr().out)


def test_load_prints_the_report(codes_file: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codes", "load", str(codes_file), "--json", "--dsn", dsn]) == 0
    report = as_json(capsys)
    assert list(report)[:7] == ["file", "sha256", "rows", "inserted", "updated", "unchanged", "rejected"]
    assert (report["file"], report["rows"], report["inserted"]) == ("codes.csv", 3, 2)
    assert report["rejected"] == [{"line": 4, "column": "code", "reason": "empty", "value": ""}]
    assert main(["codes", "load", str(codes_file), "--dsn", dsn]) == 0
    told = capsys.readouterr().out
    assert "  line 4: code: empty\n" in told
    assert "These bytes were loaded before" in told


def test_strict_and_broken_files_end_with_status_1(
    codes_file: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["codes", "load", str(codes_file), "--strict", "--dsn", dsn]) == 1
    assert "Nothing was loaded. codes.csv:4: 1 row is rejected" in capsys.readouterr().out
    codes_file.write_text("code,type\n")
    assert main(["codes", "load", str(codes_file), "--json", "--dsn", dsn]) == 1
    assert as_json(capsys)["line"] == 1
    assert main(["codes", "stock", "--json", "--dsn", dsn]) == 0
    assert as_json(capsys) == []


def test_a_code_only_file_needs_its_expiration(tmp_path: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plain.csv"
    file.write_text("code\nPLAIN-1\n")
    assert main(["codes", "load", str(file), "--code-only", "--dsn", dsn]) == 2
    assert "--code-only and --expires DATE go together" in capsys.readouterr().err
    assert main(["codes", "load", str(file), "--code-only", "--expires", "2030-01-31", "--dsn", dsn]) == 0


def test_a_file_that_is_not_there_is_said_so(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codes", "load", "missing.csv", "--dsn", dsn]) == 2
    assert "there is no file missing.csv" in capsys.readouterr().err


def test_files_stock_and_withdraw(codes_file: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["codes", "load", str(codes_file), "--dsn", dsn])
    with connect(dsn) as connection:
        connection.execute("update promo.promo_code set issued_at = '2026-01-02T03:04Z' where line = 2")
    capsys.readouterr()
    assert main(["codes", "files", "--json", "--dsn", dsn]) == 0
    [file] = as_json(capsys)
    assert (file["name"], file["inserted"], file["rejected"], file["withdrawn_at"]) == ("codes.csv", 2, 1, None)
    assert main(["codes", "stock", "--json", "--dsn", dsn]) == 0
    counted = {"free": 0, "issued": 1, "retired": 0, "expired": 1}
    assert as_json(capsys) == [{"type": "Welcome", "discount": 10, "attributes": "", **counted}]
    assert main(["codes", "withdraw", str(file["code_file_id"]), "--dsn", dsn]) == 0
    told = capsys.readouterr().out
    assert told == ("codes.csv: left the pool 1, issued 1\n  line 2: WELC…7Q, issued 2026-01-02 03:04 UTC\n")
    assert main(["codes", "stock", "--dsn", dsn]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["Welcome", "10", "0", "1", "1", "0"]
    assert main(["codes", "withdraw", "999", "--dsn", dsn]) == 2


@pytest.mark.parametrize("name", ["promo_codes.csv", "promo_codes.json"])
def test_the_samples_load_strictly(name: str, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codes", "load", str(SAMPLES / name), "--strict", "--dsn", dsn]) == 0
    capsys.readouterr()
    assert main(["codes", "stock", "--json", "--dsn", dsn]) == 0
    stock = as_json(capsys)
    if name.endswith(".csv"):
        [welcome] = stock
        assert (welcome["type"], welcome["discount"]) == ("Welcome", 10)
        assert welcome["free"] + welcome["retired"] == 1_200
        assert welcome["free"] >= 1_150
    else:
        assert sum(row["free"] for row in stock) > 0
