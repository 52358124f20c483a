"""What a template reads of a contact: values of their fields' types, and a date of expiry that is never too late."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.code_files.expiration_date import expires_at
from promo_campaigns.model.contact_rules import FIELD_TYPES
from promo_campaigns.model.run import Recipient
from promo_campaigns.model.template_context import CODE_NAMES, CONTACT_NAMES, KNOWN_NAMES, TOOL_NAMES, message_context
from promo_campaigns.velocity import compile_template
from promo_campaigns.velocity.tools.names import NAMES

ZONES = st.sampled_from(
    ["UTC", "Europe/Kyiv", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Tokyo", "Asia/Beirut"]
)


def recipient(**values: object) -> Recipient:
    known: dict[str, object] = {
        "contact_id": 1, "resend_counter": 0, "external_id": "C-1", "first_name": "Olha", "last_name": "Koval",
        "language": "uk", "locator": "olha@example.com", "code": "CODE-1", "code_type": "Welcome", "discount": 10,
        "expires_at": datetime(2031, 1, 1, tzinfo=timezone.utc), "fields": None, "time_zone": "Europe/Kyiv",
    }  # fmt: skip
    return Recipient(**{**known, **values})  # type: ignore[arg-type]  # by name


def rendered(template: str, who: Recipient, mode: str = "text") -> str:
    return compile_template(template, mode=mode).render(message_context(who))  # type: ignore[arg-type]  # a mode


def test_the_names_listed_are_those_that_exist() -> None:
    assert {*message_context(recipient())} == {*CONTACT_NAMES, *CODE_NAMES, "data"}
    assert {*NAMES} == {*TOOL_NAMES}
    assert {*CONTACT_NAMES, *CODE_NAMES, *TOOL_NAMES, "data"} == KNOWN_NAMES


FIELDS = {
    "Bonus points": ("number", "1200"),
    "balance": ("decimal", "12345678.90"),
    "birthday": ("date", "1990-05-01"),
    "visit": ("datetime", "2026-05-01T09:30"),
    "city": ("textfield", "007"),
    "empty": ("number", " "),
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("#set($x = $data.get('Bonus points') + 5)$x", "1205"),
        ("$balance #set($x = $balance + 1)$x", "12345678.90 12345679.90"),
        ("$birthday $birthday.format('d MMMM') $birthday.substring(5)", "1990-05-01 1 травня 05-01"),
        ("$visit $visit.format('HH:mm')", "2026-05-01T09:30 09:30"),
        ("$city#if($empty)!#end", "007"),
    ],
)
def test_a_field_has_the_value_of_its_type(template: str, text: str) -> None:
    assert rendered(template, recipient(fields=FIELDS)) == text


def test_a_number_is_bare_in_json_and_a_day_is_text() -> None:
    body = '{"a": $data.get(\'Bonus points\'), "b": $balance, "c": $birthday, "d": "$city"}'
    assert (
        rendered(body, recipient(fields=FIELDS), "json")
        == '{"a": 1200, "b": 12345678.90, "c": "1990-05-01", "d": "007"}'
    )


@given(st.sampled_from(FIELD_TYPES), st.text(max_size=30))
def test_what_does_not_fit_its_type_stays_the_text_it_is(kind: str, text: str) -> None:
    value = message_context(recipient(fields={"x": (kind, text)})).get("x")
    assert value is None or str(getattr(value, "text", value)).strip() != "" or text.strip() == ""


@pytest.mark.parametrize(("zone", "pool"), [("Asia/Tokyo", "UTC"), ("America/New_York", "UTC"), (None, "Europe/Kyiv")])
def test_a_code_is_told_to_end_on_the_day_it_was_sold_for(zone: str | None, pool: str) -> None:
    who = recipient(expires_at=expires_at("2030-12-31", ZoneInfo(pool)), time_zone=zone, pool_zone=pool)
    assert rendered("$expires.format('dd.MM.yyyy') $expires", who) == "31.12.2030 2030-12-31"
    assert rendered("$expiration_date.substring(0,10)", who) == "2030-12-31"


def test_a_code_with_a_time_of_day_is_told_with_it() -> None:
    who = recipient(expires_at=datetime(2030, 12, 31, 15, tzinfo=timezone.utc))
    assert rendered("$expires $expires.format('d MMMM HH:mm') $expiration_date", who) == (
        "2030-12-31T17:00 31 грудня 17:00 2030-12-31T15:00Z"
    )


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), ZONES, ZONES)
def test_no_day_after_the_one_sold_is_promised_in_any_zone(day: date, pool: str, zone: str) -> None:
    sold = expires_at(day.isoformat(), ZoneInfo(pool))
    who = recipient(expires_at=sold, pool_zone=pool, time_zone=zone)
    told = date.fromisoformat(rendered("$expires.format('yyyy-MM-dd')", who))
    assert day - timedelta(days=1) <= told <= day
    assert rendered("$expiration_date", who).startswith(day.isoformat())
    assert rendered("$expires.format('yyyy-MM-dd')", recipient(expires_at=sold, pool_zone=pool, time_zone=pool)) == str(
        day
    )


def test_a_zone_that_this_machine_does_not_know_stops_nobody() -> None:
    who = recipient(time_zone="Mars/Olympus", event={"time_zone": "../x", "language": "??"})
    assert rendered("$expires $date.format('yyyy', $expires) $date.get('GGGG')", who).startswith("2030-12-31 2030 ")


def test_decimals_are_exact() -> None:
    assert message_context(recipient(fields=FIELDS))["balance"] == Decimal("12345678.90")
