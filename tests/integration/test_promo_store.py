"""``PromoStore``: a real store as DataFrames, and DataFrames into it."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import pytest

from integration.scenario import CODES, add_codes, add_contacts, open_welcome
from integration.test_uplift import HALF, KEY, pay, send
from promo_campaigns import PromoStore
from promo_campaigns.cli import main
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.contacts.load import load_contact_file
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import (
    CodeFileError,
    CodeFileRejectedError,
    ConfigurationError,
    ContactFileError,
    LedgerError,
)
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import list_audit

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

ROOT = Path(__file__).parents[2]
UTC = "datetime64[us, UTC]"


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.fixture
def frames(dsn: str) -> PromoStore:
    return PromoStore(dsn, include=ROOT / "include")


@pytest.fixture
def sent(store: Connection) -> dict[int, str]:
    """Send codes to forty contacts but those held out, and one without a channel; return who got which."""
    add_contacts(store, 40)
    add_contacts(store, 1, channel=None)
    add_codes(store, 50)
    store.execute("update promo.contact set external_id = 'customer-' || contact_id")
    return send(store, open_welcome(store, spec=HALF), refused=[1])


def test_stock_and_runs_have_exact_dtypes_with_rows_and_without(
    frames: PromoStore, store: Connection, sent: dict[int, str]
) -> None:
    stock = frames.stock()
    assert dtypes(stock) == {
        "type": "category",
        "discount": "Int64",
        "attributes": "category",
        **dict.fromkeys(["free", "issued", "retired", "expired"], "Int64"),
    }
    [row] = stock.to_dict("records")
    assert (row["type"], row["discount"], row["issued"]) == ("Welcome", 10, len(sent) - 1)
    open_welcome(store, "welcome/edition/two", HALF)
    runs = frames.runs()
    kinds = dtypes(runs)
    assert {kinds[name] for name in ("opened_at", "closed_at", "moved_at")} == {UTC}
    assert (kinds["workflow"], kinds["state"], kinds["audience"]) == ("category", "category", "Int64")
    assert list(runs["run_key"]) == ["welcome/edition/two", KEY]
    assert runs["closed_at"].isna().all()
    assert int(runs["sent"].sum()) == len(sent) - 1
    assert list(frames.runs(limit=1)["run_key"]) == ["welcome/edition/two"]
    none = frames.runs(workflow="nothing", since=datetime.now(tz=timezone.utc))
    assert (len(none), dtypes(none)) == (0, kinds)


def test_assignments_are_masked_unless_revealed_which_the_audit_notes(
    frames: PromoStore, store: Connection, sent: dict[int, str]
) -> None:
    everybody = frames.assignments(workflow="welcome")
    held = everybody.dropna(subset="code").set_index("contact_id")
    kept = {who: code for who, code in sent.items() if who != 1}
    assert held["code"].to_dict() == {who: mask(code) for who, code in kept.items()}
    assert len(everybody) == 41
    assert set(everybody["reason"].dropna()) >= {"no channel", "hold-out"}
    assert not everybody["external_id"].str.contains("customer").any()
    assert list_audit(store) == []
    in_full = frames.assignments(run_key=KEY, reveal=True)
    assert in_full.dropna(subset="code").set_index("contact_id")["code"].to_dict() == kept
    assert in_full["external_id"].str.startswith("customer-").all()
    [entry] = list_audit(store)
    assert (entry["action"], entry["subject"], entry["revealed"], entry["rows"]) == ("export", f"run {KEY}", True, 41)


def test_chunks_are_the_same_rows_with_the_same_dtypes(
    frames: PromoStore, store: Connection, sent: dict[int, str]
) -> None:
    whole = frames.assignments(workflow="welcome")
    parts = list(frames.assignments(workflow="welcome", chunksize=7))
    assert [len(part) for part in parts] == [7] * 5 + [6]
    together = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(together.drop(columns="reason"), whole.drop(columns="reason"))
    attempts = frames.attempts(run_key=KEY)
    assert len(attempts) == len(sent)
    assert list(attempts["outcome"].cat.categories) == ["ok", "refused"]
    assert attempts.query("outcome == 'refused'")["contact_id"].tolist() == [1]
    assert dtypes(attempts)["started_at"] == UTC
    reading = frames.assignments(workflow="welcome", reveal=True, chunksize=7)
    next(reading)
    assert list_audit(store)[0]["finished"] is False  # noted before the first row left
    reading.close()  # type: ignore[attr-defined]  # a generator, as an iterator that was begun
    assert (list_audit(store)[0]["finished"], list_audit(store)[0]["rows"]) == (True, 7)


def test_an_attempt_at_a_data_source_names_it(frames: PromoStore, store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    store.execute(
        "insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose)"
        " select run_id, contact_id, promo_code_id, 7, unnest(array['message', 'profile']) from promo.assignment"
    )
    found = frames.attempts(workflow="welcome")
    assert set(zip(found["purpose"], found["source"].astype(object).fillna(""), strict=True)) == {
        ("message", ""),
        ("profile", "promo_to_profile"),
    }
    assert found["outcome"].isna().all()


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({}, ConfigurationError, "name either one run"),
        ({"workflow": "w", "run_key": "k"}, ConfigurationError, "name either one run"),
        ({"run_key": "none"}, LedgerError, "there is no run none"),
        ({"workflow": "w", "since": "2026-01-01"}, ConfigurationError, "since must be a time with an offset"),
        ({"workflow": "w", "since": pd.Timestamp("2026-01-01")}, ConfigurationError, "since must be a time"),
    ],
)
def test_a_wrong_question_is_told_by_the_call(
    frames: PromoStore, asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    for chunksize in (None, 5):
        with pytest.raises(error, match=said):
            frames.assignments(**asked, chunksize=chunksize)


def test_an_uplift_has_a_row_for_each_arm(frames: PromoStore, store: Connection, sent: dict[int, str]) -> None:
    pay(store, list(sent)[:6])
    found = frames.uplift(workflow="welcome", event="Paid", within="7d").set_index("arm")
    told = found.attrs["report"]
    assert list(found.index) == ["treated", "intended", "held_out"]
    assert found.loc["treated", "contacts"] == told["treated"]["contacts"]
    assert found.loc["treated", "uplift_low"] == pytest.approx(told["treated"]["uplift"]["low"], abs=1e-6)
    assert pd.isna(found.loc["held_out", "uplift"])
    assert str(found["rate"].dtype) == "Float64"


def test_a_preview_is_that_of_the_command(
    frames: PromoStore, store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_contacts(store, 5)
    add_codes(store, 4)
    told = frames.preview("welcome_push")
    assert main(["preview", "welcome_push", "--include", str(ROOT / "include"), "--json", "--dsn", dsn]) == 1
    shown = json.loads(capsys.readouterr().out)
    report = told.attrs["report"]
    assert (
        (report["contacts"], report["states"]) == (shown["contacts"], shown["states"]) == (5, {"send": 4, "skipped": 1})
    )
    assert report["refusals"]
    assert set(told["code"].dropna().str.contains("…")) == {True}
    assert dtypes(told)["expires_at"] == UTC
    parts = list(frames.preview("welcome_push", chunksize=2))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert frames.preview("welcome_push", discount=20).attrs["report"]["states"] == {"skipped": 5}
    with pytest.raises(ConfigurationError, match=r"has no 'discont'\. Did you mean 'discount'"):
        frames.preview("welcome_push", discont=20)


CODE_TABLE = pd.DataFrame(
    {
        "code": ["SPRING-0001", "SPRING-0002", "spring-0001", "SPRING-0004", "SPRING-0005"],
        "expirationDate": pd.to_datetime(
            ["2199-03-31", "2199-03-31T18:00", "2199-03-31", "2199-03-31", None], format="ISO8601"
        ),
        "discount": [15, 15.0, 15, 150, 15],
        "type": pd.Categorical(["Spring"] * 5),
        "inUse": [False, True, False, False, False],
    }
)


def test_codes_of_a_frame_are_loaded_with_the_report_of_the_same_file(
    frames: PromoStore, store: Connection, tmp_path: Path
) -> None:
    report = frames.load_codes(CODE_TABLE, name="spring")
    assert (report.inserted, report.rejected_count, report.row_noun) == (2, 3, "row")
    assert frames.load_codes(CODE_TABLE, name="spring").already_loaded
    path = tmp_path / "spring.csv"
    CODE_TABLE.assign(expirationDate=["2199-03-31", "2199-03-31T18:00", "2199-03-31", "2199-03-31", ""]).to_csv(
        path, index=False
    )
    with path.open("rb") as file:
        same = load_code_file(store, file, name="spring")
    assert same.unchanged == report.inserted  # what the frame loaded is what the file says
    told = {(one.column, one.reason.replace("row", "line")) for one in report.rejected}
    assert {(one.column, one.reason) for one in same.rejected} - told == {("code", "the code stands in line 2 already")}
    with pytest.raises(CodeFileRejectedError):
        frames.load_codes(CODE_TABLE.assign(type="Summer"), strict=True)
    with pytest.raises(CodeFileError, match="the column type is missing"):
        frames.load_codes(CODE_TABLE.drop(columns="type"))
    only = frames.load_codes(CODE_TABLE[["code"]].iloc[3:], code_only_expiration="2199-01-01")
    assert only.inserted == 2


def test_a_moment_of_a_frame_is_that_moment_whatever_the_zone_of_the_pool(
    frames: PromoStore, store: Connection
) -> None:
    table = CODE_TABLE.head(2).assign(expirationDate=pd.Timestamp("2099-07-01T00:00", tz="UTC"))
    frames.load_codes(table, time_zone="Europe/Kyiv")
    days = CODE_TABLE.head(2).assign(code=["A-100000", "A-200000"], expirationDate=pd.Timestamp("2099-06-30"))
    frames.load_codes(days, time_zone="Europe/Kyiv")
    rows = store.execute("select distinct expires_at from promo.promo_code order by 1").fetchall()
    assert [row["expires_at"] for row in rows] == [
        datetime(2099, 6, 30, 21, tzinfo=timezone.utc),  # until the end of the day in Kyiv
        datetime(2099, 7, 1, tzinfo=timezone.utc),
    ]


def test_contacts_of_a_frame_are_loaded_with_the_report_of_the_same_file(
    frames: PromoStore, store: Connection, tmp_path: Path
) -> None:
    store.execute("insert into promo.contact_field (name, type) values ('Orders', 'number'), ('Born', 'date')")
    table = pd.DataFrame(
        {
            "external_id": [101, 102, 103, None],
            "E-Mail": ["a@example.com", "nobody", None, None],
            "orders": pd.array([3, None, 2**53 + 1, None], dtype="Int64"),
            "born": [datetime(1990, 5, 4), None, None, None],  # noqa: DTZ001  (a day, as pandas tells it)
        }
    )
    report = frames.load_contacts(table, name="crm")
    assert report.counts() == {"rows": 3, "inserted": 2, "updated": 0, "unchanged": 0, "rejected_count": 1}
    assert [(one.line, one.column, one.reason) for one in report.rejects] == [(2, "email", "not an e-mail address")]
    path = tmp_path / "crm.csv"
    table.assign(external_id=table["external_id"].astype("Int64"), born=["1990-05-04", "", "", ""]).to_csv(
        path, index=False
    )
    with path.open("rb") as file:
        assert load_contact_file(store, file, file="crm.csv").unchanged == 2
    assert frames.load_contacts(table, name="crm").unchanged == 2
    with pytest.raises(ContactFileError, match="crm: the column 'tel' is neither"):
        frames.load_contacts(table.assign(tel="1"), name="crm")


def test_a_connection_is_that_of_airflow(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn.replace("postgresql://", "postgres://"))
    store = PromoStore.from_connection("promo_db")
    assert len(store.stock()) == 0
    assert dsn not in repr(store)
    with pytest.raises(ConfigurationError, match="there is no connection 'other' here: set AIRFLOW_CONN_OTHER"):
        PromoStore.from_connection("other")


def test_memory_follows_the_chunk(frames: PromoStore, store: Connection) -> None:
    add_contacts(store, 20_000, channel=None)
    add_codes(store, 10)
    open_welcome(store, spec=HALF)
    assert len(next(frames.assignments(workflow="welcome", chunksize=100))) == 100
    peaks = []
    for chunksize in (500, 20_000):
        tracemalloc.start()
        assert sum(len(part) for part in frames.assignments(workflow="welcome", chunksize=chunksize)) == 20_000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] * 5 < peaks[1]


def test_pandas_is_loaded_by_who_asks_for_frames() -> None:
    program = (
        "import sys, promo_campaigns.code_files.load, promo_campaigns.contacts.load, promo_campaigns.ledger.runs\n"
        "print('pandas' in sys.modules)\n"
        "from promo_campaigns import PromoStore\n"
        "print('pandas' in sys.modules, 'airflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False"]
