"""Who failed, in whatever form an answer says so."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.delivery.failed_items import FailedItems, failed_items
from promo_campaigns.model.run import Recipient


def recipient(contact_id: int) -> Recipient:
    return Recipient(
        contact_id=contact_id,
        resend_counter=0,
        external_id=f"ext-{contact_id}",
        first_name=None,
        last_name=None,
        language=None,
        locator=f"{contact_id}@example.com",
        code="C",
        code_type="T",
        discount=1,
        expires_at=datetime(2030, 1, 1, tzinfo=timezone.utc),
        fields=None,
    )


FIVE = [recipient(contact_id) for contact_id in (101, 102, 103, 104, 105)]
NOBODY = FailedItems()


def named(*contact_ids: int, unnamed: bool = False) -> FailedItems:
    return FailedItems(frozenset(contact_ids), unnamed)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, NOBODY),
        ("text", NOBODY),
        ([1], NOBODY),
        (None, NOBODY),
        ({"failedContacts": []}, NOBODY),
        ({"failedContacts": {}}, NOBODY),
        ({"failedContacts": None}, NOBODY),
        ({"failedContacts": ""}, NOBODY),
        ({"failedContacts": [{"position": 1, "message": "m"}]}, named(102)),
        ({"failedContacts": [{"position": "1"}, {"index": "4"}]}, named(102, 105)),
        ({"failedContacts": {"position": "0", "message": "one, without its list"}}, named(101)),
        ({"failedContacts": {"externalCustomerId": "ext-103"}}, named(103)),
        ({"failedContacts": {"ext-103": "message", "ext-104": "message"}}, named(103, 104)),
        ({"failedContacts": {"2": "message"}}, named(103)),
        ({"failedContacts": ["ext-101", "105@example.com"]}, named(101, 105)),
        ({"failedContacts": [3]}, named(104)),
        ({"failedContacts": 3}, named(104)),
        ({"failedContacts": [{"locator": "102@example.com"}]}, named(102)),
        ({"failedContacts": [{"position": 5}]}, named(unnamed=True)),
        ({"failedContacts": [{"position": -1}]}, named(unnamed=True)),
        ({"failedContacts": [{"position": True}]}, named(unnamed=True)),
        ({"failedContacts": [{"position": 10**30}]}, named(unnamed=True)),
        ({"failedContacts": [{"id": 101}]}, named(unnamed=True)),
        ({"failedContacts": [{"message": "who?"}]}, named(unnamed=True)),
        ({"failedContacts": [{"position": 0}, {"message": "who?"}]}, named(101, unnamed=True)),
        ({"failedContacts": [{"email": "101@example.com", "externalCustomerId": "ext-102"}]}, named(unnamed=True)),
        ({"failed": 2, "failedContacts": [{"position": 0}]}, named(101, unnamed=True)),
        ({"failed": "1", "failedContacts": [{"position": 0}]}, named(101)),
        ({"failed": "1"}, named(unnamed=True)),
        ({"failed": 0}, NOBODY),
        ({"failed": False}, NOBODY),
        ({"failedContacts": [[0]]}, named(unnamed=True)),
    ],
)
def test_every_form_is_read_and_no_guess_is_made(answer: object, expected: FailedItems) -> None:
    assert failed_items(answer, FIVE) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(st.dictionaries(st.sampled_from(["failedContacts", "failed", "x"]), JSON))
def test_no_answer_breaks_it(answer: dict[str, object]) -> None:
    assert failed_items(answer, FIVE).contact_ids <= {one.contact_id for one in FIVE}


def test_a_name_that_is_also_a_position_is_nobody_s() -> None:
    odd = [recipient(1), recipient(2)]
    from dataclasses import replace

    odd[0] = replace(odd[0], external_id="1")
    assert failed_items({"failedContacts": ["1"]}, odd) == named(unnamed=True)
