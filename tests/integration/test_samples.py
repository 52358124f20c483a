"""The samples that the demo loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.contacts.load import load_contact_file
from sample_contacts import REACHABLE, SAMPLE, UNREACHABLE, sample_contacts

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

AUDIENCES = SAMPLE.parents[1] / "audiences"


def test_the_sample_is_what_its_generator_writes() -> None:
    assert SAMPLE.read_text(encoding="utf-8") == sample_contacts()


def test_every_sample_contact_is_loaded_and_all_but_ten_have_a_push_token(store: Connection) -> None:
    with SAMPLE.open("rb") as stream:
        report = load_contact_file(store, stream, file=SAMPLE.name)
    assert (report.inserted, report.rejected) == (REACHABLE + UNREACHABLE, 0) == (1010, 0)
    alone = "select contact_id from promo.contact except select contact_id from promo.contact_channel"
    assert len(store.execute(alone).fetchall()) == UNREACHABLE
    tokens = store.execute("select from promo.contact_channel where type = 'mobilepush'").fetchall()
    assert len(tokens) == REACHABLE


def test_the_audiences_select_whom_they_name(store: Connection) -> None:
    with SAMPLE.open("rb") as stream:
        load_contact_file(store, stream, file=SAMPLE.name)
    counts = {path.stem: len(store.execute(path.read_bytes()).fetchall()) for path in AUDIENCES.glob("*.sql")}
    assert counts == {"all_contacts": 1010, "not_redeemed": 0, "with_push_token": 1000}


def test_the_sample_codes_are_all_loaded_and_none_stands_in_both_files(store: Connection) -> None:
    for name, codes in (("promo_codes.csv", 1200), ("more_promo_codes.csv", 1000)):
        with (SAMPLE.parent / name).open("rb") as stream:
            report = load_code_file(store, stream, name=name)
        assert (report.inserted, report.rejected_count) == (codes, 0)
