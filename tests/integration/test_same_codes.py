"""Two codes that look the same are one code: neither letter case nor how letters are composed makes them two."""

from __future__ import annotations

import shutil
import unicodedata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import SCRIPTS, first_schema, migrate
from promo_campaigns.postgres.migrations.former import FIRST

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

CASES = Path(__file__).parents[1] / "data" / "cases"
HEADER = "code,expirationDate,discount,type,inUse\n"
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def load(store: Connection, *codes: str, name: str = "codes.csv") -> tuple[int, int, int]:
    rows = "".join(f"{code},2030-12-31,10,Spring,false\n" for code in codes)
    report = load_code_file(store, BytesIO((HEADER + rows).encode()), name=name)
    return report.inserted, report.updated, report.unchanged


def test_a_file_with_a_code_composed_and_decomposed_holds_it_once(store: Connection) -> None:
    report = load_code_file(store, BytesIO((CASES / "f28-nfc-nfd.csv").read_bytes()), name="f28.csv")
    reasons = {reject.line: reject.reason for reject in report.rejected}
    assert "line 2" in reasons[3]
    assert "line 6" in reasons[7]
    stored = {str(row["code"]) for row in store.execute("select code from promo.promo_code").fetchall()}
    assert (COMPOSED in stored, DECOMPOSED in stored) == (True, False)


def test_a_later_file_with_another_unicode_form_of_a_code_updates_it(store: Connection) -> None:
    assert load(store, DECOMPOSED) == (1, 0, 0)
    assert load(store, COMPOSED.upper(), name="later.csv") == (0, 1, 0)
    rows = store.execute("select code from promo.promo_code").fetchall()
    assert [row["code"] for row in rows] == [COMPOSED.upper()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12))
def test_the_key_of_a_code_does_not_depend_on_how_its_letters_are_composed(store: Connection, code: str) -> None:
    forms = [unicodedata.normalize(form, code) for form in ("NFC", "NFD")]
    row = store.execute(
        "select array_agg(promo.code_key(code)) as keys from unnest(%s::text[]) code", [forms]
    ).fetchone()
    assert row is not None
    assert row["keys"][0] == row["keys"][1]


def test_of_two_such_codes_of_an_older_store_the_one_given_out_stays_in_use(bare_dsn: str, tmp_path: Path) -> None:
    """Both stay with their holders; the other is never given out again."""
    folder = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__", "000[2-9]*", "00[1-9]*"))
    (folder / f"{FIRST}.sql").write_text(first_schema())
    migrate(bare_dsn, scripts=folder)
    with connect(bare_dsn) as store:
        store.execute(
            "insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)"
            " values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0)"
        )
        store.execute(
            "insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line, issued_at)"
            " select code, 'Spring', 10, '2031-01-01', false, 1, row_number() over (), issued_at"
            " from (values (%(c)s, null), (%(d)s, now()), ('\u00e4' || %(c)s, null), ('a\u0308' || %(c)s, null),"
            " ('plain', null)) as code (code, issued_at)",
            {"c": COMPOSED, "d": DECOMPOSED},
        )
    migrate(bare_dsn)
    with connect(bare_dsn) as store:
        rows = store.execute("select code, twin, retired from promo.promo_code order by line").fetchall()
        assert [(row["twin"], row["retired"]) for row in rows] == [
            (True, True), (False, False), (False, False), (True, True), (False, False)
        ]  # fmt: skip
        assert load(store, f"\u00e4{COMPOSED}", "plain", COMPOSED) == (0, 0, 3)
