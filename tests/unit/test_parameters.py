"""Parameters as they come out of trigger forms and templates."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import optional_text, parse_contact_ids, parse_name, parse_time, whole_number


@pytest.mark.parametrize(("value", "number"), [("0", 0), (0, 0), (" 99 ", 99)])
def test_a_whole_number_may_be_text_and_zero_is_one(value: object, number: int) -> None:
    assert whole_number("discount", value, least=0, most=99) == number


@pytest.mark.parametrize("value", ["100", -1, "ten", "1.5", None, "", True, "None"])
def test_what_is_no_whole_number_in_bounds_is_refused_by_name(value: object) -> None:
    with pytest.raises(ConfigurationError, match="discount must be a whole number from 0 to 99"):
        whole_number("discount", value, least=0, most=99)


@pytest.mark.parametrize("value", ["", "  ", None, "None"])
def test_nothing_is_nothing_however_it_is_printed(value: object) -> None:
    assert optional_text(value) == ""
    assert parse_time("send_by", value) is None
    assert parse_contact_ids(value) == []
    with pytest.raises(ConfigurationError, match="type is required"):
        parse_name("type", value)


@pytest.mark.parametrize(("value", "ids"), [("[1, 2]", [1, 2]), ([3], [3]), ("17", [17]), ((), [])])
def test_contact_ids_may_be_a_list_or_its_text(value: object, ids: list[int]) -> None:
    assert parse_contact_ids(value) == ids


@pytest.mark.parametrize("value", ["1, 2", "{}", ["1"], '["1"]', 17.5])
def test_what_is_no_list_of_ids_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="contact_ids must be a list"):
        parse_contact_ids(value)


def test_an_instant_has_an_offset() -> None:
    noon = datetime(2026, 12, 24, 12, tzinfo=timezone.utc)
    assert parse_time("send_by", "2026-12-24T12:00Z") == noon
    assert parse_time("send_by", "2026-12-24T14:00+02:00") == noon
    for wrong in ("2026-12-24T12:00", "tomorrow"):
        with pytest.raises(ConfigurationError, match="send_by must be a time with an offset"):
            parse_time("send_by", wrong)
