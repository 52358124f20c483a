"""The stock and how long it lasts, the files it came from, and withdrawal."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pages.campaign import half_sent
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.postgres.audit import list_audit

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

HEAD = "code,expirationDate,discount,type,inUse\n"


def load(store: Connection, rows: str, name: str = "spring.csv") -> int:
    report = load_code_file(store, io.BytesIO((HEAD + rows).encode()), name=name)
    assert report.code_file_id is not None
    return report.code_file_id


def test_the_stock_says_what_runs_out_what_is_reserved_and_how_long_it_lasts(site: Site, store: Connection) -> None:
    half_sent(store)
    load(store, "A-1,2099-01-01,5,Spring,false\nA-2,2099-01-01,5,Spring,true\n")
    spring, welcome = sorted(site.viewer.get("codes/stock"), key=lambda pool: str(pool["type"]))
    assert (spring["free"], spring["retired"], spring["days_left"], spring["level"]) == (1, 1, None, None)
    assert (welcome["issued"], welcome["reserved"]) == (4, 1)
    assert welcome["free"] == 16
    assert welcome["expiring"] == {"7": 0, "30": 16}
    assert (welcome["per_day"], welcome["days_left"]) == (4.0, 3.8)


def test_the_level_that_matters_most_is_shown(
    site: Site, store: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stock_levels.yaml").write_text("Spring: {warning: [1000, 500], alarm: 1}\nWelcome: {alarm: 3}\n")
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(tmp_path))
    half_sent(store)
    load(store, "A-1,2099-01-01,5,Spring,false\n")
    spring, welcome = site.viewer.get("codes/stock")
    assert (spring["level"]["level"], spring["level"]["amount"], spring["level"]["reached"]) == ("alarm", 1, True)
    assert (welcome["level"]["amount"], welcome["level"]["reached"]) == (3, False)


def test_a_pool_s_use_is_counted_by_the_day(site: Site, store: Connection) -> None:
    half_sent(store)
    [day] = site.viewer.get("codes/burn", type="Welcome", discount=10)
    assert day["given"] == 4


def test_files_are_paged_and_their_rejects_are_grouped_and_downloaded(site: Site, store: Connection) -> None:
    first = load(store, "A-1,2099-01-01,5,Spring,false\nA-2,2099-01-01,500,Spring,false\nA-3,nonsense,5,Spring,false\n")
    load(store, "B-1,2099-01-01,5,Spring,false\n", name="more.csv")
    page = site.viewer.get("codes/files", limit=1)
    assert [file["name"] for file in page["items"]] == ["more.csv"]
    [file] = site.viewer.get("codes/files", limit=1, after=page["next"])["items"]
    assert (file["code_file_id"], file["rows"], file["inserted"], file["rejected"]) == (first, 3, 1, 2)
    told = site.viewer.get(f"codes/files/{first}/rejects", limit=1)
    assert sum(told["reasons"].values()) == 2
    assert told["file"] == file
    assert (told["items"][0]["line"], told["next"]) == (3, "1")
    answer = site.viewer.ask("GET", f"codes/files/{first}/rejects.csv")
    assert [row["line"] for row in csv.DictReader(io.StringIO(answer.text))] == ["3", "4"]


def test_withdrawing_says_first_what_would_go_and_is_audited(site: Site, store: Connection) -> None:
    half_sent(store)
    path = "codes/files/1/withdraw"
    effect = site.op.get(f"{path}/effect")
    assert effect["numbers"] == {"withdrawn": 16, "issued": 4}
    assert site.op.post(path, reason="wrong file")["withdrawn"] == 16
    [entry] = list_audit(store)
    assert (entry["action"], entry["reason"], entry["rows"]) == ("withdraw", "wrong file", 16)
    assert site.op.ask("POST", "codes/files/99/withdraw").status_code == 404
