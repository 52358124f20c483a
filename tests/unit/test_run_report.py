"""The report of a run: nobody is counted twice, and nobody is left out."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.run_report import MOST_REASONS, OTHER_REASONS, RunReport, Tally

STATES = (
    "pending",
    "skipped",
    "assigned",
    "sending",
    "accepted",
    "rejected",
    "unknown",
    "recorded",
    "expired",
    "new one",
)
REASONED = ("skipped", "rejected", "expired")


@st.composite
def ledger_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = draw(st.lists(st.tuples(st.sampled_from(STATES), st.text(min_size=1), st.integers(1, 10**7)), max_size=80))
    return [
        {
            "state": state,
            "reason": reason if state in REASONED else None,
            "contacts": contacts,
            "reused": draw(st.integers(0, contacts)),
        }
        for state, reason, contacts in rows
    ]


@given(ledger_rows())
def test_the_counts_add_up_to_the_audience_whatever_states_and_reasons_there_are(rows: list[dict[str, Any]]) -> None:
    tally = Tally.of_rows(rows)
    assert tally.audience == sum(row["contacts"] for row in rows)
    assert tally.recorded <= tally.given
    assert tally.reused == sum(row["reused"] for row in rows if row["state"] in {"accepted", "recorded"})
    for state in REASONED:
        named: dict[str, int] = getattr(tally, state)
        assert sum(named.values()) == sum(row["contacts"] for row in rows if row["state"] == state)
        assert len(named) <= MOST_REASONS + 1


def report_of(rows: list[dict[str, Any]], *, seconds: float = 2.0) -> RunReport:
    return RunReport(
        run_key="welcome/edition/*one*|",
        workflow="welcome",
        data_sources=("promo_to_profile",),
        tally=Tally.of_rows(rows),
        pool_left=1200,
        expiring_soon=7,
        seconds=seconds,
    )


def test_reasons_beyond_the_commonest_are_counted_together() -> None:
    rows = [
        {"state": "rejected", "reason": f"HTTP {n}", "contacts": n, "reused": 0} for n in range(1, MOST_REASONS + 4)
    ]
    rejected = report_of(rows).tally.rejected
    assert rejected[OTHER_REASONS] == 1 + 2 + 3
    assert len(rejected) == MOST_REASONS + 1


def test_the_rate_counts_contacts_with_an_outcome() -> None:
    rows: list[dict[str, Any]] = [
        {"state": "recorded", "reason": None, "contacts": 90, "reused": 0},
        {"state": "skipped", "reason": "no channel", "contacts": 10, "reused": 0},
        {"state": "pending", "reason": None, "contacts": 900, "reused": 0},
    ]
    assert (report_of(rows).rate, report_of(rows, seconds=0.0).rate) == (50.0, 0.0)


def test_the_markdown_is_a_table_that_no_reason_can_break() -> None:
    rows = [{"state": "rejected", "reason": "a | b\n<script>", "contacts": 1234, "reused": 0}]
    lines = report_of(rows).as_markdown().splitlines()
    assert lines[0] == "**welcome/edition/\\*one\\*\\|**"
    assert r"| rejected: a \| b \<script\> | 1,234 |" in lines
    assert lines[-1] == "1,200 codes are left, 7 of them for less than a week. 2.0 s, 617.0 contacts/s."


@given(ledger_rows())
def test_the_report_is_flat_json_with_the_sum_and_its_parts(rows: list[dict[str, Any]]) -> None:
    told = report_of(rows).as_dict()
    parts = [told["given"], told["unknown"], told["waiting"], *(sum(told[state].values()) for state in REASONED)]
    assert told["audience"] == sum(parts)


def test_a_log_shows_the_report_as_a_table_whose_numbers_stand_below_each_other() -> None:
    rows: list[dict[str, Any]] = [
        {"state": "recorded", "reason": None, "contacts": 1200, "reused": 0},
        {"state": "rejected", "reason": "HTTP 400", "contacts": 3, "reused": 0},
    ]
    table = report_of(rows).as_table().splitlines()
    assert table[0] == "welcome/edition/*one*|"
    assert "audience                    1,203" in table
    assert "rejected: HTTP 400              3" in table
    assert len({len(line) for line in table[1:-1]}) == 1
