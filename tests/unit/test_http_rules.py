"""What answers prove, when to come back, and which addresses may be reached."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from promo_campaigns.adapters.http_line import retry_after_s
from promo_campaigns.adapters.vetted_resolver import is_public
from promo_campaigns.core.models import Outcome
from promo_campaigns.core.outcome import outcome_of_status

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *[(status, Outcome.OK) for status in (200, 201, 202, 204, 299)],
        *[(status, Outcome.REFUSED) for status in (400, 404, 405, 410, 413, 415, 422)],
        *[(status, Outcome.LATER) for status in (401, 403, 429)],
        *[(status, Outcome.UNKNOWN) for status in (100, 301, 302, 408, 409, 425, 500, 502, 503, 504, 599)],
    ],
)
def test_only_a_definite_no_is_a_refusal(status: int, outcome: Outcome) -> None:
    assert outcome_of_status(status) is outcome


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("nan", 0),
        ("inf", 0),
        ("1e9", 1e9),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_both_forms_and_nonsense_is_no_wait(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, now=NOW) == seconds


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *[(private, False) for private in ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254")],
        *[(private, False) for private in ("0.0.0.1", "100.64.0.1", "224.0.0.1", "::1", "fe80::1", "fc00::1")],
        *[(mapped, False) for mapped in ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254")],
    ],
)
def test_only_public_addresses_are_public(address: str, public: bool) -> None:  # noqa: FBT001  (the expected value)
    assert is_public(address) is public
