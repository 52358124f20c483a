"""Codes: the stock, files chosen and dropped, what was rejected, and a file that is withdrawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from e2e.promo_pages import PromoPages
from promo_campaigns.ledger.invariants import check_invariants

if TYPE_CHECKING:
    from e2e.conftest import Visit
    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster

HEAD = "code,expirationDate,discount,type,inUse\n"
WRONG = 3
LOADING_MS = 120_000
"""The DAG that loads is started anew for each batch of files."""


def code_file(folder: Path, name: str, rows: int, wrong: int = 0) -> Path:
    """Write a code file, of which some rows have a date that is none."""
    file = folder / f"{name}.csv"
    good = (f"{name.upper()}-{number:05},2031-01-31,15,Browser,false\n" for number in range(rows))
    bad = (f"{name.upper()}-BAD-{number},soon,15,Browser,false\n" for number in range(wrong))
    file.write_text(HEAD + "".join([*good, *bad]), encoding="utf-8")
    return file


@pytest.mark.short
def test_a_file_that_is_chosen_is_uploaded_loaded_and_reported(
    promo: PromoPages, store: Connection, tmp_path: Path
) -> None:
    file = code_file(tmp_path, "chosen", 500, WRONG)
    promo.open("codes")
    promo.choose_files(file)
    line = promo.upload_of(file.name)
    expect(line.get_by_text("loaded", exact=True)).to_be_visible(timeout=LOADING_MS)
    expect(line).to_contain_text("500")
    promo.root.get_by_role("link", name=file.name, exact=True).first.click()
    promo.expect_heading(file.name)
    expect(promo.rows("Rejected rows")).to_have_count(WRONG)
    expect(promo.rows("Rejects by reason").first).to_contain_text(str(WRONG))
    with promo.page.expect_download() as download:
        promo.root.get_by_role("link", name="Download the rejects").click()
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == 1 + WRONG
    loaded = store.execute("select count(*) as n from promo.promo_code where type = 'Browser'").fetchone()
    assert loaded is not None
    assert loaded["n"] >= 500


@pytest.mark.short
def test_a_file_that_is_dragged_from_the_desktop_and_dropped_is_loaded(promo: PromoPages, tmp_path: Path) -> None:
    file = code_file(tmp_path, "dropped", 20)
    promo.open("codes")
    promo.drop_file(file)
    expect(promo.upload_of(file.name).get_by_text("loaded", exact=True)).to_be_visible(timeout=LOADING_MS)
    expect(promo.rows("Stock by type and discount").filter(has_text="Browser 15 %")).to_be_visible()


def test_a_file_of_another_kind_is_not_taken(promo: PromoPages, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG")
    promo.open("codes")
    promo.drop_file(file)
    promo.expect_told("picture.png was not taken")


def test_the_same_bytes_again_change_nothing_and_the_page_says_so(
    promo: PromoPages, store: Connection, tmp_path: Path
) -> None:
    promo.open("codes")
    file = code_file(tmp_path, "twice", 30)
    for _ in range(2):
        promo.choose_files(file)
        expect(promo.root.get_by_role("list", name="Uploads").get_by_text("in the inbox")).to_have_count(
            0, timeout=LOADING_MS
        )
        expect(promo.upload_of(file.name).first.get_by_text("loaded", exact=True)).to_be_visible(timeout=LOADING_MS)
    codes = store.execute("select count(*) as n from promo.promo_code where code like 'TWICE-%'").fetchone()
    assert codes == {"n": 30}


def test_a_closed_tab_leaves_nothing_half_in_the_inbox(visit: Visit, cluster: AirflowCluster, tmp_path: Path) -> None:
    page = visit(faults="ERR_")
    promo = PromoPages(page)
    large = code_file(tmp_path, "abandoned", 400_000)
    promo.open("codes")
    with page.expect_request("**/codes/uploads?*"):
        promo.choose_files(large)
    page.close()
    folder = cluster.environment["AIRFLOW_VAR_PROMO_CODE_INBOX"]
    cluster.wait("what was begun is gone", lambda: not _left(folder, "abandoned"))


def _left(folder: str, name: str) -> list[str]:
    """Return what of an upload is in the inbox and is not a whole file."""
    whole = f"{name}.csv"
    return [path.name for path in Path(folder).rglob(f"*{name}*") if path.name != whole]


def test_a_file_is_withdrawn_once_it_was_said_what_would_go(
    promo: PromoPages, store: Connection, tmp_path: Path
) -> None:
    file = code_file(tmp_path, "withdrawn", 40)
    promo.open("codes")
    promo.choose_files(file)
    expect(promo.upload_of(file.name).get_by_text("loaded", exact=True)).to_be_visible(timeout=LOADING_MS)
    promo.root.get_by_role("link", name=file.name, exact=True).first.click()
    said = promo.decide("Withdraw this file", why="the shop printed it twice")
    assert "40" in said
    expect(promo.root.get_by_text("withdrawn", exact=True).first).to_be_visible()
    free = store.execute("select count(*) as n from promo.promo_code where code like 'WITHDRAWN-%' and not retired")
    assert free.fetchone() == {"n": 0}
    assert check_invariants(store) == []


def test_the_burn_down_has_its_numbers_in_a_table_as_well(promo: PromoPages) -> None:
    promo.open("codes")
    part = promo.section("How fast they go")
    charts = part.locator("[role=img]")  # to Playwright the mark of a drop-down is an image, too
    expect(charts).to_have_count(2)
    part.get_by_role("button", name="Show as tables").click()
    expect(part.get_by_role("table").first).to_be_visible()
    expect(charts).to_have_count(0)


def test_names_and_messages_are_never_markup(visit: Visit, store: Connection, tmp_path: Path) -> None:
    page = visit(faults="400")  # the inbox refuses the name
    promo = PromoPages(page)
    name = "<img src=x onerror=document.title='taken'>"
    store.execute("update promo.code_file set name = %s where code_file_id = 1", [name])
    promo.open("codes")
    promo.choose_files(code_file(tmp_path, f"x{name}", 5))
    expect(promo.upload_of(name).get_by_text("upload failed", exact=True)).to_be_visible()
    promo.open("codes/files/1", name)
    expect(promo.root.locator("img")).to_have_count(0)
    assert page.title() != "taken"
